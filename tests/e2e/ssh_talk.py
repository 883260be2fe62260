# SPDX-License-Identifier: Apache-2.0
"""ssh with a key and then keyboard-interactive: a prompt first, then the wait, a denial as one more prompt."""
import bedlib
import story

SSH = "ssh -p 2223 -o PreferredAuthentications=publickey,keyboard-interactive {}@127.0.0.1 id -un"
WITHDRAWN_S = 2
ENTER = r"Press Enter[^\n]*(: |\. )"


def start(s, user="alice"):
    client = s.terminal(user, SSH.format(user))
    s.prompt(client, ENTER, "")
    return client


def approve(s):
    client = start(s)
    s.vote("bob", "approve", "alice")
    s.end(client)


def deny(s):
    client = start(s)
    s.vote("bob", "deny", "alice", " -m 'wait for the review'")
    s.prompt(client, ENTER, "")
    s.end(client)


def deny_default_client(s):
    """Where sshd has no method left to name, a client goes on to try a password; sshd takes none."""
    client = s.terminal("alice", "ssh -p 2223 alice@127.0.0.1 id -un")
    s.prompt(client, ENTER, "")
    s.vote("bob", "deny", "alice", " -m 'wait for the review'")
    s.prompt(client, ENTER, "")
    s.prompt(client, "password: ", "")
    s.prompt(client, "password: ", "")
    s.end(client)


def timeout(s):
    client = start(s, "dave")
    s.prompt(client, ENTER, "")
    s.end(client)


def ctrl_c(s):
    client = start(s)
    request = s.request("alice")
    s.withdraws(client, request, s.interrupt)


def ctrl_c_at_the_prompt(s):
    client = s.terminal("alice", SSH.format("alice"))
    client.expect(ENTER)
    request = s.request("alice")
    s.withdraws(client, request, s.interrupt)


def broker_killed(s):
    client = start(s)
    s.request("alice")
    bedlib.broker.kill()
    s.note("the broker is killed and stays away")
    s.prompt(client, ENTER, "")
    s.end(client)


def reason(s):
    """Where the rule wants a reason, it is asked for first."""
    with bedlib.policy_with('id       = "alice-login"', 'id       = "alice-login"\nrequire  = ["reason"]'):
        client = s.terminal("alice", SSH.format("alice"))
        s.prompt(client, "Reason: ", "look at the disks")
        s.prompt(client, ENTER, "")
        s.vote("bob", "approve", "alice", " -m 'go on'")
        s.end(client)


story.main("ssh-talk", {"approve": approve, "deny": deny, "deny-default": deny_default_client, "timeout": timeout,
                        "ctrl-c": ctrl_c, "ctrl-c-early": ctrl_c_at_the_prompt, "broker-killed": broker_killed, "reason": reason},
           {"ctrl-c": WITHDRAWN_S, "ctrl-c-early": WITHDRAWN_S})
