#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The how-to pages for a laptop, a server, a bastion and many hosts, typed as they stand, each on a host of its own."""
import contextlib
import pathlib
import re
import sys

import bedlib
import booted
import typed
from bedlib import check, run
from booted import shell, until
from typed import Typing, lines

TOKEN = "/usr/local/lib/soft_token.so"  # a FIDO token made of software, for ssh-keygen


def until_command(these: list, begins: str) -> tuple:
    """Two parts: up to the command that begins so, and from it on."""
    at = next(i for i, line in enumerate(these) if line[1].startswith(begins))
    return these[:at], these[at:]


@contextlib.contextmanager
def with_token(user: str):
    with booted.logged_in(user) as terminal:
        terminal.line(f"export SSH_SK_PROVIDER={TOKEN}")
        yield terminal


@contextlib.contextmanager
def with_password(user: str):
    """A login behind which sshd asks for the password, too."""
    with booted.ssh(user, "-tt") as terminal:
        terminal.expect("[Pp]assword: ?$")
        terminal.line(user)
        terminal.expect(r"\$ $")
        typed.quiet(terminal)
        yield terminal


def test_laptop() -> None:
    typed.admins("eva")
    shell("rm /home/eva/.ssh/id_ed25519*")
    typed.fresh()
    with Typing(at={"eva": with_token}) as page:
        first, rest = until_command(lines("laptop.md"), "sudo jitctl setup")
        page.type(first)
        check(run("eva", ["sudo", "-n", "true"]).code != 0, "eva is root without a touch")
        said = page.type(rest)
        check("0 holes, 0 faults" in said, said)
    check(not pathlib.Path("/etc/jit/setup/unconfirmed").exists(), "not confirmed")
    vote = bedlib.jitctl("root", "show", bedlib.all_grants()[0]["request"])["votes"][0]
    check(vote["person"] == "eva", f"{vote}")
    verified = run("root", ["jitctl", "audit", "verify"])  # though she answered her own request
    check(verified.code == 0, verified.text)


def test_server() -> None:
    typed.admins("alice", "bob", "deploy")
    typed.fresh()
    typed.people("alice", "bob")
    with Typing() as page:
        first, rest = until_command(lines("server.md"), "jitctl policy observed")
        page.type(first)
        check(run("alice", ["sudo", "-n", "id", "-u"]).out.strip() == "0", "one who observes stops alice")
        said = page.type(rest)
    for wanted in "confirmed: sudo, su stay gated", "0 holes, 0 faults", "alice":
        check(wanted in said, f"not said: {wanted}\n{said}")
    check('give = "15m"' in pathlib.Path("/etc/jit/policy.d/server.toml").read_text(encoding="utf-8"), "the policy did not grow")


def test_bastion() -> None:
    typed.admins("alice", "bob", others=("dora",))
    typed.fresh()
    typed.people("alice", "bob")
    typed.a_laptop("bastion")
    with Typing(reason="the report", password="dora", at={"laptop": typed.on_a_laptop, "alice": with_password, "bob": with_password}) as page:
        first, rest = until_command(lines("bastion.md"), "jitctl doctor")
        said = page.type(first)
        check(re.search(r"confirmed: .*stay gated", said), said)
        said = page.type(rest)
        check("0 holes, 0 faults" in said and "load average" in said, said)


def test_fleet() -> None:
    typed.admins("alice", "bob")
    typed.fresh()
    typed.people("alice", "bob")
    check(run("root", ["jitctl", "setup", "--policy", "server", "sudo", "su", "--no-take-back"]).code == 0, "setup")
    typed.a_laptop("web1", "relay.example.org")
    shell("cp /home/bob/.ssh/id_ed25519* /home/laptop/.ssh/; chown laptop /home/laptop/.ssh/*; cat /home/bob/.ssh/id_ed25519.pub >>/home/bob/.ssh/authorized_keys")
    host = bedlib.jitctl("root", "status")["host"]
    these = [(who, command.replace("KEY", host["key"]).replace("HOST-ID", host["id"]), code) for who, command, code in lines("fleet.md")]
    first, rest = until_command(these, "jitctl relay streams")
    streams, rest = until_command(rest, "printf '[relay]")
    with Typing(at={"laptop": typed.on_a_laptop}) as page:
        said = page.type(first)
        check("approved by bob" in said and "taken: request" in said, said)
        typed.a_relay_server()
        page.type(streams[:-1])
        until("the relay", lambda: run("root", ["jitctl", "relay", "status"]).code == 0)
        check("connected" in page.type(streams[-1:]), "the host does not say that it is connected")
        shell("install -m 600 -o laptop /root/bob.creds /home/laptop/.config/jit/relay.creds; jitctl revoke --all -m next")
        said = page.type(rest)
        check("approved by bob" in said and "on line" in said, said)


typed.admins()
bedlib.main({name: test for name, test in globals().items() if not sys.argv[1:] or name[5:] in sys.argv[1:]})
