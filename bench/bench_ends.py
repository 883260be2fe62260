#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How soon what runs under a grant has ended: 50 sessions at each door, each with a child that ignores TERM and HUP.

  tests/bed/full --build build/release -- bench/bench_ends.py

revoked: from the start of `jitctl revoke` (its own start included) to the end of the last process, ten sessions at once.
expired: from the moment that the grant names to the end of the last process.
Prints median, p99 and maximum in milliseconds; exits 1 where revocation took over 2 s, or an end came over 5 s late (p99 over 2 s)."""
import contextlib
import datetime
import statistics
import subprocess
import sys
import time

import bedlib
import booted
from bedlib import Pipe, Terminal, check, run
from booted import SSH, Running, permit, process, shell

RUNS, AT_ONCE, GIVEN_S = 50, 10, 6
number = [3000]


@contextlib.contextmanager
def session(door: str):
    """One at this door; gives the child that does not listen."""
    number[0] += 1
    stubborn = f"trap '' TERM HUP; exec sleep {number[0]}"
    with contextlib.ExitStack() as stack:
        if door == "sudo":
            stack.enter_context(Pipe("alice", ["sudo", "-n", "/bin/sh", "-c", f"({stubborn}) & wait"]))
        elif door == "su":
            terminal = stack.enter_context(Terminal("alice", ["su", "-c", f"({stubborn}) & wait"]))
            terminal.expect("Password: ")
            terminal.line("root")
        elif door == "ssh":
            stack.enter_context(Pipe("root", [*SSH, "alice@127.0.0.1", f"({stubborn}) & wait"], login=False))
        else:
            terminal = stack.enter_context(bedlib.console("alice"))
            terminal.expect(r"\$ $")
            terminal.line(f"({stubborn}) &")
        yield process(f"^sleep {number[0]}$")


def grants_by_age() -> list:
    return sorted((g for g in bedlib.all_grants() if g["state"] == "active"), key=lambda g: g["starts"])


def moment(grant: dict) -> float:
    return datetime.datetime.fromisoformat(grant["expires"].replace("Z", "+00:00")).timestamp()


def batch(door: str, revoke: bool) -> list:
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(session(door)) for _ in range(AT_ONCE)]
        grants = grants_by_age()
        check(len(grants) == AT_ONCE, f"{door}: {len(grants)} grants")
        began = time.time()
        if revoke:
            with subprocess.Popen(["jitctl", "revoke", "--user", "alice", "-m", "enough"], stdout=subprocess.DEVNULL) as done:
                late = [wait(child) - began for child in children]
            check(done.returncode == 0, "not revoked")
            return late
        return [wait(child) - moment(grant) for child, grant in zip(children, grants)]


def wait(child: Running) -> float:
    child.ended(60)
    return time.time()


def main() -> int:
    booted.set_up("")
    shell("echo root:root | chpasswd")
    bad = 0
    for revoke in True, False:
        give = "" if revoke else f'give = "{GIVEN_S}s"'
        booted.set_policy(permit("command", "alice", "sudo", "root", 'max = "10m"', 'scope = "command"', give)
                          + permit("terminal", "alice", "su", "root", 'max = "10m"', 'scope = "tty"', give)
                          + permit("self", "alice", "ssh login", "alice", 'max = "10m"', give))
        check(run("root", ["jitctl", "policy", "reload"]).code == 0, "reload")
        for door in "sudo", "su", "ssh", "login":
            late = sorted(1000 * one for _ in range(RUNS // AT_ONCE) for one in batch(door, revoke))
            p99 = late[min(len(late) - 1, round(0.99 * len(late)))]
            print(f"{'revoked' if revoke else 'expired'} {door:6} {len(late)} runs: median {statistics.median(late):5.0f}  p99 {p99:5.0f}  max {late[-1]:5.0f} ms", flush=True)
            bad += late[-1] > (2000 if revoke else 5000) or p99 > 2000
            run("root", ["jitctl", "revoke", "--all", "-m", "the next door"])
    return 1 if bad else 0


sys.exit(main())
