# SPDX-License-Identifier: Apache-2.0
"""F2: the host slept past the end of a grant: CLOCK_BOOTTIME went on, CLOCK_MONOTONIC did not. The next use is refused."""
# bed: --no-sshd --later 7200
import bedlib
from bedlib import Inbox, broker, check

def test_a_grant_does_not_outlive_a_sleep():
    with Inbox() as inbox, bedlib.Terminal("alice", ["bash", "--norc", "--noprofile", "-i"], env={"PS1": "ready> "}) as shell:
        shell.expect("ready> ")
        shell.line("sudo id -un")
        shell.expect("waiting")
        bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
        shell.expect("^root$")
        grant = inbox.grant("active")["id"]
        # The broker alone is moved on in time: for it, the host slept for two hours.
        broker.run_under("nsenter", f"--time={bedlib.BED}/later")
        broker.restart()
        ended = inbox.until("Grants", lambda g: g["id"] == grant and g["state"] == "ended")
        check(ended["ended"]["how"] == "expired", f"ended: {ended['ended']}")
        shell.line("sudo -n id -gn; echo code $?")
        shell.expect("code 1")
        check("\nroot\n" not in shell.text.split("id -gn")[1], shell.text)


bedlib.main(globals())
