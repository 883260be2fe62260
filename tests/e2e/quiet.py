# SPDX-License-Identifier: Apache-2.0
"""Where nobody can be asked: scp, sftp, sudo -n, Ansible's sudo, no terminal. Never a prompt, never a wait: an active grant, or a
refusal at once that names what to type."""
import bedlib
import story

AT_ONCE_S = 5
TRANSFERS = {
    "scp": "scp -q -P 2222 /etc/hostname alice@127.0.0.1:/tmp/copy",
    "sftp": "echo 'get /etc/hostname /tmp/copy' | sftp -q -P 2222 -b - alice@127.0.0.1",
}
SUDOS = {
    "sudo-n": "sudo -n id -un",
    "no-terminal": "sudo id -un",
    "ansible": "sudo -H -S -n -u root /bin/sh -c 'echo BECOME-SUCCESS; id -un'",
}
ASK = {
    "sudo-n": "jitctl request --door sudo --as root --reason 'nightly job' -- id -un",
    "no-terminal": "jitctl request --door sudo --as root --reason 'nightly job' -- id -un",
    "ansible": "jitctl request --door sudo --as root --reason 'play'",
}


def refused(s, command):
    s.end(s.pipe("alice", command), AT_ONCE_S)


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
        refused(s, SUDOS[name])
        s.did("alice", ASK[name])
        s.vote("bob", "approve", "alice")
        s.end(s.pipe("alice", SUDOS[name]))

    def deny(s):
        s.did("alice", ASK[name])
        s.vote("bob", "deny", "alice", " -m 'not this week'")
        refused(s, SUDOS[name])

    def timeout(s):
        ask, command = ASK[name].replace("as root", "as carol"), SUDOS[name].replace("sudo ", "sudo -u carol ", 1)
        s.did("alice", ask)
        request = s.request("alice")
        s.inbox.state(request, "expired")
        s.note("nobody answers until the deadline")
        refused(s, command.replace("-u root ", ""))

    def killed(s):
        bedlib.broker.kill()
        s.note("the broker is killed and stays away")
        refused(s, SUDOS[name])

    return {"approve": approve, "deny": deny, "timeout": timeout, "broker-killed": killed}


cases = {f"{name}-{case}": f for name in TRANSFERS for case, f in transfer(name).items()}
cases |= {f"{name}-{case}": f for name in SUDOS for case, f in sudo(name).items()}
story.main("quiet", cases)
