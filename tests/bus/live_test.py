#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The bus service and the real jitctl on a bus of their own: live_test.py HARNESS JITCTL BUS_POLICY [TEST...].

Root only, in private namespaces."""
import json
import os
import re
import select
import signal
import subprocess
import sys
import unittest

from room import (Broker, Bus, HARNESS, JITCTL, ROOM, SANITIZED, become, busctl, call, connected, courier, document, enter, jitctl, line, message,
                  new_request, start)
from in_time import WAIT_S, within


class Live(unittest.TestCase):
    def tearDown(self):
        # What is asked ahead of time waits detached: nobody stands at a door.
        for request in document("root", "requests", "--all", "--state", "detached"):
            jitctl(request["subject"]["name"], "cancel", request["id"])

    def test_ask_wait_approve(self):
        inbox = start("bob", "watch")
        alice = start("alice", "request", "--wait", "--reason", "disk\x1b[2J full", "--for", "20m", "--", "/bin/ls", "a b", "\u202ex")
        request = line(alice)
        self.assertRegex(request, r"^[0-9a-f]{32}$")
        self.assertEqual(line(inbox).split(" ", 1)[1], f"{request[:8]} detached alice(5001) sudo as root(0): /bin/ls \"a b\" "
                         "\"\\u{202e}x\" [needs 1 of group:sre] reason: disk\\x1b[2J full")
        done = jitctl("bob", "approve", request[:6], "--for", "10m")
        self.assertIn('\ncommand:     /bin/ls "a b" "\\u{202e}x"\n', done.stdout)
        self.assertTrue(done.stdout.endswith("\napproved: alice may sudo as root(0) for 10m (rule p-root)\n"), done.stdout)
        self.assertEqual(alice.wait(WAIT_S), 0)
        self.assertIn("approved: alice may sudo", alice.stderr.read())
        self.assertIn(f" {request[:8]} approved alice(5001)", line(inbox))
        inbox.send_signal(signal.SIGINT)
        self.assertEqual(inbox.wait(WAIT_S), 0)
        shown = document("alice", "show", request)
        self.assertEqual(shown["command"]["argv"], ["/bin/ls", "a b", "\\u{202e}x"])
        self.assertEqual(shown["offer"]["seats"], [{"set": "group:sre", "count": 1, "filled_by": ["uid:5002"]}])
        self.assertEqual(shown["votes"][0]["person"], "uid:5002")
        grant = document("alice", "grants")[0]
        self.assertEqual((grant["id"], grant["lifetime_s"], grant["state"]), (shown["grant"], 600, "approved"))
        jitctl("mallory", "end", grant["id"], code=3)
        self.assertIn("ended: alice", jitctl("alice", "end", grant["id"][:8]).stdout)
        jitctl("alice", "end", grant["id"], code=1)
        for process in alice, inbox:
            process.stdout.close()
            process.stderr.close()

    def test_deny(self):
        alice = start("alice", "request", "--wait", "-m", "x")
        request = line(alice)
        self.assertRegex(jitctl("bob", "deny", request, "-m", "not now").stdout,
                         r"denied: alice may not sudo as root\(0\) \(rule p-root\), by .*uid:5002.*: not now")
        self.assertEqual(alice.wait(WAIT_S), 1)
        self.assertIn("not now", alice.stderr.read())
        self.assertIn("denied already", jitctl("bob", "approve", request, code=1).stderr)
        alice.stdout.close()
        alice.stderr.close()

    def test_a_denial_after_the_approval_ends_the_grant(self):
        inbox = start("bob", "watch")
        request = new_request()
        self.assertIn(f" {request[:8]} detached ", line(inbox))
        jitctl("bob", "approve", request)
        self.assertIn(f" {request[:8]} approved ", line(inbox))
        grant = document("alice", "grants")[0]["id"]
        denied = jitctl("bob", "deny", request, "-m", "the wrong one").stdout
        self.assertTrue(denied.endswith(f"\nended: alice may no longer sudo as root(0) (grant {grant})\n"), denied)
        self.assertRegex(line(inbox), rf" {request[:8]} revoked alice\(5001\) sudo as root\(0\) by .*uid:5002.* \(the wrong one\)$")
        self.assertRegex(jitctl("alice", "show", request).stdout, rf"\ngrant: +{grant} \(ended\)\n")
        again = new_request()
        self.assertIn(f" {again[:8]} detached ", line(inbox))  # and nothing between
        jitctl("bob", "approve", again)
        self.assertIn(f" {again[:8]} approved ", line(inbox))
        self.assertEqual(document("alice", "show", again)["grant_state"], "approved")
        shown = document("bob", "deny", again, "-m", "x")
        self.assertEqual((shown["state"], shown["grant_state"]), ("approved", "ended"))
        self.assertIn(f" {again[:8]} revoked ", line(inbox))
        # One that was given back by its owner is no news.
        last = new_request()
        self.assertIn(f" {last[:8]} detached ", line(inbox))
        jitctl("bob", "approve", last)
        self.assertIn(f" {last[:8]} approved ", line(inbox))
        jitctl("alice", "end", document("alice", "grants")[0]["id"])
        inbox.send_signal(signal.SIGINT)
        self.assertEqual(inbox.communicate(timeout=WAIT_S), ("", ""))

    def test_expiry_and_cancel(self):
        done = jitctl("alice", "request", "--door", "su", "--as", "mallory", "--wait", code=1)
        self.assertIn("expired: alice may not", done.stderr)
        request = new_request()
        self.assertIn("cancelled", jitctl("alice", "cancel", request).stdout)
        jitctl("alice", "cancel", request, code=1)

    def test_several_seats(self):
        request = new_request("alice", "su", "carol")
        self.assertTrue(jitctl("carol", "approve", request).stdout.endswith("; still asked: 1 of user:bob\n"))
        self.assertIn("approved: alice may su to carol(5003) for 1h", jitctl("bob", "approve", request).stdout)
        grants = jitctl("root", "revoke", "--user", "alice", "-m", "enough").stdout
        self.assertIn("revoked: alice may no longer su to carol(5003)", grants)

    def test_policy_answers(self):
        self.assertEqual(jitctl("mallory", "request", code=1).stdout, "")
        jitctl("alice", "request", "--as", "nobody-of-that-name", code=2)
        jitctl("alice", "request", "--door", "ssh", "--as", "root", code=2)
        jitctl("alice", "request", "--door", "polkit", code=2)

    def test_a_list_that_is_cut_says_so(self):
        """More than 200 have ended since: what waits is there, one line for people, a field with --json."""
        waits = new_request()
        Broker.process.stdin.write("ended alice 5001 300\n")
        self.assertEqual(line(Broker.process), "ended alice 5001 300 written")
        for args in ["requests"], ["requests", "--since", "1h"]:
            shown = jitctl("alice", *args)
            self.assertEqual(shown.stdout.splitlines()[0].split("\t")[:2], [waits, "detached"])
            self.assertEqual(len(shown.stdout.splitlines()), 200)
            self.assertRegex(shown.stderr, "^200 shown, older ended ones left out: .*--since")
        found = jitctl("alice", "requests", "--json")
        self.assertEqual(len(json.loads(found.stdout)), 200)
        self.assertRegex(found.stderr, "^200 shown, older ended ones left out: ")
        # What was asked more than a day ago and waits still.
        found = jitctl("alice", "requests", "--state", "detached", "--since", "2040-01-01T00:00:00Z", "--json")
        self.assertEqual(([one["id"] for one in json.loads(found.stdout)], found.stderr), ([waits], ""))
        self.assertEqual(jitctl("alice", "grants").stderr, "")
        watch = start("alice", "watch")
        self.assertIn(waits[:8], line(watch))
        watch.send_signal(signal.SIGINT)
        self.assertEqual(watch.communicate(timeout=WAIT_S), ("", ""))
        jitctl("alice", "cancel", waits)

    def test_odd_uids(self):
        request = new_request("odd")
        shown = document("bob", "show", request)
        self.assertEqual(shown["subject"]["uid"], 2147483648)
        jitctl("odd", "cancel", request)

    def test_nobody_sees_what_is_not_his(self):
        request = new_request()
        absent = "f" * 32
        for verb in (["show"], ["cancel"], ["approve"], ["deny", "-m", "x"]):
            mine = jitctl("mallory", *verb, request, code=3).stderr.replace(request, "ID")
            other = jitctl("mallory", *verb, absent, code=3).stderr.replace(absent, "ID")
            self.assertEqual(mine, other)
        self.assertEqual(document("mallory", "requests"), [])
        self.assertEqual(document("mallory", "requests", "--all"), [])
        self.assertEqual(document("audrey", "requests"), [])
        for user in "audrey", "root":
            self.assertIn(request, [one["id"] for one in document(user, "requests", "--all")])
        jitctl("audrey", "approve", request, code=3)
        jitctl("alice", "approve", request, code=3)
        self.assertEqual(document("alice", "show", request)["state"], "detached")

    def test_facts(self):
        self.assertEqual([f["name"] for f in document("root", "fact", "list")], ["freeze", "team"])
        self.assertEqual([f["name"] for f in document("audrey", "fact", "list")], ["freeze", "team"])
        self.assertEqual([f["name"] for f in document("carol", "fact", "list")], ["team"])
        self.assertEqual(document("mallory", "fact", "list"), [])
        absent = jitctl("mallory", "fact", "set", "nothing", "true", code=3).stderr.replace("nothing", "NAME")
        self.assertEqual(jitctl("mallory", "fact", "set", "freeze", "true", code=3).stderr.replace("freeze", "NAME"), absent)
        jitctl("mallory", "fact", "clear", "freeze", code=3)
        jitctl("root", "fact", "set", "freeze", "5", code=2)
        self.assertIn("freeze = true (set for 5m)", jitctl("root", "fact", "set", "freeze", "true", "--for", "5m").stdout)
        self.assertIn("change freeze in force", jitctl("alice", "request", code=1).stderr)
        self.assertIn("freeze = false (initial)", jitctl("root", "fact", "clear", "freeze").stdout)
        # A freeze that comes while a request waits ends it at once.
        alice = start("alice", "request", "--wait", "--urgency", "high", "-m", "x")
        request = line(alice)
        self.assertEqual(document("alice", "show", request)["urgency"], "high")
        jitctl("root", "fact", "set", "freeze", "true", "--for", "5m")
        self.assertEqual(alice.wait(10), 1)
        self.assertIn("change freeze in force", alice.stderr.read())
        jitctl("root", "fact", "set", "freeze", "false")
        self.assertEqual(document("root", "fact", "list")[0]["state"], "initial")
        alice.stdout.close()
        alice.stderr.close()
        jitctl("carol", "fact", "set", "team", "5")
        self.assertEqual(document("carol", "fact", "list")[0]["value"], "5")
        for value in ("d", 1.5), ("i", 5), ("s", "a\nb"), ("s", "x" * 1025), ("b", True):
            done = busctl("carol", "call", "org.pamjit.Broker1", "/org/pamjit/Broker1", "org.pamjit.Broker1.Facts", "Set", "svu", "team",
                          value[0], str(value[1]).lower() if value[0] == "b" else str(value[1]), "60")
            self.assertNotEqual(done.returncode, 0)
        self.assertEqual(document("carol", "fact", "list")[0]["value"], "5")
        jitctl("alice", "request", "--urgency", "now", code=2)

    def test_roles(self):
        for user, code in ("mallory", 3), ("audrey", 3), ("root", 0):
            jitctl(user, "policy", "reload", code=code)
        for user, code in ("mallory", 3), ("alice", 3), ("audrey", 0), ("root", 0):
            jitctl(user, "audit", "log", code=code)
        request = new_request()
        log = jitctl("alice", "audit", "log", "--request", request).stdout
        self.assertRegex(log, r"^\S+ \d+ request\.created person=uid:5001 uid=5001 request=" + request[:8])
        jitctl("mallory", "audit", "log", "--request", request, code=3)
        self.assertEqual(len(document("root", "audit", "log", "--limit", "2")), 2)
        jitctl("mallory", "status")
        # The daemon's own uid is nobody's.
        self.assertIn("own user", jitctl("_jit", "status", code=3).stderr)

    def test_findings_are_for_admins(self):
        with open(f"{ROOM}/rules", encoding="utf-8") as file:
            good = file.read()
        try:
            with open(f"{ROOM}/rules", "w", encoding="utf-8") as file:
                file.write(good + "[oops")
            self.assertIn("refused", jitctl("root", "policy", "reload", code=1).stdout)
            self.assertEqual(document("root", "status")["policy"]["errors"], ["refused"])
            self.assertNotIn("findings", jitctl("root", "status").stdout)
            for user in "mallory", "audrey":
                policy = document(user, "status")["policy"]
                self.assertEqual(sorted(policy), ["error_count", "hash", "in_force"])
                self.assertEqual(policy["error_count"], 1)
                self.assertRegex(jitctl(user, "status").stdout, r"\npolicy findings: +an admin can see them\n")
        finally:
            with open(f"{ROOM}/rules", "w", encoding="utf-8") as file:
                file.write(good)
            jitctl("root", "policy", "reload")
        self.assertNotIn("findings", jitctl("mallory", "status").stdout)

    def test_watchers_hear_only_what_concerns_them(self):
        other, mine = self.watching("mallory", "--json"), start("bob", "watch")
        request = new_request()
        self.assertIn(request[:8], line(mine))
        jitctl("bob", "deny", request, "-m", "x")
        self.assertIn("denied", line(mine))
        other.send_signal(signal.SIGINT)
        self.assertEqual(other.communicate(timeout=WAIT_S), ("", ""))
        mine.terminate()
        mine.communicate(timeout=WAIT_S)

    def watching(self, user, *args):
        """A watcher that the broker knows: with eight more it is one too many of that user, and it was not the one that had to go."""
        watches = [start(user, "watch", *args) for _ in range(9)]
        refused = self.first_to_end(watches, WAIT_S)
        self.assertEqual([process.wait() for process in refused], [1])
        one, *others = (process for process in watches if process not in refused)
        for process in others:
            process.terminate()
        for process in refused + others:
            process.communicate(timeout=WAIT_S)
        return one

    def first_to_end(self, processes, timeout):
        fds = {os.pidfd_open(process.pid): process for process in processes}
        try:
            ready, _, _ = select.select(list(fds), [], [], timeout)
            return [fds[fd] for fd in ready]
        finally:
            for fd in fds:
                os.close(fd)

    def test_at_most_eight_watch(self):
        watches = [start("carol", "watch") for _ in range(9)]
        ended = self.first_to_end(watches, WAIT_S)
        self.assertEqual([process.wait() for process in ended], [1])
        self.assertIn("too many connections watch", ended[0].stderr.read())
        for process in watches:
            process.terminate()
            process.communicate(timeout=WAIT_S)
        # Who has left is forgotten.
        again = start("carol", "watch")
        request = new_request()
        self.assertIn(request[:8], line(again))
        again.terminate()
        again.communicate(timeout=WAIT_S)

    def test_bad_input_is_named_and_survived(self):
        """Rows A6 and A8 in small: wrong signatures, keys, types, methods, interfaces and properties."""
        deep = "v" * 40
        rows = [
            (["Requests", "Get", "u", "1"], "InvalidArgs|Invalid arguments|InvalidSignature"),
            (["Requests", "Get"], "InvalidArgs|Invalid arguments"),
            (["Requests", "Nothing"], "UnknownMethod|Unknown method"),
            (["Nothing", "Get", "s", "x"], "AccessDenied|Access denied|not allowed|Unknown|rejected"),
            (["Requests", "Get", "s", ""], "an id is"),
            (["Requests", "Get", "s", "../../x"], "an id is"),
            (["Requests", "List", "a{sv}", "1", "uid", "u", "0"], "unknown key"),
            (["Requests", "List", "a{sv}", "1", "all", "s", "yes"], "all must be a boolean"),
            (["Requests", "Create", "a{sv}", "1", "door", "as", "1", "sudo"], "door must be a string"),
            (["Requests", "Create", "a{sv}", "1", "argv", "as", "1", "ls"], "argv must be words"),
            (["Requests", "Create", "a{sv}", "1", "argv", *deep, "s", "x"], "argv must be words"),
            (["Requests", "Vote", "sba{sv}", "abcd", "true", "1", "person", "s", "bob"], "unknown key"),
            (["Grants", "Revoke", "a{sv}ay", "0", "1", "65"], "exactly one"),
            (["Grants", "Revoke", "a{sv}ay", "1", "all", "b", "true", "0"], "reason is empty"),
            (["Audit", "Query", "a{sv}", "1", "after", "s", "0"], "after must be"),
        ]
        for args, said in rows:
            with self.subTest(args=args):
                done = call("mallory", *args)
                self.assertNotEqual(done.returncode, 0)
                self.assertRegex(done.stderr, said)
        done = busctl("mallory", "set-property", "org.pamjit.Broker1", "/org/pamjit/Broker1", "org.pamjit.Broker1.Policy", "Status", "b", "true")
        self.assertNotEqual(done.returncode, 0)
        done = busctl("mallory", "call", "org.pamjit.Broker1", "/other", "org.pamjit.Broker1.Policy", "Status")
        self.assertNotEqual(done.returncode, 0)
        jitctl("mallory", "status")

    def test_bus_restart(self):
        """Row H6: away and back, one line each way, the name retaken within 10 s."""
        request = new_request()

        def away_and_back(watch):
            Bus.stop()
            Broker.wait_log("not on the system bus")
            jitctl("alice", "requests", code=4)
            Bus.start(Bus.policy)
            with watch:
                Broker.wait_log("on the system bus as")

        within(10, away_and_back)
        self.assertEqual([one["id"] for one in document("alice", "requests", "--state", "detached")], [request])

    def test_a_stopped_bus_costs_the_core_nothing(self):
        """Row H13: while the bus is stopped, 10,000 changes for a watcher take the core's thread no longer."""
        watch = start("bob", "watch")
        request = new_request()
        self.assertIn(request[:8], line(watch))
        Bus.process.send_signal(signal.SIGSTOP)
        try:
            before = Broker.rss()
            for _ in range(5):
                within(20 if SANITIZED else 2, self.burst)
            self.assertIn("dropping them", Broker.wait_log("dropping"))
            if not SANITIZED:
                self.assertLess(Broker.rss() - before, 16 * 1024)
        finally:
            Bus.process.send_signal(signal.SIGCONT)
        watch.kill()
        watch.communicate()
        jitctl("bob", "deny", request, "-m", "x")

    def burst(self, _watch):
        Broker.process.stdin.write("burst\n")
        self.assertRegex(line(Broker.process), r"burst (\d+) ms")

    def test_a_courier_is_told_whatever_was_dropped(self):
        """Of what watchers are not told anybody may ask again; a courier waits until it is told."""
        watch = start("bob", "watch")
        request = new_request()
        self.assertIn(request[:8], line(watch))
        pid, heard = courier()
        with heard:
            self.assertEqual(heard.readline(), "next\n")
            Bus.process.send_signal(signal.SIGSTOP)
            try:
                within(20 if SANITIZED else 2, self.burst)
                for said in "reload", "ended alice 5001 1":  # which is written behind that of the policy
                    Broker.process.stdin.write(said + "\n")
                    self.assertIn(said, line(Broker.process))
            finally:
                Bus.process.send_signal(signal.SIGCONT)
            self.assertEqual(heard.readline(), "waiting\n")
        os.waitpid(pid, 0)
        watch.kill()
        watch.communicate()

    def test_broker_restart_while_waiting(self):
        watch = start("bob", "watch")
        alice = start("alice", "request", "--wait")
        request = line(alice)
        self.assertIn(request[:8], line(watch))
        Broker.stop()
        self.assertIn("has left", watch.stderr.readline())
        jitctl("bob", "approve", request, code=4)
        Broker.start()
        self.assertIn("is back", watch.stderr.readline())
        self.assertIn(request[:8] + " detached", line(watch))
        jitctl("bob", "approve", request)
        self.assertEqual(alice.wait(WAIT_S), 0)
        for process in watch, alice:
            process.terminate()
            process.communicate(timeout=WAIT_S)

    def test_somebody_else_owns_the_name(self):
        """Row A7: a bus that lost its policy file lets root's stand-in take the name; jitctl believes nothing of it."""
        Broker.stop()
        Bus.stop()
        Bus.start('<policy context="default"><allow own="*"/><allow send_type="method_call"/></policy>')
        Broker.start("mallory", "squat")
        try:
            for args in (["status"], ["requests"], ["request", "--wait"]):
                self.assertIn("somebody else owns the broker's name (uid 5004", jitctl("alice", *args, code=4).stderr)
        finally:
            Broker.stop()
            Bus.stop()
            Bus.start(Bus.policy)
            Broker.start()

    def test_own_is_denied(self):
        """Row A7, the other half: with the policy file nobody but _jit gets the name."""
        Broker.stop()
        squat = subprocess.Popen([HARNESS, f"{ROOM}/squat/jit.db", f"{ROOM}/rules", f"{ROOM}/people"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True, preexec_fn=become("mallory"))
        self.assertRegex(Broker.wait_log("not on the system bus"), "AccessDenied|not allowed")
        self.assertIn("not running: systemctl start jit-broker", jitctl("alice", "status", code=4).stderr)
        squat.communicate(timeout=WAIT_S)
        Broker.start()

    def test_one_user_cannot_fill_the_queue(self):
        """While one user calls and calls, another is served."""
        def flooded(watch):
            flood = subprocess.Popen(["sh", "-c", 'for i in $(seq 20); do "$0" requests & done; wait', JITCTL],
                                     preexec_fn=become("mallory"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with watch:
                jitctl("alice", "requests")
            flood.wait(WAIT_S)

        within(20, flooded)  # twenty programs start meanwhile; a queue that is full would not answer at all

    def test_big_messages(self):
        """Row A8: 30 MiB of argument is refused, and the memory comes back."""
        before = Broker.rss()
        for _ in range(3):
            sock = connected(0)
            body = (30 << 20).to_bytes(4, "little") + bytes(30 << 20)
            sock.sendall(message(2, "/org/pamjit/Broker1", "org.pamjit.Broker1.Grants", "Revoke", "org.pamjit.Broker1", "a{sv}ay",
                                 bytes(8) + body))
            answer = b""
            sock.settimeout(100 if SANITIZED else WAIT_S)
            while b"longer than 1 MiB" not in answer:
                got = sock.recv(65536)
                self.assertTrue(got, answer)
                answer += got
            sock.close()
        jitctl("mallory", "status")  # an answer to what came later: the thread has been round its loop
        if not SANITIZED:
            self.assertLess(Broker.rss() - before, 8 * 1024)
            self.assertLess(Broker.rss("VmHWM"), 64 * 1024)


if __name__ == "__main__":
    enter()
    try:
        unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2, warnings="ignore")
    finally:
        if Broker.process.poll() is None:
            Broker.stop()
        Bus.stop()
