# SPDX-License-Identifier: Apache-2.0
"""A13: a line without an end on standard input. Memory stays bounded and the program ends, or never reads it."""
# bed: --no-sshd
import functools
import resource
import subprocess

import bedlib
from bedlib import WAIT_S, check, within

COMMANDS = (["jitctl", "status"], ["jitctl", "requests"], ["jitctl", "policy", "check", "/dev/stdin"],
            ["jitctl", "vote", "--code"], ["jitctl", "vote", "--paste"], ["jitctl", "audit", "show", "abab", "/dev/stdin"],
            ["jitctl", "audit", "prove", "abab", "/dev/stdin"], ["jitctl", "approve", "-"], ["jit-verify", "-"], ["jitctl", "audit", "verify", "-"], ["jitctl", "grants", "--json"], ["/usr/libexec/jit/jit-broker"])
KIB = 32 * 1024
ENDS_S = 1.5


def test_no_program_swallows_it():
    def feed(command: list, watch) -> None:
        source = subprocess.Popen("yes | tr -d '\\n'", shell=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        with watch:
            sink = subprocess.Popen(command, stdin=source.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                    env=bedlib.environment("root"))
            source.stdout.close()
            sink.wait(WAIT_S)
            source.wait(WAIT_S)

    for command in COMMANDS:
        within(ENDS_S, functools.partial(feed, command))
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    check(used < KIB, f"{used} KiB were used")


def test_a_prompt_takes_a_bounded_line():
    """The reason that sudo's conversation reads: what is too long is refused, the rest of the line reaches nobody."""
    bedlib.set_policy(REASON)
    with bedlib.Terminal("alice", "stty -icanon 2>/dev/null; sudo id -un; echo ended $?") as alice:
        alice.expect("(?i)reason.*: ?")
        for _ in range(64):
            alice.type("y" * 64)
        alice.line()
        alice.expect(r"ended [1-9]|waiting")
        alice.ctrl_c()


with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as policy:
    REASON = policy.read().replace('id       = "root"', 'id       = "root"\nrequire  = ["reason"]')
bedlib.main(globals())
