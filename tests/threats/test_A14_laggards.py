# SPDX-License-Identifier: Apache-2.0
"""A14: 256 connections watch and never read, while much happens. What cannot be delivered is not kept: the broker's memory
stays flat, and everybody else is served as ever."""
# bed: --no-sshd
import os
import time

import bedlib
import wire
from bedlib import broker, check

PEOPLE, EACH = 32, 8  # as many as one user may have
WARM, ROUNDS = 40, 200
MORE_KIB = 6 * 1024
NAMES = [f"watcher{i}" for i in range(PEOPLE)]


def resident() -> int:
    with open(f"/proc/{broker.pid()}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def connect_as(uid: int) -> wire.Connection:
    os.seteuid(uid)
    try:
        return wire.Connection()
    finally:
        os.seteuid(0)


def happen(bus: wire.Connection, rounds: int) -> None:
    """Requests come and go; each is news twice for each of the watchers."""
    for i in range(rounds):
        request = bus.broker("Requests", "Create", "a{sv}", {
            "door": ("s", "sudo"), "as": ("s", "root"), "reason": ("ay", b"x"), "argv": ("aay", [b"/bin/echo", str(i).encode()])})[0]
        name = bytes(request).decode().split('"id":"')[1][:32]
        bus.broker("Requests", "Cancel", "s", name)
        if i % 20 == 0:
            served(f"round {i}")


def served(when: str) -> None:
    started = time.monotonic()
    check(bedlib.jitctl("eve", "status")["state"] == "running", f"{when}: status")
    check("ask first" in bedlib.run("alice", "sudo -n id", timeout=5).text, f"{when}: the gate")
    check(time.monotonic() - started < 1, f"{when}: somebody else waited {time.monotonic() - started:.1f} s")


def test_who_never_reads_costs_nobody_else():
    laggards = [connect_as(3000 + i) for i in range(PEOPLE) for _ in range(EACH)]
    for laggard in laggards:
        laggard.broker("Requests", "Watch")
    bedlib.refused(lambda: connect_as(3000).broker("Requests", "Watch"), "Limit")
    busy = connect_as(3100)
    happen(busy, WARM)
    before = resident()
    happen(busy, ROUNDS)
    check(resident() < before + MORE_KIB, f"{before} KiB before, {resident()} KiB after {2 * ROUNDS * len(laggards)} signals")
    check(resident() < 64 * 1024, f"{resident()} KiB")

    with bedlib.Inbox() as inbox, bedlib.waiting("alice") as alice:  # one who reads hears of it at once
        request = inbox.new("alice")["id"]
        bedlib.jitctl("bob", "approve", request)
        check(alice.wait(2) == 0, alice.text)

    heard = 0
    while heard < 2 * WARM:  # it was for them: what the bus kept is there
        heard += laggards[0].receive()[0] == 4
    for laggard in laggards:
        laggard.close()
    served("after they left")


def test_who_asks_and_never_reads_the_answers():
    """Calls whose answers nobody takes: the bus holds them, and past its limit ends the one who does not read."""
    before = resident()
    greedy = [connect_as(3000 + i) for i in range(PEOPLE)]
    for bus in greedy:
        bus.socket.setblocking(False)
        fields = {1: ("o", wire.PATH), 2: ("s", f"{wire.NAME}.Policy"), 3: ("s", "Status"), 6: ("s", wire.NAME)}
        try:
            for _ in range(2000):
                bus.socket.sendall(bus.message(1, fields))
        except OSError:  # the bus takes no more from him
            pass
    served("with greedy callers")
    check(resident() < before + MORE_KIB, f"{before} KiB before, {resident()} KiB after")
    for bus in greedy:
        bus.close()


broker.stop()
with open("/etc/jit/broker.toml", "a", encoding="utf-8") as config:
    config.write("[limits]\nrequests-per-hour = 16384\n")
for index, person in enumerate(NAMES):
    bedlib.add_user(person, 3000 + index, ["sre"])
bedlib.add_user("busy", 3100, ["sudo"])
broker.start()
bedlib.main(globals())
