# SPDX-License-Identifier: Apache-2.0
"""C12: sudo's options and Defaults that skip things. Gated all the same; a listing asks nobody, what only looks like one does."""
# bed: --no-sshd
import contextlib
import re
import subprocess

import bedlib
from bedlib import Inbox, check


@contextlib.contextmanager
def sudoers(line: str):
    with open("/etc/sudoers", encoding="ascii") as f:
        before = f.read()
    with open("/etc/sudoers", "w", encoding="ascii") as f:
        f.write(line + "\n" + before)
    try:
        yield
    finally:
        with open("/etc/sudoers", "w", encoding="ascii") as f:
            f.write(before)


def gated(command: str) -> None:
    with Inbox() as inbox, bedlib.Terminal("alice", command) as alice:
        alice.expect("waiting")
        inbox.new("alice")
        alice.ctrl_c()
        check(alice.wait() != 0 and not alice.text.splitlines()[-1].isdigit(), f"{command}: {alice.text}")


def test_defaults_that_skip_authentication_do_not_skip_us():
    for line in ("Defaults !authenticate", "Defaults exempt_group=dba", "Defaults !pam_session", "Defaults !pam_setcred",
                 "Defaults timestamp_timeout=-1", "Defaults verifypw=never,listpw=never"):
        with sudoers(line):
            gated("sudo id -u")


def test_listings_ask_nobody():
    with Inbox() as inbox:
        for command in "sudo -l", "sudo -ll", "sudo -v", "sudo -l id", "sudo -n -l":
            with bedlib.Terminal("alice", command) as alice:
                check(alice.wait() == 0, f"{command}: {alice.text}")
        check(not [r for r in inbox.requests() if r["id"] not in inbox.known], "a listing made a request")


def test_what_looks_like_a_listing_is_none():
    for command in ("sudo -p -l id -u", "sudo -p -v id -u", "SUDO_COMMAND=list sudo id -u", "sudo -u root -p --list id -u",
                    "sudo -- id -u", "sudo SUDO_COMMAND=list id -u", "SUDO_COMMAND=validate sudo -p -v id -u"):
        gated(command)
    for command in ("sudo -n -p -l id -u", "SUDO_COMMAND=list sudo -n id -u"):
        program = bedlib.run("alice", command)
        check(program.code != 0 and program.out.strip() != "0", f"{command}: {program.text}")


def test_sudo_K_ends_no_grant():
    with Inbox() as inbox, bedlib.Terminal("alice", "sudo id -u; sudo -K; sudo id -g") as alice:
        alice.expect("waiting")
        bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
        check(alice.wait() == 0 and alice.text.count("waiting") == 1, alice.text)
    said = bedlib.run("root", ["jitctl", "doctor"]).text
    check("end no grant" in said and "jitctl end GRANT" in said, said)
    check(re.search(r"^ *end GRANT .*give a grant back early", bedlib.run("alice", ["jitctl", "--help"]).text, re.MULTILINE), "help does not name it")


def test_without_account_sudo_says_so_to_root_only():
    """`!pam_acct_mgmt` is root's own switch: account is never called, so only the session line is left, and it refuses."""
    with sudoers("Defaults !pam_acct_mgmt"):
        program = subprocess.run(["visudo", "-c"], capture_output=True, text=True, check=False)
        check(program.returncode == 0, program.stderr)
        program = bedlib.run("alice", "sudo -n id -u")
        check(program.code != 0 and program.out.strip() != "0", program.text)


bedlib.main(globals())
