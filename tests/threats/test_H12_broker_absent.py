# SPDX-License-Identifier: Apache-2.0
"""H12: the broker is gone for good. Root gets in at a console by the rescue lines, within 2 s; everybody else is refused within 5 s."""
import contextlib
import functools
import time

import bedlib
from bedlib import broker, check, within

RESCUED_S, DENIED_S = 2, 5


def root_gets_in(watch) -> None:
    with bedlib.console("root", "/dev/tty1") as terminal:
        with watch:
            terminal.expect("# ")
        terminal.line("id -un; tty; exit")
        terminal.expect("^root")


def login_alone() -> float:
    """The time of the same login where no line of ours stands, in seconds: a busy machine needs more than 2 s for that by itself."""
    with open("/etc/pam.d/login", encoding="ascii") as f:
        ours = f.read()
    with open("/etc/pam.d/login", "w", encoding="ascii") as f:
        f.write("".join(line for line in ours.splitlines(keepends=True) if "pam_jit.so" not in line and "pam_succeed_if.so quiet user = root" not in line))
    watch = bedlib.Watch()
    root_gets_in(watch)
    with open("/etc/pam.d/login", "w", encoding="ascii") as f:
        f.write(ours)
    return watch.longest


def rescued_in_time() -> None:
    within(max(RESCUED_S, login_alone() + RESCUED_S / 2), root_gets_in)


def test_root_gets_in_at_a_console():
    rescued_in_time()
    check("session opened for user root" in bedlib.log("syslog"), "the rescue is not in the system's log")


def with_password():
    su = bedlib.Terminal("alice", ["su", "-c", "id -un"])
    su.expect("Password: ")
    su.line("root")
    return su


def refused_in_time(attempts: dict) -> None:
    """Side by side: each does little but wait."""

    def attempt(watch) -> None:
        with contextlib.ExitStack() as open_:
            begun = [(what, open_.enter_context(begin()), time.monotonic()) for what, begin in attempts.items()]
            for what, terminal, since in begun:
                terminal.expect("cannot be reached|Authentication failure|Permission denied|Login incorrect|closed by")
                watch.count(since)
                check(not any(line in ("root", "alice", "uid=0") for line in terminal.text.splitlines()), f"{what}: {terminal.text}")

    within(DENIED_S, attempt)


SUDO = functools.partial(bedlib.Terminal, "alice", ["sudo", "id", "-un"])
SSH = functools.partial(bedlib.Terminal, "alice", ["ssh", "-p", "2222", "alice@127.0.0.1", "id", "-un"])


def test_everybody_else_is_refused():
    refused_in_time({"root at a pty": functools.partial(bedlib.console, "root"), "alice at a console": functools.partial(bedlib.console, "alice", "/dev/tty2"),
                     "sudo": SUDO, "ssh": SSH, "su": with_password})


def test_the_same_without_any_socket():
    broker.close()
    refused_in_time({"sudo": SUDO, "ssh": SSH})
    rescued_in_time()


broker.stop()
bedlib.main(globals())
