#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed
"""Threat B11: ssh connections without a shell, and masters that open new channels. The whole connection ends at its time, forwards
included; nothing new is opened over it."""
import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile

import bedlib
import booted
from bedlib import Pipe, check, run
from booted import SSH, Running, boot_ms, grant_of, permit, shell, until

GIVEN_MS = 5000
SERVER = "/usr/lib/openssh/sftp-server"  # Debian's own, a process beside sshd


def answers(port: int) -> bool:
    """Whether an sshd answers behind this forward."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as s:
            s.settimeout(2)
            return s.recv(4) == b"SSH-"
    except OSError:
        return False


def clean() -> None:
    run("root", ["jitctl", "revoke", "--all", "-m", "the next one begins"])


def begin(*words: str) -> tuple:
    clean()
    began = boot_ms()
    return Pipe("root", [*SSH, *words], login=False), began


def in_time(began: int, what: str, given: int = GIVEN_MS) -> None:
    took = boot_ms() - began
    check(given - 500 <= took <= given + 5000, f"{what}: ended {took} ms after the beginning")


@contextlib.contextmanager
def transfer(*options: str):
    """A file of hers that takes long, and the first of it has come."""
    shell("truncate -s 1G /home/dora/large")
    with tempfile.NamedTemporaryFile() as part, Pipe("root", ["sftp", *SSH[1:], "-l", "8000", *options, "dora@127.0.0.1:large", part.name], login=False) as sftp:
        until("the first of the file", lambda: os.path.getsize(part.name) > 0)
        yield sftp


def test_a_master_that_only_forwards() -> None:
    master, began = begin("-N", "-M", "-S", "/root/ctl", "-L", "2222:127.0.0.1:22", "dora@127.0.0.1")
    with master:
        until("the forward", lambda: answers(2222))
        with socket.create_connection(("127.0.0.1", 2222)) as old:
            old.recv(4)
            inner = subprocess.run([*SSH, "-S", "/root/ctl", "dora@127.0.0.1", "id", "-un"], capture_output=True, text=True, check=False)
            check(inner.stdout == "dora\n", f"no channel over the master: {inner}")
            with transfer("-o", "ControlPath=/root/ctl") as sftp:
                master.wait(30)
                in_time(began, "a master")
                sftp.wait(5)
                in_time(began, "a file transfer over it")
            old.settimeout(10)
            while old.recv(4096):
                pass  # what had come before; then its end
        check(not answers(2222), "the forward goes on")
        again = subprocess.run([*SSH, "-S", "/root/ctl", "-o", "ControlMaster=no", "-o", "ProxyCommand=false", "dora@127.0.0.1", "id"],
                               capture_output=True, text=True, check=False)
        check(again.returncode != 0, f"a new channel after the end: {again}")
    check(not os.path.exists("/root/ctl"), "the master is still there")


def test_a_command() -> None:
    command, began = begin("dora@127.0.0.1", "trap '' TERM HUP; sleep 1201 & wait; sleep 1202")
    with command:
        child = booted.process("^sleep 1201")
        check(command.wait(30) == 255, f"ssh says {command.code}")
        child.ended(5)
        in_time(began, "a command")


def test_file_transfers() -> None:
    config = pathlib.Path("/etc/ssh/sshd_config")
    config.write_text(config.read_text(encoding="ascii") + f"Subsystem beside {SERVER}\n", encoding="ascii")
    shell("systemctl reload ssh")
    clean()
    began = boot_ms()
    with transfer() as within, transfer("-s", "beside") as beside:
        server = booted.process(f"^{SERVER}")
        for sftp in within, beside:
            check(sftp.wait(30) != 0, "the whole file came")
            in_time(began, "a file transfer")
        server.ended(5)


def rule(*lines: str) -> None:
    clean()
    booted.set_policy(permit("dora", "dora", "ssh login", "dora", *lines))
    done = run("root", ["jitctl", "policy", "reload"])
    check(done.code == 0, done.text)


def session_of(terminal) -> Running:
    """The shell of a login."""
    terminal.expect(r"\$ $")
    terminal.line("stty -echo; printf '\\nshell=%s\\n' $$")
    login = Running(int(terminal.expect(r"^shell=(\d+)")[1]))
    check("/session-" in login.cgroup(), login.cgroup())
    return login


def longest_of(login: Running) -> str:
    return shell(f"systemctl show -p RuntimeMaxUSec --value {login.cgroup().rsplit('/', 1)[1]}").strip()


@contextlib.contextmanager
def approved():
    """What dora asks for in it is approved at its end."""
    with bedlib.Inbox() as inbox:
        yield
        done = run("bob", ["jitctl", "approve", inbox.new("dora")["id"], "-m", "ok"])
        check(done.code == 0, done.text)


def an_hour_more(door: str) -> None:
    """Of which the rule leaves what is left of its longest."""
    grant = grant_of("dora", door)["id"]
    with approved():
        asked = run("dora", ["jitctl", "extend", grant, "--for", "1h"])
        check(asked.code == 0, asked.text)


def test_more_time_for_a_login_ends_at_the_longest() -> None:
    rule('give = "6s"', 'max = "12s"', 'approval = "bob"')
    with approved(), booted.ssh("dora", "-tt") as refused:
        refused.wait(30)
    remote_began = boot_ms()
    with booted.ssh("dora", "-tt") as remote:
        there = session_of(remote)
        an_hour_more("ssh")
        console_began = boot_ms()
        with contextlib.ExitStack() as stack:
            with approved():
                console = stack.enter_context(bedlib.console("dora"))
            here = session_of(console)
            an_hour_more("login")
            there.ended(30)
            in_time(remote_began, "ssh", 12_000)
            here.ended(30)
            in_time(console_began, "a login", 12_000)


def test_with_all_of_ours_dead_a_login_ends_at_the_longest() -> None:
    rule('give = "6s"', 'max = "10s"')
    remote_began = boot_ms()
    with booted.ssh("dora", "-tt") as remote:
        there = session_of(remote)
        console_began = boot_ms()
        with bedlib.console("dora") as console:
            here = session_of(console)
            check((longest_of(there), longest_of(here)) == ("10s", "10s"), f"systemd's own limits are {longest_of(there)}, {longest_of(here)}")
            shell("systemctl stop jit-broker.socket jit-enforcer.socket jit-broker.service jit-enforcer.service")
            try:
                there.ended(30)
                in_time(remote_began, "ssh", 10_000)
                here.ended(30)
                in_time(console_began, "a login", 10_000)
            finally:
                shell("systemctl start jit-broker.socket jit-enforcer.socket jit-broker.service")


def test_a_login_at_the_console() -> None:
    rule(f'give = "{GIVEN_MS // 1000}s"', 'max = "10m"')
    began = boot_ms()
    with bedlib.console("dora") as terminal:
        login = session_of(terminal)
        check(longest_of(login) == "10min", f"systemd's own limit of the session is {longest_of(login)}, not the rule's longest")
        terminal.line("trap '' TERM HUP; sleep 1203")
        login.ended(30)
        in_time(began, "a login")
    until("its child is gone, too", lambda: not booted.pids_of("^sleep 1203"))


booted.set_up(permit("dora", "dora", "ssh login", "dora", f'give = "{GIVEN_MS // 1000}s"', 'max = "10m"'))
bedlib.main(globals())
