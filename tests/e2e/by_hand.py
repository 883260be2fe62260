# SPDX-License-Identifier: Apache-2.0
"""An approver on another machine: no network, no bus, no broker. His key and jitctl are all there is."""
import contextlib
import re

import bedlib
from bedlib import check, run

PLAIN = 'by-sre   = { need = [{ from = "group:sre", count = 1 }], wait = "5m" }'
SIGNED = PLAIN.replace("wait =", 'votes = "signed", wait =')
ALONE = ["unshare", "--net", "--mount", "--pid", "--fork", "/bin/sh", "-c"]


def cut_off(user: str, command: str) -> bedlib.Program:
    script = f"mount -t tmpfs none /run && exec setpriv --reuid={user} --regid={user} --init-groups env HOME=/home/{user} {command}"
    return run("root", [*ALONE, script])


def give(user: str, text: str) -> str:
    """A file that was carried to him."""
    path = f"/home/{user}/request.txt"
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    return path


def carry_out(request: str, user: str = "bob") -> str:
    shown = run("alice", ["jitctl", "show", request, "--code"])
    check(shown.code == 0, shown.text)
    return give(user, shown.out)


def sign(path: str, *words: str, user: str = "bob") -> str:
    """The code that this approver makes of it, and the host is trusted where he did not know it yet."""
    command = f"jitctl vote --code --approve -m fine {' '.join(words)} {path}"
    done = cut_off(user, command)
    if "--trust" in done.text:
        done = cut_off(user, f"{command} --trust {re.search(r'--trust (SHA256:.+)', done.text)[1].strip()}")
    check(done.code == 0, done.text)
    return done.out.strip()


def paste(vote: str, user: str = "eve") -> bedlib.Program:
    with open("/tmp/vote.txt", "w", encoding="ascii") as f:
        f.write(vote)
    return run(user, ["jitctl", "vote", "--paste", "/tmp/vote.txt"])


@contextlib.contextmanager
def asking(command: str = "sudo id -un"):
    """Alice waits for a signed vote: her terminal and the request."""
    with bedlib.Inbox() as inbox, bedlib.Terminal("alice", command) as alice:
        alice.expect("Vote code, or Enter to wait")
        alice.line("")
        yield alice, inbox.new("alice")["id"]
