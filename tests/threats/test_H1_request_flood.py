# SPDX-License-Identifier: Apache-2.0
"""H1: one person asks with hundreds of processes. He is held to his cap; others are answered within a second."""
# bed: --no-sshd
import bedlib
from bedlib import Inbox, check, within

PROCESSES = 500
CAP = 8
ROUNDS, SERVED_S, TRIES = 20, 1, 3


def flood_of(flooder: str, other: str, watch) -> None:
    script = f"for i in $(seq {PROCESSES}); do sudo /bin/echo $i >/dev/null 2>&1 & done; echo flooding; wait"
    with Inbox() as inbox, bedlib.Terminal(flooder, ["bash", "-c", script]) as flood:
        flood.expect("flooding")
        inbox.new(flooder)
        for _ in range(ROUNDS):
            with watch:
                program = bedlib.run("dave", "sudo -n -k id")
                bedlib.jitctl("eve", "requests")
                terminal = bedlib.waiting(other, ["sudo", "id", "-un"])
            check(program.code != 0, program.text)
            with terminal:
                terminal.ctrl_c()
                terminal.wait()
            seen = [r for r in inbox.requests() if r["subject"]["name"] == flooder and r["state"] == "pending"]
            check(len(seen) <= CAP, f"{len(seen)} requests of {flooder} are pending")
    check(bedlib.jitctl("root", "status"), "the broker lives")


def test_one_flood_does_not_reach_the_others():
    """Each try with people of its own: they have so many requests an hour."""
    people = iter([(f"flood{i}", f"other{i}") for i in range(TRIES)])
    within(SERVED_S, lambda watch: flood_of(*next(people), watch), TRIES)


for index in range(TRIES):
    bedlib.add_user(f"flood{index}", 2500 + index, ["sudo"])
    bedlib.add_user(f"other{index}", 2600 + index, ["sudo"])
bedlib.main(globals())
