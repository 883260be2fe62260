# SPDX-License-Identifier: Apache-2.0
"""G3: the policy is replaced again and again while people ask, each third time by one that does not load. Every decision cites one
whole version; the last good one stays in force; the last reloads cost what the first did."""
# bed: --no-sshd
import itertools
import json
import os
import select

import bedlib
import wire
from bedlib import broker, check

FILE = "/etc/jit/policy.d/bed.toml"
ROUNDS = 10_000
SAMPLE = 1_000
GROWTH_KIB = 20_000
PEOPLE, EACH = 4, 25  # requests; a person has 30 an hour
with open(FILE, encoding="utf-8") as policy:
    GOOD = policy.read()
BROKEN, OTHER = GOOD.replace("approval =", "aproval =", 1), GOOD.replace('give     = "10m"', 'give     = "11m"')
GIVES = {GOOD: 600, OTHER: 660}


def ask_until(told: int) -> None:
    for asked in itertools.count():
        if select.select([told], [], [], 0)[0]:
            return
        if asked < PEOPLE * EACH:
            user = f"asker{asked // EACH}"
            program = bedlib.run(user, ["jitctl", "request", "--json", "--reason", "x", "--", "id"])
            check(program.code == 0, f"{user}: {program.text}")
            bedlib.run(user, ["jitctl", "cancel", json.loads(program.out)["id"]])
        program = bedlib.run("alice", "sudo -n id -u")
        check("ask first" in program.text, f"alice: {program.text}")


def replace_all() -> dict:
    """What each version is called, by its text."""
    bus, took, hashes = wire.Connection(), [], {GOOD: bedlib.jitctl("root", "status")["policy"]["hash"]}
    in_force = GOOD
    for text in itertools.islice(itertools.cycle((BROKEN, OTHER, GOOD)), ROUNDS):
        bedlib.set_policy(text, reload=False)
        with bedlib.Watch() as watch:
            status = json.loads(bus.broker("Policy", "Reload")[0])["policy"]
        took.append(watch.longest)
        check(status["in_force"] == ("the last good set" if text == BROKEN else "the files"), f"round {len(took)}: {status}")
        in_force = in_force if text == BROKEN else text
        check(status["hash"] == hashes.setdefault(in_force, status["hash"]), f"round {len(took)}: another version: {status}")
    bus.close()
    first, last = min(took[:SAMPLE]), min(took[-SAMPLE:])  # whatever else the machine does
    check(last < 3 * first, f"the quickest reload took {first:.4f} s at first, {last:.4f} s at last")
    return hashes


def resident() -> int:
    with open(f"/proc/{broker.pid()}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def cited(kind: str, *names: str) -> set:
    entries = json.loads(bedlib.run("root", ["jitctl", "audit", "log", "--json", "--type", kind]).out)
    return {tuple(entry["fields"][name] for name in names) for entry in entries if names[0] in entry["fields"]}


def test_decisions_cite_one_version():
    stop, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(tell)
        try:
            ask_until(stop)
        except bedlib.Failed as failed:
            print(failed, flush=True)
            os._exit(1)
        os._exit(0)
    before = resident()
    try:
        hashes = replace_all()
    finally:
        os.close(tell)
        asked = bedlib.reap(pid)
    check(asked == 0, "those who asked were told something else")
    check(resident() < before + GROWTH_KIB, f"{before} KiB before, {resident()} KiB after")
    check(len(set(hashes.values())) == 2, f"{hashes.values()}")
    check(cited("policy.loaded", "policy") == {(each,) for each in hashes.values()}, "what was loaded is not in the log")
    check(cited("request.created", "policy", "give_s") == {(hashes[text], gives) for text, gives in GIVES.items()}, "a version with terms of another")
    denied = cited("access.denied", "policy")
    check(denied and denied <= {(each,) for each in hashes.values()}, f"denied by {denied}")
    check("aproval" in bedlib.jitctl("root", "status")["policy"]["errors"][0], "the last one was the broken one")


for number in range(PEOPLE):
    bedlib.add_user(f"asker{number}", 2300 + number, ["sudo"])
bedlib.main(globals())
