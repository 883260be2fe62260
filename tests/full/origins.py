#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where a sudo comes from: the address of the ssh login that it is in, by the session that pam_loginuid gives that login; with the lines
that jitctl setup writes."""
import contextlib
import os
import pathlib
import signal

import bedlib
import booted
from bedlib import Terminal, check, run
from booted import Running, logged_in, permit, process, report_on, shell

LOGIN = permit("login", "alice", "ssh", "alice", 'max = "1d"') + permit("other", "dora", "ssh", "dora", 'max = "1d"') + permit("console", "dora", "login", "dora", 'give = "10s"', 'max = "10s"')
SUDO = permit("root", "alice", "sudo", "root", 'from = ["net:here"]', 'max = "10m"') + '[net]\nhere = ["127.0.0.0/8"]\n'
SSHD = pathlib.Path("/etc/pam.d/sshd")
LOGINUID = "session    required     pam_loginuid.so\n"


def sudo_in(session) -> str:
    session.line("sudo -n /usr/bin/id -u; echo code=$?")
    session.expect(r"^code=(\d+)")
    return session.text


def line_of_ours() -> str:
    return next(line for line in SSHD.read_text(encoding="ascii").splitlines(keepends=True) if line.startswith("session") and "pam_jit" in line)


def put_before_loginuid() -> None:
    text, ours = SSHD.read_text(encoding="ascii"), line_of_ours()
    check(LOGINUID in text, f"{SSHD}: {text}")
    SSHD.write_text(text.replace(ours, "").replace(LOGINUID, ours + LOGINUID), encoding="ascii")


@contextlib.contextmanager
def sshd_by_hand(session):
    """From a root shell in this session, whose loginuid and audit session it hands down."""
    booted.root_shell(session)
    session.line("/usr/sbin/sshd -p 2200 -o PidFile=/run/by-hand.pid; stty echo; exit")
    session.expect(r"; $")
    booted.until("sshd listens", lambda: pathlib.Path("/run/by-hand.pid").exists())
    try:
        yield
    finally:
        os.kill(int(pathlib.Path("/run/by-hand.pid").read_text(encoding="ascii")), signal.SIGTERM)
        pathlib.Path("/run/by-hand.pid").unlink(missing_ok=True)


def test_sudo_knows_the_address_of_its_login() -> None:
    text = SSHD.read_text(encoding="ascii")
    check(LOGINUID + line_of_ours() in text, text)
    with logged_in() as alice:
        said = sudo_in(alice)
        check("code=0" in said, said)
        origin = booted.grant_of("alice", "sudo")
        check("127.0.0.1" in str(origin["subject"]), str(origin))
        shell("systemctl restart jit-broker")
        alice.line("sudo -n /usr/bin/id -u; echo again=$?")
        alice.expect(r"^again=(\d+)")
        check("again=0" in alice.text, alice.text)
    run("root", ["jitctl", "revoke", "--all", "-m", "the next test begins"])


def test_a_line_of_before_is_told_of_and_moved() -> None:
    put_before_loginuid()
    with logged_in() as alice:
        said = sudo_in(alice)
        check("code=0" not in said, said)
    doctor = run("root", ["jitctl", "doctor", "--door", "ssh"])
    check("pam_loginuid comes after ours" in doctor.text and "jitctl setup ssh" in doctor.text, doctor.text)
    done = run("root", ["jitctl", "setup", "ssh", "--no-take-back"])
    check(done.code == 0 and LOGINUID + line_of_ours() in SSHD.read_text(encoding="ascii"), done.text)
    doctor = run("root", ["jitctl", "doctor", "--door", "ssh"])
    check("pam_loginuid" not in doctor.text, doctor.text)


def test_an_sshd_started_by_hand_changes_nobodys_origin() -> None:
    with logged_in() as alice, sshd_by_hand(alice):
        # dora's login gets a session of her own, and alice keeps hers.
        with booted.ssh("dora", "-tt", "-p", "2200") as dora:
            dora.expect(r"\$ $")
            said = sudo_in(alice)
            check("code=0" in said, said)
    run("root", ["jitctl", "revoke", "--all", "-m", "the next test begins"])


def test_what_left_a_login_is_named_wherever_ours_stands() -> None:
    """At login pam_loginuid comes after our line: the session is not known yet when the login is taken in."""
    with Terminal("root", ["/bin/login", "dora"], login=False) as dora:
        dora.expect("Password: ")
        dora.line("dora")
        dora.expect(r"\$ $")
        dora.line("(trap '' HUP TERM; exec sleep 1501) &")
        moved = process("^sleep 1501")
        grant = booted.grant_of("dora", "login")["id"]
        os.makedirs("/sys/fs/cgroup/elsewhere", exist_ok=True)
        pathlib.Path("/sys/fs/cgroup/elsewhere/cgroup.procs").write_text(str(moved.pid), encoding="ascii")
        report = report_on(grant)
        check(str(moved.pid) in str(report["fields"].get("beyond", "")), f"the process outside is not named: {report}")
        if Running(moved.pid).lives():
            os.kill(moved.pid, 9)


booted.set_up(LOGIN + SUDO, gated=False)
shell("jitctl setup sudo ssh login --no-take-back")
bedlib.main(globals())
