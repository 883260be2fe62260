# SPDX-License-Identifier: Apache-2.0
"""A9: many clients connect, send with descriptors, and vanish. The broker's descriptors go back to what they were."""
# bed: --no-sshd
import os

import bedlib
import wire
from bedlib import check

ROUNDS = 1500


def descriptors() -> int:
    return len(os.listdir(f"/proc/{bedlib.broker.pid()}/fd"))


def served() -> None:
    """A whole call on each side: what the broker did before it, it has done."""
    bedlib.jitctl("eve", "status")
    gate = wire.Connection(wire.GATE, hello=False)
    gate.gate("Resume", "ss", "0" * 32, "0" * 32)
    gate.close()


def test_gate_clients_that_vanish_leave_nothing():
    served()
    before = descriptors()
    for i in range(ROUNDS):
        gate = wire.Connection(wire.GATE, hello=False)
        fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(3)]
        context = {"service": ("s", "sudo"), "phase": ("s", "account"), "user": ("ay", b"alice")}
        fields = {1: ("o", "/org/pamjit/Gate1"), 2: ("s", "org.pamjit.Gate1"), 3: ("s", "Submit")}
        data = gate.message(1, fields, "a{sv}hhh", [context, 0, 1, 2], fds)
        gate.send(data if i % 2 else data[:len(data) // 2], fds)
        for fd in fds:
            os.close(fd)
        gate.close()
    served()
    check(descriptors() <= before + 2, f"{before} descriptors before, {descriptors()} after {ROUNDS} clients")


def test_bus_clients_that_vanish_leave_nothing():
    def vanish():
        for _ in range(ROUNDS // 5):
            bus = wire.Connection()
            bus.broker("Requests", "Watch")
            fields = {1: ("o", wire.PATH), 2: ("s", f"{wire.NAME}.Requests"), 3: ("s", "List"), 6: ("s", wire.NAME)}
            bus.send(bus.message(1, fields, "a{sv}", [{}]))
            bus.close()
        return True

    before = descriptors()
    bedlib.as_user("eve", vanish)
    served()
    check(descriptors() <= before + 2, f"{before} descriptors before, {descriptors()} after")


bedlib.main(globals())
