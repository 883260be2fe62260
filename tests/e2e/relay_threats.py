# SPDX-License-Identifier: Apache-2.0
"""Rows of the threat catalogue again, with a relay whose own operator is the enemy: real nats-server, and a client that may do anything there."""
import base64
import itertools
import json
import os
import re
import select
import shutil
import socket
import ssl
import subprocess
import threading
import time

import bedlib
import relaylib
from bedlib import Inbox, Terminal, broker, check, jitctl, run
from by_hand import PLAIN, SIGNED, asking

RELAY = relaylib.Relay()
RELAY.host()
BOB = RELAY.approver("bob")
ENEMY = relaylib.Keeper()
MARKUP = ("<!channel> <@U0001>", "[approve](http://evil/?x=1)", '<a href="http://evil/">ok</a><script>1</script>', "%n%s", "{{7*7}} ${7*7} $(id) `id`",
          "=cmd|' /C calc'!A0", "**approved** ~~denied~~", "https://evil.example/?a=b&c=d")


def dump(value) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def kept(stream: str, subject: str) -> bytes:
    return relaylib.kept(ENEMY, stream, subject)


def purge(stream: str) -> None:
    answer = json.loads(ENEMY.request(f"$JS.API.STREAM.PURGE.{stream}", b"{}")["data"])
    check(answer["success"], f"{answer}")


def vote_of(request: str) -> bytes:
    """Bob's true vote, which its host has not got yet: the relay keeps it."""
    BOB.sees(request)
    RELAY.daemon.stop()
    done = BOB.jitctl("approve", request, "-m", "fine")
    check(done.code == 0 and "still waits" in done.out, done.text)
    vote = kept("VOTE", f"jit.v1.vote.{relaylib.host_id()}.{request}.bob")
    purge("VOTE")
    RELAY.run_daemon()
    return vote


def bring(votes: list, request: str, person: str = "bob", host: str = "") -> None:
    """To the host, and until it has said no to each."""
    for vote in votes:
        ENEMY.publish(f"jit.v1.live.vote.{host or relaylib.host_id()}.{request}.{person}", vote)
    ENEMY.flush()
    for _ in votes:
        RELAY.daemon.expect("was not taken in|is no vote was dropped")


def still_waits(request: str) -> bool:
    return jitctl("root", "show", request)["state"] in ("pending", "detached")


def test_d1_a_vote_of_one_host_at_another():
    bedlib.enrol("bob")
    BOB.trust()
    with bedlib.policy_with(PLAIN, SIGNED):
        with asking() as (_, request):
            vote = vote_of(request)
            run("alice", ["jitctl", "cancel", request])
        first = relaylib.host_id()
        broker.stop()
        for folder in "/var/lib/jit", "/run/jit-broker":
            for name in os.listdir(folder):
                path = os.path.join(folder, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        broker.start()
        RELAY.daemon.stop()
        # With the credentials of the other host nothing is carried, and it says why.
        RELAY.run_daemon("credentials are not this host's")
        RELAY.daemon.stop()
        RELAY.host()
        check(relaylib.host_id() != first, "it is the same host still")
        BOB.trust()
        with asking() as (alice, request):
            BOB.sees(request)
            bring([vote], request)
            check(still_waits(request), "a vote of another host counts")
            check([e["fields"]["voter"] for e in bedlib.audit(type="vote.refused")] == ["bob"], "it is not in the log")
            check(BOB.jitctl("approve", request, "-m", "fine").code == 0 and alice.wait() == 0, alice.text)
    bedlib.clean_slate()


def test_d3_no_bit_and_no_field_of_a_vote_may_be_another():
    with bedlib.policy_with(PLAIN, SIGNED), asking() as (alice, request):
        vote = vote_of(request)
        flips = [bytes([*vote[:at], vote[at] ^ 1 << at % 8, *vote[at + 1:]]) for at in range(0, len(vote), max(1, len(vote) // 150))]
        envelope = json.loads(vote)
        payload = json.loads(base64.b64decode(envelope["payload"]))
        for name in payload:
            for other in (None, "", 0, True, "f" * 32):
                text = dump(dict(payload, **{name: other})).encode()
                if text != dump(payload).encode():
                    flips.append(dump(dict(envelope, payload=base64.b64encode(text).decode())).encode())
        bring(flips, request)
        check(still_waits(request), "a changed vote counts")
        # In another's name it is what it is: the signature says whose it is, never the subject.
        ENEMY.publish(f"jit.v1.live.vote.{relaylib.host_id()}.{request}.carol", vote)
        ENEMY.flush()
        check(alice.wait() == 0, alice.text)
        check([v["person"] for v in jitctl("root", "show", request)["votes"]] == ["bob"], "the courier said whose vote it is")
    bedlib.clean_slate()


def test_d9_no_older_version_and_no_other_policy():
    with bedlib.policy_with(PLAIN, SIGNED), asking() as (_, old):
        BOB.sees(old)
        run("alice", ["jitctl", "cancel", old])
    with bedlib.policy_with(PLAIN, SIGNED), asking() as (alice, request):
        vote = vote_of(request)
        envelope = json.loads(vote)
        payload = json.loads(base64.b64decode(envelope["payload"]))
        bad = []
        for kind in "application/vnd.pam-jit.vote.v0+json", "application/vnd.pam-jit.request.v1+json", "", "none":
            bad.append(dict(envelope, payloadType=kind))
        for kind in "none", "local", "webauthn", "":
            bad.append(dict(envelope, signatures=[dict(envelope["signatures"][0], kind=kind)]))
        bad += [dict(envelope, signatures=[]), dict(envelope, alg="none"), dict(envelope, auto_approved=True), payload, dict(payload, auto_approved=True)]
        bring([dump(each).encode() for each in bad] + [b"{}", b"[]", b"null", b"yes", b"\xff" * 100], request)
        check(still_waits(request), "it counts")
        # What host and approver themselves signed comes back to them, and as what it is not.
        host = relaylib.host_id()
        subject = f"jit.v1.req.group:sre.{host}.{request}"
        true, end = kept("REQ-group:sre", subject), b""
        while not end:  # it is on its way
            end = kept("END", f"jit.v1.end.{host}.{old}")
        bring([true, end], request)
        bring([true, end], old)
        for other in vote, end, true:
            ENEMY.request(f"jit.v1.end.{host}.{request}", other)
            ENEMY.request(f"jit.v1.req.group:sre.{host}.{old}", other)
            check(still_waits(request) and [r["id"] for r in BOB.requests()] == [request], f"{other} is taken for something else")
        for other in vote, end:
            ENEMY.request(subject, other)
            check(BOB.requests() == [], f"{other} passes for a request")
        ENEMY.publish(f"jit.v1.live.vote.{host}.{request}.bob", vote)
        ENEMY.flush()
        check(alice.wait() == 0, alice.text)
    bedlib.clean_slate()


def test_d10_what_is_dropped_or_late_is_a_no_in_time():
    with Terminal("alice", "sudo -u carol id -un") as alice:
        RELAY.servers[1].stop(kill=True)
        began = time.monotonic()
        alice.expect("waiting for approval")
        check(alice.wait() != 0 and 1 <= time.monotonic() - began <= 3.5, f"{time.monotonic() - began}: {alice.text}")
    RELAY.daemon.expect("not connected")
    RELAY.start()
    RELAY.daemon.expect("connected to the relay")
    ENEMY.__init__()
    with bedlib.policy_with(PLAIN, SIGNED.replace("5m", "4s")), asking() as (alice, request):
        BOB.sees(request)
        RELAY.daemon.stop()
        voter = subprocess.Popen(BOB.argv("approve", request, "-m", "fine"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subject, vote = f"jit.v1.vote.{relaylib.host_id()}.{request}.bob", b""
        while not vote:
            vote = kept("VOTE", subject)
        check(still_waits(request), "the vote was not in time")
        check(alice.wait() != 0 and jitctl("root", "show", request)["state"] == "expired", alice.text)
        voter.wait()
        RELAY.run_daemon()
        bring([vote], request)
    check(not [g for g in bedlib.all_grants() if g["request"] == request], "a late vote gives a grant")
    bedlib.clean_slate()


def test_d10_a_vote_that_comes_again_and_again_is_one():
    bedlib.enrol("carol")  # or nobody could be the second one
    with bedlib.policy_with(PLAIN, SIGNED.replace("count = 1", "count = 2")), asking() as (alice, request):
        vote = vote_of(request)
        for begins_anew in "jit-relay", "jit-broker", "nobody":
            for _ in range(3):
                ENEMY.publish(f"jit.v1.live.vote.{relaylib.host_id()}.{request}.bob", vote)
            bring([b"{}"], request)
            check([v["person"] for v in jitctl("root", "show", request)["votes"]] == ["bob"] and still_waits(request), "it counts more than once")
            if begins_anew == "jit-relay":
                RELAY.daemon.stop()
                RELAY.run_daemon()
            elif begins_anew == "jit-broker":
                broker.restart()
                RELAY.daemon.expect("the broker is there")
        run("alice", ["jitctl", "cancel", request])
        alice.wait()
    bedlib.clean_slate()


def test_d10_a_flood_costs_nobody_else_anything():
    answered = threading.Event()

    def flood():
        host = relaylib.host_id()
        for n in itertools.count():
            if n >= 20_000 and answered.is_set():
                break
            ENEMY.publish(f"jit.v1.live.vote.{host}.{n:032x}.bob", b"x" * (n % 3000))
        ENEMY.publish(f"jit.v1.live.vote.{host}.{0:032x}.bob", b"x" * 200_000)
        ENEMY.flush()

    thread = threading.Thread(target=flood)
    thread.start()
    with Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        request = inbox.new("alice")["id"]
        began = time.monotonic()
        check(run("carol", ["jitctl", "approve", request]).code == 0 and alice.wait() == 0, alice.text)
        check(time.monotonic() - began < 10, "the flood held up a local vote")
    try:
        with bedlib.policy_with(PLAIN, SIGNED), asking() as (alice, request):
            BOB.sees(request)
            check(BOB.jitctl("approve", request, "-m", "fine").code == 0 and alice.wait() == 0, alice.text)
    finally:
        answered.set()
        thread.join()
    with open(f"/proc/{RELAY.daemon.process.pid}/status", encoding="ascii") as f:
        most = int(re.search(r"VmHWM:\s+(\d+)", f.read())[1])
    check(most < 64 * 1024, f"jit-relay took {most} KiB")
    RELAY.daemon.text = ""
    with bedlib.policy_with(PLAIN, SIGNED), asking() as (alice, request):
        BOB.sees(request)
        check(BOB.jitctl("approve", request, "-m", "fine").code == 0 and alice.wait() == 0, alice.text)
    bedlib.clean_slate()


class False_server:
    """It speaks TLS with the true certificate, and then one endless message, byte by byte."""

    def __init__(self, size: int, port: int) -> None:
        self.size, self.came = size, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{relaylib.DATA}/tls/server.crt", f"{relaylib.DATA}/tls/server.key")
        while True:
            try:
                plain, _ = self.listener.accept()
                plain.sendall(b'INFO {"server_id":"x","version":"2.9.10","proto":1,"max_payload":1048576,"headers":true,"tls_required":true,"nonce":"%s"}\r\n' % os.urandom(11).hex().encode())
                with context.wrap_socket(plain, server_side=True) as s:
                    got = b""
                    while b"PING" not in got:
                        more = s.recv(65536)
                        if not more:
                            raise OSError("gone")
                        got += more
                    s.sendall(b"PONG\r\n")
                    self.speak(s)
            except OSError:
                if self.listener.fileno() < 0:
                    return

    def speak(self, s: ssl.SSLSocket) -> None:
        s.sendall(b"MSG jit.v1.vote.x 1 %d\r\nxxxx" % self.size)
        self.came.set()
        while select.select([s], [], [], 0.5)[0] == [] or s.recv(65536):
            s.sendall(b"x")  # so much for a half second


def test_d10_half_a_message_of_4_gib():
    with open("/etc/jit/relay.toml", encoding="utf-8") as f:
        true = f.read()
    RELAY.daemon.stop()
    for port, size in enumerate((4_294_967_296, 9_999_999_999_999_999_999_999, -1), 4333):
        server = False_server(size, port)
        relaylib.write("/etc/jit/relay.toml", true.replace("localhost:4222", f"localhost:{port}"), "_jit-relay")
        RELAY.run_daemon("")
        check(server.came.wait(bedlib.WAIT_S), f"{size}: it never came: {RELAY.daemon.text}")
        with Terminal("alice", "sudo -u carol id -un") as alice:
            alice.expect("waiting for approval")
            check(alice.wait() != 0, alice.text)
        with open(f"/proc/{RELAY.daemon.process.pid}/status", encoding="ascii") as f:
            check(int(re.search(r"VmHWM:\s+(\d+)", f.read())[1]) < 64 * 1024, "memory without a bound")
        check(RELAY.daemon.process.poll() is None, f"jit-relay died: {RELAY.daemon.process.returncode}")
        RELAY.daemon.stop(kill=True)
        server.listener.close()
    relaylib.write("/etc/jit/relay.toml", true, "_jit-relay")
    RELAY.run_daemon()
    bedlib.clean_slate()


class Endless_server(False_server):
    """It always has one more, step by step; with a size: that much unasked, and then nothing at all."""

    def __init__(self, size: int, port: int, step: int = 1) -> None:
        self.step, self.answers = step, 0
        super().__init__(size, port)

    def speak(self, s: ssl.SSLSocket) -> None:
        ears, flood, sequence = {}, self.size // 260_000, 0
        lines = s.makefile("rb")
        while line := lines.readline():
            words = line.split()
            if words[0] == b"SUB":
                ears[words[1]] = words[-1]
            elif words[0] == b"PING":
                s.sendall(b"PONG\r\n")
            elif words[0] == b"PUB" and len(words) == 4:
                lines.read(int(words[3]) + 2)
                for _ in range(flood):
                    s.sendall(b"MSG jit.v1.req.group:sre.x.y %s 260000\r\n%s\r\n" % (ears[b"jit.v1.req.group:sre.*.*"], b"x" * 260_000))
                flood, sequence, self.answers = 0, sequence + self.step, self.answers + 1
                head = b"NATS/1.0\r\nNats-Sequence: %d\r\nNats-Subject: jit.v1.here.%032x\r\n\r\n" % (sequence, sequence)
                if self.size:
                    head = b"NATS/1.0 404 Not Found\r\n\r\n"
                s.sendall(b"HMSG %s %s %d %d\r\n%s{}\r\n" % (words[2], next(ears[e] for e in ears if e.startswith(b"_INBOX")), len(head), len(head) + 2, head))


def test_d10_a_server_that_always_has_one_more():
    """What an approver's jitctl and the admin's take from it has an end, and it is said."""
    carol = RELAY.approver("carol", "group:sre")
    server = Endless_server(0, 4340)
    RELAY.speak_to([4340], "carol")
    listed = carol.jitctl("requests")
    check(listed.code == 0 and "not all is shown: the relay keeps more for group:sre" in listed.err, listed.text)
    check(10_000 <= server.answers < 20_000,  # some are asked for again
           f"{server.answers}")
    server.listener.close()
    last = Endless_server(0, 4341, step=2**64 - 1)
    relaylib.good(["jitctl", "relay", "init", "/root/endless", "--server", "tls://localhost:4341"])
    hosts = json.loads(relaylib.good(["jitctl", "relay", "status", "--json", "/root/endless", "--ca", relaylib.CA]))
    check([host["host"] for host in hosts] == [f"{2**64 - 1:032x}"], f"{hosts}")
    last.listener.close()


def test_d10_messages_that_nobody_asked_for():
    carol = RELAY.approver("carol", "group:sre")
    server = Endless_server(400_000_000, 4342)
    RELAY.speak_to([4342], "carol")
    watch = subprocess.Popen(["timeout", "--kill-after=1", str(int(bedlib.WAIT_S)), *carol.argv("watch")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = ""
    while not re.search("too much came at once|does not answer", said) and (more := os.read(watch.stderr.fileno(), 65536)):
        said += more.decode()
    watch.terminate()  # it would try again
    _, status, used = os.wait4(watch.pid, 0)
    watch.returncode = os.waitstatus_to_exitcode(status)
    check(used.ru_maxrss < 160 * 1024, f"jitctl took {used.ru_maxrss} KiB")
    check(watch.returncode in (0, 4) and ("too much came at once" in said or "does not answer" in said), said)
    server.listener.close()


def forged(envelope: dict, payload: dict) -> bytes:
    """Signed by a key that somebody made for it, as real ssh-keygen does."""
    text = dump(payload).encode()
    kind = envelope["payloadType"]
    if not os.path.exists("/root/forger"):
        relaylib.good(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", "/root/forger"])
    made = subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "request@pam-jit.v1", "-f", "/root/forger"], input=b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(text), text),
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
    signature = "".join(line for line in made.splitlines() if not line.startswith("-----"))
    name = run("root", ["ssh-keygen", "-lf", "/root/forger.pub"]).out.split()[1]
    return dump(dict(envelope, payload=base64.b64encode(text).decode(), signatures=[{"keyid": name, "kind": "sshsig", "sig": signature}])).encode()


def test_d11_the_relay_shows_another_request_than_the_host_asked():
    purge("REQ-group:sre")
    with bedlib.policy_with(PLAIN, SIGNED), asking() as (alice, request):
        BOB.sees(request)
        subject = f"jit.v1.req.group:sre.{relaylib.host_id()}.{request}"
        true = kept("REQ-group:sre", subject)
        envelope = json.loads(true)
        payload = json.loads(base64.b64decode(envelope["payload"]))
        for change in {"reason": "because"}, {"cwd": "/root"}, {"door": "su"}, {"deadline_ms": payload["deadline_ms"] + 1}, {"nonce": "0" * 64}:
            other = dump(dict(payload, **change)).encode()
            ENEMY.request(subject, dump(dict(envelope, payload=base64.b64encode(other).decode())).encode())
            listed = BOB.jitctl("requests", "--json")
            check(json.loads(listed.out) == [] and f"that no host signed, 1; one was sent to {subject}" in listed.err, f"{change}: {listed.text}")
        changed = BOB.jitctl("approve", request, "-m", "fine")
        check(changed.code == 3 and f"no host signed what came as {request}" in changed.err, changed.text)
        ENEMY.request(subject, true)
        words = jitctl("root", "show", request)["display_code"]
        check([r["display_code"] for r in BOB.requests()] == [words] and words in alice.text, "the screens differ")
        # Under another's name it is not shown either.
        ENEMY.request(f"jit.v1.req.group:sre.{'c' * 32}.{request}", true)
        ENEMY.request(f"jit.v1.req.group:sre.{relaylib.host_id()}.{'d' * 32}", true)
        check(len(BOB.requests()) == 1, "a request is shown that no host published so")
        # An end that no host signed ends nothing.
        ENEMY.request(f"jit.v1.end.{relaylib.host_id()}.{request}", b'{"state":"denied"}')
        check(len(BOB.requests()) == 1, "anybody ends a request")
        check(BOB.jitctl("approve", request, "-m", "fine").code == 0 and alice.wait() == 0, alice.text)
    bedlib.clean_slate()


def test_d12_an_invented_request():
    purge("REQ-group:sre")
    with bedlib.policy_with(PLAIN, SIGNED), asking() as (alice, request):
        BOB.sees(request)
        host = relaylib.host_id()
        envelope = json.loads(kept("REQ-group:sre", f"jit.v1.req.group:sre.{host}.{request}"))
        payload = json.loads(base64.b64decode(envelope["payload"]))
        invented = "e" * 32
        # It names the true host, and the key is not that host's.
        ENEMY.request(f"jit.v1.req.group:sre.{host}.{invented}", forged(envelope, dict(payload, id=invented)))
        # It names a host of the forger's own.
        own = base64.b64decode(run("root", ["ssh-keygen", "-lf", "/root/forger.pub"]).out.split()[1].removeprefix("SHA256:") + "=").hex()[:32]
        ENEMY.request(f"jit.v1.req.group:sre.{own}.{invented}", forged(envelope, dict(payload, id=invented, host={"id": own, "name": "db9"})))
        ENEMY.request(f"jit.v1.req.group:sre.{host}.{'f' * 32}", dump(dict(envelope, signatures=[])).encode())
        ENEMY.request(f"jit.v1.req.group:sre.{host}.junk", b"x")
        listed = BOB.jitctl("requests")
        check(request[:8] in listed.out and invented[:8] not in listed.out and "it calls itself db9" in listed.err, listed.text)
        check("not shown: requests that no host signed, 3; one was sent to jit.v1.req.group:sre." in listed.err, listed.text)
        # Bob is talked into trusting it, and signs: no host that he helps asked for it.
        trust = re.search(r"key (SHA256:[^.]+)\.", listed.err)[1]
        done = BOB.jitctl("approve", invented, "-m", "fine", "--trust", trust)
        check(done.code == 0 and "still waits" in done.out, done.text)
        vote = kept("VOTE", f"jit.v1.vote.{own}.{invented}.bob")
        bring([vote], request)
        bring([vote], invented)
        check(still_waits(request), "it counts here")
        # A host that he trusts by now takes no other's place in his list.
        ENEMY.request(f"jit.v1.req.group:sre.{own}.{request}", forged(envelope, dict(payload, host={"id": own, "name": "db9"})))
        shown = next(r for r in BOB.requests() if r["id"] == request)
        check(shown["host"] == {"id": host, "name": "bed"}, f"{shown['host']}")
        run("alice", ["jitctl", "cancel", request])
        alice.wait()
    bedlib.clean_slate()


def test_e3_markup_is_text_on_a_workstation_too():
    with Inbox() as inbox:
        for original in MARKUP:
            with Terminal("alice", ["sudo", "/bin/echo", original], env={"JIT_REASON": original}) as alice:
                alice.expect("waiting")
                request = inbox.new("alice")["id"]
                BOB.sees(request)
                shown = BOB.jitctl("show", request)
                listed = BOB.jitctl("requests")
                for text in shown.out, listed.out:
                    check(original.replace("\\", "\\\\")[1:] in text and "uid=0(root)" not in text, f"{original!r}: {text!r}")
                check(not re.search(r"(?m)(^|\t)[=+@-][^\t\n]", listed.out), f"a sheet computes {listed.out!r}")
                run("alice", ["jitctl", "cancel", request])
                alice.wait()
    check("evil" not in RELAY.daemon.all, "it stands in the log of jit-relay")


RELAY.main(globals())
