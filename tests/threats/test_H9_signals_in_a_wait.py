#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Threat H9: signals while sudo waits for an approval. Those that mean "leave" end the request within two seconds; those that mean
nothing change nothing; the host program's own handlers are as it left them. (ALRM ends sudo by default: then, or when the wait is over.)"""
import contextlib
import os
import signal

import bedlib
from bedlib import Failed, check, clean_slate, waiting, within

LEAVE = [signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT, signal.SIGKILL]
STAY = [signal.SIGTSTP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGWINCH, signal.SIGCONT, signal.SIGURG]


def waiter(terminal) -> int:
    """The sudo, or su, at this terminal."""
    with open(f"/proc/{terminal.pid}/task/{terminal.pid}/children", encoding="ascii") as f:
        children = [int(pid) for pid in f.read().split()]
    for pid in [terminal.pid, *children]:
        with open(f"/proc/{pid}/comm", encoding="ascii") as f:
            if f.read().strip() in ("sudo", "su"):
                return pid
    raise Failed(f"no door at {terminal.name}")


def handlers(pid: int) -> dict:
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return {line.split(":")[0]: line.split(":")[1].strip() for line in f if line.startswith(("SigCgt", "SigIgn"))}


def test_leaving() -> None:
    for number in LEAVE:
        def once(watch, number=number) -> None:
            clean_slate()
            with bedlib.Inbox() as inbox, waiting("alice") as alice:
                request = inbox.new("alice")["id"]
                pid = waiter(alice)
                with watch:
                    os.kill(pid, number)
                    inbox.state(request, "cancelled")
        within(2, once)


def test_all_others() -> None:
    clean_slate()
    bedlib.enrol("bob")
    with bedlib.Inbox() as inbox, waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        pid = waiter(alice)
        before = handlers(pid)
        for number in STAY:
            os.kill(pid, number)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        check(handlers(pid) == before, f"{before} became {handlers(pid)}")
        check(inbox.state(request, "pending"), "it is not pending any more")
        done = bedlib.run("bob", ["jitctl", "approve", request, "-m", "ok"])
        check(done.code == 0, done.text)
        alice.expect("^root$")
        check(alice.wait() == 0, alice.text)


bedlib.main(globals())
