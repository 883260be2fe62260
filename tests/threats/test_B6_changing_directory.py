# SPDX-License-Identifier: Apache-2.0
"""B6: the user directory answers differently from one phase to the next. Any inconsistency is a deny."""
# bed: --no-sshd
import re

import bedlib
from bedlib import Inbox, broker, check


class Passwd:
    """Changes a line of /etc/passwd for a while. The broker is restarted, so that no answer is kept from before."""

    def __init__(self, name: str, line: str) -> None:
        self.name, self.line = name, line

    def __enter__(self):
        with open("/etc/passwd", encoding="utf-8") as f:
            self.before = f.read()
        self._write(re.sub(rf"(?m)^{self.name}:.*\n", self.line + "\n" if self.line else "", self.before))
        broker.restart()

    def __exit__(self, *_):
        self._write(self.before)
        broker.restart()

    @staticmethod
    def _write(text: str) -> None:
        with open("/etc/passwd", "w", encoding="utf-8") as f:
            f.write(text)


def attempt(change: Passwd, command: str) -> bedlib.Terminal:
    bedlib.clean_slate()
    with Inbox() as inbox, bedlib.waiting("alice", command) as alice:
        request = inbox.new("alice")["id"]
        with change:
            bedlib.run("bob", ["jitctl", "approve", request])
            alice.wait()
        return alice


def test_the_target_changes_its_uid_while_the_request_waits():
    alice = attempt(Passwd("carol", "carol:x:0:0::/home/carol:/bin/bash"), "sudo -u carol id -u; echo code $?")
    check("code 1" in alice.text and not re.search(r"^(0|2003)$", alice.text, re.M), alice.text)


def test_the_target_vanishes():
    """sudo opens no session for somebody who is in no directory; it may then run as the uid that was approved, as no other."""
    alice = attempt(Passwd("carol", ""), "sudo -u carol id -u; echo code $?")
    check("code 1" in alice.text or re.search(r"^2003$", alice.text, re.M), alice.text)
    with Passwd("carol", ""):
        program = bedlib.run("alice", "sudo -n -u '#2003' id -u")
        check(program.code != 0 and not re.search(r"^\d+$", program.out, re.M), f"the next one: {program.text}")


def test_a_grant_does_not_follow_a_name_to_another_uid():
    bedlib.clean_slate()
    with Inbox() as inbox:
        bedlib.jitctl("alice", "request", "--as", "root", "--reason", "x")
        bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
        with Passwd("alice", "alice:x:2105:2105::/home/alice:/bin/bash"):
            program = bedlib.run("alice", "sudo -n id -u")
            check(program.code != 0 and program.out.strip() != "0", f"uid 2105 used the grant of uid 2001: {program.text}")
            # What was given to the one is void by now, at the latest by the next look at who holds it.
            bedlib.run("root", ["jitctl", "policy", "reload"])
            check(not [g for g in bedlib.all_grants() if g["state"] != "ended"], "the grant of uid 2001 lives on")
        program = bedlib.run("alice", "sudo -n id -u")
        check(program.code != 0, f"a grant came back with a uid that came back: {program.text}")


def test_a_user_who_is_unknown_at_first_gets_nobodys_rights():
    bedlib.add_user("flip", 2300, ["sudo"])
    with Passwd("flip", ""):
        program = bedlib.run("alice", "sudo -n -u flip id -u")
        check(program.code != 0 and not re.search(r"^\d+$", program.out, re.M), program.text)


def with_slow_rule() -> None:
    with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
        bedlib.set_policy(f.read().replace('wait = "2s"', 'wait = "1m"'))


with_slow_rule()
bedlib.main(globals())
