# SPDX-License-Identifier: Apache-2.0
"""A14: 256 connections watch and never read, while much happens. What cannot be delivered is not kept: the broker's memory
stays flat, and everybody else is served as ever."""
# bed: --no-sshd
import contextlib
import json
import os
import socket

import bedlib
import wire
from bedlib import WAIT_S, broker, check, within

PEOPLE, EACH = 32, 8  # as many as one user may have
WARM, ROUNDS, STEP = 40, 240, 20
MORE_KIB = 6 * 1024
SERVED_S = 1
NAMES = [f"watcher{i}" for i in range(PEOPLE)]


def resident() -> int:
    with open(f"/proc/{broker.pid()}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


class Laggard:
    """One person in a process of his own, who does something on all his connections and then sits there."""

    def __init__(self, user: str, connections: int, first) -> None:
        here, there = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            here.close()
            try:
                bedlib.become(user)
                buses = [wire.Connection() for _ in range(connections)]
                there.sendall(json.dumps([first(bus) for bus in buses]).encode() + b"\n")
                if there.recv(1) == b"r":  # at last he reads: how many signals are there for him?
                    heard = 0
                    with contextlib.suppress(wire.Error):
                        while heard < 2 * WARM:
                            heard += buses[0].receive()[0] == 4
                    there.sendall(str(heard).encode() + b"\n")
            finally:
                os._exit(0)
        there.close()
        here.settimeout(WAIT_S)
        self.socket, self.lines = here, here.makefile("r")
        self.answers = json.loads(self.lines.readline() or "[]")

    def reads(self) -> int:
        self.socket.sendall(b"r")
        return int(self.lines.readline())

    def leaves(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)  # children made later hold it too
        bedlib.reap(self.pid)
        self.lines.close()
        self.socket.close()


def watch(bus: wire.Connection) -> str:
    try:
        bus.broker("Requests", "Watch")
    except wire.Error as error:
        return error.name
    return "ok"


def ask_for_ever(bus: wire.Connection) -> str:
    """Calls whose answers he does not read."""
    bus.socket.settimeout(0.2)
    fields = {1: ("o", wire.PATH), 2: ("s", f"{wire.NAME}.Policy"), 3: ("s", "Status"), 6: ("s", wire.NAME)}
    with contextlib.suppress(OSError):  # the bus takes no more from him
        for _ in range(2000):
            bus.socket.sendall(bus.message(1, fields))
    return "ok"


def happen(first: int) -> bool:
    """Requests come and go; each is news twice for each of the watchers."""
    bus = wire.Connection()
    for i in range(first, first + STEP):
        request = bus.broker("Requests", "Create", "a{sv}", {
            "door": ("s", "sudo"), "as": ("s", "root"), "reason": ("ay", b"x"), "argv": ("aay", [b"/bin/echo", str(i).encode()])})[0]
        bus.broker("Requests", "Cancel", "s", json.loads(request)["id"])
    return True


def served(when: str) -> None:
    def attempt(_watch) -> None:
        check(bedlib.jitctl("eve", "status")["state"] == "running", f"{when}: status")
        check("ask first" in bedlib.run("alice", "sudo -n id").text, f"{when}: the gate")

    within(SERVED_S, attempt)


def test_who_never_reads_costs_nobody_else():
    laggards = [Laggard(name, EACH, watch) for name in NAMES]
    for laggard in laggards:
        check(laggard.answers == ["ok"] * EACH, f"{laggard.answers}")
    ninth = Laggard(NAMES[0], 1, watch)
    check(ninth.answers == ["org.pamjit.Error.Limit"], f"the ninth: {ninth.answers}")
    ninth.leaves()
    for first in range(0, WARM, STEP):
        bedlib.as_user("busy", happen, first)
    before = resident()
    for first in range(0, ROUNDS, STEP):
        bedlib.as_user("busy", happen, first)
        served(f"round {first}")
    check(resident() < before + MORE_KIB, f"{before} KiB before, {resident()} KiB after {2 * ROUNDS * EACH * PEOPLE} signals")
    check(resident() < 64 * 1024, f"{resident()} KiB")

    with bedlib.Inbox() as inbox, bedlib.waiting("alice") as alice:  # who reads hears of it at once
        request = inbox.new("alice")["id"]
        bedlib.jitctl("bob", "approve", request)
        check(alice.wait() == 0, alice.text)

    check(laggards[0].reads() == 2 * WARM, "it was not meant for them")
    for laggard in laggards:
        laggard.leaves()
    served("after they left")
    again = Laggard(NAMES[1], EACH, watch)
    check(again.answers == ["ok"] * EACH, f"who left still counts: {again.answers}")
    again.leaves()


def test_who_asks_and_never_reads_the_answers():
    before = resident()
    greedy = [Laggard(name, 1, ask_for_ever) for name in NAMES]
    served("with greedy callers")
    check(resident() < before + MORE_KIB, f"{before} KiB before, {resident()} KiB after")
    for one in greedy:
        one.leaves()


broker.stop()
with open("/etc/jit/broker.toml", "a", encoding="utf-8") as config:
    config.write("[limits]\nrequests-per-hour = 16384\n")
for index, person in enumerate(NAMES):
    bedlib.add_user(person, 3000 + index, ["sre"])
bedlib.add_user("busy", 3100, ["sudo"])
broker.start()
bedlib.main(globals())
