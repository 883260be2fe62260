# SPDX-License-Identifier: Apache-2.0
"""ssh with a key and then keyboard-interactive: a prompt first, then the wait, a denial as one more prompt."""
import bedlib
import story

SSH = "ssh -p 2223 {}@127.0.0.1 id -un"


def start(s, user="alice"):
    client = s.terminal(user, SSH.format(user))
    s.prompt(client, r"Enter[^\n]*: ?", "")
    return client


def approve(s):
    client = start(s)
    s.vote("bob", "approve", "alice")
    s.end(client)


def deny(s):
    client = start(s)
    s.vote("bob", "deny", "alice", " -m 'wait for the review'")
    s.prompt(client, r"Enter[^\n]*", "")
    s.end(client)


def timeout(s):
    client = start(s, "dave")
    s.prompt(client, r"Enter[^\n]*", "")
    s.end(client)


def ctrl_c(s):
    client = start(s)
    request = s.request("alice")
    client.ctrl_c()
    s.end(client)
    s.inbox.state(request, "cancelled", 2)


def ctrl_c_at_the_prompt(s):
    client = s.terminal("alice", SSH.format("alice"))
    client.expect(r"Enter[^\n]*: ?")
    client.ctrl_c()
    s.end(client)
    s.did("alice", "jitctl requests")


def broker_killed(s):
    client = start(s)
    s.request("alice")
    bedlib.broker.kill()
    s.note("the broker is killed and stays away")
    s.prompt(client, r"Enter[^\n]*", "")
    s.end(client)


story.main("ssh-talk", {"approve": approve, "deny": deny, "timeout": timeout, "ctrl-c": ctrl_c,
                        "ctrl-c-early": ctrl_c_at_the_prompt, "broker-killed": broker_killed})
