# SPDX-License-Identifier: Apache-2.0
"""E5: texts of every length. Past the limit: refused by name, quickly, and the broker lives; identities are never cut."""
# bed: --no-sshd
import math
import os

import bedlib
import wire
from bedlib import check, refused, within

REASON_MAX = 1024
QUICK_S, QUICK_LARGE_S, LARGE = 0.1, 0.5, 1 << 20


def create(reason: bytes, limit_s: float = math.inf, **more) -> str:
    """The name of the error that it must give, in time."""
    ask = {"door": ("s", "sudo"), "as": ("s", "root"), "reason": ("ay", reason), **more}

    def attempt(watch) -> str:
        bus = wire.Connection()
        with watch:
            error = refused(lambda: bus.broker("Requests", "Create", "a{sv}", ask))
        return error.name.rsplit(".", 1)[-1]

    return within(limit_s, attempt)


def test_reasons():
    def reasons():
        return [(size, create(b"r" * size, QUICK_S if size < LARGE else math.inf))
                for size in (REASON_MAX + 1, 4096, 65_536, LARGE, 16 * LARGE)]

    for size, name in bedlib.as_user("alice", reasons):
        check(name in ("BadInput", "LimitsExceeded", "closed"), f"size {size}: {name}")
    program = bedlib.run("alice", ["jitctl", "request", "--reason", "r" * REASON_MAX, "--", "id"])
    check(program.code == 0, f"a reason of {REASON_MAX} bytes: {program.text}")
    program = bedlib.run("alice", ["jitctl", "request", "--reason", "r" * (REASON_MAX + 1), "--", "id"])
    check(program.code == 2 and str(REASON_MAX) in program.err, f"one more: exit {program.code}: {program.text}")


def test_the_largest_message_a_bus_takes():
    def big():
        try:
            return create(b"r" * (64 << 20))
        except (OSError, wire.Error) as error:
            return str(error)

    check(bedlib.as_user("alice", big), "64 MiB")
    check(bedlib.jitctl("alice", "status"), "the broker lives")


def test_names_and_paths():
    def others():
        out = []
        for key, value in (("as", ("s", "n" * 257)), ("as", ("s", "n" * 100_000)), ("cwd", ("ay", b"/" * 5000)),
                           ("ticket", ("ay", b"t" * 300)), ("via", ("s", "v" * 100_000)), ("argv", ("aay", [b"x" * 140_000])),
                           ("argv", ("aay", [b"x"] * 200_000)), ("door", ("s", "d" * 70_000))):
            out.append((key, create(b"x", QUICK_LARGE_S, **{key: value})))
        return out

    for key, name in bedlib.as_user("alice", others):
        check(name in ("BadInput", "closed"), f"{key}: {name}")


def test_two_long_names_that_begin_alike_are_two():
    for i, suffix in enumerate("ab"):
        bedlib.add_user("n" * 31 + suffix, 2400 + i, ["sudo"] if suffix == "a" else [])
    program = bedlib.run("n" * 31 + "b", "sudo -n id -u")
    check(program.code != 0 and "ask first" not in program.text, f"b got what a may have: {program.text}")
    program = bedlib.run("n" * 31 + "a", "sudo -n id -u")
    check("ask first" in program.text, program.text)


def test_reason_from_the_environment():
    for size in 1024 + 1, 100_000:
        with bedlib.Terminal("alice", ["sudo", "id"], env={"JIT_REASON": "e" * size}) as alice:
            check(alice.wait() != 0 and "JIT_REASON" in alice.text, alice.text[-300:])
    check(os.path.exists(f"/proc/{bedlib.broker.pid()}"), "the broker lives")


bedlib.main(globals())
