#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed
"""Threat C6: another program of the same user tries to get at a granted shell: to run under its grant, to type into it, to read its
memory. From outside its terminal and control group none of it works."""
import ctypes
import fcntl
import os
import termios

import bedlib
import booted
from bedlib import as_user, check, run
from booted import Running, logged_in, permit, root_shell

PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206


def attach(pid: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    results = [libc.ptrace(how, pid, 0, 0) for how in (PTRACE_ATTACH, PTRACE_SEIZE)]
    return 0 if all(result == -1 for result in results) else 1


def inject(terminal: str) -> str:
    """TIOCSTI types into a terminal as if its person had; only one's own controlling terminal, or none at all, takes it."""
    fd = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
    try:
        for byte in b"touch /root/injected\n":
            fcntl.ioctl(fd, termios.TIOCSTI, bytes([byte]))
    except OSError as error:
        return error.strerror
    finally:
        os.close(fd)
    return ""


def open_memory(pid: int) -> str:
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR))
    except OSError as error:
        return error.strerror
    return ""


def approved_shell(alice) -> Running:
    with bedlib.Inbox() as inbox:
        alice.line("sudo -s")
        done = run("bob", ["jitctl", "approve", inbox.new("alice")["id"], "-m", "ok"])
        check(done.code == 0, done.text)
    alice.expect(r"# $")
    return root_shell(alice, "")


def test_from_another_terminal() -> None:
    with logged_in() as alice:
        alice.line("printf '\\n%s\\n' $(tty)")
        terminal = alice.expect(r"^(/dev/pts/\d+)")[1]
        root = approved_shell(alice)
        door = Running(booted.until("sudo", lambda: booted.pids_of("^sudo -s"))[0])
        # Her other programs are no part of the grant.
        with logged_in() as other:
            other.line("sudo -n id; printf '\\ndone=%s\\n' $?")
            check(other.expect(r"^done=(\d+)")[1] != "0", other.text)
        done = run("alice", ["sudo", "-n", "id"])
        check(done.code != 0, done.text)
        for pid in root.pid, door.pid:
            check(as_user("alice", attach, pid) == 0, f"process {pid} lets itself be traced")
            check(as_user("alice", open_memory, pid) != "", f"the memory of {pid} opens")
        check(as_user("alice", inject, terminal) != "", "another terminal's input can be typed")
        alice.line("ls /root/injected; printf '\\nlooked=%s\\n' $?")
        check(alice.expect(r"^looked=(\d+)")[1] != "0", "what was injected ran as root")


def test_another_process_cannot_join_the_scope() -> None:
    """Its control group is root's: a process of hers cannot move itself in, nor take the shell out."""
    with logged_in() as alice:
        root = approved_shell(alice)
        path = "/sys/fs/cgroup" + next(line for line in root.cgroup().splitlines() if line.startswith("0::"))[3:]
        for command in f"echo $$ >{path}/cgroup.procs", f"mkdir {path}/mine", f"echo 1 >{path}/cgroup.freeze":
            done = run("alice", command)
            check(done.code != 0, f"{command}: {done.text}")
        moved = run("alice", f"echo {root.pid} >/sys/fs/cgroup/user.slice/user-{booted.uid('alice')}.slice/user@{booted.uid('alice')}.service/cgroup.procs")
        check(moved.code != 0 and "jit-" in root.cgroup(), f"taken out: {root.cgroup()}")


booted.set_up("".join([permit("login", "alice", "ssh", "alice", 'max = "1d"'), permit("root", "alice", "sudo", "root", 'max = "10m"', 'approval = "bob"')]))
bedlib.main(globals())
