# SPDX-License-Identifier: Apache-2.0
"""How long a request takes from the core of the broker to an approver's inbox over one nats-server on loopback, a vote from the server to
the program that waits for it, and what jit-relay holds.

Run in the light bed: PYTHONPATH=tests/e2e tests/bed/light --build build/release --no-sshd -- /usr/bin/python3 -B bench/relay.py"""
import base64
import collections
import glob
import json
import re
import statistics
import subprocess
import threading
import time

import bedlib
import relaylib
from by_hand import PLAIN, SIGNED

COUNT, VOTES, SETTLED_S, REST_S = 100, 30, 15, 80


def wakes(process: int) -> collections.Counter:
    """How often each of its threads has slept so far."""
    out = collections.Counter()
    for status in glob.glob(f"/proc/{process}/task/*/status"):
        with open(status, encoding="ascii") as f:
            out[status.split("/")[4]] = int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", f.read())[1])
    return out


with open("/etc/jit/broker.toml", "a", encoding="utf-8") as f:
    f.write("[limits]\nrequests-per-hour = 1000\npending-per-uid = 200\n")
bedlib.jitctl("root", "policy", "reload")
with relaylib.Relay() as relay:
    relay.host()
    woken = []
    for pause in SETTLED_S, REST_S:  # nothing waits yet: votes would be looked for
        time.sleep(pause)
        woken.append(wakes(relay.daemon.process.pid))
    words = ["jitctl", "relay", "issue-approver", relaylib.DIR, "bob", "--set", "group:sre"]
    bob = relaylib.client("bench", relaylib.good(words), "_INBOX.person-bob")
    bob.subscribe("jit.v1.req.group:sre.*.*")
    bob.flush()
    late = []

    def read() -> None:
        for _ in range(COUNT):
            message = bob.next(subject="jit.v1.req")
            came = time.time() * 1000
            late.append(came - json.loads(base64.b64decode(json.loads(message["data"])["payload"]))["created_ms"])

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(COUNT):
        relaylib.good(["jitctl", "request", "--as", "root", "--", "/usr/bin/id", str(n)], "alice")
    reader.join()
    late.sort()
    # From the moment at which the servers pass the vote on until a real sudo says that it was approved, and until its program runs:
    # the first that this one does is to read the clock.
    bedlib.enrol("bob")
    workstation = relay.approver("bob")
    workstation.trust()
    keeper = relaylib.Keeper()
    keeper.subscribe("jit.v1.vote.>")
    keeper.flush()
    said, ran = [], []
    with bedlib.policy_with(PLAIN, SIGNED):
        for _ in range(VOTES):
            with bedlib.Inbox() as inbox, bedlib.Terminal("alice", "sudo date +ran:%s.%N") as alice:
                alice.expect("Vote code, or Enter to wait")
                alice.line("")
                request = inbox.new("alice")["id"]
                workstation.sees(request)
                passed = []
                listener = threading.Thread(target=lambda: passed.append(keeper.next(subject="jit.v1.vote") and time.time()))
                listener.start()
                voter = subprocess.Popen(workstation.argv("approve", request, "-m", "fine"), stdout=subprocess.DEVNULL)
                alice.expect("approved by bob")
                decided = time.time()
                listener.join()
                voter.wait()
                said.append((decided - passed[0]) * 1000)
                ran.append((float(alice.expect(r"ran:(\d+\.\d+)")[1]) - passed[0]) * 1000)
                alice.wait()
            relaylib.good(["jitctl", "revoke", "--all", "-m", "next"])
    with open(f"/proc/{relay.daemon.process.pid}/status", encoding="ascii") as f:
        status = f.read()
    resident, threads = int(re.search(r"VmRSS:\s+(\d+)", status)[1]), re.search(r"Threads:\s+(\d+)", status)[1]
    print(f"request -> inbox, {COUNT} requests: median {statistics.median(late):.1f} ms, p99 {late[int(COUNT * 0.99) - 1]:.1f} ms")
    print(f"vote at the server -> sudo says that it was approved, {VOTES} votes: median {statistics.median(said):.1f} ms, worst {max(said):.1f} ms")
    print(f"vote at the server -> the program that it held runs: median {statistics.median(ran):.1f} ms, worst {max(ran):.1f} ms")
    print(f"jit-relay: {resident / 1024:.1f} MiB resident, {threads} threads; at rest its threads woke {sum((woken[1] - woken[0]).values())} times in {REST_S} s: {dict(woken[1] - woken[0])}")
