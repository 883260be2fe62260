# SPDX-License-Identifier: Apache-2.0
"""sudo on a terminal: the wait happens in `account`, lines come as things happen, Ctrl-C withdraws."""
import os

import bedlib
import story

WITHDRAWN_S, DENIED_S = 2, 5

def approve(s):
    alice = s.terminal("alice", "sudo id -un")
    s.see(alice, "waiting")
    s.vote("bob", "approve", "alice")
    s.end(alice)


def second_does_not_wait(s):
    shell = s.terminal("alice", "sudo id -un; sudo id -gn")
    s.see(shell, "waiting")
    s.vote("bob", "approve", "alice", " --for 5m")
    s.end(shell)


def deny(s):
    alice = s.terminal("alice", "sudo id -un")
    s.see(alice, "waiting")
    s.vote("carol", "deny", "alice", " -m 'not during the release'")
    s.end(alice)


def timeout(s):
    alice = s.terminal("alice", "sudo -u carol id -un")
    s.see(alice, "waiting")
    s.end(alice)


def ctrl_c(s):
    alice = s.terminal("alice", "sudo id -un")
    s.see(alice, "waiting")
    request = s.request("alice")
    s.withdraws(alice, request, s.ctrl_c)
    s.did("bob", f"jitctl approve {request}")


def broker_killed(s):
    alice = s.terminal("alice", "sudo id -un")
    s.see(alice, "waiting")
    bedlib.broker.kill()
    s.note("the broker is killed and stays away")
    s.end(alice)


def broker_killed_and_back(s):
    alice = s.terminal("alice", "sudo id -un")
    s.see(alice, "waiting")
    request = s.request("alice")
    bedlib.broker.kill()
    bedlib.broker.start()
    s.note("the broker is killed and started again")
    s.did("bob", f"jitctl approve {request}")
    s.end(alice)


def broker_absent(s):
    bedlib.broker.stop()
    s.note("the broker is stopped")
    alice = s.terminal("alice", "sudo id -un")
    with s.watch:
        s.end(alice)


def password(s):
    dave = s.terminal("dave", "sudo id -un")
    s.prompt(dave, r"password for dave: ", "dave")
    s.see(dave, "waiting")
    s.vote("bob", "approve", "dave")
    s.end(dave)


def reason(s):
    with bedlib.policy_with('id       = "root"', 'id       = "root"\nrequire  = ["reason"]'):
        alice = s.terminal("alice", "sudo id -un")
        s.prompt(alice, "Reason: ", "look at the disks")
        s.see(alice, "waiting")
        s.vote("bob", "approve", "alice", " -m 'go on'")
        s.end(alice)


def reason_not_given(s):
    with bedlib.policy_with('id       = "root"', 'id       = "root"\nrequire  = ["reason"]'):
        alice = s.terminal("alice", "sudo id -un")
        s.prompt(alice, "Reason: ", "")
        s.end(alice)


def no_question(s):
    """What would stand in place of our question asks for a password: none is asked, and the wait is the same."""
    with open("/tmp/helper", "w", encoding="ascii") as f:
        f.write("#!/bin/sh\ntouch /tmp/helped\necho the password\n")
    os.chmod("/tmp/helper", 0o755)
    ways = "sudo -p 'Password of %p: ' id -un", "SUDO_ASKPASS=/tmp/helper sudo -A id -un"
    with bedlib.policy_with('id       = "root"', 'id       = "root"\nrequire  = ["reason"]'):
        for command in ways:
            s.did("alice", command)
        alice = s.terminal("alice", "JIT_REASON='look at the disks' " + ways[0])
        s.see(alice, "waiting")
        s.vote("bob", "approve", "alice", " -m 'go on'")
        s.end(alice)
    bedlib.check(not os.path.exists("/tmp/helped"), "the helper was asked")


BREAK_GLASS = """[[guard]]
id        = "frozen"
who       = ["set:admins"]
door      = ["sudo"]
deny      = "changes are frozen"
yields-to = ["glass"]

[[permit]]
id          = "glass"
who         = ["set:admins"]
door        = ["sudo"]
as          = ["user:root"]
break-glass = true
require     = ["reason:20"]
max         = "10m"
scope       = "command"

[[permit]]
id       = "root"
"""


def break_glass(s):
    """A deliberate second step: the whole name is typed, and a long reason."""
    with bedlib.policy_with('[[permit]]\nid       = "root"\n', BREAK_GLASS):
        alice = s.terminal("alice", "sudo id -un")
        s.prompt(alice, "Enter to stop: ", "glass")
        s.prompt(alice, "characters\\): ", "the database is on fire")
        s.end(alice)
        short = s.terminal("dave", "sudo id -gn")
        s.prompt(short, "password for dave: ", "dave")
        s.prompt(short, "Enter to stop: ", "glass")
        s.prompt(short, "characters\\): ", "fire")
        s.prompt(short, "characters\\): ", "the database is on fire")
        s.end(short)
        s.did("alice", "sudo -n id -u")  # another command, and nobody can be asked


def break_glass_not_typed(s):
    with bedlib.policy_with('[[permit]]\nid       = "root"\n', BREAK_GLASS):
        for typed in "1", "gla", "":
            alice = s.terminal("alice", "sudo id -un")
            s.prompt(alice, "Enter to stop: ", typed)
            s.end(alice)


def give_up(s):
    """An admin's budget on the PAM line: after it the request lives on, and the next equal attempt finds the answer."""
    bedlib.pam_options("sudo", "account", "budget=1")
    try:
        alice = s.terminal("alice", "sudo id -un; read line; sudo id -un")
        s.see(alice, "waiting")
        s.see(alice, "still waiting")
        s.vote("bob", "approve", "alice")
        alice.line()
        s.end(alice)
    finally:
        bedlib.pam_options("sudo", "account", "")


def listing(s):
    s.did("alice", "sudo -l | grep NOPASSWD; sudo -v && echo valid")
    s.did("alice", "jitctl requests --all --state pending")


story.main("sudo", {
    "approve": approve, "second": second_does_not_wait, "deny": deny, "timeout": timeout, "ctrl-c": ctrl_c,
    "broker-killed": broker_killed, "broker-back": broker_killed_and_back, "broker-absent": broker_absent,
    "password": password, "listing": listing,
    "reason": reason, "no-reason": reason_not_given, "no-question": no_question, "break-glass": break_glass,
    "break-glass-not-typed": break_glass_not_typed, "give-up": give_up},
    {"ctrl-c": WITHDRAWN_S, "broker-absent": DENIED_S})
