# SPDX-License-Identifier: Apache-2.0
"""H2: hundreds of ssh attempts that prove nothing: no request, and root's bus is as usable as before."""
import os
import subprocess

import bedlib
from bedlib import WAIT_S, Inbox, check

ATTEMPTS = 300
AT_ONCE = 60


def test_unproven_attempts_ask_nobody_and_cost_no_bus_connection():
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/tmp/wrong"], check=True)
    os.chmod("/tmp/wrong", 0o600)
    with Inbox() as inbox:
        left = ATTEMPTS
        running = []
        while left or running:
            while left and len(running) < AT_ONCE:
                port = "2222" if left % 2 else "2223"
                running.append(subprocess.Popen(
                    ["ssh", "-oBatchMode=yes", "-oIdentitiesOnly=yes", "-oStrictHostKeyChecking=no", "-i", "/tmp/wrong", "-p", port,
                     "alice@127.0.0.1", "id"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
                left -= 1
            if left % 100 == 0:
                check(subprocess.run(["busctl", "--system", "list"], capture_output=True, check=False).returncode == 0, "root's bus call")
            check(running.pop(0).wait(WAIT_S) == 255, "an attempt came in")
        check(not [r for r in inbox.requests() if r["id"] not in inbox.known], "an unproven attempt made a request")
    check(not bedlib.audit(type="request.created"), "an unproven attempt was logged as a request")
    check(bedlib.jitctl("root", "status"), "the broker serves")


def test_stopped_su_do_not_take_the_bus_or_the_gate_from_anybody():
    """One user stops hundreds of his own su: each holds a gate connection, none a bus connection."""
    script = "for i in $(seq 300); do (echo root | su -c id >/dev/null 2>&1 & echo $!); done >pids; echo started"
    with bedlib.Terminal("alice", ["bash", "-c", script]) as flood:
        flood.expect("started")
        bedlib.run("alice", "xargs kill -STOP <pids 2>/dev/null")
        for _ in range(5):
            check(subprocess.run(["busctl", "--system", "list"], capture_output=True, check=False).returncode == 0, "root's bus call")
            check(bedlib.jitctl("root", "status"), "root's jitctl")
            check(bedlib.run("dave", "ssh -p 2222 carol@127.0.0.1 true").code == 255, "dave has no key of carol")
            check(bedlib.run("carol", "ssh -p 2222 carol@127.0.0.1 id -un").code == 0, "carol's login")
        bedlib.run("alice", "xargs kill -KILL <pids 2>/dev/null")


bedlib.main(globals())
