# SPDX-License-Identifier: Apache-2.0
"""H12: the broker is gone for good. Root gets in at a console by the rescue lines, within 2 s; everybody else is refused within 5 s."""
import time

import bedlib
from bedlib import broker, check

RESCUE = "[success=1 default=ignore] pam_succeed_if.so quiet user = root tty =~ *tty[0-9]*"  # Debian 12's login says /dev/tty1


def rescue_lines() -> None:
    with open("/etc/pam.d/login", encoding="ascii") as f:
        lines = f.read().splitlines()
    for kind in "account", "session":
        at = lines.index(f"{kind} required pam_jit.so")
        lines.insert(at, f"{kind} {RESCUE}")
    with open("/etc/pam.d/login", "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")


def test_root_gets_in_at_a_console():
    with bedlib.console("root", "/dev/tty1") as terminal:
        started = time.monotonic()
        terminal.expect("# ")
        check(time.monotonic() - started < 2, f"root waited {time.monotonic() - started:.1f} s")
        terminal.line("id -un; tty; exit")
        terminal.expect("^root")
    check("session opened for user root" in bedlib.log("syslog"), "the rescue is not in the system's log")


def refused_in_time(what: str, terminal: bedlib.Terminal) -> None:
    started = time.monotonic()
    terminal.expect("cannot be reached|Authentication failure|Permission denied|Login incorrect|closed by", 6)
    check(time.monotonic() - started < 5, f"{what} was refused after {time.monotonic() - started:.1f} s")
    check(not any(line in ("root", "alice", "uid=0") for line in terminal.text.splitlines()), f"{what}: {terminal.text}")
    terminal.close()


def test_everybody_else_is_refused():
    with bedlib.console("root") as terminal:
        refused_in_time("root at a pty", terminal)
    with bedlib.console("alice", "/dev/tty2") as terminal:
        refused_in_time("alice at a console", terminal)
    refused_in_time("sudo", bedlib.Terminal("alice", ["sudo", "id", "-un"]))
    refused_in_time("ssh", bedlib.Terminal("alice", ["ssh", "-p", "2222", "alice@127.0.0.1", "id", "-un"]))
    su = bedlib.Terminal("alice", ["su", "-c", "id -un"])
    su.expect("Password: ")
    su.line("root")
    refused_in_time("su", su)


def test_the_same_without_any_socket():
    broker.close()
    refused_in_time("sudo", bedlib.Terminal("alice", ["sudo", "id", "-un"]))
    refused_in_time("ssh", bedlib.Terminal("alice", ["ssh", "-p", "2222", "alice@127.0.0.1", "id", "-un"]))
    test_root_gets_in_at_a_console()


rescue_lines()
broker.stop()
bedlib.main(globals())
