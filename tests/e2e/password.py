# SPDX-License-Identifier: Apache-2.0
"""A vote by uid alone asks for the voter's own password where polkit is installed: the real polkitd, its agent and its PAM helper."""
import bedlib
from bedlib import Inbox, Terminal, check, run, waiting
from polkit import start_polkit


def vote(request: str, password: str) -> Terminal:
    terminal = Terminal("bob", ["jitctl", "approve", request, "-m", "ok"])
    terminal.expect("Password: ")
    said(terminal, password, "AUTHENTICATION (FAILED|COMPLETE)")
    terminal.wait()
    return terminal


def said(terminal: Terminal, password: str, answer: str) -> None:
    """pkttyagent throws away what is typed between its prompt and the moment at which it stops the echo: then once more."""
    for _ in range(10):
        terminal.line(password)
        try:
            return terminal.expect(answer, 5)
        except bedlib.Failed:
            check(terminal.running(), terminal.text)
    raise bedlib.Failed(terminal.text)


def test_the_password_is_asked_and_counts():
    bedlib.clean_slate()  # alice is root no more: a vote by uid counts
    polkit = start_polkit()
    try:
        with Inbox() as inbox, waiting("alice") as alice:
            request = inbox.new("alice")["id"]
            with vote(request, "not it") as bob:
                check(bob.code != 0 and "password" in bob.text.lower(), bob.text)
            check(inbox.requests()[0]["state"] == "pending", "nothing has changed")
            with vote(request, "bob") as bob:
                check(bob.code == 0 and "approved: alice may sudo" in bob.text, bob.text)
            check(alice.wait() == 0, alice.text)
    finally:
        polkit.terminate()
        polkit.wait()


def test_where_nobody_can_be_asked():
    """No terminal: refused with what to do; a denial needs no password, and root has given his."""
    bedlib.clean_slate()  # alice is root no more: a vote by uid counts
    polkit = start_polkit()
    try:
        with Inbox() as inbox, waiting("alice") as alice:
            request = inbox.new("alice")["id"]
            refused = run("bob", ["jitctl", "approve", request])
            check(refused.code != 0 and "on a terminal" in refused.text, refused.text)
            denied = run("bob", ["jitctl", "deny", request, "-m", "no"])
            check(denied.code == 0 and alice.wait() != 0, denied.text)
        # Who may not vote anyway is not asked for a password first.
        with Inbox() as inbox, waiting("alice") as alice:
            request = inbox.new("alice")["id"]
            check("may see" in run("eve", ["jitctl", "approve", request]).text, "eve")
            alice.ctrl_c()
            alice.wait()
    finally:
        polkit.terminate()
        polkit.wait()


def test_polkit_that_dies_opens_nothing():
    bedlib.clean_slate()  # alice is root no more: a vote by uid counts
    polkit = start_polkit()
    with Inbox() as inbox, waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        with Terminal("bob", ["jitctl", "approve", request, "-m", "ok"]) as bob:
            bob.expect("Password: ")
            polkit.kill()
            polkit.wait()
            check(bob.wait() != 0, bob.text)
        check(inbox.requests()[0]["state"] == "pending", "nothing has changed")
        alice.ctrl_c()
        alice.wait()


def test_polkit_behind_our_gate_is_not_asked():
    bedlib.clean_slate()  # alice is root no more: a vote by uid counts
    polkit = start_polkit()
    try:
        with bedlib.policy_with('covers   = ["sudo", "su", "ssh", "login"]', 'covers   = ["sudo", "su", "ssh", "login", "polkit"]'):
            with Inbox() as inbox, waiting("alice") as alice:
                check(run("bob", ["jitctl", "approve", inbox.new("alice")["id"]]).code == 0 and alice.wait() == 0, alice.text)
    finally:
        polkit.terminate()
        polkit.wait()


def test_without_polkit():
    bedlib.clean_slate()  # alice is root no more: a vote by uid counts
    with Inbox() as inbox, waiting("alice") as alice:
        bob = run("bob", ["jitctl", "approve", inbox.new("alice")["id"]])
        check(bob.code == 0 and alice.wait() == 0, bob.text + alice.text)


bedlib.main(globals())
