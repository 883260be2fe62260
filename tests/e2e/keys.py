# SPDX-License-Identifier: Apache-2.0
"""Whose word a vote is: that of this host, of a key in a file, of a key in hardware, or of a browser's authenticator.
  keys.py SOFT_TOKEN   a FIDO token made of software, for ssh-keygen"""

import bedlib
from bedlib import check, jitctl, run


ON_THIS_HOST, IN_DOUBT = "on this host's word", "on the word of a host where the requester was root"


def test_a_vote_by_uid_is_the_hosts_word():
    for word in ON_THIS_HOST, IN_DOUBT:
        with bedlib.Inbox() as inbox, bedlib.waiting("alice") as alice:
            request = inbox.new("alice")["id"]
            jitctl("carol", "approve", request)
            check(alice.wait() == 0, alice.text)
            grant = inbox.grant("active", request=request)
        shown, log, story = (run("root", ["jitctl", *words]) for words in (("show", request), ("audit", "log", "--request", request), ("audit", "show", request)))
        check([line for line in shown.out.splitlines() if line.startswith("vote:") and "carol" in line and word in line], shown.out)
        doubt = word == IN_DOUBT
        check(jitctl("root", "show", request)["votes"][0]["host_in_doubt"] is doubt, "in --json")
        voted = [entry for entry in bedlib.audit(type="vote.cast") if entry["request"] == request][-1]["fields"]
        check(voted["kind"] == "local" and voted.get("attested_by", "") == ("a host where the requester was root" if doubt else ""), f"{voted}")
        check(voted.get("attested_by", voted["kind"]) in log.out and word in story.out, log.out + story.out)
        jitctl("root", "revoke", grant["id"], "-m", "it is over")
    bedlib.clean_slate()


bedlib.main(globals())
