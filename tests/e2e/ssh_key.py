# SPDX-License-Identifier: Apache-2.0
"""ssh with a public key only: nobody can be asked and nobody waits; a refusal names the request, and connecting again works."""
import bedlib
import story

SSH = "ssh -p 2222 {}@127.0.0.1 id -un"
WITHDRAWN_S, DENIED_S = 2, 8  # the connection's own time included

def refused(s, user="alice"):
    client = s.terminal("alice" if user == "alice" else user, SSH.format(user))
    s.end(client)
    return s.request(user)


def approve(s):
    request = refused(s)
    s.did("bob", f"jitctl approve {request}")
    s.did("alice", SSH.format("alice"))


def deny(s):
    request = refused(s)
    s.did("bob", f"jitctl deny {request} -m 'wait for the review'")
    s.did("alice", f"jitctl show {request}")


def timeout(s):
    request = refused(s, "dave")
    s.inbox.state(request, "expired")
    s.note("nobody answers until the deadline")
    s.did("dave", f"jitctl show {request}")


def again_while_it_waits(s):
    request = refused(s)
    s.did("alice", SSH.format("alice"))
    s.did("alice", f"jitctl cancel {request}")


def ctrl_c(s):
    """Only where the admin raised the budget does a key login wait; then a vanished client withdraws."""
    bedlib.pam_options("sshd", "account", "budget=60")
    try:
        client = s.terminal("alice", SSH.format("alice"))
        request = s.request("alice")
        s.note("with budget=60 on the PAM line it waits, silently")
        s.withdraws(client, request, s.interrupt)
    finally:
        bedlib.pam_options("sshd", "account", "")


def waits(s):
    bedlib.pam_options("sshd", "account", "budget=60")
    try:
        client = s.terminal("alice", SSH.format("alice"))
        s.vote("bob", "approve", "alice")
        s.end(client)
    finally:
        bedlib.pam_options("sshd", "account", "")


def broker_killed(s):
    bedlib.broker.kill()
    s.note("the broker is killed and stays away")
    client = s.terminal("alice", SSH.format("alice"))
    with s.watch:
        s.end(client)


story.main("ssh-key", {"approve": approve, "deny": deny, "timeout": timeout, "again": again_while_it_waits, "ctrl-c": ctrl_c,
                       "waits": waits, "broker-killed": broker_killed},
           {"ctrl-c": WITHDRAWN_S, "broker-killed": DENIED_S})
