# SPDX-License-Identifier: Apache-2.0
"""What the servers refuse: every way from one host to another, from one approver to another, and to what the servers keep."""
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

import nats
import relaylib
from bedlib import WAIT_S, check, run
from by_hand import PLAIN
from relaylib import CA, DIR, good

A, B, STOLEN = "a" * 32, "b" * 32, "f" * 32
MESSAGE_MOST, ISSUED_MOST = 264 * 1024, 64 * 1024 * 1024
R1, R2 = "1" * 32, "2" * 32
PURGES = [f"$JS.API.STREAM.{word}.{stream}" for word in ("PURGE", "DELETE", "UPDATE", "MSG.DELETE", "CREATE", "SNAPSHOT", "RESTORE")
          for stream in ("REQ-set:sre", "END", "VOTE", "HERE", "RENEW")]
API = [*PURGES, "$JS.API.INFO", "$JS.API.STREAM.LIST", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.VOTE", "$JS.API.STREAM.MSG.GET.VOTE",
       "$JS.API.CONSUMER.CREATE.VOTE", "$JS.API.CONSUMER.DURABLE.CREATE.VOTE.x", "$JS.API.CONSUMER.CREATE.REQ-set:sre.x.jit.v1.req.set:sre.*.*",
       "$JS.API.CONSUMER.MSG.NEXT.VOTE.x", "$JS.API.CONSUMER.LIST.VOTE", "$JS.API.CONSUMER.DELETE.VOTE.x", "$JS.ACK.VOTE.x.1.1.1.1.1",
       "$JS.API.DIRECT.GET.VOTE", "$JS.API.DIRECT.GET.HERE", "$JS.API.DIRECT.GET.RENEW", f"jit.v1.renew.{'U' * 56}", "$JS.API.DIRECT.GET.RENEW.jit.v1.renew.*", f"$JS.API.DIRECT.GET.RENEW.jit.v1.renew.{'U' * 56}", "$JS.API.DIRECT.GET.VOTE.>", "$SYS.REQ.CLAIMS.UPDATE", "$SYS.REQ.SERVER.PING",
       "$SYS.REQ.ACCOUNT.X.CONNZ", "jit.v1.live.req.set:sre.x.y", f"jit.v1.live.vote.{A}.{R1}.bob", "anything", "_R_.x", "_INBOX.x"]
EARS = [">", "*", "jit.>", "jit.v1.>", "jit.v1.*.>", "jit.v1.live.>", "$JS.>", "$JS.API.>", "$SYS.>", "$SYS.ACCOUNT.*.CONNECT", "_INBOX.>", "_INBOX.*.*", "_R_.>",
        "jit.v1.here.*", "jit.v1.vote.*.*.*", "jit.v1.req.*.*.*"]

SHIFT = "/usr/lib/clock_shift.so"
shutil.copy(sys.argv[1], SHIFT)
os.chmod(SHIFT, 0o755)
RELAY = relaylib.Relay()


def host(name: str) -> nats.Client:
    return relaylib.client(f"host-{name[0]}", good(["jitctl", "relay", "issue-host", DIR, name]), f"_INBOX.host-{name}")


def approver(name: str, *sets: str) -> nats.Client:
    words = [word for each in sets for word in ("--set", each)]
    return relaylib.client(name, good(["jitctl", "relay", "issue-approver", DIR, name, *words]), f"_INBOX.person-{name}")


HOST_A, HOST_B = host(A), host(B)
BOB, EVE = approver("bob", "set:sre"), approver("eve", "group:dba")


def all_refused(who: nats.Client, publish: list, subscribe: list) -> None:
    for subject in publish:
        check(who.refused(lambda: who.publish(subject, b"{}", who.inbox + ".x")), f"may publish to {subject}")
    for subject in subscribe:
        check(who.refused(lambda: who.subscribe(subject)), f"may listen to {subject}")
        check(who.refused(lambda: who.subscribe(subject, "together")), f"may listen to {subject} in a group")


def test_a_host_speaks_and_hears_for_itself_alone():
    all_refused(HOST_A, [*API, f"jit.v1.req.set:sre.{B}.{R1}", f"jit.v1.end.{B}.{R1}", f"jit.v1.here.{B}", f"jit.v1.req.set:sre.*.{R1}", f"jit.v1.vote.{A}.{R1}.bob",
                         f"jit.v1.vote.{B}.{R1}.bob", f"$JS.API.DIRECT.GET.VOTE.jit.v1.vote.{B}.{R1}.bob", "$JS.API.DIRECT.GET.VOTE.jit.v1.vote.*.*.*",
                         f"$JS.API.DIRECT.GET.END.jit.v1.end.{B}.{R1}", "$JS.API.DIRECT.GET.REQ-set:sre", f"_INBOX.host-{B}.x"],
                [*EARS, f"jit.v1.vote.{B}.*.*", f"jit.v1.vote.{B}.>", f"jit.v1.end.{B}.*", "jit.v1.end.*.*", "jit.v1.req.set:sre.*.*", f"_INBOX.host-{B}.>", "_INBOX.person-bob.>"])


def test_an_approver_votes_as_himself_and_reads_what_is_his():
    all_refused(EVE, [*API, f"jit.v1.vote.{A}.{R1}.bob", f"jit.v1.vote.{A}.{R1}.*", f"jit.v1.req.group:dba.{A}.{R1}", f"jit.v1.end.{A}.{R1}", f"jit.v1.here.{A}",
                      "$JS.API.DIRECT.GET.REQ-set:sre", f"$JS.API.DIRECT.GET.REQ-set:sre.jit.v1.req.set:sre.{A}.{R1}", f"$JS.API.DIRECT.GET.VOTE.jit.v1.vote.{A}.{R1}.bob",
                      f"$JS.API.DIRECT.GET.VOTE.jit.v1.vote.{A}.{R1}.eve", "_INBOX.person-bob.x"],
                [*EARS, "jit.v1.req.set:sre.*.*", "jit.v1.req.set:sre.>", f"jit.v1.vote.{A}.*.*", f"jit.v1.vote.*.*.eve", "_INBOX.person-bob.>", f"_INBOX.host-{A}.>"])


def test_what_they_may_works():
    BOB.subscribe("jit.v1.req.set:sre.*.*")
    BOB.subscribe("jit.v1.end.*.*")
    BOB.flush()
    HOST_A.subscribe(f"jit.v1.vote.{A}.*.*")
    HOST_A.flush()
    check(json.loads(HOST_A.request(f"jit.v1.req.set:sre.{A}.{R1}", b"one")["data"])["seq"], "no confirmation")
    check(BOB.next(subject="jit.v1.req")["data"] == b"one", "bob hears nothing")
    check(json.loads(BOB.request(f"jit.v1.vote.{A}.{R1}.bob", b"yes")["data"])["seq"], "no confirmation")
    check(HOST_A.next(subject="jit.v1.vote")["data"] == b"yes", "the host hears nothing")
    check(HOST_A.request(f"$JS.API.DIRECT.GET.VOTE.jit.v1.vote.{A}.{R1}.bob")["data"] == b"yes", "the vote is not kept")
    check(json.loads(HOST_A.request(f"jit.v1.end.{A}.{R1}", b"over")["data"])["seq"], "no confirmation")
    check(BOB.next(subject="jit.v1.end")["data"] == b"over", "bob hears of no end")
    check(EVE.next(0.2, "jit.v1.req") is None and HOST_B.next(0.2, "jit.v1.vote") is None, "somebody else hears it")


def kept(stream: str, subject: str) -> bytes:
    keeper = KEEPER.request(f"$JS.API.DIRECT.GET.{stream}", json.dumps({"last_by_subj": subject}).encode())
    return keeper["data"]


def counts() -> dict:
    return {name: json.loads(KEEPER.request(f"$JS.API.STREAM.INFO.{name}", b"{}")["data"])["state"]["messages"] for name in ("REQ-set:sre", "END", "VOTE", "HERE")}


KEEPER = relaylib.Keeper()


def test_an_answer_is_sent_to_no_subject_that_does_something():
    """NATS does not check where an answer goes: so nothing that an answer can reach does anything."""
    HOST_B.request(f"jit.v1.req.set:sre.{B}.{R1}", b"two")
    HOST_B.request(f"jit.v1.end.{B}.{R1}", b"end of two")
    before = counts()
    targets = [*PURGES, f"jit.v1.req.set:sre.{B}.{R1}", f"jit.v1.end.{B}.{R1}", f"jit.v1.here.{B}", f"jit.v1.vote.{B}.{R1}.bob", f"jit.v1.live.req.set:sre.{B}.{R1}",
               "$JS.API.CONSUMER.CREATE.VOTE", "$SYS.REQ.CLAIMS.UPDATE"]
    for target in targets:
        for subject in f"jit.v1.req.set:sre.{A}.{R2}", f"jit.v1.end.{A}.{R2}", f"$JS.API.DIRECT.GET.VOTE.jit.v1.vote.{A}.{R1}.bob":
            HOST_A.publish(subject, b"x", reply=target)
    HOST_A.flush()
    for target in [*targets, f"jit.v1.vote.{A}.{R1}.bob"]:
        for subject in f"jit.v1.vote.{A}.{R2}.eve", f"$JS.API.DIRECT.GET.END.jit.v1.end.{B}.{R1}", "$JS.API.DIRECT.GET.REQ-group:dba":
            EVE.publish(subject, b'{"seq":1}', reply=target)
    EVE.flush()
    # What they published themselves is there when this is confirmed, and nothing else is.
    HOST_A.request(f"jit.v1.end.{A}.{R1}", b"over")
    EVE.request(f"jit.v1.vote.{A}.{R2}.eve", b"x")
    after = counts()
    check(after == {"REQ-set:sre": before["REQ-set:sre"] + 1, "END": before["END"] + 1, "VOTE": before["VOTE"] + 1, "HERE": before["HERE"]}, f"{before} {after}")
    check(kept("REQ-set:sre", f"jit.v1.req.set:sre.{B}.{R1}") == b"two" and kept("END", f"jit.v1.end.{B}.{R1}") == b"end of two", "it was overwritten")
    check(kept("VOTE", f"jit.v1.vote.{A}.{R1}.bob") == b"yes", "a vote was overwritten")


def refused_at_the_door(credentials: str) -> bool:
    relaylib.write("/root/bad.creds", credentials)
    try:
        nats.Client("/root/bad.creds", 4222, CA, "_INBOX.x").close()
    except nats.Refused:
        return True
    return False


def test_credentials_that_do_not_hold():
    fresh = good(["jitctl", "relay", "issue-host", DIR, A])
    check(not refused_at_the_door(fresh), "fresh ones are refused")
    short = good(["jitctl", "relay", "issue-host", DIR, A, "--for", "1s"])
    end = time.monotonic() + 30
    while not refused_at_the_door(short):  # each try is a whole handshake
        check(time.monotonic() < end, "expired ones hold")
    other = "/root/other"
    good(["jitctl", "relay", "init", other, "--server", "tls://localhost:4222"])
    check(refused_at_the_door(good(["jitctl", "relay", "issue-host", other, A])), "those of another authority hold")
    jwt = fresh.split("\n")[1]
    check(refused_at_the_door(fresh.replace(jwt, jwt[:-4] + "AAAA")), "a changed signature holds")
    seed = good(["jitctl", "relay", "issue-host", DIR, B]).split("-----BEGIN USER NKEY SEED-----\n")[1].split("\n")[0]
    mine = fresh.split("-----BEGIN USER NKEY SEED-----\n")[1].split("\n")[0]
    check(refused_at_the_door(fresh.replace(mine, seed)), "the claims hold with another's key")


def test_revoked_within_a_second():
    one = approver("carol", "set:sre")
    began = time.monotonic()
    done = good(["jitctl", "relay", "revoke", DIR, "carol", "--ca", CA])
    check("revoked: 1 of carol" in done, done)
    try:
        while one.next(1) is not None:
            pass
        check(False, "she is still connected")
    except (nats.Refused, OSError):
        check(time.monotonic() - began < 2, "it took too long")
    check(refused_at_the_door(open("/root/carol.creds", encoding="ascii").read()), "her credentials still hold")
    check(not BOB.refused(BOB.flush), "bob was cut off too")
    unknown = run("root", ["jitctl", "relay", "revoke", DIR, "zoe", "--ca", CA])
    check(unknown.code == 3 and "nothing was issued to zoe" in unknown.err, unknown.text)


def test_a_message_that_is_too_long():
    """The servers take longer ones, of who runs them alone."""
    one = approver("heidi", "set:sre")
    subject = f"jit.v1.vote.{A}.{R2}.heidi"
    one.publish(subject, b"x" * MESSAGE_MOST)
    one.flush()
    check(not one.errors, f"{one.errors}")
    one.publish(subject, b"x" * (MESSAGE_MOST + 1))
    one.flush()
    check("Maximum Payload Violation" in str(one.errors), f"{one.errors}")


def test_files_of_the_admin():
    twice = run("root", ["jitctl", "relay", "init", DIR, "--server", "tls://localhost:4222"])
    check(twice.code == 1 and "exists" in twice.err, twice.text)
    good(["chmod", "644", f"{DIR}/authority.json"])
    loose = run("root", ["jitctl", "relay", "issue-host", DIR, A])
    good(["chmod", "600", f"{DIR}/authority.json"])
    check(loose.code == 1 and "others may read" in loose.err, loose.text)
    for words in (["issue-host", DIR, "web1"], ["issue-approver", DIR, "bob"], ["init", "/root/x", "--server", "nats://localhost:1"], ["init", "/root/x", "--server", "tls://localhost:4222x"],
                  ["init", "/root/x", "--server", "tls://localhost:"], ["init", "/root/x", "--server", "tls://localhost:99999999999"]):
        check(run("root", ["jitctl", "relay", *words]).code == 2, f"{words}")


def restart(server_forgets: bool = False) -> None:
    RELAY.servers[1].stop()
    if server_forgets:
        good(["rm", "-r", f"{relaylib.DATA}/accounts", f"{relaylib.DATA}/jetstream"])
    RELAY.start()
    RELAY.servers[1].expect("Server is ready")


def test_a_revocation_that_reached_no_server_is_sent_again():
    stolen = good(["jitctl", "relay", "issue-approver", DIR, "dave", "--set", "set:sre"])
    RELAY.servers[1].stop()
    revoke = ["jitctl", "relay", "revoke", DIR, "dave", "--ca", CA]
    for _ in range(2):
        away = run("root", revoke)
        check(away.code == 4 and "written down" in away.err and "repeat this" in away.err, away.text)
    restart()
    check(not refused_at_the_door(stolen), "nobody told the server, and it knows")
    done = good(revoke)
    check("revoked: 1 of dave" in done and refused_at_the_door(stolen), done)
    check("revoked: 1 of dave" in good(revoke), "what holds already is no failure")


def test_a_server_built_anew_is_told_who_was_revoked():
    stolen = open("/root/carol.creds", encoding="ascii").read()
    restart(server_forgets=True)
    check(not refused_at_the_door(stolen), "its configuration is older than the revocation")
    good(["jitctl", "relay", "streams", DIR, *relaylib.SETS, "--ca", CA])
    check(refused_at_the_door(stolen), "her credentials hold again")


def test_presence():
    mine = relaylib.host_id()

    def seen(*before: str) -> dict:
        hosts = json.loads(good([*before, "jitctl", "relay", "status", "--json", DIR, "--ca", CA]))
        return next((each for each in hosts if each["host"] == mine), {})

    def policy() -> str:
        return relaylib.bedlib.jitctl("root", "status")["policy"]["hash"]

    def wait_for(what, why: str) -> dict:
        end, here = time.monotonic() + WAIT_S, seen()
        while not what(here):
            check(time.monotonic() < end, f"{why}: {here}")
            here = seen()
        return here

    RELAY.host()
    here = wait_for(bool, "nobody is here")
    check(here["on_line"] and here["last_seen_s"] < 60 and here["policy"] == policy() and here["name"] == "bed", f"{here}")
    first = policy()
    with relaylib.bedlib.policy_with(PLAIN, PLAIN.replace("5m", "6m")):
        check(policy() != first, "it is the same policy")
        wait_for(lambda here: here["policy"] == policy(), "the relay's admin does not hear of another policy")
    # By the clock of whoever asks an hour has passed; what the host says of its own clock decides nothing.
    gone = seen("env", f"LD_PRELOAD={SHIFT}", "WALL_CLOCK_S=3600")
    check(not gone["on_line"] and 3590 < gone["last_seen_s"] < 3700, f"{gone}")
    RELAY.daemon.stop()
    daemon = relaylib.Process(["env", f"LD_PRELOAD={SHIFT}", "WALL_CLOCK_S=86400", "/usr/libexec/jit/jit-relay"], "_jit-relay")
    daemon.expect("connected to the relay")
    end = time.monotonic() + WAIT_S
    while json.loads(relaylib.kept(relaylib.Keeper(), "HERE", f"jit.v1.here.{mine}"))["time_ms"] < (time.time() + 80_000) * 1000:
        check(time.monotonic() < end, "it does not say that it is here")
    here = seen()
    check(here["on_line"] and here["last_seen_s"] < 60, f"by its own clock: {here}")
    daemon.stop()


class Road:
    """To the server, by a port of its own: who comes first is kept waiting until he may go on."""

    def __init__(self, port: int) -> None:
        self.came, self.on = threading.Event(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            here, _ = self.listener.accept()
            there = socket.create_connection(("127.0.0.1", 4222))
            first = not self.came.is_set()
            self.came.set()
            threading.Thread(target=self.carry, args=(there, here, first), daemon=True).start()
            threading.Thread(target=self.carry, args=(here, there, False), daemon=True).start()

    def carry(self, source: socket.socket, target: socket.socket, waits: bool) -> None:
        if waits:
            self.on.wait(WAIT_S)
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def authority(change=None) -> dict:
    path = f"{DIR}/authority.json"
    with open(path, encoding="utf-8") as f:
        document = json.load(f)
    if change:
        change(document)
        relaylib.write(path, json.dumps(document))
    return document


def test_a_hundred_thousand_hosts():
    before = authority()
    key = "U" + 47 * "A"
    many = [{"kind": "host", "name": f"{n:032x}", "user": f"{key}{n:08d}", "issued": 1, "expires": 0, "sets": []} for n in range(100_000)]

    def have(revoked: int, count: int = 100_000) -> None:
        def change(document: dict) -> None:
            document["issued"] = before["issued"] + many[:count]
            document["revoked"] = before["revoked"] | {each["user"]: 1_700_000_000 for each in many[:revoked]}
        authority(change)

    have(10_000)
    stolen = good(["jitctl", "relay", "issue-host", DIR, STOLEN])
    one = relaylib.client("stolen", stolen, f"_INBOX.host-{STOLEN}")
    done = run("root", ["jitctl", "relay", "revoke", DIR, STOLEN, "--ca", CA])
    check(done.code == 0 and "revoked: 1 of" in done.out and "a third more" in done.err, done.text)
    one.flush()
    check(one.errors and refused_at_the_door(stolen), "it is still connected")
    # A configuration that was made before takes no message so long, and says so.
    good(["sed", "-i", "s/^max_payload: .*/max_payload: 270336/", f"{DIR}/node-1.conf"])
    have(10_000, 12_000)
    restart()

    def not_taken(name: str, why: str) -> relaylib.bedlib.Program:
        done = run("root", ["jitctl", "relay", "revoke", DIR, name, "--ca", CA])
        check(done.code == 1 and why in done.err and "written down" in done.err, done.text)
        return done

    def one_kind_is_not_the_other(person: str, why: str) -> None:
        his = approver(person, "set:sre")
        done = not_taken(person, why)
        his.flush()
        check(f"revoked: 1 of {person}" in done.out and his.errors, f"{done.text} {his.errors}")
        streams = run("root", ["jitctl", "relay", "streams", DIR, f"set:{person}", "--ca", CA])
        check(streams.code == 1 and why in streams.err and f"stream REQ-set:{person} is there" in streams.out, streams.text)

    too_long = "let their configuration say max_payload: 1048576; what is revoked is written down: repeat this once they take it"
    not_taken(f"{1:032x}", too_long)
    one_kind_is_not_the_other("ivan", too_long)
    have(12_000, 12_000)
    too_many = "more hosts are revoked than the servers can be told of"
    check("repeat" not in not_taken(f"{1:032x}", too_many).err, "once more is of no use")
    one_kind_is_not_the_other("judy", too_many)
    # No more is issued than can all be revoked.
    approver("kim", "set:sre")
    authority(lambda document: document["issued"].append(many[0] | {"name": "x" * (ISSUED_MOST - os.path.getsize(f"{DIR}/authority.json") - 100)}))
    full = run("root", ["jitctl", "relay", "issue-host", DIR, STOLEN])
    check(full.code == 1 and not full.out and "holds as much as it may" in full.err, full.text)
    check("revoked: 1 of kim" in not_taken("kim", too_many).out, "he is not revoked")
    authority(lambda document: (document.clear(), document.update(before)))


def test_who_is_revoked_while_others_are_renewed_stays_so():
    stolen = good(["jitctl", "relay", "issue-approver", DIR, "frank", "--set", "set:sre", "--for", "1h"])
    user = next(each["user"] for each in authority()["issued"] if each["name"] == "frank")
    road = Road(4444)

    def frank_is_due(document: dict) -> None:
        document["urls"] = ["tls://localhost:4444"]
        for each in document["issued"]:
            each["issued"] -= 36_000 if each["user"] == user else 0

    authority(frank_is_due)
    renewing = subprocess.Popen(["jitctl", "relay", "renew", DIR, "--ca", CA], stdout=subprocess.PIPE, text=True)
    check(road.came.wait(WAIT_S), "nobody renews")
    check("revoked: 1 of frank" in good(["jitctl", "relay", "revoke", DIR, "frank", "--ca", CA]), "he is not revoked")
    good(["jitctl", "relay", "issue-approver", DIR, "grace", "--set", "set:sre"])
    road.on.set()
    said, _ = renewing.communicate(timeout=WAIT_S)
    check(renewing.returncode == 0 and "renewed: approver frank" in said, said)
    kept = authority()
    check(user in kept["revoked"] and "grace" in [each["name"] for each in kept["issued"]], f"renew forgot it: {kept['revoked']}")
    good(["jitctl", "relay", "revoke", DIR, "grace", "--ca", CA])
    check(refused_at_the_door(stolen), "his credentials hold again")
    road.listener.close()


try:
    relaylib.bedlib.main(globals())
finally:
    RELAY.stop()
