#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The log of a broker as others get it, by the real jitctl: audit_test.py HARNESS JITCTL BUS_POLICY JIT_VERIFY [TEST...].

Root only, in private namespaces."""
import base64
import json
import os
import re
import subprocess
import sys
import unittest

import room
from room import Broker, Bus, ROOM, call, command, document, enter, jitctl, new_request

sys.path += [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", part) for part in ("verify", "ocsf")]
import ocsf_test  # noqa: E402  pylint: disable=wrong-import-position
import second  # noqa: E402  pylint: disable=wrong-import-position

VERIFY = sys.argv[4]


def file(name, text):
    path = f"{ROOM}/{name}"
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    return path


def export(*args):
    return jitctl("audrey", "audit", "export", *args).stdout


def checked(path, *args):
    done = subprocess.run([VERIFY, *args, path], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def story():
    """A request that is approved, used up and ended, one that is denied, and a grant that nobody was asked for."""
    request = new_request()
    jitctl("bob", "approve", request, "-m", "go on")
    grant = document("alice", "show", request)["grant"]
    jitctl("alice", "end", grant)
    denied = new_request()
    jitctl("bob", "deny", denied, "-m", "no")
    return request, grant, denied


class Audit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.request, cls.grant, cls.denied = story()

    def both(self, text, *args):
        """What jit-verify and the second verifier say: the same, and whether all of it is verified."""
        code, said = checked(file("export.jsonl", text), *args)
        one = None if code == 0 else tuple(int(n or 0) for n in (second_of(said)))
        two = second.check(text.encode(), "", (), [second.read_head(v) for v in args[1::2] if args[0] == "--head"])
        self.assertEqual(one is None, two is None, said)
        return code == 0, said

    def test_an_export_is_verified(self):
        text = export()
        good, said = self.both(text)
        self.assertTrue(good, said)
        self.assertIn("each grant has its request and its votes", said)
        kinds = [json.loads(line)["kind"] for line in text.splitlines()]
        self.assertEqual((kinds[0], kinds[-2], kinds[-1]), ("log", "checkpoint", "end"))
        self.assertGreaterEqual(kinds.count("evidence"), 3)  # two requests and a grant
        self.assertIn("verified", jitctl("mallory", "audit", "verify", f"{ROOM}/export.jsonl").stdout)
        self.assertIn("verified: entries 1 to", jitctl("root", "audit", "verify").stdout)
        self.assertIn("verified: entries 1 to", jitctl("audrey", "audit", "verify", "--head", head_of(export())).stdout)

    def test_it_begins_where_it_is_asked_to(self):
        text = export("--since", "1h")
        self.assertTrue(self.both(text)[0])
        self.assertEqual(json.loads(text.splitlines()[0])["first"], 1)
        jitctl("root", "audit", "export", "--since", "2099-01-01T00:00:00Z", code=1)

    def test_a_long_log_comes_in_pages(self):
        before = len(export())
        for i in range(20):
            cancelled = jitctl("alice", "request", "-m", "z" * 900, "--", "/bin/echo", str(i) + "z" * 60_000).stdout.strip()
            jitctl("alice", "cancel", cancelled)
        text = export()
        self.assertGreater(len(text), before + (2 << 20))
        good, said = self.both(text)
        self.assertTrue(good, said)
        self.assertEqual(sum('"kind":"log"' in line[:3000] for line in text.splitlines()), 1)

    def test_what_was_edited_is_named(self):
        lines = export().splitlines(True)
        at = next(i for i, line in enumerate(lines) if "vote.cast" in line)
        sequence = json.loads(json.loads(lines[at])["leaf"])["sequence"]
        edited = lines[:at] + [lines[at].replace("go on", "go in", 1)] + lines[at + 1:]
        for bad in edited, lines[:at] + lines[at + 1:], lines[:at] + [lines[at]] + lines[at:]:
            good, said = self.both("".join(bad))
            self.assertFalse(good)
            self.assertRegex(said, f"^NOT verified: entry {sequence + (bad is not edited and len(bad) > len(lines))}: ")
        code = jitctl("root", "audit", "verify", file("bad.jsonl", "".join(edited)), code=1).stdout
        self.assertIn(f"entry {sequence}: a personal field", code)

    def test_a_head_kept_elsewhere_tells_of_a_cut(self):
        older = export()
        new_cancelled()
        kept = json.loads(jitctl("root", "audit", "checkpoint").stdout)
        self.assertTrue(self.both(export(), "--head", kept["head"])[0])
        good, said = self.both(older, "--head", kept["head"])
        self.assertFalse(good)
        self.assertIn("cut or rolled back", said)
        path = file("head", json.dumps(kept))
        self.assertEqual(checked(file("old.jsonl", older), "--head", path)[0], 1)
        self.assertEqual(jitctl("root", "audit", "verify", "--head", path, f"{ROOM}/old.jsonl", code=1).returncode, 1)

    def test_a_proof_is_for_who_took_part(self):
        for user in "alice", "bob", "audrey", "root":
            for of in self.request, self.grant:
                text = jitctl(user, "audit", "prove", of).stdout
                good, said = self.both(text)
                self.assertTrue(good, said)
                self.assertIn(f"the proof of {self.request}", said)
                self.assertIn("1 request, 1 vote, 1 grant; each grant has its request and its votes", said)
        self.assertIn("not yours to see", jitctl("mallory", "audit", "prove", self.request, code=3).stderr)
        self.assertIn("not yours to see", jitctl("mallory", "audit", "prove", "abcdef", code=3).stderr)
        self.assertIn("verified", jitctl("mallory", "audit", "verify", file("proof.jsonl", text)).stdout)

    def test_it_is_told_as_a_story(self):
        told = jitctl("bob", "audit", "show", self.grant[:8]).stdout
        for words in ("alice asked to be root by sudo", "approved request", "may be root by sudo for 15m", "ended: returned"):
            self.assertIn(words, told)
        shown = document("bob", "audit", "show", self.request)
        self.assertTrue(shown["verified"])
        self.assertEqual([e["type"] for e in shown["entries"]][:2], ["request.created", "vote.cast"])
        self.assertEqual(shown["entries"], [e for e in document("root", "audit", "log") if e["request"] == self.request])

    def test_events_of_ocsf(self):
        out = export("--format", "ocsf").splitlines()
        self.assertEqual(len(out), len(document("root", "audit", "log")))
        for line in out:
            self.assertEqual(ocsf_test.complaints(json.loads(line)), [], line)
        self.assertIn("jsonl", jitctl("root", "audit", "export", "--format", "xml", code=2).stderr)

    def test_the_whole_log_is_for_admins_and_auditors(self):
        for user in "mallory", "alice", "bob":
            for args in (["export"], ["export", "--format", "ocsf"], ["checkpoint"], ["verify"]):
                jitctl(user, "audit", *args, code=3)
            self.assertIn("needs the role", call(user, "Audit", "Export", "tt", "0", "1").stderr)

    def test_wrong_questions_are_refused(self):
        for values in (["0", "0"], ["5", "3"], ["1", "18446744073709551615"], ["18446744073709551615", "1"], ["1", "9007199254740992"]):
            with self.subTest(values=values):
                self.assertNotEqual(call("root", "Audit", "Export", "tt", *values).returncode, 0)


class Observed(unittest.TestCase):
    """What doors and guards that only observe would have done."""

    def test_it_is_summed_up_by_person_and_rule(self):
        for words in ("alice 5001 su", "alice 5001 sudo", "mallory 5004 su", *(f"u{uid} {uid} su" for uid in range(6001, 6201))):
            command(f"attempt {words} observe")
        command("folded 5001 su 7 observed p-root: ask 1 of group:sre")
        command("folded 5001 sudo 2 observed p-root: ask 1 of group:sre")
        command("folded 5001 su 3 observed soon: deny: not any more")
        sums = document("audrey", "policy", "observed")
        entries = document("root", "audit", "log", "--type", "access.observed")
        self.assertEqual(len(entries), 207)  # more than are asked for at once
        of_alice = {(s["by"], s["rule"], s["would"]): s["count"] for s in sums if s["person"] == "uid:5001"}
        ask, deny = "ask 1 of group:sre", "deny: not any more"
        self.assertEqual(of_alice, {("door", "p-root", ask): 2, ("guard", "soon", deny): 1, ("more", "p-root", ask): 9, ("more", "soon", deny): 3})
        others = [s for s in sums if s["person"] != "uid:5001"]
        self.assertEqual((len(others), {(s["by"], s["rule"], s["count"]) for s in others}), (201, {("door", "", 1)}))
        self.assertTrue(all(s["would"].startswith("deny: no rule permits this") for s in others))
        last = [e["time"] for e in entries if e["person"] == "uid:5001" and e["fields"].get("by") == "door"][-1]
        self.assertEqual([s["last"] for s in sums if (s["person"], s["by"]) == ("uid:5001", "door")], [last])
        table = jitctl("root", "policy", "observed").stdout
        self.assertEqual(table.count("\n"), len(sums))
        self.assertRegex(table, rf"(?m)^uid:5001\tdoor\tp-root\t{ask}\t2\t20[0-9T:-]+Z$")
        self.assertEqual(document("root", "policy", "observed", "--since", "2099-01-01T00:00:00Z"), [])
        for user in "mallory", "alice", "bob":
            jitctl(user, "policy", "observed", code=3)


def head_of(text):
    """The head of an export, as SIZE:ROOT."""
    checkpoint = [json.loads(line) for line in text.splitlines() if line.startswith('{"envelope":') and '"kind":"checkpoint"' in line][-1]
    value = json.loads(base64.b64decode(checkpoint["envelope"]["payload"]))
    return f"{value['size']}:{value['root']}"


def second_of(said):
    return re.match(r"NOT verified: (?:entr(?:y|ies) (\d+)(?: to (\d+))?: )?", said).groups()


def new_cancelled():
    jitctl("alice", "cancel", new_request())


if __name__ == "__main__":
    room.RULES += '[[guard]]\nid = "soon"\nwho = ["user:alice"]\ndoor = ["su"]\nmode = "observe"\ndeny = "not any more"\n'
    enter()
    try:
        unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2, warnings="ignore")
    finally:
        if Broker.process.poll() is None:
            Broker.stop()
        Bus.stop()
