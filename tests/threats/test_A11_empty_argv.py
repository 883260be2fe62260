# SPDX-License-Identifier: Apache-2.0
"""A11: every shipped program with an empty argv, no environment, closed standard descriptors, a huge argv: it ends, and writes
to no file that happens to be descriptor 0, 1 or 2."""
# bed: --no-sshd
import ctypes
import itertools
import os
import resource

import bedlib
from bedlib import check

PROGRAMS = ("/usr/bin/jitctl", "/usr/bin/jit-verify", "/usr/libexec/jit/jit-broker")
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
    for program in PROGRAMS:
        for argv in [], [b""], [b"x", b"--no-such-option"], big:
            for environment in True, False:
                code = execute(program, argv, environment=environment)
                # Linux gives a program without argv an empty word; either way it is a usage error.
                check(code not in (0, 126) and code > 0, f"{program} with {len(argv)} words: {code}")


def test_closed_descriptors_are_not_confused():
    """Where 0, 1 or 2 is closed, the first file the program opens gets that number: nothing may be written into it."""
    state = "/var/lib/jit/jit.db"
    def sizes() -> dict:
        return {p: (os.stat(p).st_size, os.stat(p).st_mtime_ns) for p in ("/etc/passwd", "/etc/jit/policy.d/bed.toml")}

    before = sizes()
    for count in 1, 2, 3:
        for closed in itertools.combinations((0, 1, 2), count):
            code = execute("/usr/libexec/jit/jit-broker", [b"jit-broker"], closed, user="_jit")
            check(code > 0, f"jit-broker without {closed}: {code}")
            code = execute("/usr/bin/jitctl", [b"jitctl", b"approve", b"zz"], closed, user="bob")
            check(code > 0, f"jitctl without {closed}: {code}")
    check(sizes() == before, "a file was written")
    check(os.path.exists(state), "the database is there")


bedlib.main(globals())
