# SPDX-License-Identifier: Apache-2.0
"""B14: user names that are paths, options, records or format strings. They never form any of these."""
import json
import os

import bedlib
from bedlib import check

NAMES = ("../../etc/x", "-n", "a:b", "a:b\nroot:0:0", "%s%n%s", "x" * 256, "$(id)", "`id`", "alice root", "\x1b[2J", "", "0")


def tree() -> dict:
    return {path: sorted(os.listdir(path)) for path in ("/etc", "/etc/jit", "/var/lib/jit", "/run/jit", "/etc/jit/policy.d")}


def test_as_a_target_in_jitctl():
    before = tree()
    for name in NAMES:
        program = bedlib.run("alice", ["jitctl", "request", f"--as={name}", "--reason", "x"])
        check(program.code in (2, 3), f"--as={name!r}: exit {program.code}: {program.text}")
        check(program.text.count("\n") == 1 and program.text.isprintable() or program.text[:-1].isprintable(), repr(program.text))
    check(tree() == before, "a file appeared")


def test_as_the_one_who_logs_in():
    before = tree()
    for name in NAMES:
        program = bedlib.run("alice", ["ssh", "-p", "2222", "-oBatchMode=yes", f"-oUser={name or 'nobody-here'}", "127.0.0.1", "id"])
        check(program.code != 0 and "uid=" not in program.out, f"{name!r}: {program.text}")
    check(tree() == before, "a file appeared")


def test_as_a_target_of_sudo_and_su():
    for name in NAMES:
        for command in ["sudo", "-n", "-u", name, "--", "id"], ["su", "-c", "id", "--", name]:
            if name == "0" or not name:  # uid 0 by name "0" is sudo's own spelling of nobody; "" is root to both
                continue
            program = bedlib.run("alice", command)
            check(program.code != 0 and "uid=" not in program.out, f"{command}: {program.text}")


def test_the_log_is_still_one_entry_a_line():
    text = bedlib.run("root", ["jitctl", "audit", "log"]).out
    check(all(line.isprintable() for line in text.splitlines()), repr(text))
    check(isinstance(json.loads(bedlib.run("root", ["jitctl", "audit", "log", "--json"]).out), (list, dict)), "JSON")


bedlib.main(globals())
