# SPDX-License-Identifier: Apache-2.0
"""Where nobody can be asked: scp, sftp, sudo -n, Ansible's sudo, no terminal. Never a prompt, never a wait: an active grant, or a
refusal at once that names what to type."""
import re

import bedlib
import story

AT_ONCE_S = 5
TRANSFERS = {
    "scp": "scp -P 2222 /etc/hostname alice@127.0.0.1:/tmp/copy",
    "sftp": "echo 'get /etc/hostname /tmp/copy' | sftp -P 2222 -b - alice@127.0.0.1",
}
SUDOS = {
    "sudo-n": "sudo -n id -un",
    "no-terminal": "sudo id -un",
    "ansible": "sudo -H -S -n -u root /bin/sh -c 'echo BECOME-SUCCESS; id -un'",
}


def refused(s, command):
    """The refusal; gives the line that it says to type."""
    program = s.pipe("alice", command)
    with s.watch:
        s.end(program)
    line = re.search("ask first: (.*)", program.text)
    return line[1].replace("'...'", "'nightly job'") if line else ""


def transfer(name):
    def approve(s):
        refused(s, TRANSFERS[name])
        s.vote("bob", "approve", "alice")
        s.end(s.pipe("alice", TRANSFERS[name]))

    def deny(s):
        refused(s, TRANSFERS[name])
        s.vote("bob", "deny", "alice", " -m 'no copies today'")

    def killed(s):
        bedlib.broker.kill()
        s.note("the broker is killed and stays away")
        refused(s, TRANSFERS[name])

    return {"approve": approve, "deny": deny, "broker-killed": killed}


def sudo(name):
    def approve(s):
        s.did("alice", refused(s, SUDOS[name]))
        s.vote("bob", "approve", "alice")
        s.end(s.pipe("alice", SUDOS[name]))

    def deny(s):
        s.did("alice", refused(s, SUDOS[name]))
        s.vote("bob", "deny", "alice", " -m 'not this week'")
        refused(s, SUDOS[name])

    def timeout(s):
        command = SUDOS[name].replace("-u root ", "").replace("sudo ", "sudo -u carol ", 1)
        s.did("alice", refused(s, command))
        request = s.request("alice")
        s.inbox.state(request, "expired")
        s.note("nobody answers until the deadline")
        refused(s, command)

    def killed(s):
        bedlib.broker.kill()
        s.note("the broker is killed and stays away")
        refused(s, SUDOS[name])

    return {"approve": approve, "deny": deny, "timeout": timeout, "broker-killed": killed}


cases = {f"{name}-{case}": f for name in TRANSFERS for case, f in transfer(name).items()}
cases |= {f"{name}-{case}": f for name in SUDOS for case, f in sudo(name).items()}
story.main("quiet", cases, dict.fromkeys(cases, AT_ONCE_S))
