# SPDX-License-Identifier: Apache-2.0
"""login at a console: the password, the wait (50 s at most, below login's own limit), the shell."""
import bedlib
import pam_files
import story

WITHDRAWN_S = 2

def login(s, user="alice"):
    console = s.terminal("root", f"/bin/login {user}", ["/bin/login", user], login=False)
    s.prompt(console, r"Password: ", user)
    return console


def approve(s):
    console = login(s)
    s.see(console, "waiting")
    s.vote("bob", "approve", "alice")
    console.expect(r"\$ ")
    console.line("id -un; exit")
    s.end(console)


def free(s):
    console = login(s, "carol")
    console.expect(r"\$ ")
    console.line("id -un; exit")
    s.end(console)


def deny(s):
    console = login(s)
    s.see(console, "waiting")
    s.vote("bob", "deny", "alice", " -m 'use ssh'")
    s.end(console)


def timeout(s):
    console = login(s, "dave")
    s.see(console, "waiting")
    s.end(console)


def ctrl_c(s):
    console = login(s)
    s.see(console, "waiting")
    request = s.request("alice")
    s.withdraws(console, request, s.ctrl_c)


def ctrl_c_ignored(s):
    console = login(s)
    s.see(console, "waiting")
    request = s.request("alice")
    s.withdraws(console, request, lambda program: program.ctrl_c())
    s.end(console)  # it says "Permission denied" and stands still for five seconds


def broker_killed(s):
    console = login(s)
    s.see(console, "waiting")
    bedlib.broker.kill()
    s.note("the broker is killed and stays away")
    s.end(console)


CTRL_C, CASE = ("ctrl-c-ignored", ctrl_c_ignored) if pam_files.login_of_util_linux() else ("ctrl-c", ctrl_c)
story.main("login", {"approve": approve, "free": free, "deny": deny, "timeout": timeout, CTRL_C: CASE,
                     "broker-killed": broker_killed}, {CTRL_C: WITHDRAWN_S})
