# SPDX-License-Identifier: Apache-2.0
"""D1: an approval of one host is brought to another, which has the same users, policy, people and machine id."""
# bed: --no-sshd
import os
import shutil

import bedlib
from bedlib import broker, check, jitctl
from by_hand import PLAIN, SIGNED, asking, carry_out, paste, sign


def become_another_host() -> None:
    broker.stop()
    for folder in "/var/lib/jit", "/run/jit-broker":
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    broker.start()


def test_a_vote_is_for_one_host():
    bedlib.enrol("bob")
    with bedlib.policy_with(PLAIN, SIGNED):
        with asking() as (alice, request):
            first = jitctl("root", "status")["host"]["id"]
            path = carry_out(request)
            votes = [sign(path), sign(path, "--envelope", "--person", "bob")]
        become_another_host()
        second = jitctl("root", "status")["host"]["id"]
        check(first != second, "it is the same host still")
        with asking() as (alice, request):
            for vote in votes:
                said = paste(vote)
                check(said.code != 0 and "does not count" in said.text, said.text)
            check(jitctl("root", "show", request)["state"] in ("pending", "detached"), "a vote of another host counts")
            refused = [e for e in bedlib.audit(type="vote.refused")]
            check(len(refused) == 2 and {e["fields"]["voter"] for e in refused} == {"bob"}, f"{refused}")
            jitctl("bob", "approve", request)
            check(alice.wait() == 0, alice.text)


bedlib.main(globals())
