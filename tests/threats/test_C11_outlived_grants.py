#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed
"""Threat C11: a root shell outlives its grant. What stays in its scope ends with it, however it hid there; what left it, and what was
put down for later, is named in the log."""
import os

import bedlib
import booted
from bedlib import check, run
from booted import Running, boot_ms, grant_of, logged_in, permit, process, report_on, root_shell


def named(report: dict, what: str) -> str:
    return str(report["fields"].get(what, ""))


def test_everything_in_the_scope_ends() -> None:
    with logged_in() as alice:
        began = boot_ms()
        root = root_shell(alice, "sudo -i")
        alice.line("setsid sleep 1101 & nohup sleep 1102 >/dev/null 2>&1 & (setsid sleep 1103 &) ; tmux -L x new -d 'sleep 1104'; (trap '' TERM HUP INT; sleep 1105) &")
        children = [process(f"^sleep {n}") for n in range(1101, 1106)]
        alice.line("sleep 1106")
        children.append(process("^sleep 1106"))
        alice.type("\x1a")  # ^Z, and left stopped
        ended = max(child.ended(30) for child in [root, *children])
        check(ended - began <= 5000 + 5000, f"ended {ended - began} ms after the beginning, of 5 s")


def test_what_left_is_named() -> None:
    with logged_in() as alice:
        root_shell(alice, "sudo -s")
        grant = grant_of("alice", "sudo")["id"]
        # A process moves itself out: root can.
        alice.line("mkdir /sys/fs/cgroup/elsewhere; (trap '' HUP TERM; exec sleep 1111) & echo $! >/sys/fs/cgroup/elsewhere/cgroup.procs; systemd-run --unit=later-by-alice sleep 1112; echo '* * * * * root true' >/etc/cron.d/by-alice")
        moved, unit = process("^sleep 1111"), process("^/usr/bin/sleep 1112$")
        report = report_on(grant)
        check(str(moved.pid) in named(report, "beyond") and "sleep" in named(report, "beyond"), f"the process outside is not named: {report}")
        for path in "/run/systemd/transient/later-by-alice.service", "/etc/cron.d/by-alice":
            check(path in named(report, "later"), f"{path} is not named: {report}")
        check(str(alice.shell) not in named(report, "beyond"), f"the person's own shell is named: {report}")
        check(Running(alice.shell).lives(), "the person's own shell was ended")
        text = run("root", ["jitctl", "audit", "log", "--since", "1h"]).out
        check("later-by-alice" in text, f"the log does not say it to people:\n{text[-2000:]}")
        os.kill(moved.pid, 9)
        os.kill(unit.pid, 9)
        os.unlink("/etc/cron.d/by-alice")


booted.set_up("".join([permit("login", "alice", "ssh", "alice", 'max = "1d"'),
                       permit("root", "alice", "sudo", "root", 'give = "5s"', 'max = "10m"')]))
bedlib.main(globals())
