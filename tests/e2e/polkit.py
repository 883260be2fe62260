# SPDX-License-Identifier: Apache-2.0
"""The real polkitd, which the bed itself does not start."""
import subprocess

import bedlib
import wire
from bedlib import check

POLKITD = ("/usr/lib/polkit-1/polkitd", "--no-debug")
NAME = "org.freedesktop.PolicyKit1"


def start_polkit() -> subprocess.Popen:
    bus = wire.Connection()
    bus.call(*wire.BUS, "AddMatch", "s", [f"type='signal',member='NameOwnerChanged',arg0='{NAME}'"])
    process = subprocess.Popen(POLKITD, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not bus.call(*wire.BUS, "NameHasOwner", "s", [NAME])[0]:
        check(process.poll() is None, "polkitd has ended")
        bus.receive(timeout=bedlib.WAIT_S)
    bus.close()
    return process
