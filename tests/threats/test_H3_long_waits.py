# SPDX-License-Identifier: Apache-2.0
"""H3: an approval that comes later than any call's time limit: 25 s on D-Bus, 10 s for a first call. No wake-up is lost."""
# bed: --no-sshd
import select

import bedlib
from bedlib import Inbox, check

LONGER_THAN_A_CALL_S = 27
WOKEN_S = 9  # one that lost its wake-up looks again after 10 s: longer than that must not do


def test_a_late_approval_still_arrives():
    with Inbox() as inbox, bedlib.waiting("alice") as alice, bedlib.waiting("alice", "sudo id -gn") as second:
        requests = [inbox.new("alice")["id"], inbox.new("alice")["id"]]
        check(not select.select([alice.master, second.master], [], [], LONGER_THAN_A_CALL_S)[0], "something happened meanwhile")
        for request in requests:
            bedlib.jitctl("bob", "approve", request)
        check(alice.wait(WOKEN_S) == 0 and second.wait(WOKEN_S) == 0, alice.text + second.text)


def test_submit_and_vote_in_the_same_moment():
    """The answer to Submit and the decision race; the program must run on each time."""
    for _ in range(20):
        with Inbox() as inbox, bedlib.Terminal("racer", ["sudo", "id", "-un"]) as terminal:
            bedlib.jitctl("bob", "approve", inbox.new("racer")["id"])
            check(terminal.wait(WOKEN_S) == 0 and "root" in terminal.text, terminal.text)


bedlib.add_user("racer", 2600, ["sudo"])
bedlib.enrol("bob")  # whoever is root already wants a signed vote
bedlib.main(globals())
