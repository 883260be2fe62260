# SPDX-License-Identifier: Apache-2.0
"""Approvers on workstations of their own, over a real nats-server: signed requests out, signed votes in."""
import base64
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time

import bedlib
import nats
import relaylib
from bedlib import Inbox, Terminal, check, run
from by_hand import PLAIN, SIGNED

SHIFT = "/usr/lib/clock_shift.so"
shutil.copy(sys.argv[1], SHIFT)
os.chmod(SHIFT, 0o755)
RELAY = relaylib.Relay()
RELAY.host()
BOB = RELAY.approver("bob")
CAROL = RELAY.approver("carol")


def test_a_signed_vote_comes_in_and_the_paused_sudo_goes_on():
    bedlib.enrol("bob")
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        unknown = BOB.jitctl("requests")
        while "do not know" not in unknown.err:  # it is on its way
            unknown = BOB.jitctl("requests")
        check(unknown.out.strip() == "" and "a host that you do not know" in unknown.err, unknown.text)
        BOB.trust()
        BOB.sees(request)
        listed = BOB.requests()
        check([r["id"] for r in listed] == [request] and listed[0]["host"]["id"] == relaylib.host_id(), f"{listed}")
        shown = BOB.jitctl("show", request[:6])
        code = bedlib.jitctl("root", "show", request)["display_code"]
        check(code in shown.out and "id -un" in shown.out and "4m" in shown.out, shown.text)
        voted = BOB.jitctl("approve", request[:6], "--for", "5m", "-m", "fine")
        check(voted.code == 0 and "approved: alice may sudo as root(0) for 5m" in voted.out, voted.text)
        check(alice.wait() == 0 and "root" in alice.text.split(), alice.text)
        vote = bedlib.jitctl("root", "show", request)["votes"][0]
        check(vote["kind"] == "sshsig" and vote["person"] == "bob", f"{vote}")
        check(BOB.requests() == [], "an approved request still waits")
        again = BOB.jitctl("approve", request)
        check(again.code == 1 and "approved already" in again.err, again.text)
    bedlib.clean_slate()


def test_a_denial_too():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        BOB.sees(request)
        voted = BOB.jitctl("deny", request, "-m", "not during the release")
        check(voted.code == 0 and "denied" in voted.out, voted.text)
        alice.expect("not during the release")
        check(alice.wait() != 0, alice.text)
    bedlib.clean_slate()


def test_one_that_hangs_holds_nobody_up():
    """Threat H13: who asks is denied when his time is over, and who is at the host decides as ever."""
    def denied(watch):
        with bedlib.policy_with(PLAIN, SIGNED.replace('"5m"', '"2s"')), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice, watch:
            relaylib.asked(alice, inbox)
            check(alice.wait() != 0 and "nobody" in alice.text, alice.text)

    RELAY.daemon.signal(signal.SIGSTOP)
    try:
        bedlib.within(5, denied)
        with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
            request = relaylib.asked(alice, inbox)
            check(BOB.requests() == [], "it does not hang")
            voted = run("bob", ["jitctl", "approve", request, "-m", "fine"])
            check(voted.code == 0 and alice.wait() == 0 and "root" in alice.text.split(), voted.text + alice.text)
    finally:
        RELAY.daemon.signal(signal.SIGCONT)
    bedlib.clean_slate()


def test_a_key_is_named_where_several_are_at_hand():
    """Only one of them is enrolled, and a workstation does not know which: what the host refuses, nobody is told."""
    mine, other, settings = "/home/bob/.ssh/id_ed25519", "/home/bob/.ssh/id_ecdsa", "/home/bob/.config/jit/approver.toml"
    relaylib.good(["ssh-keygen", "-q", "-N", "", "-t", "ecdsa", "-f", other], "bob")
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        BOB.sees(request)
        unsaid = BOB.jitctl("approve", request, "-m", "fine")
        check(unsaid.code == 2 and all(words in unsaid.err for words in ("--key FILE", mine, other)), unsaid.text)
        sent = BOB.jitctl("approve", request, "-m", "fine", "--key", other)
        check(sent.code == 0 and "still waits" in sent.out, sent.text)
        check("has not confirmed that it counts" in sent.err and f"jitctl -H bed show {request}" in sent.err, sent.text)
        RELAY.daemon.expect("was not taken in")
        with open(settings, encoding="utf-8") as f:
            before = f.read()
        relaylib.write(settings, f'key = "{mine}"\n{before}', "bob")
        voted = BOB.jitctl("approve", request, "-m", "fine")
        check(voted.code == 0 and "approved: alice" in voted.out and alice.wait() == 0, voted.text)
        relaylib.write(settings, before, "bob")
    relaylib.good(["rm", other, f"{other}.pub"])
    bedlib.clean_slate()


def test_an_outcome_that_is_not_what_was_voted():
    with bedlib.policy_with(PLAIN, SIGNED.replace("wait =", "match = true, wait =")), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        BOB.sees(request)
        right = bedlib.jitctl("alice", "show", request)["typed_code"]
        wrong = ["jitctl", "approve", request, "-m", "fine", "--typed", "000000" if right != "000000" else "000001"][1:]
        for _ in range(2):
            sent = BOB.jitctl(*wrong)
            check(sent.code == 0 and "still waits" in sent.out, sent.text)
        third = BOB.jitctl(*wrong)
        check(third.code == 1 and "denied: alice may not" in third.out and "not what you voted" in third.err, third.text)
        check(alice.wait() != 0, alice.text)
    bedlib.clean_slate()


def test_a_denial_of_what_was_approved_ends_the_grant():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo sleep 600") as alice:
        request = relaylib.asked(alice, inbox)
        BOB.sees(request)
        check(BOB.jitctl("approve", request, "-m", "fine").code == 0, "no vote")
        inbox.grant("active", request=request)
        taken = BOB.jitctl("deny", request, "-m", "after all not")
        check(taken.code == 0 and "approved already" in taken.out, taken.text)
        check("has not confirmed it" in taken.err and f"jitctl -H bed deny {request}" in taken.err, taken.text)
        check(inbox.grant("ended", request=request)["ended"]["why"] == "after all not", "another end")
        again = BOB.jitctl("approve", request)
        check(again.code == 1 and "approved already" in again.err, again.text)
        alice.ctrl_c()
        alice.wait()
    bedlib.clean_slate()


def test_a_key_that_is_trusted_already_may_be_named_again():
    key = bedlib.jitctl("root", "status")["host"]["key"]
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        BOB.sees(request)
        check(BOB.jitctl("show", request, "--relay", "--trust", key).code == 0, "it is not shown")
        strange = BOB.jitctl("show", request, "--trust", "SHA256:" + "A" * 43)
        check(strange.code == 2 and "no host with that key" in strange.err, strange.text)
        voted = BOB.jitctl("approve", request, "-m", "fine", "--trust", key)
        check(voted.code == 0 and alice.wait() == 0, voted.text)
    bedlib.clean_slate()


def test_what_a_relay_has_no_answer_to_is_refused():
    for words in ("requests", "--owed"), ("requests", "--state", "denied"), ("requests", "--since", "2h"), ("show", "abcd", "--code"), ("show", "abcd", "--envelope"):
        done = BOB.jitctl(*words)
        check(done.code == 2 and f"{words[-1] if words[-1].startswith('--') else words[1]} is not for requests over a relay" in done.err, f"{words}: {done.text}")


def test_a_request_that_nobody_knows_is_named_at_once():
    none = BOB.jitctl("approve", "0" * 32, "-m", "x")
    check(none.code == 3 and "there is no such request" in none.err and "asked again" not in none.err, none.text)


def test_credentials_that_live_for_a_while_renew_by_themselves():
    """The admin's machine says once what is due; the host and the approver take it, and nobody is sent anything secret."""
    RELAY.daemon.stop()
    host = relaylib.host_id()
    os.makedirs("/var/lib/jit-relay", exist_ok=True)
    os.chown("/var/lib/jit-relay", pwd.getpwnam("_jit-relay").pw_uid, -1)
    lasting = open("/etc/jit/relay.creds", encoding="ascii").read()
    relaylib.write("/etc/jit/relay.creds", relaylib.good(["jitctl", "relay", "issue-host", relaylib.DIR, host, "--for", "16s"]), "_jit-relay")
    home = "/home/bob/.config/jit/relay.creds"
    bobs = open(home, encoding="ascii").read()
    relaylib.write(home, relaylib.good(["jitctl", "relay", "issue-approver", relaylib.DIR, "bob", "--for", "16s", "--set", "group:sre"]), "bob")
    RELAY.run_daemon()
    carols = "/home/carol/.config/jit/relay.creds"
    lasting_of_carol = open(carols, encoding="ascii").read()
    of_carol = relaylib.good(["jitctl", "relay", "issue-approver", relaylib.DIR, "carol", "--for", "14s", "--set", "group:sre"])
    relaylib.write(carols, of_carol, "carol")
    watch = CAROL.watch()
    due = ""
    while "host" not in due or "approver bob" not in due or "approver carol" not in due:  # half of their life
        due += relaylib.good(["jitctl", "relay", "renew", relaylib.DIR, "--ca", relaylib.CA])
    RELAY.daemon.expect("credentials were renewed")
    RELAY.daemon.expect("connected to the relay")
    os.mkdir(f"{home}.jit-new")
    kept = BOB.jitctl("requests")
    check(kept.code == 0 and "new ones cannot be kept" in kept.err and home in kept.err, kept.text)
    os.rmdir(f"{home}.jit-new")
    relaylib.write(f"{home}.jit-new", "half of", "bob")  # a jitctl was killed here
    check(BOB.requests() == [], "bob sees what is not there")
    with open(home, encoding="ascii") as f:
        check(f.read() != bobs, "bob's file is as it was")
    # Another start begins with what was kept, though the file's own words have ended by then.
    RELAY.daemon.stop()
    while nats.life_left("/etc/jit/relay.creds") > 0:
        check(BOB.requests() == [], "bob's credentials end with the first ones")
    RELAY.run_daemon()
    # Who only watches has them as well.
    with open(carols, encoding="ascii") as f:
        check(f.read() != of_carol, f"carol's watch ends with the first ones: {watch.text}")
    watch.signal(15)
    check(watch.wait() == 0, watch.text)
    relaylib.write(carols, lasting_of_carol, "carol")
    # Revoked is revoked, and nobody renews it.
    relaylib.good(["jitctl", "relay", "revoke", relaylib.DIR, host, "--ca", relaylib.CA])
    RELAY.daemon.expect("not connected to the relay")
    done = run("root", ["jitctl", "relay", "renew", relaylib.DIR, "--ca", relaylib.CA])
    check(done.code == 0 and "host" not in done.out, done.text)
    RELAY.daemon.stop()
    relaylib.write(home, bobs, "bob")
    RELAY.host()
    check(lasting != open("/etc/jit/relay.creds", encoding="ascii").read(), "a host's key is made twice")


def test_credentials_and_servers_that_do_not_hold():
    """Each is told of in a line that says what is wrong, and what to do."""
    mine, hosts = "/home/bob/.config/jit/relay.creds", "/etc/jit/relay.creds"
    settings = ("/home/bob/.config/jit/approver.toml", "bob"), ("/etc/jit/relay.toml", "_jit-relay")
    kept = {path: open(path, encoding="utf-8").read() for path in (mine, hosts, settings[0][0], settings[1][0])}

    def both(why: str, code: int, approver: str = "", host: str = "") -> None:
        RELAY.daemon.stop()
        RELAY.run_daemon(f"not connected to the relay .*{why}{host}")
        told = BOB.jitctl("requests")
        check(told.code == code and re.search(why + approver, told.err), told.text)

    relaylib.good(["jitctl", "relay", "init", "/root/other", "--server", "tls://localhost:4222"])
    for folder, lasts, why in (relaylib.DIR, ("--for", "1s"), "the credentials have ended"), ("/root/other", (), "were revoked, or are of another relay"):
        relaylib.write(hosts, relaylib.good(["jitctl", "relay", "issue-host", folder, relaylib.host_id(), *lasts]), "_jit-relay")
        relaylib.write(mine, relaylib.good(["jitctl", "relay", "issue-approver", folder, "bob", "--set", "group:sre", *lasts]), "bob")
        while lasts and nats.life_left(mine) > -1:  # the second that is named is one of theirs
            BOB.jitctl("requests")
        both(why, 3, f": jitctl relay issue-approver makes new ones, for {mine}", f": jitctl relay issue-host makes new ones, for {hosts}")
    relaylib.write(hosts, kept[hosts], "_jit-relay")
    relaylib.write(mine, kept[mine], "bob")
    # A false server has another certificate: of somebody else's CA, or of the same one for another name.
    strange = "/etc/jit/strange-ca.crt"
    relaylib.certificates("/root/strange")
    relaylib.write(strange, open("/root/strange/ca.crt", encoding="ascii").read(), mode=0o644)
    with open("/etc/hosts", "a", encoding="ascii") as f:
        f.write("127.0.0.1 relay.example\n")
    for before, after, why in (relaylib.CA, strange, "unable to get local issuer certificate"), ("localhost", "relay.example", "hostname mismatch"):
        for path, owner in settings:
            relaylib.write(path, kept[path].replace(before, after), owner)
        both(why, 4)
    for path, owner in settings:
        relaylib.write(path, kept[path], owner)
    RELAY.daemon.stop()
    RELAY.run_daemon()


def test_credentials_that_others_may_read_are_named():
    mine, hosts = "/home/bob/.config/jit/relay.creds", "/etc/jit/relay.creds"
    os.chmod(mine, 0o640)
    told = BOB.jitctl("requests")
    check(told.code == 0 and f"{mine} holds a secret key and others may read it" in told.err, told.text)
    os.chmod(mine, 0o600)
    check("others may read" not in BOB.jitctl("requests").err, "it is his alone")
    RELAY.daemon.stop()
    for mode, said in (0o644, f"{hosts} holds a secret key and others may read it"), (0o640, ""):
        os.chmod(hosts, mode)
        RELAY.run_daemon()
        check(said in RELAY.daemon.all and bool(said) == ("others may read" in RELAY.daemon.all), RELAY.daemon.all)
        RELAY.daemon.stop()
    RELAY.run_daemon()


def test_a_clock_that_is_a_day_off_is_named_and_decides_nothing():
    def shifted(seconds: int, *words: str) -> bedlib.Program:
        argv = BOB.argv(*words)
        argv[4] = argv[4].replace("env HOME", f"env LD_PRELOAD={SHIFT} WALL_CLOCK_S={seconds} HOME")
        return run("root", argv)

    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        BOB.sees(request)
        behind = shifted(-86400, "requests")
        check(behind.code == 4 and "certificate is not yet valid" in behind.err, behind.text)
        ahead = shifted(86400, "show", request)
        check(ahead.code == 0 and "over by the clock of this machine" in ahead.out, ahead.text)
        check(shifted(86400, "approve", request, "-m", "fine").code == 0 and alice.wait() == 0, alice.text)
    RELAY.daemon.stop()
    argv = ["env", f"LD_PRELOAD={SHIFT}", "WALL_CLOCK_S=-86400", "/usr/libexec/jit/jit-relay"]
    daemon = relaylib.Process(argv, "_jit-relay")
    daemon.expect("not connected to the relay .*certificate is not yet valid")
    daemon.stop()
    RELAY.run_daemon()
    bedlib.clean_slate()


def test_what_is_private_does_not_leave_the_host():
    with bedlib.policy_with(PLAIN, SIGNED), relaylib.private("argv", "reason", "cwd"), Inbox() as inbox, Terminal("alice", "JIT_REASON='the bilge' sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        BOB.sees(request)
        subject = f"jit.v1.req.group:sre.{relaylib.host_id()}.{request}"
        envelope = relaylib.kept(relaylib.Keeper(), "REQ-group:sre", subject)
        payload = base64.b64decode(bedlib.json.loads(envelope)["payload"]).decode()
        told = bedlib.json.loads(payload)
        check(told["reason"] == told["cwd"] == "" and told["command"]["argv"] == [] and told["command"]["path"] is None, payload)
        check(all(len(told["private"][field]) == 64 for field in ("command", "cwd", "reason")), payload)
        shown = BOB.jitctl("show", request)
        check("(private)" in shown.out and "command, cwd, reason: ask there, or jitctl -H" in shown.out, shown.text)
        check("bilge" not in shown.out and "the bilge" in run("bob", ["jitctl", "show", request]).out, shown.text)
        check(BOB.jitctl("approve", request, "-m", "asked by telephone").code == 0 and alice.wait() == 0, alice.text)
    bedlib.clean_slate()


def test_short_commands_end_as_they_say_when_the_machine_is_busy():
    # The relay's library still has threads then: 1 of 300 fell over its own end.
    argv = BOB.argv("requests", "--json")
    for _ in range(40):
        many = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(8)]
        ended = [(each.communicate()[0], each.returncode) for each in many]
        check(set(ended) == {(b"[]\n", 0)}, f"{set(ended)}")


def test_a_watch_says_what_comes_and_how_it_ends():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, BOB.watch() as watch:
        with Terminal("alice", "sudo id -un") as alice:
            request = relaylib.asked(alice, inbox)
            watch.expect(f"{request[:8]}.*alice")
            alice.ctrl_c()
            watch.expect("cancelled")
        watch.signal(15)
        check(watch.wait() == 0, watch.text)
    bedlib.clean_slate()


def test_the_server_dies_and_comes_back():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, BOB.watch() as watch, Terminal("alice", "sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        watch.expect(request[:8])
        RELAY.servers[1].stop(kill=True)
        watch.expect("; trying again")
        RELAY.daemon.expect("not connected to the relay")
        alice.expect("people who are not at this host cannot be reached now")
        away = BOB.jitctl("requests")
        check(away.code == 4 and "cannot be reached" in away.err, away.text)
        RELAY.start()
        RELAY.daemon.expect("connected to the relay")
        alice.expect("people elsewhere can be asked again")
        voted = BOB.jitctl("approve", request, "-m", "fine")
        check(voted.code == 0, voted.text)
        check(alice.wait() == 0, alice.text)
        watch.expect(f"{request[:8]}.*approved")  # it was there all the time
        with Terminal("alice", "sudo id -gn") as again:
            request = relaylib.asked(again, inbox)
            watch.expect(request[:8])
            again.ctrl_c()
            watch.expect(f"{request[:8]}.*cancelled")
            again.wait()
    bedlib.clean_slate()


def test_streams_that_were_lost_are_filled_from_the_host():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        RELAY.servers[1].stop(kill=True)
        RELAY.daemon.expect("not connected to the relay")
        relaylib.good(["rm", "-r", f"{relaylib.DATA}/jetstream"])
        RELAY.start()
        RELAY.servers[1].expect("Server is ready")
        nobody = BOB.jitctl("approve", request, "-m", "fine")
        check(nobody.code == 4 and "try again" in nobody.err, nobody.text)
        relaylib.good(["jitctl", "relay", "streams", relaylib.DIR, "group:dba", "--ca", relaylib.CA])
        part = BOB.jitctl("approve", request, "-m", "fine")
        check(part.code == 4 and "not all is shown" in part.err and "may be among the others: try again" in part.err, part.text)
        relaylib.good(["jitctl", "relay", "streams", relaylib.DIR, *relaylib.SETS, "--ca", relaylib.CA])
        BOB.sees(request)
        check(BOB.jitctl("approve", request, "-m", "fine").code == 0, "no vote")
        check(alice.wait() == 0, alice.text)
    bedlib.clean_slate()


def test_status_shows_hosts_on_line():
    status = run("root", ["jitctl", "relay", "status"])
    check(status.code == 0 and "relay: connected since" in status.out, status.text)
    # It said so when it connected, to nobody: the streams were lost then. It says it again.
    end, hosts = time.monotonic() + bedlib.WAIT_S, []
    while not hosts and time.monotonic() < end:
        hosts = bedlib.json.loads(relaylib.good(["jitctl", "relay", "status", "--json", relaylib.DIR, "--ca", relaylib.CA]))
    check(len(hosts) == 1 and hosts[0]["host"] == relaylib.host_id() and hosts[0]["on_line"] and hosts[0]["name"] == "bed", f"{hosts}")
    check(hosts[0]["version"] and hosts[0]["policy"] == bedlib.jitctl("root", "status")["policy"]["hash"], f"{hosts}")


def test_who_waits_is_told_of_a_relay_that_cannot_begin():
    RELAY.daemon.stop()
    bedlib.broker.restart()  # and has heard of none
    os.rename("/etc/jit/relay.creds", "/etc/jit/away")
    with bedlib.policy_with(PLAIN, SIGNED), Terminal("alice", "sudo id -un") as alice:
        alice.expect("Vote code, or Enter to wait")
        alice.line("")
        RELAY.run_daemon("/etc/jit/relay.creds")
        alice.expect("people who are not at this host cannot be reached now")
        reach = next(c for c in bedlib.jitctl("root", "status")["couriers"] if c["name"] == "relay")
        check(not reach["reached"] and ("relay.creds" in reach["why"] or "does not run" in reach["why"]), f"{reach}")
        alice.ctrl_c()
        alice.wait()
    os.rename("/etc/jit/away", "/etc/jit/relay.creds")
    RELAY.run_daemon()
    bedlib.clean_slate()


def test_revoked_credentials_cut_a_host_at_once():
    done = relaylib.good(["jitctl", "relay", "revoke", relaylib.DIR, relaylib.host_id(), "--ca", relaylib.CA])
    check("connections with it have ended" in done, done)
    RELAY.daemon.expect("not connected to the relay .*the credentials were revoked, or are of another relay: jitctl relay issue-host makes new ones", 1)
    status = run("root", ["jitctl", "relay", "status"])
    RELAY.daemon.stop()
    RELAY.host()  # new ones hold
    check(status.text, "no status")


RELAY.main(globals())
