# SPDX-License-Identifier: Apache-2.0
"""A13: a line without an end on standard input. Memory stays bounded and the program ends, or never reads it."""
# bed: --no-sshd
import functools
import resource
import subprocess

import bedlib
from bedlib import WAIT_S, Inbox, check, within

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
    script = "sudo id -un; echo ended $?; IFS= read -r -t 1 rest; echo left ${#rest}"
    with Inbox() as inbox:
        with bedlib.Terminal("alice", ["bash", "-c", script]) as alice:
            alice.expect("Reason: ")
            for _ in range(40):  # a terminal takes 4,095 bytes of a line, and no more
                alice.type("y" * 100)
            alice.line()
            alice.expect("left 0\n")
            check("jit: denied: nobody answered the question, or the answer was too long" in alice.text and "ended 1" in alice.text, alice.text)
        check(not [r for r in inbox.requests() if r["id"] not in inbox.known], "a request came out of it")


with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as policy:
    REASON = policy.read().replace('id       = "root"', 'id       = "root"\nrequire  = ["reason"]')
bedlib.main(globals())
