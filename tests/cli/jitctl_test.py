#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The real jitctl without a broker: jitctl_test.py JITCTL MANPAGE. Needs no root."""
import base64
import ctypes
import hashlib
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
ANYWHERE = RULES.replace("user:alice", "user:1000")  # whoever this host knows

SUDOERS = """Defaults env_reset,!pam_session
User_Alias ADMINS = alice, %wheel, !carl, #1005
Runas_Alias DB = postgres, mysql
Cmnd_Alias SVC = /usr/bin/systemctl restart nginx, /usr/bin/systemctl status *
root ALL=(ALL:ALL) ALL
%sudo ALL=(ALL:ALL) ALL
ADMINS ALL=(DB) NOPASSWD: SVC, !/usr/bin/systemctl status ssh
bob ALL=(root) SETENV: /usr/bin/less, /usr/bin/apt-get update "", /opt/bin/, sudoedit /etc/motd
dave ALL=(ALL) ALL, !/bin/sh
frank web1 = /bin/ls ""
+netg ALL = /bin/ls ""
gina ALL = (ALL, !root) ALL
eve ALL = ^/usr/bin/(cat|ls)$ ^-l$
harry ALL = /bin/ls "", /usr/bin/id -[a-z]
"""
LEFT_OUT = (
    "left out: Defaults !pam_session", "left out: rule 3: !/usr/bin/systemctl status ssh", "narrower: rule 3: /usr/bin/systemctl status *",
    "narrower: rule 4: SETENV", "left out: rule 4: /opt/bin/", "left out: rule 4: sudoedit /etc/motd", "left out: rule 5: ", "left out: rule 6: ", "left out: rule 7: ",
    "left out: rule 9: ^/usr/bin/(cat|ls)$ ^-l$", "left out: rule 10: /usr/bin/id -[a-z]", "6 rules carried over")


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
        verbs = re.findall(r"^  ((?:policy |audit |fact |people |relay |notify )?[a-z-]+)", done.stdout, re.M)
        self.assertGreaterEqual(len(verbs), 17)
        with open(MANPAGE, encoding="ascii") as file:
            page = file.read()
        for verb in verbs:
            self.assertIn(f".B {verb}", page.replace("\\-", "-"))
            text = run("help", *verb.split())
            self.assertEqual(text.returncode, 0)
            self.assertTrue(text.stdout.startswith("jitctl " + verb), text.stdout)
        self.assertEqual(run("--help").stdout, done.stdout)
        self.assertRegex(run("--version").stdout, r"^jitctl \d+\.\d+\.\d+\n$")

    def test_completion(self):
        script = run("completion", "bash").stdout
        ask = 'c() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _jitctl; echo "${COMPREPLY[@]}"; }; c '
        for words, wanted in ("jitctl appr", "approve"), ("jitctl policy why", "why why-not"), ("jitctl deny --b", "--block"), ("jitctl policy check /etc/passw", "/etc/passwd"):
            done = subprocess.run(["bash", "-c", script + ask + words], capture_output=True, text=True, check=False)
            self.assertIn(wanted, done.stdout.strip(), done.stderr)
        for shell in "zsh", "fish":
            self.assertIn("--block" if shell == "zsh" else "-l block", run("completion", shell).stdout)
        self.bad(run("completion", "tcsh"))


class PolicyText(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file = os.path.join(self.folder.name, "rules.toml")
        self.addCleanup(self.folder.cleanup)

    def write(self, text):
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(text)

    def read(self):
        with open(self.file, encoding="utf-8") as file:
            return file.read()

    def test_show_says_each_rule_in_one_sentence(self):
        self.write(RULES)
        done = run("policy", "show", self.file)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertEqual(done.stdout, "permit admin-root: alice may use sudo as root without approval, for 15m.\n")
        parsed = json.loads(run("policy", "show", "--json", self.file).stdout)
        self.assertEqual([(rule["id"], rule["kind"]) for rule in parsed], [("admin-root", "permit")])

    def test_show_says_of_options_what_they_do_in_each_rule(self):
        """A permit allows what it lists; a guard, and what takes a rule away, apply as soon as one of it is used."""
        words = 'options = ["-i", "-s"]\nenv = ["LANG"]\n'
        self.write(RULES + words + 'unless.options = ["-g"]\n[[guard]]\nid = "shells"\n' + words + 'deny = "no shells"\n')
        done = run("policy", "show", self.file)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertIn("as root, sudo's options -i or -s allowed, environment additions LANG allowed, except with sudo's option -g without", done.stdout)
        self.assertIn('Anyone who would pass with sudo\'s option -i or -s and with environment addition LANG is refused: "no shells".', done.stdout)

    def test_fmt_checks_then_writes_then_is_content(self):
        untidy = RULES.replace(" = ", "=")
        self.write(untidy)
        os.chmod(self.file, 0o640)
        done = run("policy", "fmt", "--check", self.file)
        self.assertEqual((done.returncode, done.stdout), (1, self.file + "\n"))
        self.assertEqual(self.read(), untidy)
        self.assertEqual(run("policy", "fmt", self.file).returncode, 0)
        self.assertEqual(os.stat(self.file).st_mode & 0o7777, 0o640)
        self.assertIn('who = ["user:alice"]\n', self.read())
        self.assertEqual(run("policy", "fmt", "--check", self.file).stdout, "")

    def test_fmt_leaves_what_does_not_parse(self):
        self.write("schema = \n")
        done = run("policy", "fmt", self.file)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"rules.toml:\d+:\d+: E01 ")
        self.assertEqual(self.read(), "schema = \n")

    def test_fmt_follows_no_link(self):
        self.write(RULES.replace(" = ", "="))
        link = self.file + ".link.toml"
        os.symlink(self.file, link)
        self.assertEqual(run("policy", "fmt", link).returncode, 1)
        self.assertTrue(os.path.islink(link))

    def test_import_of_what_the_real_cvtsudoers_prints(self):
        sudoers = os.path.join(self.folder.name, "sudoers")
        with open(sudoers, "w", encoding="ascii") as file:
            file.write(SUDOERS)
        text = subprocess.run(["cvtsudoers", "-f", "json", sudoers], capture_output=True, text=True, check=True).stdout
        done = subprocess.run([JITCTL, "policy", "import-sudoers"], input=text, capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 0, done)
        for wanted in LEFT_OUT:
            self.assertIn(wanted, done.stderr)
        self.write(done.stdout)
        check = run("policy", "check", self.file)
        self.assertIn("ok: 6 rules", check.stdout, check)
        self.assertEqual(run("policy", "fmt", "--check", self.file).stdout, "", "the import is laid out as fmt does")
        shown = run("policy", "show", self.file).stdout
        self.assertIn("Members of group sudo may use sudo as any user without approval", shown)

    def test_import_of_something_else(self):
        for text in ("", "[]", "{", "null", "x" * 5_000_000):
            with self.subTest(text=text[:10]):
                done = subprocess.run([JITCTL, "policy", "import-sudoers"], input=text, capture_output=True, text=True, timeout=20)
                self.assertEqual(done.returncode, 2, done)


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
    """Row A13: standard input is never read, or no more of it than fits."""

    def test_endless_input(self):
        for args in (["status"], ["approve"], ["policy", "check", "/dev/stdin"], ["vote", "--code"], ["vote", "--paste"],
                     ["audit", "show", "abab", "/dev/stdin"], ["audit", "prove", "abab", "/dev/stdin"]):
            with self.subTest(args=args), open("/dev/zero", "rb") as zero:
                done = within(5, lambda _, args=args, zero=zero: subprocess.run([JITCTL, *args], stdin=zero, capture_output=True,
                                                                                timeout=WAIT_S))
                self.assertNotEqual(done.returncode, 0)
                if args[0] in ("vote", "audit"):
                    self.assertIn(b"too long", done.stderr)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assertLess(peak, 128 * 1024 if "asan" not in JITCTL else 1 << 30)


class AuditFiles(unittest.TestCase):
    def forged(self, user):
        """A log that nobody signed, one entry long."""
        def dump(value):
            return json.dumps(value, sort_keys=True, separators=(",", ":"))
        leaf = dump({"boot": "b", "boottime": 1, "fields": {"door": "sudo", "kind": "elevation", "user": user, "target": {"name": "root"}}, "grant": None,
                     "personal": {}, "request": "ab" * 16, "sequence": 1, "time": 1790000000000, "type": "request.created", "v": 1})
        digest = hashlib.sha256(b"\0" + leaf.encode()).hexdigest()
        head = dump({"boot": "b", "boottime": 1, "epoch": 1, "host": "00" * 16, "people": 0, "policy": "", "root": digest, "size": 1, "time": 1790000000000})
        envelope = {"payload": base64.b64encode(head.encode()).decode(), "payloadType": "x", "signatures": [{"keyid": "k", "kind": "sshsig", "sig": "AAAA"}]}
        lines = ({"first": 1, "frontier": [], "host": {"id": "00" * 16, "key": "k", "name": "n"}, "kind": "log", "v": 1},
                 {"hash": digest, "kind": "entry", "leaf": leaf, "personal": {}},
                 {"envelope": envelope, "kind": "checkpoint"}, {"kind": "end", "size": 1})
        return "".join(dump(line) + "\n" for line in lines)

    def test_nothing_is_shown_of_a_file_that_does_not_verify(self):
        for user in "alice", "\x1b[31mEVIL\x1b]0;owned\x07", "x\r\n2026-01-01T00:00:00Z  bob approved":
            with self.subTest(user=user), tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
                file.write(self.forged(user))
                file.flush()
                done = run("audit", "show", "abab", file.name)
                self.assertNotEqual(done.returncode, 0)
                self.assertEqual(done.stdout, "")
                self.assertRegex(done.stderr, r"\Ajitctl: [ -~]+\n\Z")
                shown = run("audit", "show", "--json", "abab", file.name)
                self.assertNotIn(user.splitlines()[-1][-5:], shown.stdout)
                proof = run("audit", "prove", "abab", file.name).stdout
                self.assertRegex(proof, r"\A[ -~\n]*\Z")
                self.assertEqual('"kind":"proof"' in proof, user == "alice")


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
        done = run("policy", "check", self.write("a.toml", ANYWHERE))
        self.assertEqual((done.returncode, done.stdout), (0, "ok: 1 rule\n"), done)

    def test_names_and_programs_of_this_host(self):
        program = self.write("tool/run", "")
        text = ANYWHERE.replace("user:1000", "user:no-such-user-here") + 'run = ["command:tool"]\n'
        path = self.write("a.toml", text + f'[command]\ntool = [["{program}"]]\n')
        os.chmod(os.path.dirname(program), 0o777)
        done = run("policy", "check", path)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("a.toml:6:8: W07 this host knows no user `no-such-user-here` now", done.stdout)
        self.assertRegex(done.stdout, r"a\.toml:12:1: W06 (everybody|user \S+) may replace `" + re.escape(program) + "`")

    def test_good_folder(self):
        self.write("policy.d/a.toml", ANYWHERE)
        done = run("policy", "check", self.folder.name)
        self.assertEqual((done.returncode, done.stdout), (0, "ok: 1 rule\n"), done)

    def test_people_file(self):
        people = 'version = 1\n[[person]]\nname = "bob"\nusers = ["bob"]\n'
        done = run("policy", "check", self.write("people.d/p.toml", people), self.write("a.toml", RULES))
        self.assertEqual(done.returncode, 0, done)

    def test_files_of_each_kind(self):
        rules = self.write("rules.toml", RULES.replace("user:alice", "set:duty") + 'during = ["window:open"]\n' +
                           '[set]\nduty = { roster = "duty.toml", fresh = "1d" }\n[calendar]\nfree = "free.ics"\n' +
                           '[window]\nopen = { weekly = ["Mon-Sun 00:00-24:00"], except = ["calendar:free"] }\n')
        roster = self.write("duty.toml", 'issued = 2026-11-25T00:00:00Z\n[[shift]]\nfrom = 2026-11-25T00:00:00Z\n'
                            'to = 2036-11-25T00:00:00Z\nwho = ["user:root"]\n')
        days = self.write("free.ics", "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:a\nDTSTART;VALUE=DATE:20261224\nEND:VEVENT\nEND:VCALENDAR\n")
        tests = self.write("laws.toml", '[[invariant]]\nname = "nobody becomes postgres"\nalways = { as = ["user:postgres"], needs = "deny" }\n')
        done = run("policy", "check", rules, roster, days)
        self.assertEqual((done.returncode, done.stdout), (0, "ok: 1 rule\n"), done)
        done = run("policy", "check", rules, roster, days, tests)
        self.assertEqual((done.returncode, done.stdout), (0, "ok: 1 rule\n"), done)

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


class RelayFolder(unittest.TestCase):
    """What an admin keeps of a relay, where no server is asked."""

    def setUp(self):
        self.top = tempfile.TemporaryDirectory()
        self.folder = os.path.join(self.top.name, "relay")
        self.file = os.path.join(self.folder, "authority.json")
        self.assertEqual(run("relay", "init", self.folder, "--server", "tls://localhost:1").returncode, 0)

    def tearDown(self):
        self.top.cleanup()

    def words(self, person):
        return ["relay", "issue-approver", self.folder, person, "--set", "set:admins"]

    def issued(self):
        with open(self.file, encoding="utf-8") as f:
            return [each["name"] for each in json.load(f)["issued"]]

    def test_what_a_killed_one_left_stops_nobody(self):
        left = self.file + ".jit-new"
        with open(left, "w", encoding="utf-8") as f:
            f.write("half of")
        done = run(*self.words("bob"))
        self.assertEqual((done.returncode, self.issued(), os.path.exists(left)), (0, ["bob"], False), done)

    def test_a_file_that_cannot_be_replaced_is_named(self):
        os.mkdir(self.file + ".jit-new")
        done = run(*self.words("bob"))
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(self.file, done.stderr)

    def test_many_at_once_are_all_written_down(self):
        people = [f"p{n}" for n in range(40)]
        many = [subprocess.Popen([JITCTL, *self.words(each)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for each in people]
        self.assertEqual({each.wait(WAIT_S) for each in many}, {0})
        self.assertEqual(sorted(self.issued()), sorted(people))

    def test_credentials_that_others_may_read_are_named(self):
        for mode in 0o600, 0o640, 0o604:
            with self.subTest(mode=mode), open(os.path.join(self.top.name, f"{mode}.creds"), "wb") as f:
                os.fchmod(f.fileno(), mode)
                done = subprocess.run([JITCTL, *self.words("bob")], stdout=f, stderr=subprocess.PIPE, text=True, timeout=WAIT_S)
                self.assertEqual((done.returncode, "others may read" in done.stderr), (0, mode != 0o600), done)


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
