# SPDX-License-Identifier: Apache-2.0
"""One user, two keys, a real sshd: what was asked for with one key is not used with the other."""
import os
import pwd
import subprocess

import bedlib
from bedlib import Inbox, check

HOME = "/home/alice"
OTHER = f"{HOME}/.ssh/id_other"
# Key only: the module knows the key at the session, not before. With a talk: it knows it when it asks.
KEY_ONLY, TALK = 2222, 2223
ENTER = r"Press Enter[^\n]*(: |\. )"


def ssh(port: int, key: str) -> str:
    return (f"ssh -p {port} -o IdentitiesOnly=yes -o PreferredAuthentications=publickey,keyboard-interactive -i {key} "
            "alice@127.0.0.1 id -un")


FIRST_KEY, OTHER_KEY = f"{HOME}/.ssh/id_ed25519", OTHER


def login(port: int, key: str) -> bedlib.Terminal:
    return bedlib.Terminal("alice", ssh(port, key))


def refused(port: int, key: str, words: str) -> None:
    with login(port, key) as client:
        check(client.wait(10) != 0 and words in client.text and "alice\n" not in client.text.replace("\r", ""), client.text)


def logs_in(port: int, key: str) -> None:
    with login(port, key) as client:
        check(client.wait(10) == 0 and "alice" in client.text, client.text)


def claimed() -> dict:
    return bedlib.audit(type="grant.claimed")[-1]


def asked_in_a_talk(key: str, inbox: Inbox) -> str:
    """Asked with this key, left behind when the wait is over, and approved then."""
    bedlib.pam_options("sshd", "auth", "budget=1")
    try:
        with login(TALK, key) as client:
            client.expect(ENTER)
            request = inbox.new("alice")["id"]
            client.line()
            inbox.state(request, "detached", 20)
    finally:
        bedlib.pam_options("sshd", "auth", "")
    bedlib.jitctl("bob", "approve", request)
    return request


def test_the_key_of_the_first_use_is_bound():
    bedlib.clean_slate()
    with Inbox() as inbox:
        refused(KEY_ONLY, FIRST_KEY, "request")
        bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
        logs_in(KEY_ONLY, OTHER_KEY)  # nobody knew which one would come
        check("ssh_key" in str(claimed()), f"the key is not in the log: {claimed()}")


def test_what_one_key_asked_for_the_other_does_not_use():
    bedlib.clean_slate()
    with Inbox() as inbox:
        request = asked_in_a_talk(FIRST_KEY, inbox)
        refused(KEY_ONLY, OTHER_KEY, "another ssh key")
        check(bedlib.audit(type="grant.claimed", request=request) == [], "the other key used it")
        logs_in(KEY_ONLY, FIRST_KEY)
        check(len(bedlib.audit(type="grant.claimed", request=request)) == 1, "the first key did not use it")


def test_in_a_talk_the_other_key_asks_anew():
    bedlib.clean_slate()
    with Inbox() as inbox:
        request = asked_in_a_talk(FIRST_KEY, inbox)
        with login(TALK, OTHER_KEY) as client:
            client.expect(ENTER)
            check(inbox.new("alice")["id"] != request, "it joined the other key's request")
        with login(TALK, FIRST_KEY) as client:
            check(client.wait(10) == 0 and "alice" in client.text, client.text)


subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", OTHER], check=True)
with open(f"{HOME}/.ssh/authorized_keys", "a", encoding="ascii") as authorized, open(f"{OTHER}.pub", encoding="ascii") as public:
    authorized.write(public.read())
for path in OTHER, f"{OTHER}.pub":
    os.chown(path, pwd.getpwnam("alice").pw_uid, pwd.getpwnam("alice").pw_gid)
bedlib.main(globals())
