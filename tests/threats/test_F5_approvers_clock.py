# SPDX-License-Identifier: Apache-2.0
"""F5: the approver's clock is a day off. The host judges by its own deadlines, and writes its own times."""
# bed: --no-sshd
import datetime

import bedlib
from bedlib import Inbox, check

REAL_WAITS = {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def test_a_vote_counts_by_the_hosts_clock():
    for shift in "-24h", "+24h":
        bedlib.clean_slate()
        with Inbox() as inbox, bedlib.waiting("alice") as alice:
            request = inbox.new("alice")["id"]
            vote = bedlib.run("bob", ["faketime", "-f", shift, "jitctl", "approve", request], env=REAL_WAITS)
            check(vote.code == 0, vote.text)
            check(alice.wait() == 0, alice.text)
            cast = datetime.datetime.fromisoformat(bedlib.jitctl("bob", "show", request)["votes"][0]["time"].replace("Z", "+00:00"))
            off = abs((cast - datetime.datetime.now(datetime.timezone.utc)).total_seconds())
            check(off < 60, f"with {shift} the vote is dated {cast}")


def test_a_vote_after_the_deadline_is_late_whatever_his_clock_says():
    with Inbox() as inbox, bedlib.waiting("alice", "sudo -u carol id -un") as alice:
        request = inbox.new("alice")["id"]
        check(alice.wait() != 0, alice.text)
        vote = bedlib.run("bob", ["faketime", "-f", "-24h", "jitctl", "approve", request], env=REAL_WAITS)
        check(vote.code == 1 and "expired" in vote.text, f"exit {vote.code}: {vote.text}")


bedlib.main(globals())
