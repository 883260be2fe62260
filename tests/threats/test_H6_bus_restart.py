# SPDX-License-Identifier: Apache-2.0
"""H6: the system bus goes away and comes back. The gate does not notice; the broker is on the bus again within 10 s. Once with
dbus-daemon and once with dbus-broker."""
# bed: --no-sshd
import contextlib
import os
import select
import signal
import subprocess
import sys

import bedlib
import wire
from bedlib import WAIT_S, Inbox, check, within

BACK_S = 10
START = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bed/bus_broker.py")


def bus_down() -> None:
    with open(f"{bedlib.BED}/dbus.pid", encoding="ascii") as f:
        pid = int(f.read().split()[0])
    pidfd = os.pidfd_open(pid)
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    check(select.select([pidfd], [], [], WAIT_S)[0], "the bus did not end")
    os.close(pidfd)


def bus_up() -> None:
    if BY_DBUS_BROKER:
        os.unlink(wire.SYSTEM_BUS)
        subprocess.Popen([sys.executable, "-B", START], stderr=subprocess.DEVNULL)
        while True:  # until it listens
            with contextlib.suppress(OSError):
                wire.Connection().close()
                return
    out = subprocess.run(["dbus-daemon", "--system", "--fork", "--nopidfile", "--nosyslog", "--print-pid"], capture_output=True,
                         text=True, check=True).stdout
    with open(f"{bedlib.BED}/dbus.pid", "w", encoding="ascii") as f:
        f.write(out)


def bus_up_and_the_broker_back() -> None:
    def attempt(watch) -> None:
        with contextlib.suppress(ProcessLookupError):  # up already: an earlier try was too slow
            bus_down()
        bus_up()
        with watch:
            bus = wire.Connection()
            bus.call(*wire.BUS, "AddMatch", "s", [f"type='signal',member='NameOwnerChanged',arg0='{wire.NAME}'"])
            if not bus.call(*wire.BUS, "NameHasOwner", "s", [wire.NAME])[0]:
                bus.receive(WAIT_S)
        check(bedlib.jitctl("eve", "status"), "the broker does not answer")

    within(BACK_S, attempt)


def test_the_gate_serves_without_a_bus():
    with Inbox() as inbox, bedlib.Terminal("alice", "sudo id -un; read line; sudo id -gn; echo code $?") as alice:
        alice.expect("waiting")
        bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
        alice.expect("^root$")
        bus_down()
        alice.line()
        alice.expect("^root\n")  # id -gn: the grant is used without any bus
        alice.expect("code 0")
        program = bedlib.run("dave", ["jitctl", "status"])
        check(program.code == 4 and program.err.count("\n") == 1, f"jitctl without a bus: exit {program.code}: {program.text}")
        bus_up_and_the_broker_back()


def test_a_request_that_waits_lives_through_it():
    bedlib.clean_slate()
    with Inbox() as inbox, bedlib.waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        bus_up_and_the_broker_back()
        bedlib.jitctl("bob", "approve", request)
        check(alice.wait() == 0, alice.text)


def test_expiry_needs_no_bus():
    with bedlib.waiting("alice", "sudo -u carol id -un") as alice:
        bus_down()
        check(alice.wait() != 0 and "expired" in alice.text, alice.text)
        bus_up_and_the_broker_back()


with open(f"{bedlib.BED}/dbus.pid", encoding="ascii") as ours, open(f"/proc/{ours.read().split()[0]}/comm", encoding="ascii") as its:
    BY_DBUS_BROKER = its.read().startswith("dbus-broker")
bedlib.main(globals())
