# SPDX-License-Identifier: Apache-2.0
"""H1: one person asks with hundreds of processes. He is held to his cap; others are answered within a second."""
# bed: --no-sshd
import time

import bedlib
from bedlib import Inbox, check

PROCESSES = 300
CAP = 8


def test_one_flood_does_not_reach_the_others():
    script = f"for i in $(seq {PROCESSES}); do sudo /bin/echo $i >/dev/null 2>&1 & done; echo flooding; wait"
    with Inbox() as inbox, bedlib.Terminal("alice", ["bash", "-c", script]) as flood:
        flood.expect("flooding")
        inbox.new("alice")
        for _ in range(10):
            started = time.monotonic()
            program = bedlib.run("dave", "sudo -n -k id", timeout=5)
            check(program.code != 0, program.text)
            bedlib.jitctl("eve", "requests")
            with bedlib.Terminal("dave2", ["sudo", "id", "-un"]) as other:
                other.expect("waiting")
                check(time.monotonic() - started < 3, f"another person waited {time.monotonic() - started:.1f} s")
                other.ctrl_c()
                other.wait()
            seen = [r for r in inbox.requests() if r["subject"]["name"] == "alice" and r["state"] == "pending"]
            check(len(seen) <= CAP, f"{len(seen)} requests of alice are pending")
    check(bedlib.jitctl("root", "status"), "the broker lives")


bedlib.add_user("dave2", 2500, ["sudo"])
bedlib.main(globals())
