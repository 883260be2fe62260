# SPDX-License-Identifier: Apache-2.0
"""D6: nobody approves his own request: not under another account, not after su, not by a group that he gave himself."""
# bed: --no-sshd
import os

import bedlib
from bedlib import Inbox, check, waiting

PEOPLE = "/etc/jit/people.d/bed.toml"


def refused(user: str, request: str, what: str, **keys) -> None:
    program = bedlib.run(user, ["jitctl", "approve", request], **keys)
    check(program.code != 0, f"{what}: approved: {program.text}")


def test_by_ones_own_account():
    with Inbox() as inbox, waiting("alice") as alice:
        refused("alice", inbox.new("alice")["id"], "the requester")
        alice.ctrl_c()
        alice.wait()


def test_by_a_second_account_of_the_same_person():
    """zoe is alice's second account, and in sre."""
    with Inbox() as inbox, waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        refused("zoe", request, "the second account")
        alice.ctrl_c()
        alice.wait()
    with Inbox() as inbox, waiting("zoe") as zoe:
        refused("alice", inbox.new("zoe")["id"], "the first account")
        zoe.ctrl_c()
        zoe.wait()


def test_after_su():
    """Yan's shell, into which alice came: the kernel still says who she is, whatever uid she has."""
    with Inbox() as inbox, waiting("yan", login="alice") as yan:
        request = inbox.new("yan")
        check(request["subject"]["loginuid"] == bedlib.pwd.getpwnam("alice").pw_uid, str(request["subject"]))
        refused("zoe", request["id"], "another account of who came in")
        refused("bob", request["id"], "bob, whom alice became", login="alice")
        refused("bob", request["id"], "bob, whom zoe became", login="zoe")
        program = bedlib.run("bob", ["jitctl", "approve", request["id"]])
        check(program.code == 0 and yan.wait() == 0, program.text)


def test_what_one_approved_one_does_not_use():
    """Bob approves yan's request, then comes to yan's account: the grant is not for him."""
    bedlib.clean_slate()
    with Inbox() as inbox, waiting("yan", "sudo id") as yan:
        check(bedlib.run("bob", ["jitctl", "approve", inbox.new("yan")["id"]]).code == 0, "approved")
        check(yan.wait() == 0, yan.text)
    bedlib.clean_slate()
    made = bedlib.jitctl("yan", "request", "--", "/usr/bin/id")
    bedlib.jitctl("bob", "approve", made["id"])
    check(bedlib.run("yan", "sudo -n /usr/bin/id", login="bob").code != 0, "bob uses what he approved")
    check(bedlib.run("yan", "sudo -n /usr/bin/id").code == 0, "yan may")


def test_by_a_group_that_one_takes():
    """A process that claims a group which the directory does not give its user is in neither."""
    with Inbox() as inbox, waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        refused("eve", request, "no member of sre")
        sre = bedlib.as_user("eve", os.getgroups)
        check(2101 not in sre, f"{sre}")
        alice.ctrl_c()
        alice.wait()


bedlib.add_user("yan", 2402, ["sudo"])
bedlib.add_user("zoe", 2401, ["sudo", "sre"])
with open(PEOPLE, encoding="utf-8") as f:
    text = f.read()
with open(PEOPLE, "w", encoding="utf-8") as f:
    f.write(text.replace('users = ["alice"]', 'users = ["alice", "zoe"]'))
bedlib.jitctl("root", "policy", "reload")
bedlib.main(globals())
