#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sudo-rs, where Debian has it: no plugins, so PAM alone gates, the command counts as not verified, and the end holds all the same."""
import pathlib

import bedlib
import booted
from bedlib import check, run
from booted import Running, grant_of, logged_in, permit, shell, until

SUDO = "sudo-rs"


def pending() -> dict:
    return until("a request", lambda: [r for r in bedlib.jitctl("root", "requests", "--all") if r["state"] == "pending"])[0]


def test_approved_and_not_verified() -> None:
    with logged_in() as alice:
        alice.line(f"{SUDO} sh -c 'echo in=$(id -u)'")
        alice.expect("waiting for approval")
        request = pending()
        check(request["door"] == "sudo" and not request["command"]["verified"], f"{request['command']}")
        approved = run("bob", ["jitctl", "approve", request["id"]])
        check(approved.code == 0, approved.text)
        alice.expect("in=0")


def test_denied() -> None:
    with logged_in("dora") as dora:
        dora.line(f"{SUDO} id; echo code=$?")
        dora.expect("waiting for approval")
        check(run("bob", ["jitctl", "deny", pending()["id"], "-m", "no"]).code == 0, "not denied")
        check(dora.expect(r"^code=(\d+)")[1] != "0", "denied, and run")


def test_it_ends() -> None:
    with logged_in() as alice:
        alice.line(f"{SUDO} -s")
        alice.expect("waiting for approval")
        check(run("bob", ["jitctl", "approve", pending()["id"]]).code == 0, "not approved")
        alice.expect(r"[#$] $")
        alice.line("stty -echo; PS1='# '; printf '\\nroot=%s uid=%s\\n' $$ $(id -u)")
        root = Running(int(alice.expect(r"^root=(\d+) uid=0")[1]))
        check(run("root", ["jitctl", "revoke", grant_of("alice", "sudo")["id"], "-m", "enough"]).code == 0, "not revoked")
        root.ended(5)
        check(Running(alice.shell).lives(), "her own shell was ended")


def test_a_listing_asks_nobody() -> None:
    run("alice", [SUDO, "-l"])
    run("alice", [SUDO, "-n", "-v"])
    check(len([r for r in bedlib.jitctl("root", "requests", "--all") if r["state"] == "pending"]) == 0, "a listing waits for people")


def test_doctor_says_that_it_is_gated() -> None:
    said = run("root", ["jitctl", "doctor", "--door", "sudo"])
    check("this is sudo-rs" in said.out and "which are gated" in said.out, said.text)


pathlib.Path("/etc/sudoers-rs").write_text("root ALL=(ALL:ALL) ALL\nalice ALL=(ALL:ALL) NOPASSWD: ALL\ndora ALL=(ALL:ALL) NOPASSWD: ALL\n", encoding="ascii")
shell("chmod 440 /etc/sudoers-rs; ls /etc/pam.d")
booted.set_up(permit("login", "alice", "ssh", "alice", 'max = "1d"') + permit("login2", "dora", "ssh", "dora", 'max = "1d"')
              + permit("root", "alice", "sudo", "root", 'approval = "bob"', 'max = "10m"') + permit("root2", "dora", "sudo", "root", 'approval = "bob"', 'max = "10m"'))
bedlib.main(globals())
