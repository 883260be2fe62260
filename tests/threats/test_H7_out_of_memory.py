# SPDX-License-Identifier: Apache-2.0
"""H7: memory runs out in the broker or in the module. It denies, or ends and is back within 5 s; no grant without its entry."""
# bed: --no-sshd
import json
import re
import time

import bedlib
import wire
from bedlib import Inbox, broker, check, within

MIB = 1 << 20
LEFT = 32 * MIB  # of address space, beyond the least with which it starts: a thread for look-ups, and one request
PEOPLE, EACH, ARGV = 20, 8, 120_000
BACK_S = 5


def back() -> bool:
    """As systemd does: one that has ended is started again. True where it had."""
    if broker.pid() != "0":
        return False
    within(BACK_S, come_back)
    return True


def come_back(watch) -> None:
    if broker.pid() != "0":  # an earlier try was too slow
        broker.kill()
    with watch:
        broker.start()


def needed() -> int:
    """The most address space that the running broker has had, in bytes."""
    with open(f"/proc/{broker.pid()}/status", encoding="ascii") as f:
        return int(re.search(r"^VmPeak:\s+(\d+) kB$", f.read(), re.M).group(1)) << 10


def starts_under(limit: int) -> bool:
    broker.stop()
    broker.run_under("prlimit", f"--as={limit}:{limit}")
    try:
        broker.start()
    except bedlib.Failed as error:
        check("ended with" in str(error), f"{limit // MIB} MiB: {error}")
        return False
    return True


def no_grant_without_its_entry() -> None:
    created = {e["grant"] for e in bedlib.audit(type="grant.created")}
    voted = {e["request"] for e in bedlib.audit(type="vote.cast")}
    for grant in bedlib.all_grants():
        check(grant["id"] in created, f"grant {grant['id']} has no entry")
        check(grant["request"] in voted, f"grant {grant['id']} has no vote")


def large_requests() -> list:
    """As many as one person may have, each as large as may be: what came of each."""
    outcome = []
    for i in range(EACH):
        try:
            argv = [b"/bin/echo", str(i).encode(), b"x" * ARGV]
            bus = wire.Connection()
            made = bus.broker("Requests", "Create", "a{sv}", {
                "door": ("s", "sudo"), "as": ("s", "root"), "reason": ("ay", b"x"), "argv": ("aay", argv)})[0]
            outcome.append(json.loads(made)["id"])
        except wire.Error as error:
            outcome.append("error " + error.name)
    return outcome


def under_load(users: list) -> tuple:
    """Large requests of many, and people at doors meanwhile: what was stored, and whether anything failed. Where the broker has
    ended it is not asked on: who waits for it does so for 10 s, and a door without it takes 4."""
    stored, failed = [], 0
    for user in users:
        outcome = bedlib.as_user(user, large_requests)
        stored += [x for x in outcome if not x.startswith("error")]
        failed += sum(x.startswith("error") for x in outcome)
        if broker.pid() == "0":
            break
        program = bedlib.run("alice", "sudo -n id -u")
        check(program.code != 0 and program.out.strip() != "0", f"a door opened: {program.text}")
        if failed and user > users[2]:
            break
    return stored, failed


def test_little_memory_under_load():
    broker.restart()
    least = next(limit for limit in range(16 * MIB, needed(), 4 * MIB) if starts_under(limit))
    check(starts_under(least + LEFT), "it does not start with more")
    try:
        with Inbox() as inbox, bedlib.waiting("dave2") as dave:
            request = inbox.new("dave2")["id"]
            stored, failed = under_load([f"big{i:02}" for i in range(PEOPLE)])
            check(failed or broker.pid() == "0", f"{len(stored)} large requests, and no allocation failed")
            vote = bedlib.run("bob", ["jitctl", "approve", request])  # a no, a yes, or nobody there
            if vote.code == 0:  # who was let through comes to the same broker once more
                check(dave.wait() == 0 or broker.pid() == "0", f"who waited: {dave.text}")
            broker.run_under()
            if not back():
                broker.restart()
            now = bedlib.jitctl("root", "show", request)
            check(vote.code != 0 or now["state"] == "approved", f"a vote that was told as stored is lost: {now}")
            if now["state"] != "approved":
                bedlib.run("bob", ["jitctl", "approve", request])
            check(vote.code == 0 or dave.wait() == 0 and "root" in dave.text.split(), f"who waited: {dave.text}\n{bedlib.log('broker')[-500:]}")
    finally:
        broker.run_under()
        back()
    there = {r["id"] for r in bedlib.jitctl("root", "requests", "--all")}
    check(set(stored) <= there, f"{len(set(stored) - there)} requests that were told as stored are lost")
    no_grant_without_its_entry()


def test_less_and_less_memory_at_start():
    """It starts whole, or not at all."""
    steps = range(16, needed() // MIB + 24, 8)
    started = 0
    try:
        for mib in steps:
            if not starts_under(mib << 20):
                continue
            started += 1
            program = bedlib.run("alice", "sudo -n id -u")
            check(program.code != 0 and "jit: " in program.text, f"{mib} MiB: {program.text}")
    finally:
        broker.stop()
        broker.run_under()
        broker.start()
    check(0 < started < len(steps), f"it started {started} times")


def test_the_kernel_kills_it_while_eight_wait():
    bedlib.clean_slate()
    bedlib.enrol("bob")  # who is root already wants signed votes
    with Inbox() as inbox:
        terminals = [bedlib.waiting("dave2", f"sudo /bin/echo this is {i}") for i in range(8)]
        requests = {int(r["command"]["argv"][-1]): r["id"] for r in (inbox.new("dave2") for _ in terminals)}
    for round_ in range(2):
        broker.kill()
        check(back(), "it was not killed")
        four = range(round_ * 4, round_ * 4 + 4)
        for i in four:
            bedlib.jitctl("bob", "approve", requests[i])
        for i in four:
            check(terminals[i].wait() == 0 and f"this is {i}" in terminals[i].text, f"{i}: {terminals[i].text}")
            terminals[i].close()
    no_grant_without_its_entry()
    check(len(bedlib.audit(type="grant.claimed", uid=2500)) >= 8, "a use is not in the log")


def uses() -> int:
    return sum(e["type"] in ("grant.claimed", "grant.used") and e["person"] == "alice" for e in bedlib.audit())


def test_little_memory_in_sudo():
    """Denied, or done with its entry; nothing between."""
    with bedlib.policy_with('approval = "by-sre"\ngive     = "10m"\n', ""):
        denied = done = 0
        for quarter in range(4 * 4, 4 * 40, 3):
            limit = quarter << 18
            before = uses()
            program = bedlib.run("alice", ["prlimit", f"--as={limit}:{limit}", "sudo", "-n", "/bin/echo", "it is", f"{quarter}"])
            if "it is" in program.out:
                done += 1
                soon = time.monotonic() + 5  # a later use is written within 50 ms, and nobody waits for it
                while uses() <= before and time.monotonic() < soon:
                    pass
                check(uses() == before + 1, f"{limit}: no entry of this use")
            else:
                denied += 1
                check(program.code != 0, f"{limit}: exit {program.code}: {program.text}")
        check(denied > 5 and done > 5, f"{denied} denied, {done} done")


for index in range(PEOPLE):
    bedlib.add_user(f"big{index:02}", 5000 + index, ["sudo"])
bedlib.add_user("dave2", 2500, ["sudo"])
bedlib.main(globals())
