#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed --frozen
"""Threat H10: what does not want to end. Whatever ignores TERM, stopped itself, hides in a user or pid namespace or lingers gets KILL;
what even KILL cannot end is named in the log, tried again, and the second entry says when it is gone."""
import bedlib
import booted
from bedlib import check, run
from booted import Running, boot_ms, entries, grant_of, logged_in, permit, process, report_on, root_shell, shell, until


LOGIN = permit("login", "alice", "ssh", "alice", 'max = "1d"')
POLICY = LOGIN + permit("root", "alice", "sudo", "root", 'max = "10m"')


def test_stubborn_ones() -> None:
    with logged_in() as alice:
        root_shell(alice)
        for n, line in enumerate(["(trap '' TERM HUP INT QUIT; exec sleep 1501) &", "unshare -Ur --fork sleep 1502 &", "unshare --pid --fork --mount-proc sleep 1503 &",
                                  "setsid -f sleep 1504", "nice -n 19 ionice -c3 sleep 1505 &"], 1501):
            alice.line(line)
            process(f"^sleep {n}")
        stopped = process("^sleep 1505")
        booted.stop(stopped.pid)
        children = [process(f"^sleep {n}") for n in range(1501, 1506)]
        grant = grant_of("alice", "sudo")["id"]
        began = boot_ms()
        check(run("root", ["jitctl", "revoke", grant, "-m", "enough"]).code == 0, "not revoked")
        took = max(child.ended(30) for child in children) - began
        check(took <= 2000, f"{took} ms")
        check("survivors" not in report_on(grant)["fields"], "something is left")


def test_one_that_cannot_be_killed() -> None:
    shell("fsfreeze -f /srv/frozen")
    try:
        with logged_in() as alice:
            root_shell(alice)
            alice.line("dd if=/dev/zero of=/srv/frozen/x count=1 2>/dev/null &")
            stuck = process("^dd if=/dev/zero of=/srv/frozen")
            until("it hangs in the kernel", lambda: "\nState:\tD" in open(f"/proc/{stuck.pid}/status", encoding="ascii").read())
            grant = grant_of("alice", "sudo")["id"]
            check(run("root", ["jitctl", "revoke", grant, "-m", "enough"]).code == 0, "not revoked")
            first = report_on(grant)["fields"]
            check([one["pid"] for one in first["survivors"]] == [stuck.pid] and first["survivors"][0]["name"] == "dd", str(first))
            told = run("root", ["jitctl", "audit", "log", "--since", "1h"]).out
            check('"name":"dd"' in told, f"the log does not say it to people:\n{told[-1500:]}")
            check(stuck.lives(), "it was no such process")
            shell("fsfreeze -u /srv/frozen")
            stuck.ended(10)
            until("a second entry", lambda: len(entries("grant.enforced", grant)) == 2)
            check("survivors" not in entries("grant.enforced", grant)[-1]["fields"], "still told of")
            check(Running(alice.shell).lives(), "the person's own shell was ended")
    finally:
        run("root", ["fsfreeze", "-u", "/srv/frozen"])


def test_one_in_a_shell_that_ends_before_a_program() -> None:
    """What is left of the shell is named then, and not when the program has finished."""
    booted.set_policy(LOGIN + permit("root", "alice", "sudo", "root", 'give = "5s"', 'max = "10m"', 'run-max = "10m"', 'scope = "tty"', 'on-expiry = "finish"', 'unverified-ok = ["command"]'))
    check(run("root", ["jitctl", "policy", "reload"]).code == 0, "reload")
    shell("fsfreeze -f /srv/frozen")
    try:
        with logged_in() as alice:
            alice.line("sudo /usr/bin/sleep 1531 &")
            program = process("^/usr/bin/sleep 1531")
            root_shell(alice)
            alice.line("dd if=/dev/zero of=/srv/frozen/y count=1 2>/dev/null &")
            stuck = process("^dd if=/dev/zero of=/srv/frozen/y")
            grant = grant_of("alice", "sudo")["id"]
            first = report_on(grant)["fields"]
            check([one["pid"] for one in first["survivors"]] == [stuck.pid], str(first))
            check(program.lives() and stuck.lives(), "not what was to be shown")
            shell("fsfreeze -u /srv/frozen")
            stuck.ended(10)
            check(run("root", ["jitctl", "revoke", "--all", "-m", "enough"]).code == 0, "not revoked")
    finally:
        run("root", ["fsfreeze", "-u", "/srv/frozen"])
        booted.set_policy(POLICY)
        check(run("root", ["jitctl", "policy", "reload"]).code == 0, "reload")


def test_one_that_lingers() -> None:
    """A unit of her own user manager, started from inside the grant, is no child of it: it is named."""
    shell("loginctl enable-linger alice")
    with logged_in() as alice:
        root_shell(alice)
        grant = grant_of("alice", "sudo")["id"]
        alice.line(f"setpriv --reuid alice --regid alice --init-groups env XDG_RUNTIME_DIR=/run/user/{booted.uid('alice')} systemd-run --user --unit=lingers sleep 1521")
        lingering = process("^(/usr/bin/)?sleep 1521$")
        # What is mounted on a name could hang whoever looks at it.
        transient = f"/run/user/{booted.uid('alice')}/systemd/transient"
        shell(f"touch {transient}/plain {transient}/mounted /tmp/other; mount --bind /tmp/other {transient}/mounted")
        check(run("root", ["jitctl", "revoke", grant, "-m", "enough"]).code == 0, "not revoked")
        report = report_on(grant)["fields"]
        check(any("lingers.service" in path for path in report.get("later", [])), str(report))
        check(f"{transient}/plain" in report["later"] and f"{transient}/mounted" not in report["later"], str(report))
        shell(f"umount {transient}/mounted; rm {transient}/plain {transient}/mounted")
        check(lingering.lives(), "another user's manager was touched")
    shell("loginctl disable-linger alice")


booted.set_up(POLICY)
bedlib.main(globals())
