# SPDX-License-Identifier: Apache-2.0
"""B12: sshd's LoginGraceTime ends while a request waits: it is cancelled soon after, and a late yes creates nothing."""
import subprocess

import bedlib
from bedlib import Inbox, check, within

GRACE_S = 20  # for all clients to come to their wait, on a machine that is busy
CANCELLED_S = 5
CLIENTS = 12


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
    with Inbox() as inbox:
        clients = [bedlib.Terminal("alice", ["ssh", "-oStrictHostKeyChecking=no", "-p", "2225", "alice@127.0.0.1", "id"])
                   for _ in range(CLIENTS)]
        for client in clients:
            client.expect("Press Enter")
            client.line()  # the first waits in sshd, the others have their refusal
        request = inbox.new("alice")
        inbox.state(request["id"], "cancelled")
        for client in clients:
            client.close()
        for request in [r for r in inbox.requests() if r["id"] not in inbox.known]:
            inbox.state(request["id"], "cancelled")
    check(bedlib.run("carol", "ssh -p 2222 carol@127.0.0.1 id -un").code == 0, "carol cannot log in")


with open(f"{bedlib.BED}/sshd_config", encoding="ascii") as f:
    config = f.read().split("Match")[0].replace("Port 2222\nPort 2223\n", f"Port 2225\nLoginGraceTime {GRACE_S}\n")
config = config.replace("AuthenticationMethods publickey", "AuthenticationMethods publickey,keyboard-interactive:pam")
with open(f"{bedlib.BED}/sshd_config.grace", "w", encoding="ascii") as f:
    f.write(config)
sshd = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", f"{bedlib.BED}/sshd_config.grace"], stderr=subprocess.PIPE, text=True)
while "listening" not in sshd.stderr.readline():
    pass
bedlib.main(globals())
