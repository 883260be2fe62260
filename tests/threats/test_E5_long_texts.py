# SPDX-License-Identifier: Apache-2.0
"""E5: texts of every length. Past the limit: refused by name, quickly, and the broker lives; identities are never cut."""
# bed: --no-sshd
import os
import time

import bedlib
import wire
from bedlib import check, refused

REASON_MAX = 1024
QUICK_S = 0.1


def create(reason: bytes, **more):
    bus = wire.Connection(timeout=20)
    ask = {"door": ("s", "sudo"), "as": ("s", "root"), "reason": ("ay", reason), **more}
    started = time.monotonic()
    error = refused(lambda: bus.broker("Requests", "Create", "a{sv}", ask))
    return error.name.rsplit(".", 1)[-1], time.monotonic() - started


def test_reasons():
    def reasons():
        return [create(b"r" * size) for size in (REASON_MAX + 1, 4096, 65_536, 1 << 20, 16 << 20)]

    for (name, seconds), size in zip(bedlib.as_user("alice", reasons), (1, 2, 3, 4, 5), strict=True):
        check(name in ("BadInput", "LimitsExceeded", "closed"), f"size {size}: {name}")
        check(seconds < QUICK_S or size > 3, f"size {size}: {seconds:.3f} s")
    program = bedlib.run("alice", ["jitctl", "request", "--reason", "r" * REASON_MAX, "--", "id"])
    check(program.code == 0, f"a reason of {REASON_MAX} bytes: {program.text}")
    program = bedlib.run("alice", ["jitctl", "request", "--reason", "r" * (REASON_MAX + 1), "--", "id"])
    check(program.code == 2 and str(REASON_MAX) in program.err, f"one more: exit {program.code}: {program.text}")


def test_the_largest_message_a_bus_takes():
    def big():
        try:
            return create(b"r" * (64 << 20))[0]
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
            out.append((key, *create(b"x", **{key: value})))
        return out

    for key, name, seconds in bedlib.as_user("alice", others):
        check(name in ("BadInput", "closed"), f"{key}: {name}")
        check(seconds < 0.5, f"{key}: {seconds:.3f} s")


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
