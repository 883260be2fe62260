# SPDX-License-Identifier: Apache-2.0
"""Approvers and hosts that were away over a relay, and an approver with two laptops."""
import subprocess

import bedlib
import relaylib
from bedlib import Inbox, Terminal, check, run
from by_hand import PLAIN, SIGNED

bedlib.enrol("bob")
RELAY = relaylib.Relay()
RELAY.host()
BOB = RELAY.approver("bob")
CAROL = RELAY.approver("carol")
BOB.trust()


def test_a_vote_that_was_given_while_the_host_was_away():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        BOB.sees(request)
        RELAY.daemon.stop(kill=True)
        alice.expect("people who are not at this host cannot be reached now")
        voted = BOB.jitctl("approve", request, "-m", "fine")
        check(voted.code == 0 and "still waits" in voted.out, voted.text)
        RELAY.run_daemon()
        check(alice.wait() == 0 and "root" in alice.text.split(), alice.text)
    bedlib.clean_slate()


def test_a_vote_counts_once_its_key_is_enrolled():
    CAROL.trust()
    key = "/home/carol/.ssh/id_ed25519"
    relaylib.good(["sh", "-c", f"mkdir -p -m 700 /home/carol/.ssh; rm -f {key}*; ssh-keygen -q -N '' -t ed25519 -f {key}"], "carol")
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        CAROL.sees(request)
        voted = CAROL.jitctl("approve", request, "-m", "fine")
        check(voted.code == 0 and "still waits" in voted.out, voted.text)
        RELAY.daemon.expect("was not taken in: .*is enrolled here")
        relaylib.good(["jitctl", "people", "add-key", "carol", f"{key}.pub"])
        relaylib.good(["jitctl", "policy", "reload"])
        check(alice.wait() == 0 and "root" in alice.text.split(), alice.text)
    bedlib.clean_slate()


def test_a_denial_of_before_comes_ahead_of_somebody_elses_yes():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        BOB.sees(request)
        CAROL.sees(request)
        RELAY.daemon.stop(kill=True)
        alice.expect("people who are not at this host cannot be reached now")
        for person, *vote in (CAROL, "deny", request, "-m", "not during the release"), (BOB, "approve", request, "-m", "fine"):
            voted = person.jitctl(*vote)
            check(voted.code == 0 and "still waits" in voted.out, voted.text)
        RELAY.run_daemon()
        alice.expect("not during the release")
        check(alice.wait() != 0, alice.text)
    bedlib.clean_slate()


def test_an_approver_who_was_away_sees_what_waits():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        BOB.sees(request)
        laptop = RELAY.approver("bob", laptop="-laptop")  # which has never been on line
        laptop.trust()
        check([r["id"] for r in laptop.requests()] == [request], "it is not there")
        check(BOB.jitctl("approve", request, "-m", "fine").code == 0 and alice.wait() == 0, alice.text)
    bedlib.clean_slate()


def test_two_laptops_of_one_person():
    """With credentials and a key of its own each: what is done on one is seen on the other, and he has one voice."""
    laptop = RELAY.approver("bob", laptop="-laptop")
    laptop.trust()
    key = f"{laptop.home}/.ssh/id_ed25519"
    relaylib.good(["sh", "-c", f"mkdir -p -m 700 {laptop.home}/.ssh; rm -f {key}*; ssh-keygen -q -N '' -t ed25519 -f {key}"], "bob")
    relaylib.good(["jitctl", "people", "add-key", "bob", f"{key}.pub"])
    relaylib.good(["jitctl", "policy", "reload"])
    with bedlib.policy_with(PLAIN, SIGNED), BOB.watch() as here, laptop.watch() as there:
        for votes, other in (BOB, there), (laptop, here):
            with Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
                request = relaylib.asked(alice, inbox)
                here.expect(request[:8])
                there.expect(request[:8])
                check(votes.jitctl("approve", request, "-m", "fine").code == 0 and alice.wait() == 0, alice.text)
                other.expect(f"{request[:8]}.*approved")
                check(votes.requests() == [], "it still waits")
            run("root", ["jitctl", "revoke", "--all", "-m", "next"])
    with bedlib.policy_with(PLAIN, SIGNED.replace("count = 1", "count = 2")), Inbox() as inbox, BOB.watch() as here, Terminal("alice", "sudo id -un") as alice:
        request = relaylib.asked(alice, inbox)
        here.expect(request[:8])
        voters = [subprocess.Popen(each.argv("approve", request, "-m", "fine"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for each in (BOB, laptop)]
        said = [voter.communicate()[0].decode() for voter in voters]
        check(all(voter.returncode == 0 for voter in voters) and all("still waits" in words for words in said), f"{said}")
        RELAY.daemon.expect(f"a vote on {request} was not taken in: .*you have approved this request already")
        shown = bedlib.jitctl("root", "show", request)
        check(shown["state"] in ("pending", "detached") and [v["person"] for v in shown["votes"]] == ["bob"], f"he has two voices: {shown['votes']}")
        denied = laptop.jitctl("deny", request, "-m", "after all not")
        check(denied.code == 0 and "denied" in denied.out and alice.wait() != 0, denied.text)
        here.expect(f"{request[:8]}.*denied")
    bedlib.clean_slate()


RELAY.main(globals())
