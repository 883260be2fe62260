# SPDX-License-Identifier: Apache-2.0
"""H8: RLIMIT_NOFILE of 3 to 16, closed standard descriptors. Denied, and no descriptor is taken for another."""
# bed: --no-sshd
import itertools
import os

import bedlib
import wire
from bedlib import Inbox, check


def test_few_descriptors_never_open_a_door():
    for limit in range(3, 17):
        for command in ["sudo", "-n", "id", "-u"], ["su", "-c", "id -u"]:
            program = bedlib.run("alice", ["prlimit", f"--nofile={limit}:{limit}", *command], stdin=b"root\n")
            check(program.code != 0 and program.out.strip() != "0", f"{limit} descriptors, {command}: {program.text}")


def test_closed_descriptors_are_not_written_to():
    before = os.stat("/etc/passwd").st_mtime_ns
    for count in 1, 2, 3:
        for closed in itertools.combinations("012", count):
            redirections = " ".join(f"{fd}>&-" for fd in closed)
            with Inbox() as inbox, bedlib.Terminal("alice", f"sudo id -u {redirections}; echo code $?") as alice:
                alice.expect(r"waiting|code \d")
                for request in [r for r in inbox.requests() if r["id"] not in inbox.known and r["state"] == "pending"]:
                    bedlib.jitctl("bob", "deny", request["id"], "-m", "no")
                alice.wait()
                check("code 0" not in alice.text, f"closed {closed}: {alice.text}")
    check(os.stat("/etc/passwd").st_mtime_ns == before, "/etc/passwd was written")


def test_the_broker_with_few_descriptors_denies_and_recovers():
    bedlib.broker.stop()
    bedlib.broker.run_under("prlimit", "--nofile=24:24")
    try:
        bedlib.broker.start()
    except (bedlib.Failed, wire.Error):
        pass  # that few are too few to start, or for the bus: also a no
    programs = [bedlib.Pipe("alice", ["sudo", "-n", "id", "-u"]) for _ in range(20)]
    for program in programs:
        check(program.wait() != 0 and program.out.strip() != "0", program.text)
        program.close()
    bedlib.broker.stop()
    bedlib.broker.run_under()
    bedlib.broker.start()
    check(bedlib.jitctl("eve", "status"), "it serves again")


bedlib.main(globals())
