# SPDX-License-Identifier: Apache-2.0
"""F3: another boot over the same database. Grants are void, requests cancelled, and nothing can be had of either."""
# bed: --no-sshd
import subprocess

import bedlib
from bedlib import Inbox, broker, check

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def reboot() -> None:
    """For the broker: the boot id is what the kernel says, and it says another one."""
    with open("/tmp/boot_id", "w", encoding="ascii") as f:
        f.write("01234567-89ab-4cde-8f01-23456789abcd\n")
    subprocess.run(["mount", "--bind", "/tmp/boot_id", BOOT_ID], check=True)
    broker.restart()


def test_nothing_of_the_last_boot_holds():
    with Inbox() as inbox, bedlib.Terminal("alice", "sudo id -un; read line; sudo -n id -un; echo code $?") as alice, \
            bedlib.waiting("alice", "sudo id -gn") as waiting:
        alice.expect("waiting")
        first, second = inbox.new("alice"), inbox.new("alice")
        mine = next(r for r in (first, second) if r["command"]["text"].endswith("-un"))
        other = first if mine is second else second
        bedlib.jitctl("bob", "approve", mine["id"])
        alice.expect("^root$")
        reboot()
        alice.line()
        alice.expect("code 1")
        check(alice.text.count("root\n") == 1, alice.text)
        check(waiting.wait() != 0, waiting.text)
        inbox.state(other["id"], "cancelled")
        late = bedlib.run("bob", ["jitctl", "approve", other["id"]])
        check(late.code == 1, f"late: {late.text}")
    grants = bedlib.all_grants()
    check(grants and all(g["state"] == "ended" and g["ended"]["how"] == "void" for g in grants), str(grants))


bedlib.main(globals())
