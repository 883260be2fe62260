#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed
"""Threat H13: the broker, the enforcer, logind or the bus hang, one by one. A door denies in time, or its session has an end that
something holds; never a session without."""
import os
import re
import signal

import bedlib
import booted
from bedlib import check, run
from booted import boot_ms, logged_in, permit, process, shell, until

GIVEN_MS = 6000
DENIED = ("1", "139")  # sudo 1.9.16 dies of SIGSEGV by itself at a terminal where PAM denies a session
GIVEN_LOGIN_MS = 10_000


def hung(unit: str):
    """Stops the main process of a unit, and lets it go on at the end."""
    pid = booted.main_pid(unit)
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_sudo_while_a_part_hangs() -> None:
    for unit, denied in ("jit-broker", True), ("jit-enforcer", True), ("systemd-logind", False), ("dbus", False):
        run("root", ["jitctl", "revoke", "--all", "-m", "the next one begins"])
        with logged_in() as alice:
            run("alice", ["true"])
            until("an enforcer", lambda: booted.main_pid("jit-enforcer"))
            pid = hung(unit)
            try:
                began = boot_ms()
                alice.line("sudo sleep 1301; printf '\\ndone=%s\\n' $?")
                if denied:
                    check(alice.expect(r"^done=(\d+)")[1] in DENIED, f"{unit} hangs: {alice.text}")
                    check(boot_ms() - began < 10_000, f"{unit} hangs: denied after {boot_ms() - began} ms")
                    check(not booted.pids_of("^sleep 1301"), f"{unit} hangs: it runs")
                else:
                    child = process("^sleep 1301")
                    unit_of = re.search(r"/(jit-[0-9a-f]{32}[^/]*\.scope)", child.cgroup())
                    check(unit_of is not None, f"{unit} hangs: a session without an end: {child.cgroup()}")
                    child.ended(30)
                    check(boot_ms() - began < GIVEN_MS + 5000, f"{unit} hangs: ended after {boot_ms() - began} ms")
            finally:
                os.kill(pid, signal.SIGCONT)
        until("jitctl answers", lambda: run("root", ["jitctl", "status"]).code == 0)


def test_ssh_while_logind_hangs() -> None:
    pid = hung("systemd-logind")
    try:
        began = boot_ms()
        # Whether sshd comes to a shell at all is between it and pam_systemd; the end holds either way.
        with booted.ssh("dora", "-tt") as dora:
            dora.wait(60)
            check(GIVEN_LOGIN_MS - 500 <= boot_ms() - began <= GIVEN_LOGIN_MS + 5000, f"ended after {boot_ms() - began} ms")
        check(not booted.pids_of("^sshd: dora"), "sshd goes on")
    finally:
        os.kill(pid, signal.SIGCONT)


def test_no_enforcer_at_all() -> None:
    """Its socket is gone: nothing could hold an end, so there is no session."""
    with logged_in() as alice:
        shell("systemctl stop jit-enforcer.socket jit-enforcer.service")
        try:
            alice.line("sudo -n true; printf '\\ndone=%s\\n' $?")
            check(alice.expect(r"^done=(\d+)")[1] in DENIED, alice.text)
            check("jit-enforcer" in alice.text, f"it does not say why: {alice.text}")
        finally:
            shell("systemctl start jit-enforcer.socket")
    check(run("root", ["systemctl", "is-active", "jit-enforcer.socket"]).code == 0, "the socket does not come back")


booted.set_up("".join([permit("login", "alice", "ssh", "alice", 'max = "1d"'),
                       permit("root", "alice", "sudo", "root", f'give = "{GIVEN_MS // 1000}s"', 'max = "10m"'),
                       permit("dora", "dora", "ssh", "dora", f'give = "{GIVEN_LOGIN_MS // 1000}s"', 'max = "10m"')]))
bedlib.main(globals())
