#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Questions about policies that lie in a folder: what_if_test.py JITCTL. No broker is asked."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

JITCTL = sys.argv.pop(1)
HEAD = 'schema = 1\n[settings]\ncovers = ["sudo"]\n'
PERMIT = '[[permit]]\nid = "p"\nwho = ["user:alice"]\ndoor = ["sudo"]\nas = ["user:root"]\nmax = "15m"\n'
INVARIANT = '[[invariant]]\nname = "asked"\nalways = { as = ["user:root"], needs = "approval" }\n'
FLEET = HEAD + PERMIT + 'hosts = ["tag:db"]\n'


def ask(verb, *args):
    return subprocess.run([JITCTL, "policy", verb, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = folder.name

    def folder(self, name="etc", rules=HEAD + PERMIT, **files):
        path = os.path.join(self.top, name)
        for place, text in {"policy.d/p.toml": rules, **files}.items():
            os.makedirs(os.path.dirname(os.path.join(path, place)), exist_ok=True)
            with open(os.path.join(path, place), "w", encoding="ascii") as file:
                file.write(text)
        return path


class FailingTests(Folder):
    def test_prove_prints_the_counterexample(self):
        etc = self.folder(**{"tests.d/t.toml": INVARIANT})
        done = ask("prove", etc)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("refuted: asked: permit `p` opens sudo without approval\n", done.stdout)
        self.assertIn('    request = { user = "alice", door = "sudo", as = "root"', done.stdout)
        self.assertNotIn("does not load", done.stderr)
        got = json.loads(ask("prove", "--json", etc).stdout)
        self.assertEqual((got[0]["name"], got[0]["answer"]), ("asked", "refuted"))
        self.assertIn('user = "alice"', got[0]["witness"])

    def test_single_files_may_hold_invariants_only(self):
        etc = self.folder(**{"tests.d/t.toml": INVARIANT})
        done = ask("test", etc + "/policy.d/p.toml", etc + "/tests.d/t.toml")
        self.assertIn("FAILED asked", done.stdout, done)

    def test_other_questions_are_answered_and_say_it(self):
        etc = self.folder(**{"tests.d/t.toml": INVARIANT})
        for verb, more, code, wanted in (("show", [], 0, "permit p: "), ("why", ["--user", "alice"], 0, "allow"),
                                         ("why-not", ["--user", "bob"], 1, "deny"), ("who-can", [], 0, "user:alice"),
                                         ("minimise", [], 0, ""), ("diff", [etc], 0, "")):
            with self.subTest(verb=verb):
                done = ask(verb, *more, etc)
                self.assertEqual(done.returncode, code, done)
                self.assertIn(wanted, done.stdout)
                self.assertIn("1 fault in its tests, so no broker would take it: jitctl policy test", done.stderr)
        self.assertEqual(ask("check", etc).returncode, 1)

    def test_a_wrong_policy_still_does_not_load(self):
        etc = self.folder(rules=HEAD + PERMIT.replace("max", "maks"), **{"tests.d/t.toml": INVARIANT})
        for verb in ("prove", "show", "who-can"):
            done = ask(verb, etc)
            self.assertEqual(done.returncode, 1)
            self.assertIn("does not load", done.stderr)

    def test_an_invariant_of_nobody_is_no_proof(self):
        etc = self.folder(**{"tests.d/t.toml": INVARIANT.replace('as = ["user:root"]', 'who = ["set:nosuch"]')})
        done = ask("prove", etc)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("E02 set `nosuch` is not defined", done.stdout)
        self.assertEqual(json.loads(ask("prove", "--json", etc).stdout)[0]["answer"], "wrong")

    def test_facts_that_nobody_declared(self):
        fact = '[fact.freeze]\ntype = "bool"\ninitial = false\n[fact.temp]\ntype = "float"\ninitial = 1.0\n'
        etc = self.folder(rules=HEAD + fact + PERMIT + 'when = ["temp > 2.5"]\n')
        done = ask("why", "--user", "alice", "--fact", "freze=true", etc)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("there is no fact `freze`; did you mean `freeze`?", done.stderr)
        self.assertIn("of type bool", ask("why", "--user", "alice", "--fact", "freeze=3", etc).stderr)
        self.assertEqual(ask("why", "--user", "alice", "--fact", "temp=3", etc).returncode, 0)


class HostTags(Folder):
    def test_what_was_assumed_is_said_once(self):
        etc = self.folder(rules=FLEET)
        for verb, more in (("check", []), ("show", []), ("why", []), ("who-can", []), ("minimise", []), ("diff", [etc])):
            with self.subTest(verb=verb):
                done = ask(verb, *more, etc)
                self.assertEqual(done.stderr.count("there is no broker.toml here"), 1, done)
                self.assertIn("rules name db: give those of the host with --host-tag TAG", done.stderr)
                self.assertNotIn("broker.toml", ask(verb, "--host-tag", "db", *more, etc).stderr)
        with_tags = self.folder("with", rules=FLEET, **{"broker.toml": '[host]\ntags = ["db"]\n'})
        self.assertNotIn("broker.toml", ask("who-can", with_tags).stderr)
        self.assertNotIn("broker.toml", ask("who-can", self.folder("plain")).stderr)

    def test_the_tags_that_are_given_count(self):
        etc = self.folder(rules=FLEET, **{"broker.toml": '[host]\ntags = ["web"]\n'})
        self.assertEqual(ask("who-can", etc).returncode, 1)
        for tags in (["--host-tag", "db"], ["--host-tag=web,db"], ["--host-tag", "web", "--host-tag", "tag:db"]):
            with self.subTest(tags=tags):
                self.assertIn("user:alice", ask("who-can", *tags, etc).stdout)
                self.assertEqual(ask("why", "--user", "alice", *tags, etc).returncode, 0)
        self.assertEqual(ask("why", "--user", "alice", "--host-tag", "other", etc).returncode, 1)
        self.assertEqual(ask("who-can", "--host-tag", "DB", etc).returncode, 2)

    def test_diff_for_one_kind_of_host(self):
        old, new = self.folder("old", rules=FLEET), self.folder("new", rules=FLEET.replace("15m", "8h"))
        done = ask("diff", "--host-tag", "db", old, new)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("easier at sudo (p)", done.stdout)

    def test_diff_names_what_is_for_other_hosts(self):
        old, new = self.folder("old", rules=FLEET), self.folder("new", rules=FLEET.replace("15m", "8h"))
        done = ask("diff", old, new)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("for hosts with other tags these differ too (--host-tag TAG): p\n", done.stderr)
        self.assertEqual(ask("diff", "--host-tag", "web", old, new).returncode, 0)
        self.assertEqual(json.loads(ask("diff", "--json", old, new).stdout)["elsewhere"], ["p"])

    def test_diff_of_what_no_request_shows(self):
        fact = '[fact.f]\ntype = "bool"\ninitial = {}\n'
        old, new = (self.folder(name, rules=HEAD + fact.format(initial) + PERMIT + 'unless.flag = ["f"]\n')
                    for name, initial in (("old", "true"), ("new", "false")))
        done = ask("diff", old, new)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("changed: fact f: bool, initial true -> bool, initial false\n", done.stdout)
        self.assertIn("allowed at sudo (p): deny -> allow by p, 15m\n", done.stdout)
        got = json.loads(ask("diff", "--json", old, new).stdout)
        self.assertTrue(got["complete"])
        self.assertEqual(got["named"][0]["what"], "fact f")

    def test_an_invariant_for_this_host(self):
        etc = self.folder(rules=FLEET, **{"tests.d/t.toml": INVARIANT})
        self.assertEqual(ask("prove", "--host-tag", "web", etc).returncode, 0)
        self.assertIn("no permit opens any of it", ask("prove", "--host-tag", "web", etc).stdout)
        self.assertEqual(ask("prove", "--host-tag", "db", etc).returncode, 1)


if __name__ == "__main__":
    unittest.main(verbosity=1)
