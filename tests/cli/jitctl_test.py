#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The real jitctl without a broker: jitctl_test.py JITCTL MANPAGE. Needs no root."""
import ctypes
import json
import os
import pty
import re
import resource
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../e2e")
from in_time import WAIT_S, within  # noqa: E402

JITCTL = sys.argv.pop(1)
MANPAGE = sys.argv.pop(1)
RULES = """schema = 1
[settings]
covers = ["sudo"]
[[permit]]
id = "admin-root"
who = ["user:alice"]
door = ["sudo"]
as = ["user:root"]
max = "15m"
"""


def run(*args, **more):
    return subprocess.run([JITCTL, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT_S, **more)


class Usage(unittest.TestCase):
    def bad(self, done):
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, r"\Ajitctl: [ -~]+\n\Z")

    def test_usage_errors(self):
        for args in ([], [""], ["frob"], ["approve"], ["approve", "xyz"], ["deny", "abcd"], ["deny", "abcd", "-m", " "],
                     ["request", "--for", "1e9"], ["request", "--for", "0s"], ["request", "ls"], ["revoke", "-m", "x"],
                     ["revoke", "abcd", "--all", "-m", "x"], ["revoke", "abcd"], ["audit", "log", "--limit", "0"],
                     ["requests", "--since", "noon"], ["approve", "abcd", "--scope", "all"], ["\x1b[2J"],
                     ["request", "-m", b"\xff"], ["request", "-m", "a" * 1025], ["policy", "check", "/nonexistent"]):
            with self.subTest(args=args):
                self.bad(run(*args))

    def test_help(self):
        done = run("help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        verbs = re.findall(r"^  ((?:policy |audit )?[a-z]+)", done.stdout, re.M)
        self.assertEqual(len(verbs), 14)
        with open(MANPAGE, encoding="ascii") as file:
            page = file.read()
        for verb in verbs:
            self.assertIn(f".B {verb}", page)
            text = run("help", *verb.split())
            self.assertEqual(text.returncode, 0)
            self.assertTrue(text.stdout.startswith("jitctl " + verb), text.stdout)
        self.assertEqual(run("--help").stdout, done.stdout)
        self.assertRegex(run("--version").stdout, r"^jitctl \d+\.\d+\.\d+\n$")


class A11(unittest.TestCase):
    """Row A11: argc = 0, a NULL environment, closed 0/1/2, 1 MiB argv."""

    def spawn(self, argv, env, closed=()):
        out, inn = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.dup2(inn, 2)
                os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
                for fd in closed:
                    os.close(fd)
                libc = ctypes.CDLL(None)
                words = (ctypes.c_char_p * (len(argv) + 1))(*[w.encode() for w in argv], None)
                libc.execve(JITCTL.encode(), words, env)
            finally:
                os._exit(99)
        os.close(inn)
        with os.fdopen(out) as stream:
            text = stream.read()
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text

    def test_empty_argv(self):
        code, text = self.spawn([], None)
        self.assertEqual(code, 2)
        self.assertRegex(text, r"\Ajitctl: [ -~]+\n\Z")

    def test_no_environment(self):
        code, _ = self.spawn(["jitctl", "help"], None, closed=())
        self.assertEqual(code, 0)

    def test_closed_standard_files(self):
        for closed in ([0], [1], [2], [0, 1], [0, 1, 2], [1, 2]):
            with self.subTest(closed=closed):
                code, text = self.spawn(["jitctl", "status"], None, closed)
                self.assertEqual(code, 2)
                if 2 not in closed:
                    self.assertRegex(text, r"\Ajitctl: [ -~]+\n\Z")

    def test_long_argv(self):
        words = ["x" * 100_000] * 11
        done = run("request", "--", *words)
        self.assertEqual(done.returncode, 2)
        self.assertIn("longer than", done.stderr)

    def test_few_descriptors(self):
        done = run("status", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)))
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")


class A13(unittest.TestCase):
    """Row A13: standard input is never read."""

    def test_endless_input(self):
        for args in (["status"], ["approve"], ["policy", "check", "/dev/stdin"]):
            with self.subTest(args=args), open("/dev/zero", "rb") as zero:
                done = within(5, lambda _, args=args, zero=zero: subprocess.run([JITCTL, *args], stdin=zero, capture_output=True,
                                                                                timeout=WAIT_S))
                self.assertNotEqual(done.returncode, 0)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assertLess(peak, 128 * 1024 if "asan" not in JITCTL else 1 << 30)


class NoBroker(unittest.TestCase):
    def test_environment_is_ignored(self):
        # A bus that the caller names is never asked: were it, this would say so.
        env = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/ours", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent/ours"}
        for args in (["status"], ["requests"], ["watch"], ["request"], ["approve", "abcd"], ["deny", "abcd", "-m", "x"],
                     ["grants"], ["audit", "log"], ["policy", "reload"], ["show", "abcd"], ["cancel", "abcd"],
                     ["end", "abcd"], ["revoke", "--all", "-m", "x"]):
            with self.subTest(args=args):
                done = run(*args, env=env)
                self.assertEqual(done.returncode, 4, done)
                self.assertEqual(done.stdout, "")
                self.assertRegex(done.stderr, r"\Ajitctl: [ -~]*systemctl start jit-broker\n\Z")
                self.assertNotIn("ours", done.stderr)


class PolicyCheck(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def test_good_file(self):
        done = run("policy", "check", self.write("a.toml", RULES))
        self.assertEqual((done.returncode, done.stdout), (0, "ok: 1 rule\n"), done)

    def test_good_folder(self):
        self.write("policy.d/a.toml", RULES)
        done = run("policy", "check", self.folder.name)
        self.assertEqual((done.returncode, done.stdout), (0, "ok: 1 rule\n"), done)

    def test_people_file(self):
        people = 'version = 1\n[[person]]\nname = "bob"\nusers = ["bob"]\n'
        done = run("policy", "check", self.write("people.d/p.toml", people), self.write("a.toml", RULES))
        self.assertEqual(done.returncode, 0, done)

    def test_bad_file_names_the_place(self):
        path = self.write("a.toml", RULES.replace("max =", "maks ="))
        done = run("policy", "check", path)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"(?m)^" + re.escape(path) + r":\d+:\d+: E\d\d [ -~]+$")
        self.assertNotIn("ok:", done.stdout)

    def test_bad_folder(self):
        self.write("policy.d/a.toml", "not toml [")
        self.assertEqual(run("policy", "check", self.folder.name).returncode, 1)

    def test_json(self):
        path = self.write("a.toml", RULES.replace("max =", "maks ="))
        done = run("policy", "check", "--json", path)
        self.assertEqual(done.returncode, 1)
        document = json.loads(done.stdout)
        self.assertFalse(document["ok"])
        self.assertEqual(document["findings"][0]["file"], path)

    def test_hostile_text_is_escaped(self):
        path = self.write("a.toml", RULES.replace("maks", "x") + '"\u202e\\u001b[2J" = 1\n')
        done = run("policy", "check", path)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"\A[ -~\n]*\Z")

    def test_odd_files(self):
        fifo = os.path.join(self.folder.name, "fifo")
        os.mkfifo(fifo)
        big = self.write("big.toml", "#" * (5 << 20))
        for path in (fifo, "/dev/zero", big, os.path.join(self.folder.name, "absent")):
            with self.subTest(path=path):
                done = run("policy", "check", path, self.write("a.toml", RULES))
                self.assertEqual(done.returncode, 2)


class Output(unittest.TestCase):
    def test_lost_output_is_no_success(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([JITCTL, "help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=WAIT_S)
        self.assertEqual(done.returncode, 1)
        self.assertIn("could not be written", done.stderr)

    def test_terminal_without_colour(self):
        lead, follow = pty.openpty()
        done = subprocess.run([JITCTL, "help"], stdout=follow, stderr=follow, env={"TERM": "xterm", "NO_COLOR": "1"}, timeout=WAIT_S)
        os.close(follow)
        self.assertEqual(done.returncode, 0)
        self.assertNotIn(b"\x1b", os.read(lead, 65536))
        os.close(lead)


if __name__ == "__main__":
    # This host's own bus, if it has one, is not asked.
    if os.geteuid() == 0 and not os.environ.pop("JITCTL_TEST_ALONE", None):
        os.environ["JITCTL_TEST_ALONE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                              'mount -t tmpfs run /run && exec "$@"', "sh", sys.executable, __file__, JITCTL, MANPAGE,
                              *sys.argv[1:]])
    unittest.main(verbosity=1)
