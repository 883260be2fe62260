# SPDX-License-Identifier: Apache-2.0
"""B1: whatever of ours is missing or broken, real sudo denies, in each phase, alone or before pam_permit; and says why in the log.
The matrix of faults inside the module is unit.pam_matrix."""
# bed: --no-sshd
import contextlib
import functools
import os
import select

import bedlib
from bedlib import WAIT_S, broker, check, within
from journal import Lines

STACKS = {"alone": "", "then permit": "{kind} required pam_permit.so\n"}
POLICY = "/etc/jit/policy.d/bed.toml"
HOME = "/var/lib/jit"
IN_TIME_S = 8
OPEN = """schema = 1
[settings]
timezone = "UTC"
covers = ["sudo"]
[[permit]]
id = "free"
who = ["user:alice", "user:dave"]
door = ["sudo"]
as = ["user:root"]
max = "1h"
scope = "command"
"""


TOLD = "{kind} optional pam_exec.so quiet /tmp/tell\n"  # the whole stack has been read when this runs


def write_stack(phase: str, more: str, tell: str = "") -> None:
    """Our line in this phase; in the others nothing that could refuse. A use in account is bound in session, so these go together."""
    ours = {"account": ("account", "session"), "session": ("session",), "auth": ("auth",)}[phase]
    text = ""
    for kind in "auth", "account", "session":
        text += tell.format(kind=kind) if kind == ("auth" if phase == "auth" else "account") else ""
        text += f"{kind} required pam_jit.so\n{more.format(kind=kind)}" if kind in ours else f"{kind} required pam_permit.so\n"
    with open("/etc/pam.d/sudo", "w", encoding="ascii") as f:
        f.write(text)


@contextlib.contextmanager
def no_socket():
    broker.stop()
    broker.close()
    try:
        yield
    finally:
        broker.listen()
        broker.start()


@contextlib.contextmanager
def frozen():
    broker.sigstop()
    try:
        yield
    finally:
        broker.sigcont()


@contextlib.contextmanager
def killed():
    broker.kill()
    try:
        yield
    finally:
        broker.start()


def wipe() -> None:
    for entry in os.listdir(HOME):
        os.unlink(f"{HOME}/{entry}")


@contextlib.contextmanager
def no_policy():
    """Its file cannot be read, on a host that never had a good one."""
    broker.stop()
    wipe()
    os.chmod(POLICY, 0)
    broker.start()
    try:
        yield
    finally:
        os.chmod(POLICY, 0o640)
        broker.restart()


@contextlib.contextmanager
def damaged():
    broker.stop()
    with open(f"{HOME}/jit.db", "r+b") as f:
        f.write(os.urandom(8192))
    broker.start()
    try:
        yield
    finally:
        broker.stop()
        wipe()
        broker.start()


FAULTS = {"no socket": no_socket, "frozen": frozen, "killed": killed, "no policy": no_policy, "damaged": damaged}


def attempt(phase: str) -> bedlib.Program:
    """alice is not asked for a password; dave is, so the auth stack runs for him."""
    if phase == "auth":
        return bedlib.Terminal("dave", ["sudo", "-k", "id", "-u"])
    return bedlib.Pipe("alice", ["sudo", "-n", "id", "-u"])


def is_in(when: str) -> None:
    with attempt("account") as program:
        check(program.wait() == 0 and program.out == "0\n", f"{when}: {program.text}")


def test_without_a_fault_account_lets_in():
    """Else the cells below would show nothing."""
    for name, more in STACKS.items():
        write_stack("account", more)
        is_in(name)


def all_are_denied(fault: str, told: int, watch) -> None:
    """Each phase and stack at once; each denial has its line in the log."""
    cells = [(phase, name) for phase in ("account", "session", "auth") for name in STACKS]
    with Lines("syslog") as log:
        with watch:
            programs = []
            for phase, name in cells:
                write_stack(phase, STACKS[name], TOLD)
                programs.append(attempt(phase))
                check(select.select([told], [], [], WAIT_S)[0], f"{fault}, {phase} {name}: {programs[-1].text}")
                os.read(told, 100)
            for cell, program in zip(cells, programs, strict=True):
                check(program.wait() != 0 and "0" not in program.text.split(), f"{fault}, {cell}: exit {program.code}: {program.text}")
                program.close()
        log.until(lambda _: sum("pam_jit" in line and "denied" in line for line in log.now()) >= len(cells),
                  what=f"{fault}: reason for each cell")


def test_each_fault_in_each_phase_and_stack():
    told = pipe_of_a_program("/tmp/tell", "echo >/tmp/told", "/tmp/told")
    for fault, broken in FAULTS.items():
        with broken():
            within(IN_TIME_S, functools.partial(all_are_denied, fault, told))
        write_stack("account", "")
        is_in(f"after {fault}")


def pipe_of_a_program(path: str, script: str, *fifos: str) -> int:
    """A program for pam_exec that talks through fifos; the first one's descriptor."""
    for fifo in fifos:
        os.mkfifo(fifo)
        os.chmod(fifo, 0o666)
    with open(path, "w", encoding="ascii") as f:
        f.write(f"#!/bin/sh\n{script}\n")
    os.chmod(path, 0o755)
    return os.open(fifos[0], os.O_RDWR)


def test_the_fault_comes_between_account_and_session():
    """The answer is in, the session is not yet open: a module between them waits for us."""
    there = pipe_of_a_program("/tmp/between", "echo >/tmp/there; read line </tmp/go", "/tmp/there", "/tmp/go")
    go = os.open("/tmp/go", os.O_RDWR)
    for fault in "killed", "no socket", "frozen":
        write_stack("account", STACKS["then permit"])
        with open("/etc/pam.d/sudo", encoding="ascii") as f:
            text = f.read()
        with open("/etc/pam.d/sudo", "w", encoding="ascii") as f:
            f.write(text.replace("session required", "session optional pam_exec.so quiet /tmp/between\nsession required", 1))
        with bedlib.Pipe("alice", ["sudo", "-n", "id", "-u"]) as program:
            check(select.select([there], [], [], WAIT_S)[0], f"{fault}: the session was not reached: {program.text}")
            os.read(there, 100)
            with FAULTS[fault]():
                os.write(go, b"\n")
                program.wait()
            check(program.code != 0 and program.out.strip() != "0", f"{fault} between: exit {program.code}: {program.text}")


broker.stop()
wipe()
bedlib.set_policy(OPEN, reload=False)
broker.start()
bedlib.main(globals())
