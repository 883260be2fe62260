# SPDX-License-Identifier: Apache-2.0
"""Where nobody can be asked: scp, sftp, sudo -n, Ansible's sudo, sudo and su without a terminal. Never a prompt, never a wait: an
active grant, or a refusal at once that names what to type."""
import re

import bedlib
import story

AT_ONCE_S, SU_S = 5, 8  # the password is checked before, and that takes its time
TRANSFERS = {
    "scp": "scp -P 2222 /etc/hostname alice@127.0.0.1:/tmp/copy",
    "sftp": "echo 'get /etc/hostname /tmp/copy' | sftp -P 2222 -b - alice@127.0.0.1",
}
COMMANDS = {  # and the same as carol, where the wait is short
    "sudo-n": ("sudo -n id -un", "sudo -u carol -n id -un"),
    "no-terminal": ("sudo id -un", "sudo -u carol id -un"),
    "ansible": ("sudo -H -S -n -u root /bin/sh -c 'echo BECOME-SUCCESS; id -un'", "sudo -u carol -H -S -n /bin/sh -c 'echo BECOME-SUCCESS; id -un'"),
    "su": ("echo root | su -c 'id -un'", "echo carol | su -c 'id -un' carol"),
}


def refused(s, command, person="alice"):
    """The refusal; gives the line that it says to type."""
    program = s.pipe(person, command)
    with s.watch:
        s.end(program)
    line = re.search("ask first: (.*)", program.text)
    return line[1].replace("'...'", "'nightly job'") if line else ""


def never_answered(s, person, command):
    """Refused again after nobody answered, for that was no yes."""
    request = s.request(person)
    s.inbox.state(request, "expired")
    s.note("nobody answers until the deadline")
    refused(s, command, person)


def transfer(name):
    def approve(s):
        refused(s, TRANSFERS[name])
        s.vote("bob", "approve", "alice")
        s.end(s.pipe("alice", TRANSFERS[name]))

    def deny(s):
        refused(s, TRANSFERS[name])
        s.vote("bob", "deny", "alice", " -m 'no copies today'")

    def timeout(s):
        command = TRANSFERS[name].replace("alice@", "dave@")
        refused(s, command, "dave")
        never_answered(s, "dave", command)

    def killed(s):
        bedlib.broker.kill()
        s.note("the broker is killed and stays away")
        refused(s, TRANSFERS[name])

    return {"approve": approve, "deny": deny, "timeout": timeout, "broker-killed": killed}


def command(name):
    words, in_haste = COMMANDS[name]

    def approve(s):
        s.did("alice", refused(s, words))
        s.vote("bob", "approve", "alice")
        s.end(s.pipe("alice", words))

    def deny(s):
        s.did("alice", refused(s, words))
        s.vote("bob", "deny", "alice", " -m 'not this week'")
        refused(s, words)

    def timeout(s):
        s.did("alice", refused(s, in_haste))
        never_answered(s, "alice", in_haste)

    def killed(s):
        bedlib.broker.kill()
        s.note("the broker is killed and stays away")
        refused(s, words)

    return {"approve": approve, "deny": deny, "timeout": timeout, "broker-killed": killed}


cases = {f"{name}-{case}": f for name in TRANSFERS for case, f in transfer(name).items()}
cases |= {f"{name}-{case}": f for name in COMMANDS for case, f in command(name).items()}
story.main("quiet", cases, {name: SU_S if name.startswith("su-") else AT_ONCE_S for name in cases})
