#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed
"""Threat C11: a root shell outlives its grant. What stays in its scope ends with it, however it hid there; what left it, and what was
put down for later, is named in the log."""
import os
import time

import bedlib
import booted
from bedlib import check, run
from booted import Running, boot_ms, grant_of, logged_in, permit, process, report_on, root_shell, shell, until


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


JOBS = ["/var/spool/cron/atjobs/a00001", "/var/spool/cron/crontabs/alice", "/etc/crontab", "/etc/anacrontab", "/etc/cron.d/by-alice",
        *(f"/etc/cron.{often}/by-alice" for often in ("hourly", "daily", "weekly", "monthly", "yearly"))]


def make_cron() -> None:
    """As the packages of at and cron do, some of it in folders that are not root's; and before the grant begins."""
    shell("groupadd -f --system crontab; mkdir -p /etc/cron.{d,hourly,daily,weekly,monthly,yearly}; install -d -m 755 /var/spool/cron"
          "; install -d -o daemon -g daemon -m 1770 /var/spool/cron/atjobs; install -d -g crontab -m 1730 /var/spool/cron/crontabs"
          "; touch /etc/crontab /etc/anacrontab /etc/cron.d/of-old")
    made = int(os.stat("/etc/cron.d/of-old").st_ctime)
    until("another second", lambda: time.time() >= made + 1)


def test_what_left_is_named() -> None:
    make_cron()
    with logged_in() as alice:
        root_shell(alice, "sudo -s")
        grant = grant_of("alice", "sudo")["id"]
        # A process moves itself out: root can.
        alice.line("mkdir /sys/fs/cgroup/elsewhere; (trap '' HUP TERM; exec sleep 1111) & echo $! >/sys/fs/cgroup/elsewhere/cgroup.procs; systemd-run --unit=later-by-alice sleep 1112"
                   f"; for job in {' '.join(JOBS)}; do echo '# a job' >>$job; done")
        moved, unit = process("^sleep 1111"), process("^/usr/bin/sleep 1112$")
        report = report_on(grant)
        check(str(moved.pid) in named(report, "beyond") and "sleep" in named(report, "beyond"), f"the process outside is not named: {report}")
        for path in "/run/systemd/transient/later-by-alice.service", *JOBS:
            check(path in named(report, "later"), f"{path} is not named: {report}")
        check("of-old" not in named(report, "later"), f"what was there before is named: {report}")
        check(str(alice.shell) not in named(report, "beyond"), f"the person's own shell is named: {report}")
        check(Running(alice.shell).lives(), "the person's own shell was ended")
        text = run("root", ["jitctl", "audit", "log", "--since", "1h"]).out
        check("later-by-alice" in text, f"the log does not say it to people:\n{text[-2000:]}")
        os.kill(moved.pid, 9)
        os.kill(unit.pid, 9)
        for path in JOBS:
            os.unlink(path)


booted.set_up("".join([permit("login", "alice", "ssh", "alice", 'max = "1d"'),
                       permit("root", "alice", "sudo", "root", 'give = "5s"', 'max = "10m"')]))
bedlib.main(globals())
