# SPDX-License-Identifier: Apache-2.0
"""D16: a yes and a no in the same moment, two yeses in the same moment, a no after the yes, two brokers."""
# bed: --no-sshd
import subprocess
import threading

import bedlib
import wire
from bedlib import Inbox, check, jitctl, run, waiting

ROUNDS = 12


def at_once(*calls) -> list:
    """Each in a process of its own, let go at the same moment."""
    start = threading.Barrier(len(calls))
    results = [None] * len(calls)

    def one(index: int, user: str, words: list) -> None:
        start.wait()
        results[index] = run(user, ["jitctl", *words])

    threads = [threading.Thread(target=one, args=(i, *call)) for i, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def made(number: int) -> str:
    return jitctl("alice", "request", "--", "/usr/bin/echo", str(number))["id"]


def test_two_yeses_make_one_grant():
    for number in range(ROUNDS):
        request = made(number)
        yes = at_once(("bob", ["approve", request]), ("carol", ["approve", request]))
        check(sorted(p.code for p in yes)[0] == 0, [p.text for p in yes])
        grants = [g for g in bedlib.all_grants() if g["request"] == request]
        check(len(grants) == 1, f"{len(grants)} grants of one request")
        votes = [e for e in bedlib.audit(type="vote.cast", request=request)]
        check(len(votes) == 1, f"{len(votes)} votes on one seat")
        jitctl("alice", "end", grants[0]["id"])


def test_a_no_wins():
    """Whichever was first: nothing of it can be used."""
    for number in range(ROUNDS):
        request = made(100 + number)
        yes, no = at_once(("bob", ["approve", request]), ("carol", ["deny", request, "-m", "no"]))
        check(no.code == 0, f"{yes.text} {no.text}")
        living = [g for g in bedlib.all_grants() if g["request"] == request and g["state"] != "ended"]
        check(not living, f"a grant lives: {living}; {yes.text} {no.text}")
        check(run("alice", f"sudo -n /usr/bin/echo {100 + number}").code != 0, "it is used all the same")


def test_a_no_after_the_yes_ends_the_grant():
    with Inbox() as inbox, waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        jitctl("bob", "approve", request)
        check(alice.wait() == 0, alice.text)
        jitctl("carol", "deny", request, "-m", "that was wrong")
        grant = inbox.grant("ended", request=request)
        check(grant["ended"]["how"] == "revoked" and grant["ended"]["why"] == "that was wrong", str(grant["ended"]))
    check(run("alice", "sudo -n id").code != 0, "it is used after the no")


def test_a_second_broker():
    """It finds no gate of its own and no name on the bus: it ends, and the first one goes on."""
    before = bedlib.broker.pid()
    second = subprocess.run(["/usr/libexec/jit/jit-broker"], capture_output=True, text=True, timeout=bedlib.WAIT_S, check=False)
    check(second.returncode != 0, f"a second broker runs: {second.stdout}{second.stderr}")
    check(bedlib.broker.pid() == before and jitctl("root", "status"), "the first one lives")
    owner = wire.Connection().call(*wire.BUS, "GetConnectionUnixProcessID", "s", [wire.NAME])[0]
    check(str(owner) == before, f"the name belongs to {owner}")


bedlib.main(globals())
