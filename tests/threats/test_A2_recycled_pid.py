# SPDX-License-Identifier: Apache-2.0
"""A2: the requester dies after asking, and another process takes its pid. The request dies with the connection."""
# bed: --no-sshd
import os
import signal

import bedlib
import wire
from bedlib import Failed, Inbox, check, within

CANCELLED_S = 2


def take_pid(pid: int) -> int:
    """A root process with exactly this pid."""
    for _ in range(50):
        with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as f:
            f.write(str(pid - 1))
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
        if child == pid:
            return child
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    raise Failed(f"pid {pid} could not be had again")


def dies_and_its_pid_is_taken(watch) -> None:
    with Inbox() as inbox, bedlib.waiting("alice", "exec sudo id -un") as alice:
        request = inbox.new("alice")["id"]
        pid = alice.pid
        alice.signal(signal.SIGKILL)
        alice.wait()
        other = take_pid(pid)
        try:
            with watch:
                inbox.state(request, "cancelled")
            vote = bedlib.run("bob", ["jitctl", "approve", request])
            check(vote.code == 1 and "cancelled" in vote.err, f"an approval of a dead request: exit {vote.code}: {vote.text}")
            gate = wire.Connection(wire.GATE, hello=False)
            pidfd = os.pidfd_open(other)
            answer = gate.gate("Bind", "a{sv}", {"service": ("s", "sudo"), "user": ("ay", b"root"), "pidfd": ("h", 0)}, fds=[pidfd])
            check(answer[0] == "deny", f"Bind for the new owner of the pid says {answer}")
        finally:
            os.kill(other, signal.SIGKILL)
            os.waitpid(other, 0)
    check(not bedlib.all_grants(), "a grant came out of it")


def test_request_ends_with_its_process_and_the_new_one_gets_nothing():
    within(CANCELLED_S, dies_and_its_pid_is_taken)


bedlib.main(globals())
