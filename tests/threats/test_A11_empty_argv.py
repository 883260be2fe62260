# SPDX-License-Identifier: Apache-2.0
"""A11: every shipped program with an empty argv, no environment, closed standard descriptors, a huge argv: it ends, and writes
to no file that happens to be descriptor 0, 1 or 2."""
# bed: --no-sshd
import ctypes
import itertools
import os
import resource

import bedlib
import wire
from bedlib import check

BUS = wire.SYSTEM_BUS
# Each with words that it ends well with, or serves with, and who it is for.
PROGRAMS = {
    "/usr/bin/jitctl": (["--version"], "alice"), "/usr/bin/jit-verify": (["--version"], "alice"),
    "/usr/libexec/jit/jit-broker": (["--version"], "_jit"), "/usr/libexec/jit/jit-enforcer": ([], "root"),
    "/usr/libexec/jit/jit-relay": ([], "_jit-relay"), "/usr/libexec/jit/jit-notify": ([], "_jit-notify"),
}
libc = ctypes.CDLL(None, use_errno=True)


def execute(program: str, argv: list, closed=(), environment=True, user: str = "alice") -> int:
    words = (ctypes.c_char_p * (len(argv) + 1))(*argv, None)
    variables = (ctypes.c_char_p * 2)(b"PATH=/usr/bin:/bin", None) if environment else (ctypes.c_char_p * 1)(None)
    pid = os.fork()
    if pid == 0:
        bedlib.become(user, login=False)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        null = os.open("/dev/null", os.O_RDWR)
        for fd in 0, 1, 2:
            os.dup2(null, fd)
        os.closerange(3, 256)
        for fd in closed:
            os.close(fd)
        libc.execve(program.encode(), words, variables)
        os._exit(126)
    return bedlib.reap(pid)


def test_they_end_with_an_error_and_no_crash():
    big = [b"jitctl", b"x" * 120_000] + [b"y" * 100_000] * 9
    os.rename(BUS, BUS + ".away")  # with it, and no word, a courier would serve
    for program in PROGRAMS:
        for argv in [], [b""], [b"x", b"--no-such-option"], big:
            for environment in True, False:
                code = execute(program, argv, environment=environment)
                # Linux gives a program without argv an empty word; either way it is a usage error.
                check(code not in (0, 126) and code > 0, f"{program} with {len(argv)} words: {code}")
    os.rename(BUS + ".away", BUS)


def test_closed_descriptors_are_not_confused():
    """Where 0, 1 or 2 is closed, the first file the program opens gets that number: nothing may be written into it."""
    with open("/etc/jit/relay.toml", "w", encoding="utf-8") as f:
        f.write('transport = "none"\n')
    files = ("/etc/passwd", "/etc/jit/policy.d/bed.toml", "/etc/jit/relay.toml", "/var/lib/jit-notify", "/run")

    def states() -> dict:
        return {path: (os.stat(path).st_size, os.stat(path).st_mtime_ns) for path in files}

    before = states()
    for count in 1, 2, 3:
        for closed in itertools.combinations((0, 1, 2), count):
            for program, (words, user) in PROGRAMS.items():
                code = execute(program, [program.encode(), *map(str.encode, words)], closed, user=user)
                check(code not in (0, 126) and code > 0, f"{program} without {closed}: {code}")
            code = execute("/usr/bin/jitctl", [b"jitctl", b"approve", b"zz"], closed, user="bob")
            check(code > 0, f"jitctl without {closed}: {code}")
    check(states() == before, "a file was written")
    check(os.path.exists("/var/lib/jit/jit.db"), "the database is there")


bedlib.main(globals())
