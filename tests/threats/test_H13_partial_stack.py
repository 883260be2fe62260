#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed
"""Threat H13: the broker, the enforcer, logind or the bus hang, one by one. A door denies in time, or its session has an end that
something holds; never a session without."""
import contextlib
import os
import re
import signal
import socket
import subprocess

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


def no_door_opens(unit: str, sudo, su, ssh, began: int) -> None:
    for what, code in ("sudo", sudo.expect(r"^done=(\d+)")[1]), ("su", su.expect(r"^done=(\d+)")[1]), ("ssh", str(ssh.wait())):
        check(code in (*DENIED, "254", "255"), f"{unit} hangs: {what} says {code}: {sudo.text} {su.text} {ssh.text}")
        check(boot_ms() - began < 10_000, f"{unit} hangs: {what} denied after {boot_ms() - began} ms")
    check(not booted.pids_of("^sleep 130[123]"), f"{unit} hangs: it runs")


def each_door_has_an_end(unit: str, ssh, began: int) -> None:
    child = process("^sleep 1301")
    unit_of = re.search(r"/(jit-[0-9a-f]{32}[^/]*\.scope)", child.cgroup())
    check(unit_of is not None, f"{unit} hangs: a session without an end: {child.cgroup()}")
    child.ended(30)
    check(boot_ms() - began < GIVEN_MS + 5000, f"{unit} hangs: ended after {boot_ms() - began} ms")
    # Whether sshd comes to a shell at all is between it and pam_systemd; the end holds either way.
    ssh.wait(60)
    check(GIVEN_LOGIN_MS - 500 <= boot_ms() - began <= GIVEN_LOGIN_MS + 5000, f"{unit} hangs: a login ended after {boot_ms() - began} ms")
    check(not booted.pids_of("^sshd: dora"), f"{unit} hangs: sshd goes on")
    # su waits for pam_systemd, which comes before our line: for longer than the grant lives.
    check(not booted.pids_of("^sleep 1302"), f"{unit} hangs: su has no end")


def test_while_a_part_hangs() -> None:
    shell("echo root:root | chpasswd")
    for unit in "jit-broker", "jit-enforcer", "systemd-logind", "dbus":
        run("root", ["jitctl", "revoke", "--all", "-m", "the next one begins"])
        with logged_in() as sudo, logged_in() as su:
            until("an enforcer", lambda: booted.main_pid("jit-enforcer"))
            pid = hung(unit)
            try:
                began = boot_ms()
                with bedlib.Terminal("root", [*booted.SSH, "-tt", "dora@127.0.0.1", "exec sleep 1303"], login=False) as ssh:
                    su.line("su -c 'exec sleep 1302'; printf '\\ndone=%s\\n' $?")
                    sudo.line("sudo sleep 1301; printf '\\ndone=%s\\n' $?")
                    su.expect("Password: ")
                    su.line("root")
                    no_door_opens(unit, sudo, su, ssh, began) if unit.startswith("jit-") else each_door_has_an_end(unit, ssh, began)
            finally:
                with contextlib.suppress(ProcessLookupError):  # its watchdog may have replaced it
                    os.kill(pid, signal.SIGCONT)
        until("jitctl answers", lambda: run("root", ["jitctl", "status"]).code == 0)


def test_no_enforcer_at_all() -> None:
    """Its socket is gone: nothing could hold an end, so there is no session."""
    with logged_in() as alice:
        shell("systemctl stop jit-enforcer.socket jit-enforcer.service")
        try:
            alice.line("sudo -n true; printf '\\ndone=%s\\n' $?")
            check(alice.expect(r"^done=(\d+)")[1] in DENIED, alice.text)
            check("jit-enforcer" in alice.text, f"it does not say why: {alice.text}")
            alice.line("su -c 'echo uid=$(id -u)'; printf '\\ndone=%s\\n' $?")
            alice.expect("Password: ")
            alice.line("root")
            check(alice.expect(r"^done=(\d+)")[1] != "0" and "uid=" not in alice.text, f"su without an end: {alice.text}")
            with bedlib.console("dora") as dora:
                check(dora.wait(30) != 0 and "$ " not in dora.text, f"a login without an end: {dora.text}")
            nothing_over_ssh()
        finally:
            shell("systemctl start jit-enforcer.socket")
    check(run("root", ["systemctl", "is-active", "jit-enforcer.socket"]).code == 0, "the socket does not come back")


def nothing_over_ssh() -> None:
    """sshd keeps a connection whose session was refused: it must be good for nothing."""
    begin_of_sftp = b"\0\0\0\5\1\0\0\0\3"
    for words in ["dora@127.0.0.1", "id"], ["-tt", "dora@127.0.0.1"], ["-s", "dora@127.0.0.1", "sftp"]:
        done = subprocess.run([*booted.SSH, *words], input=begin_of_sftp, capture_output=True, timeout=30, check=False)
        check(done.returncode != 0 and b"uid=" not in done.stdout and b"$ " not in done.stdout and b"\0" not in done.stdout, f"{words}: {done}")
    forward = [*booted.SSH, "-N", "-o", "ExitOnForwardFailure=yes"]
    done = subprocess.run([*forward, "-R", "2223:127.0.0.1:22", "dora@127.0.0.1"], capture_output=True, timeout=30, check=False)
    check(done.returncode == 255, f"it listens for her: {done}")
    with bedlib.Pipe("root", [*forward, "-L", "2222:127.0.0.1:22", "dora@127.0.0.1"], login=False) as ssh:
        until("what ssh makes of it", lambda: not ssh.running() or first_byte(2222) is not None)
        check(not first_byte(2222), "it forwards for her")


def first_byte(port: int):
    """None: nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
            return s.recv(1)
    except ConnectionRefusedError:
        return None
    except ConnectionResetError:
        return b""


booted.set_up("".join([permit("login", "alice", "ssh", "alice", 'max = "1d"'),
                       permit("root", "alice", "sudo su", "root", f'give = "{GIVEN_MS // 1000}s"', 'max = "10m"'),
                       permit("dora", "dora", "ssh login", "dora", f'give = "{GIVEN_LOGIN_MS // 1000}s"', 'max = "10m"')]))
bedlib.main(globals())
