# SPDX-License-Identifier: Apache-2.0
"""How long a request takes from the core of the broker to an approver's inbox over one nats-server on loopback, and what jit-relay holds.

Run in the light bed: PYTHONPATH=tests/e2e tests/bed/light --build build/release --no-sshd -- /usr/bin/python3 -B bench/relay.py"""
import base64
import json
import re
import statistics
import threading
import time

import bedlib
import relaylib

COUNT = 100
with open("/etc/jit/broker.toml", "a", encoding="utf-8") as f:
    f.write("[limits]\nrequests-per-hour = 1000\npending-per-uid = 200\n")
bedlib.jitctl("root", "policy", "reload")
with relaylib.Relay() as relay:
    relay.host()
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
    with open(f"/proc/{relay.daemon.process.pid}/status", encoding="ascii") as f:
        status = f.read()
    resident, threads = int(re.search(r"VmRSS:\s+(\d+)", status)[1]), re.search(r"Threads:\s+(\d+)", status)[1]
    print(f"request -> inbox, {COUNT} requests: median {statistics.median(late):.1f} ms, p99 {late[int(COUNT * 0.99) - 1]:.1f} ms")
    print(f"jit-relay: {resident / 1024:.1f} MiB resident, {threads} threads")
