#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a broker logged, replayed by the real jitctl; and what it explains: replay_test.py HARNESS JITCTL BUS_POLICY [TEST...].

Root only, in private namespaces."""
import json
import sys
import unittest

import room
from room import Broker, Bus, ROOM, call, command, document, enter, jitctl, new_request

# What is asked ahead of time at sudo is a claim.
RULES = room.RULES.replace('id = "p-free"\n', 'id = "p-free"\nunverified-ok = ["as"]\n') + """[[permit]]
id = "p-carol"
who = ["user:alice"]
door = ["sudo"]
as = ["user:carol"]
max = "1h"
[[permit]]
id = "p-text"
who = ["user:bob"]
door = ["su"]
as = ["user:root"]
require = ["reason:20"]
max = "1h"
[[permit]]
id = "p-glass"
break-glass = true
who = ["user:carol"]
door = ["su"]
as = ["user:root"]
when = ["count.break-glass.24h < 2"]
require = ["reason"]
max = "30m"
[[guard]]
id = "often"
when = ["count.requests.1h >= 1000"]
max = "1m"
"""


def rules_file(name, text):
    path = f"{ROOM}/{name}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def replay(*args, user="root", code=0):
    return json.loads(jitctl(user, "policy", "replay", *args, "--json", code=code).stdout)


class Replay(unittest.TestCase):
    def make_history(self):
        """Each outcome once at least, by the policy that is in force."""
        jitctl("alice", "request", "--as", "bob", "--", "/bin/ls", "\x1b[2J", "a b")         # allow
        jitctl("bob", "approve", new_request())                                              # approval, and again when approved
        jitctl("mallory", "request", code=1)                                                 # nothing permits it
        new_request("alice", "su", "carol")
        jitctl("root", "fact", "set", "freeze", "true")                                      # ends what waits
        jitctl("alice", "request", "--as", "bob", code=1)                                    # a guard denies it
        jitctl("root", "fact", "clear", "freeze")
        command("attempt bob 5002 su observe")                                               # needs a reason
        command("attempt carol 5003 su observe")                                             # needs a choice
        made = [entry["fields"]["decision"] for entry in document("root", "audit", "log") if "decision" in entry["fields"]]
        said = {(one["outcome"], tuple(one["rules"])) for one in made}
        for outcome, rules in (("allow", ("p-free",)), ("approval", ("p-root",)), ("approval", ("p-two",)), ("deny", ()), ("deny", ("p-two", "freeze")),
                               ("deny", ("p-free", "freeze")), ("needs", ("p-text",)), ("needs", ("p-glass",))):
            self.assertIn((outcome, rules), said)
        return len(made)

    def test_replay(self):
        made = self.make_history()
        people = f"{ROOM}/people"
        same = replay(f"{ROOM}/rules", people)
        self.assertEqual((same["decisions"], same["changed"], same["changes"], same["unknown"]), (made, 0, [], {}))
        self.assertEqual((same["other_tags"], same["unreadable"]), (0, {}))
        done = jitctl("audrey", "policy", "replay", "--since", "90d", f"{ROOM}/rules", people)  # an auditor
        self.assertEqual((done.stdout, done.stderr), ("", f"{made} decisions replayed, none would be another\n"))
        self.assertEqual(replay("--since", "2099-01-01T00:00:00Z", f"{ROOM}/rules", people)["decisions"], 0)
        mallory = replay("--person", "uid:5004", f"{ROOM}/rules", people)
        self.assertEqual(mallory["decisions"], 1)

        other = rules_file("other", RULES.replace('id = "p-free"', 'id = "p-now"')
                           + '[[permit]]\nid = "p-more"\nwho = ["user:mallory"]\ndoor = ["sudo"]\nmax = "5m"\n'
                           + '[fact.calm]\ntype = "bool"\ninitial = true\n'
                           + '[[guard]]\nid = "calm"\ndoor = ["su"]\nas = ["user:carol"]\nwhen = ["calm == false"]\nmax = "1m"\n')
        found = replay(other, people, code=1)
        seen = {(one["person"], one["before"]["text"], one["after"]["text"], tuple(one["unknown"])): one for one in found["changes"]}
        self.assertEqual(set(seen), {("uid:5001", "allow by p-free", "allow by p-now", ()),
                                     ("uid:5001", "deny by p-free, freeze", "deny by p-now, freeze", ()),
                                     ("uid:5001", "approval by p-two", "approval by p-two with calm", ("calm",)),
                                     ("uid:5001", "deny by p-two, freeze", "deny by p-two, calm, freeze", ("calm",)),
                                     ("uid:5004", "deny", "allow by p-more", ())})
        self.assertEqual(found["unknown"], {"calm": 2})
        one = seen["uid:5001", "allow by p-free", "allow by p-now", ()]
        self.assertEqual((one["before"]["rule"], one["after"]["rule"], one["after"]["outcome"]), ("p-free", "p-now", "allow"))
        self.assertEqual(sum(each["count"] for each in found["changes"]), found["changed"])
        self.assertRegex(one["example"]["id"], "^[0-9a-f]{32}$")
        done = jitctl("root", "policy", "replay", other, people, code=1)
        self.assertRegex(done.stdout, r"(?m)^uid:5001\tapproval by p-two\tapproval by p-two with calm\t1\tcalm\t20[0-9T:-]+Z [0-9a-f]{32}$")
        self.assertIn(f"{made} decisions replayed, {found['changed']} would be others\n2 decisions read calm now, which was not recorded: unknown there\n", done.stderr)

    def test_refusals(self):
        rules, people = f"{ROOM}/rules", f"{ROOM}/people"
        jitctl("mallory", "policy", "replay", rules, people, code=3)
        jitctl("root", "policy", "replay", f"{ROOM}/absent", code=2)
        jitctl("root", "policy", "replay", "--since", "noon", rules, code=2)
        broken = jitctl("root", "policy", "replay", rules_file("broken", RULES + "[[permit]]\n"), people, code=2)
        self.assertIn("does not load", broken.stderr)
        Broker.stop()
        jitctl("root", "policy", "replay", rules, people, code=4)
        self.assertIn("the broker cannot be asked", jitctl("root", "policy", "why", code=None).stderr)
        Broker.start()


class Explain(unittest.TestCase):
    def why(self, *args, verb="why", code=0):
        return json.loads(jitctl("root", "policy", verb, "--json", *args, code=code).stdout)

    def test_the_policy_in_force_answers(self):
        in_force = document("root", "status")["policy"]["hash"]
        said = self.why("--user", "alice")
        self.assertEqual((said["policy"], said["outcome"], said["offer"]["rule"]), (in_force, "approval", "p-root"))
        self.assertEqual((said["subject"], said["target"]), ({"name": "alice", "uid": 5001}, {"name": "root", "uid": 0}))
        self.assertNotIn("not_by", said)
        facts = {fact["name"]: fact["value"] for fact in said["facts"]}
        self.assertEqual(facts["freeze"], "false")
        # What was counted is counted, and asking counts nothing.
        before = int(facts["count.requests.1h"])
        jitctl("alice", "request", "--as", "bob", "--", "/bin/true", str(before))
        for _ in range(2):
            facts = {fact["name"]: fact["value"] for fact in self.why("--user", "alice")["facts"]}
            self.assertEqual(int(facts["count.requests.1h"]), before + 1)
        jitctl("root", "fact", "set", "freeze", "true")
        denied = self.why("--user", "alice", verb="why-not", code=1)
        self.assertEqual((denied["outcome"], denied["why"], denied["rules"]), ("deny", ["change freeze in force"], ["p-root", "freeze"]))
        self.assertEqual(self.why("--user", "alice", "--fact", "freeze=false")["outcome"], "approval")
        # Files are still asked by themselves.
        self.assertEqual(self.why("--user", "alice", f"{ROOM}/rules")["outcome"], "approval")
        jitctl("root", "fact", "clear", "freeze")

    def test_what_is_supposed(self):
        for args, outcome, by in ((["--user", "alice", "--as", "bob"], "allow", "p-free"),
                                  (["--user", "alice", "--as", "bob", "--for", "10m", "--urgency", "high", "--at", "2026-11-24T21:10:00Z"], "allow", "p-free"),
                                  (["--user", "alice", "--as", "bob", "--claimed"], "allow", "p-free"),
                                  (["--user", "alice", "--as", "carol"], "allow", "p-carol"),
                                  (["--user", "alice", "--as", "carol", "--claimed"], "deny", None),
                                  (["--user", "nobody-at-all"], "deny", None),
                                  (["--user", "bob", "--door", "su"], "needs", "p-text"),
                                  (["--user", "bob", "--door", "su", "-m", "the disk of db1 is full"], "allow", "p-text"),
                                  (["--user", "carol", "--door", "su"], "needs", "p-glass"),
                                  (["--user", "alice", "--door", "ssh", "--from", "192.0.2.1"], "deny", None)):
            with self.subTest(args=args):
                said = self.why(*args, code=1 if outcome == "deny" else 0)
                self.assertEqual((said["outcome"], (said["offer"] or {}).get("rule")), (outcome, by))
        said = self.why("--user", "alice", "--", "ls", "\x1b[2J")
        self.assertEqual((said["path"][-3:], said["argv"]), ("/ls", ["ls", "\\x1b[2J"]))
        text = jitctl("root", "policy", "why-not", "--user", "mallory", code=1).stdout
        self.assertRegex(text, r"request: +mallory, sudo as root\npolicy: +[0-9a-f]{12}, in force\noutcome: +deny\n")
        self.assertRegex(text, r"\nnot by p-")

    def test_refusals(self):
        for user in ("mallory", "audrey"):
            self.assertIn("needs the role admin", jitctl(user, "policy", "why", code=3).stderr)
        for args in (["--door", "window"], ["--from", "x"], ["--fact", "freeze"], ["--urgency", "x"], ["--door", "ssh", "--as", "root", "--user", "bob"]):
            with self.subTest(args=args):
                jitctl("root", "policy", "why", *args, code=2)
        done = jitctl("root", "policy", "why", "--fact", "frezee=true", code=2)
        self.assertIn("there is no fact `frezee`; did you mean `freeze`?", done.stderr)
        self.assertIn("of type bool", jitctl("root", "policy", "why", "--fact", "freeze=3", code=2).stderr)
        self.assertNotEqual(call("mallory", "Policy", "Explain", "a{sv}", "0").returncode, 0)
        self.assertEqual(call("root", "Policy", "Explain", "a{sv}", "0").returncode, 0)
        self.assertNotEqual(call("root", "Policy", "Explain", "a{sv}", "1", "odd", "b", "true").returncode, 0)


if __name__ == "__main__":
    room.RULES = RULES
    enter()
    try:
        unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2, warnings="ignore")
    finally:
        if Broker.process.poll() is None:
            Broker.stop()
        Bus.stop()
