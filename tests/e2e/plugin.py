# SPDX-License-Identifier: Apache-2.0
"""sudo with sudo_jit in its sudo.conf, for the tests that want it."""
import contextlib
import hashlib
import os

import bedlib

LINE = "Plugin sudo_jit sudo_jit.so"


@contextlib.contextmanager
def file_with(path: str, text: str, mode: int = 0o644):
    """The file with this text, for a while; absent again where it was absent."""
    before = None
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as f:
        before = f.read()
    write(path, text, mode)
    try:
        yield
    finally:
        if before is None:
            os.unlink(path)
        else:
            write(path, before, mode)


def write(path: str, text: str, mode: int = 0o644) -> None:
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def loaded(options: str = "", more: str = ""):
    return file_with("/etc/sudo.conf", f"{LINE} {options}\n{more}")


@contextlib.contextmanager
def sudoers(line: str):
    """One more line in front of the bed's sudoers."""
    with open("/etc/sudoers", encoding="ascii") as f:
        before = f.read()
    with file_with("/etc/sudoers", line + "\n" + before, 0o440):
        yield


POLICY = """schema = 1
[settings]
timezone = "UTC"
covers   = ["sudo", "su", "ssh", "login"]
rescue   = ["tty[0-9]*"]
[approval]
by-sre = { need = [{ from = "group:sre", count = 1 }], wait = "5m" }
"""


def permit(name: str, run: str, more: str = "") -> str:
    """For one command pattern, by its words."""
    return f"""
[command]
{name} = [{run}]
[[permit]]
id = "{name}"
who = ["group:sudo"]
door = ["sudo"]
as = ["user:root"]
run = ["command:{name}"]
approval = "by-sre"
max = "1h"
{more}
"""


ANY = """
[[permit]]
id = "any"
who = ["group:sudo"]
door = ["sudo"]
as = ["user:root"]
approval = "by-sre"
max = "1h"
"""


@contextlib.contextmanager
def policy(*permits: str):
    with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
        before = f.read()
    bedlib.set_policy(POLICY + "".join(permits))
    try:
        yield
    finally:
        bedlib.set_policy(before)


def program(path: str, text: str = "echo ran", mode: int = 0o755) -> str:
    """A script of root's, in folders of root's."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    write(path, f"#!/bin/sh\n{text}\n", mode)
    return path


def sha256(path: str) -> str:
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def approved(command: str, inbox, who: str = "alice", **keys):
    """Runs it at a terminal, has bob approve it, and gives the request and how it ended."""
    with bedlib.Terminal(who, command, **keys) as terminal:
        terminal.expect("waiting for approval")
        request = inbox.new(who)
        shown = bedlib.jitctl("bob", "show", request["id"])
        bedlib.jitctl("bob", "approve", request["id"])
        terminal.wait()
        return shown, terminal
