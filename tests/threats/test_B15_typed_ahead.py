# SPDX-License-Identifier: Apache-2.0
"""B15: what is typed while sudo waits does not reach the shell when the wait ends with a no."""
# bed: --no-sshd
import os

import bedlib
from bedlib import Inbox, check

MARK = "/tmp/typed-ahead"


def shell() -> bedlib.Terminal:
    terminal = bedlib.Terminal("alice", ["bash", "--norc", "--noprofile", "-i"], env={"PS1": "ready> "})
    terminal.expect("ready> ")
    return terminal


def type_ahead(terminal: bedlib.Terminal) -> None:
    for _ in range(5):
        terminal.line(f"touch {MARK}")
        terminal.line("y")


def ended_quietly(terminal: bedlib.Terminal) -> None:
    terminal.expect("ready> ")
    terminal.line("echo done")  # what came before this, if anything, has run when this answers
    terminal.expect("^done$")
    check(not os.path.exists(MARK), f"the shell ran what was typed during the wait:\n{terminal.text}")


def test_at_a_time_out():
    with shell() as terminal:
        terminal.line("sudo -u carol id")
        terminal.expect("waiting")
        type_ahead(terminal)
        terminal.expect("expired")
        ended_quietly(terminal)


def test_at_a_denial():
    with Inbox() as inbox, shell() as terminal:
        terminal.line("sudo id")
        terminal.expect("waiting")
        type_ahead(terminal)
        bedlib.jitctl("bob", "deny", inbox.new("alice")["id"], "-m", "no")
        terminal.expect("denied")
        ended_quietly(terminal)


def test_when_the_broker_dies():
    with shell() as terminal:
        terminal.line("sudo id")
        terminal.expect("waiting")
        type_ahead(terminal)
        bedlib.broker.kill()
        terminal.expect("denied")
        ended_quietly(terminal)
    bedlib.broker.start()


bedlib.main(globals())
