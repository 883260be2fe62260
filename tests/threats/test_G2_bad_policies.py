# SPDX-License-Identifier: Apache-2.0
"""G2: policies that are empty, cut, misspelt, nested, huge, of another world. An error with its place, bounded, and deny."""
# bed: --no-sshd
import os

import bedlib
from bedlib import broker, check, within

BOUND_S = 5
FILE = "/etc/jit/policy.d/bed.toml"
with open(FILE, encoding="utf-8") as policy:
    GOOD = policy.read()
BAD = {
    "empty settings": "schema = 1\n", "no schema": GOOD.replace("schema = 1", ""), "schema 2": GOOD.replace("schema = 1", "schema = 2"),
    "half-written": GOOD[: len(GOOD) // 2 + 7], "unknown key": GOOD.replace("approval =", "aproval =", 1),
    "unknown table": GOOD + "[[permits]]\nid = 'x'\n", "duplicate key": GOOD + '[settings]\ncovers = ["sudo"]\n',
    "duplicate id": GOOD + GOOD[GOOD.index("[[permit]]"):GOOD.index("[[permit]]", GOOD.index("[[permit]]") + 5)],
    "deep": GOOD + "x = " + "[" * 10_000 + "]" * 10_000 + "\n", "deep tables": GOOD + "x = " + "{a=" * 5_000 + "1" + "}" * 5_000,
    "wrong type": GOOD.replace('max      = "1h"', "max      = 3600"), "no max": GOOD.replace('max      = "1h"\n', "", 1),
    "unresolved set": GOOD.replace("set:admins", "set:admin"), "not UTF-8": None, "zero byte": GOOD + "# \0\n",
    "self-made set": GOOD + '[set]\na = ["set:b"]\nb = ["set:a"]\n', "long line": GOOD + "x = \"" + "y" * (3 << 20) + "\"\n",
    "many rules cut": (GOOD + '[[permit]]\nid = "') * 3,
}
FINE = {"crlf": GOOD.replace("\n", "\r\n"), "comment at the end": GOOD + "# end"}


def put(text) -> None:
    data = GOOD.encode() + b"# \xff\xfe\n" if text is None else text.encode()
    with open(FILE, "wb") as f:
        f.write(data)


def refuses(name: str) -> str:
    program = within(BOUND_S, lambda _: bedlib.run("root", ["jitctl", "policy", "reload"]))
    check(program.code == 1 and "bed.toml:" in program.text, f"{name}: reload exit {program.code}: {program.text[:400]}")
    check(len(program.text) < 100_000, f"{name}: {len(program.text)} bytes of findings")
    return program.text


def test_a_reload_refuses_each_and_keeps_the_last_good_one():
    for name, text in BAD.items():
        put(text)
        refuses(name)
        check("ask first" in bedlib.run("alice", "sudo -n id -u").text, f"{name}: the last good set is not in force")
    put(GOOD)
    bedlib.jitctl("root", "policy", "reload")


def test_jitctl_says_the_same_without_a_broker():
    broker.stop()
    for name, text in BAD.items():
        put(text)
        program = bedlib.run("root", ["jitctl", "policy", "check"])
        check(program.code == 1 and "bed.toml:" in program.text, f"{name}: exit {program.code}: {program.text[:400]}")
    for name, text in FINE.items():
        put(text)
        program = bedlib.run("root", ["jitctl", "policy", "check"])
        check(program.code == 0, f"{name}: exit {program.code}: {program.text[:400]}")
    put(GOOD)
    broker.start()


def test_a_first_start_with_a_bad_policy_denies():
    broker.stop()
    for entry in os.listdir("/var/lib/jit"):
        if entry.startswith("jit.db"):
            os.unlink(f"/var/lib/jit/{entry}")
    put(BAD["unknown key"])
    broker.start()
    program = bedlib.run("alice", "sudo -n id -u")
    check(program.code != 0 and "no policy is in force" in program.text, program.text)
    status = bedlib.run("root", ["jitctl", "status"]).text
    check("bed.toml:" in status, f"status does not name the place: {status}")
    put(GOOD)
    bedlib.jitctl("root", "policy", "reload")
    check("ask first" in bedlib.run("alice", "sudo -n id -u").text, "the good set is in force")


def test_memory_stays_bounded():
    def resident() -> int:
        with open(f"/proc/{broker.pid()}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))

    put(BAD["deep"])
    before = resident()
    for _ in range(20):
        bedlib.run("root", ["jitctl", "policy", "reload"])
    check(resident() < before + 20_000, f"{before} KiB before, {resident()} KiB after 20 reloads")
    put(GOOD)
    bedlib.jitctl("root", "policy", "reload")


bedlib.main(globals())
