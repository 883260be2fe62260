# SPDX-License-Identifier: Apache-2.0
"""A3: uids above 2^31 are ordinary people; what is no uid is refused where it is read."""
# bed: --no-sshd
import bedlib
from bedlib import Inbox, check

UIDS = (2147483647, 2147483648, 4000000000, 4294967294)


def test_high_uids_ask_and_get_like_anybody():
    for uid in UIDS:
        bedlib.add_user(f"u{uid}", uid, ["sudo"])
    for uid in UIDS:
        user = f"u{uid}"
        with Inbox() as inbox, bedlib.waiting(user) as terminal:
            request = inbox.new(user)
            check(request["subject"]["uid"] == uid, f"shown as uid {request['subject']['uid']}")
            bedlib.jitctl("bob", "approve", request["id"])
            check(terminal.wait() == 0 and "root" in terminal.text, f"{user}: {terminal.text}")
            stored = bedlib.jitctl(user, "show", request["id"])
            check(stored["subject"]["uid"] == uid and stored["state"] == "approved", f"stored as {stored['subject']}")


def test_what_is_no_uid_is_no_user():
    for word in "-1", "4294967295", "4294967296", "0x0", "#0", "":
        program = bedlib.run("alice", ["jitctl", "request", f"--as={word}", "--reason", "x"])
        check(program.code in (2, 3) and program.err.count("\n") == 1, f"--as={word}: exit {program.code}: {program.text}")


def test_high_uid_is_not_somebody_else():
    bedlib.add_user("wrapped", 4294967296 - 2 - 1, [])
    program = bedlib.run("wrapped", "sudo -n id")
    check(program.code != 0 and "uid=0" not in program.out, program.text)


bedlib.main(globals())
