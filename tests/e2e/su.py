# SPDX-License-Identifier: Apache-2.0
"""su on a terminal: the password first, then the wait in `account`."""
import bedlib
import story

WITHDRAWN_S = 2

def su(s, words="-c 'id -un'", password="root"):
    alice = s.terminal("alice", f"su {words}")
    s.prompt(alice, r"Password: ", password)
    return alice


def approve(s):
    alice = su(s)
    s.see(alice, "waiting")
    s.vote("bob", "approve", "alice")
    s.end(alice)


def login_shell(s):
    alice = su(s, "-l root -c 'id -un'")
    s.see(alice, "waiting")
    s.vote("bob", "approve", "alice")
    s.end(alice)


def deny(s):
    alice = su(s)
    s.see(alice, "waiting")
    s.vote("bob", "deny", "alice", " -m 'use sudo for this'")
    s.end(alice)


def timeout(s):
    alice = su(s, "carol -c 'id -un'", "carol")
    s.see(alice, "waiting")
    s.end(alice)


def ctrl_c(s):
    alice = su(s)
    s.see(alice, "waiting")
    request = s.request("alice")
    s.withdraws(alice, request, s.ctrl_c)


def broker_killed(s):
    alice = su(s)
    s.see(alice, "waiting")
    bedlib.broker.kill()
    s.note("the broker is killed and stays away")
    s.end(alice)


def wrong_password(s):
    alice = su(s, password="nonsense")
    s.end(alice)
    s.did("alice", "jitctl requests --state pending")


story.main("su", {"approve": approve, "login-shell": login_shell, "deny": deny, "timeout": timeout, "ctrl-c": ctrl_c,
                  "broker-killed": broker_killed, "wrong-password": wrong_password}, {"ctrl-c": WITHDRAWN_S})
