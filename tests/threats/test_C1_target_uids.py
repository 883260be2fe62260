# SPDX-License-Identifier: Apache-2.0
"""C1: sudo -u#-1 and its kin. Denied before anybody is asked, or asked and shown as uid 0."""
# bed: --no-sshd
import bedlib
from bedlib import Inbox, check

NOT_ROOT = ("#-1", "#4294967295", "#4294967296", "#12345", "0", "#99999999999", "no-such-user")
ROOT = ("#0", "toor", "root", "#00")


def test_targets_that_are_nobody():
    with Inbox() as inbox:
        for target in NOT_ROOT:
            for command in f"sudo -n -u '{target}' id -u", f"sudo -u '{target}' id -u":
                with bedlib.Terminal("alice", command) as alice:
                    check(alice.wait() != 0 and "0\n" not in alice.text.splitlines(True), f"{command}: {alice.text}")
        check(not [r for r in inbox.requests() if r["id"] not in inbox.known], "somebody was asked")


def test_targets_that_are_root_are_shown_as_root():
    with open("/etc/passwd", "a", encoding="ascii") as f:
        f.write("toor:x:0:0::/root:/bin/bash\n")
    bedlib.broker.restart()
    with Inbox() as inbox:
        for target in ROOT:
            with bedlib.Terminal("alice", f"sudo -u '{target}' id -u") as alice:
                if "waiting" in alice.expect("waiting|not allowed|unknown")[0]:
                    shown = inbox.new("alice")
                    check(shown["target"]["uid"] == 0, f"{target} is shown as {shown['target']}")
                    bedlib.jitctl("bob", "deny", shown["id"], "-m", "no")
                check(alice.wait() != 0, alice.text)


def test_what_a_second_name_of_a_uid_was_given_stays_its_own():
    """The uid leads to the first line of it, root's. What another name was given ends when that name is gone."""
    with open("/etc/passwd", "a", encoding="ascii") as f:
        f.write("spare:x:0:0::/root:/bin/bash\n")
    permit = '[[permit]]\nid = "second"\nwho = ["user:alice"]\ndoor = ["sudo"]\nas = ["user:toor", "user:spare"]\nunverified-ok = ["as"]\nmax = "10m"\n'
    with bedlib.policy_with('[[permit]]\nid       = "root"', permit + '[[permit]]\nid       = "root"'), Inbox() as inbox:
        for target in "toor", "spare":
            with bedlib.Terminal("alice", f"sudo -u {target} id -u") as alice:
                check(alice.wait() == 0, f"{target}: {alice.text}")
        bedlib.jitctl("root", "policy", "reload")
        with open("/etc/passwd", encoding="ascii") as f:
            without = [line for line in f if not line.startswith("spare:")]
        with open("/etc/passwd", "w", encoding="ascii") as f:
            f.writelines(without)
        bedlib.jitctl("root", "policy", "reload")
        ended = inbox.grant("ended", rule="second")
        check(ended["target"]["name"] == "spare", str(ended))
        check([g["target"]["name"] for g in bedlib.jitctl("alice", "grants")] == ["toor"], str(bedlib.all_grants()))


def test_a_guard_on_root_holds_for_every_spelling():
    with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
        bedlib.set_policy(f.read() + '[[guard]]\nid = "never-root"\nas = ["user:root"]\ndeny = "no root here"\n')
    for target in ROOT:
        with bedlib.Terminal("alice", f"sudo -u '{target}' id -u") as alice:
            check(alice.wait() != 0 and "0\n" not in alice.text.splitlines(True), f"{target}: {alice.text}")


bedlib.main(globals())
