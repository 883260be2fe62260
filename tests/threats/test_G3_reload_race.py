# SPDX-License-Identifier: Apache-2.0
"""G3: the policy is replaced again and again while people ask. Every decision cites one whole version."""
# bed: --no-sshd
import json
import os

import bedlib
import wire
from bedlib import check

FILE = "/etc/jit/policy.d/bed.toml"
ROUNDS = 10_000
with open(FILE, encoding="utf-8") as policy:
    GOOD = policy.read()
VERSIONS = (GOOD, GOOD.replace('give     = "10m"', 'give     = "11m"'))


def test_decisions_cite_one_version():
    pid = os.fork()
    if pid == 0:
        bus = wire.Connection()
        for i in range(ROUNDS):
            bedlib.set_policy(VERSIONS[i % 2], reload=False)
            bus.broker("Policy", "Reload")
        os._exit(0)
    asked = 0
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        if asked < 25:
            program = bedlib.run("alice", ["jitctl", "request", "--json", "--reason", "x", "--", "id"])
            if program.code == 0:
                bedlib.run("alice", ["jitctl", "cancel", json.loads(program.out)["id"]])
            asked += 1
        bedlib.run("alice", "sudo -n id -u")
    loaded = {e["fields"]["hash"] for e in bedlib.audit(type="policy.loaded") if "hash" in e["fields"]}
    created = bedlib.audit(type="request.created")
    check(created, "nobody asked")
    by_version = {}
    for entry in created:
        by_version.setdefault(entry["fields"]["policy"], set()).add(entry["fields"]["give_s"])
    check(all(len(gives) == 1 for gives in by_version.values()), f"one version, several terms: {by_version}")
    check(len(by_version) <= 2, f"{len(by_version)} versions for two files")
    check(not loaded or set(by_version) <= loaded, f"{set(by_version) - loaded} was never loaded")


bedlib.main(globals())
