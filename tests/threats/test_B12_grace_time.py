# SPDX-License-Identifier: Apache-2.0
"""B12: sshd's LoginGraceTime ends while a request waits: it is cancelled soon after, and a late yes creates nothing."""
import contextlib
import subprocess

import bedlib
from bedlib import Inbox, check, within

GRACE_S = 20  # for all clients to come to their wait, on a machine that is busy
CANCELLED_S = 5
CLIENTS = 40  # and people: each may wait once


def grace_ends(watch) -> None:
    with Inbox() as inbox, bedlib.Terminal("alice", ["ssh", "-oStrictHostKeyChecking=no", "-p", "2225", "alice@127.0.0.1", "id"]) as client:
        client.expect("Enter")
        client.line()
        request = inbox.new("alice")["id"]
        check(client.wait() == 255, client.text)
        with watch:
            inbox.state(request, "cancelled")
        late = bedlib.run("bob", ["jitctl", "approve", request])
        check(late.code == 1, f"a late approval: exit {late.code}: {late.text}")
    check(not bedlib.all_grants(), "a grant came out of it")


def test_the_request_ends_with_the_connection():
    within(CANCELLED_S, grace_ends)


def test_many_that_wait_leave_no_request_and_others_are_served():
    with Inbox() as inbox, contextlib.ExitStack() as clients:
        for index in range(CLIENTS):
            client = bedlib.Terminal("alice", ["ssh", "-oStrictHostKeyChecking=no", "-p", "2225", f"crowd{index}@127.0.0.1", "id"])
            clients.enter_context(client).expect("Enter")
            client.line()
        waiting = [inbox.new(f"crowd{index}")["id"] for index in range(CLIENTS)]
        check(bedlib.run("carol", "ssh -p 2222 carol@127.0.0.1 id -un").code == 0, "carol cannot log in")
        for request in waiting:
            inbox.state(request, "cancelled")
        for request in waiting:
            late = bedlib.run("bob", ["jitctl", "approve", request])
            check(late.code == 1, f"a late approval: exit {late.code}: {late.text}")
    check(all(grant["subject"]["name"] == "carol" for grant in bedlib.all_grants()), "a grant came out of it")


with open(f"{bedlib.BED}/sshd_config", encoding="ascii") as f:
    config = f.read().split("Match")[0].replace("Port 2222\nPort 2223\n", f"Port 2225\nLoginGraceTime {GRACE_S}\n")
config = config.replace("AuthenticationMethods publickey", "AuthenticationMethods publickey,keyboard-interactive:pam")
KEYS = f"{bedlib.BED}/crowd_keys"
subprocess.run(["install", "-m", "644", "/home/alice/.ssh/authorized_keys", KEYS], check=True)
config += f"AuthorizedKeysFile .ssh/authorized_keys {KEYS}\n"
for number in range(CLIENTS):
    bedlib.add_user(f"crowd{number}", 2700 + number)
CROWD = """
[[permit]]
id       = "crowd"
who      = ["user:crowd*"]
door     = ["ssh"]
approval = "by-sre"
max      = "1h"
"""
with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
    bedlib.set_policy(f.read() + CROWD)
with open(f"{bedlib.BED}/sshd_config.grace", "w", encoding="ascii") as f:
    f.write(config)
sshd = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", f"{bedlib.BED}/sshd_config.grace"], stderr=subprocess.PIPE, text=True)
while "listening" not in sshd.stderr.readline():
    pass
bedlib.main(globals())
