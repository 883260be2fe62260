#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""jitctl setup where systemd is PID 1: kept only by who came through the gate since; else taken back by the timer, and at the next boot,
with the broker dead."""
import os
import pathlib
import signal
import sys

import bedlib
import booted
from bedlib import check, run
from booted import logged_in, permit, shell, until

booted.HEAD = booted.HEAD.replace('"login"]', '"login", "polkit"]')
POLICY = permit("desk", "alice", "polkit", "root", 'max = "5m"') + permit("login", "alice", "ssh login", "alice", 'max = "1d"') + permit("root", "alice", "sudo su", "root", 'max = "10m"')
PENDING = pathlib.Path("/etc/jit/setup/unconfirmed")
UNTIL_BOOT = pathlib.Path("/var/tmp/before-boot")


def texts() -> dict:
    return {path.name: path.read_bytes() for path in sorted(pathlib.Path("/etc/pam.d").iterdir())}


def setup(*words: str):
    return run("root", ["jitctl", "setup", *words])


def is_active(unit: str) -> bool:
    return run("root", ["systemctl", "is-active", "--quiet", unit]).code == 0


def timer_after(seconds: int) -> None:
    folder = pathlib.Path("/run/systemd/system/jit-setup-revert.timer.d")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test.conf").write_text(f"[Timer]\nOnActiveSec=\nOnActiveSec={seconds}s\n", encoding="ascii")
    shell("systemctl daemon-reload")


def nothing_waits() -> None:
    check(not PENDING.exists() and not is_active("jit-setup-revert.timer"), "something waits still")
    check(run("root", ["systemctl", "is-enabled", "jit-setup-revert.service"]).out.strip() == "disabled", "the next boot takes something back")


def test_taken_back_by_itself() -> None:
    """The service's sandbox leaves it what it needs: one of the files has another group, and was edited since."""
    shell("chgrp shadow /etc/pam.d/su; chmod 640 /etc/pam.d/su")
    before = texts()
    timer_after(3)
    done = setup("sudo", "ssh", "su")
    with open("/etc/pam.d/su", "a", encoding="ascii") as file:
        file.write("# by hand\n")
    before["su"] += b"# by hand\n"
    check(done.code == 0 and "In 10 minutes" in done.text, done.text)
    check("pam_jit" in pathlib.Path("/etc/pam.d/sshd").read_text(encoding="ascii") and PENDING.exists(), "not gated")
    # Nobody to ask: neither the broker nor the bus is needed for the way back.
    shell("systemctl stop jit-broker.socket jit-broker.service jit-enforcer.socket jit-enforcer.service")
    # Asked before: systemd itself waits for the bus when it reloads, and answers nobody meanwhile.
    bus = booted.main_pid("dbus")
    booted.stop(bus)
    try:
        until("it is taken back", lambda: texts() == before, 30)
    finally:
        os.kill(bus, signal.SIGCONT)
    until("the service ends", lambda: not is_active("jit-setup-revert.service") and not PENDING.exists())
    until("the timer ends", lambda: not is_active("jit-setup-revert.timer"))
    nothing_waits()
    check(shell("stat -c '%U %G %a' /etc/pam.d/su").strip() == "root shadow 640", shell("ls -l /etc/pam.d/su"))
    shell("systemctl start jit-broker.socket jit-enforcer.socket jit-broker.service; rm -r /run/systemd/system/jit-setup-revert.timer.d; systemctl daemon-reload")
    check("10min" in shell("systemctl show -p TimersMonotonic jit-setup-revert.timer") or "10min" in shell("systemctl cat jit-setup-revert.timer"), "not 10 minutes")


def confirm_in(session) -> str:
    session.line("sudo jitctl setup --confirm; echo code=$?")
    found = session.expect(r"^code=(\d+)")
    return f"{found[1]} {session.text}"


def test_confirmed_from_a_new_session_alone() -> None:
    with logged_in() as old:
        done = setup("sudo", "ssh")
        check(done.code == 0, done.text)
        check(is_active("jit-setup-revert.timer"), "no timer")
        # Root's own shell proves nothing, nor does a session that was there before, even behind sudo's gate: ssh is the way in.
        alone = setup("--confirm")
        check(alone.code == 1 and "log in anew" in alone.text and PENDING.exists(), alone.text)
        said = confirm_in(old)
        check(said.startswith("1 ") and "log in anew" in said and PENDING.exists(), said)
        with logged_in() as fresh:
            said = confirm_in(fresh)
            check(said.startswith("0 ") and "confirmed: sudo, ssh stay gated" in said, said)
    nothing_waits()
    again = setup("sudo", "ssh")
    check(again.code == 0 and "already so" in again.text and not PENDING.exists(), again.text)
    doctor = run("root", ["jitctl", "doctor", "--door", "sudo"])
    check(doctor.code == 0 and "0 holes, 0 faults" in doctor.text, doctor.text)


def test_only_what_waits_is_taken_back() -> None:
    check("pam_jit" in pathlib.Path("/etc/pam.d/sudo").read_text(encoding="ascii"), "sudo is not gated")
    before = texts()
    check(setup("su").code == 0, "su")
    with logged_in() as session:  # sudo's gate is an old one; only su waits
        said = confirm_in(session)
        check(said.startswith("1 ") and "come through su" in said, said)
    undone = setup("--undo", "--unconfirmed")
    check(undone.code == 0 and texts() == before, undone.text)
    nothing_waits()
    check(setup("--undo").code == 0 and b"pam_jit" not in b"".join(texts().values()), "a line is left")


def test_one_that_fails_leaves_the_others_as_they_were() -> None:
    """What was confirmed stays confirmed, and what waits waits on: another setup failed, and not theirs."""
    bare = texts()
    check(setup("sudo", "--no-take-back").code == 0 and not PENDING.exists(), "sudo")
    gated = texts()
    module = next(path for path in pathlib.Path("/usr/lib").glob("*/security/pam_jit.so"))
    check(setup("su").code == 0 and PENDING.exists(), "su")
    both = texts()
    for door in "sudo", "su":
        module.rename(f"{module}.away")
        failed = setup(door, "--observe")
        pathlib.Path(f"{module}.away").rename(module)
        check(failed.code == 1 and "nothing stays changed" in failed.text, failed.text)
        check(texts() == both, f"{door} is not as it was: {failed.text}")
    check(PENDING.exists() and is_active("jit-setup-revert.timer"), "su waits no longer")
    undone = setup("--undo", "--unconfirmed")
    check(undone.code == 0 and texts() == gated, f"not what waited alone was taken back: {undone.text}")
    nothing_waits()
    check(setup("--undo").code == 0 and texts() == bare, "a line is left")


def test_polkit_opens_no_session() -> None:
    """Where it waits alone, an answer that was given since confirms it; no older one does, and it confirms nothing else."""
    bare = texts()
    answered = ["pamtester", "polkit-1", "alice", "acct_mgmt"]
    for doors, confirmed in (["polkit"], True), (["polkit"], True), (["sudo", "polkit"], False):
        check(setup(*doors).code == 0 and PENDING.exists(), f"{doors}")
        early = setup("--confirm")
        check(early.code == 1 and f"come through {doors[0]}" in early.text.replace("came", "come") and PENDING.exists(), early.text)
        check(run("root", answered).code == 0, "alice is not let through")
        done = setup("--confirm")
        check((done.code == 0) == confirmed, done.text)
        if confirmed:
            check("confirmed: polkit stays gated" in done.text, done.text)
            nothing_waits()
        check(setup("--undo").code == 0 and texts() == bare, "a line is left")


def test_what_nothing_takes_back_stays() -> None:
    """Though another setup waits meanwhile."""
    bare = texts()
    for words, told in (("sudo", "--no-take-back"), "Nothing takes it back"), (("sudo", "--observe"), "nobody is stopped"):
        check(setup("su").code == 0, "su")
        done = setup(*words)
        check(done.code == 0 and told in done.text and PENDING.exists(), done.text)
        stays = {**texts(), "su": bare["su"]}
        check(setup("--undo", "--unconfirmed").code == 0 and texts() == stays, f"{words}: not su alone was taken back")
        nothing_waits()
    # Who observes waits for nothing, and neither does what waited before.
    check(setup("su").code == 0 and setup("su", "--observe").code == 0, "su observes")
    nothing_waits()
    check(setup("--undo").code == 0 and texts() == bare, "a line is left")


def test_a_restart_is_coming() -> None:
    """Seen after it: see a_new_boot."""
    UNTIL_BOOT.write_bytes(b"\0".join(texts()[name] for name in ("sudo", "su", "sshd")))
    check(setup("sudo", "su", "ssh").code == 0 and PENDING.exists(), "setup")


def a_new_boot() -> None:
    check(b"\0".join(texts()[name] for name in ("sudo", "su", "sshd")) == UNTIL_BOOT.read_bytes(), "the boot did not take it back")
    nothing_waits()
    check("Take back" in shell("journalctl -b -u jit-setup-revert.service --no-pager"), "the journal does not tell")
    print("ok   a_new_boot", flush=True)


if sys.argv[1:] == ["rebooted"]:
    a_new_boot()
    raise SystemExit(0)
booted.set_up(POLICY, gated=False)
try:
    bedlib.main(globals())
except SystemExit as done:
    raise SystemExit(77 if not done.code else done.code) from None  # 77: start it again
