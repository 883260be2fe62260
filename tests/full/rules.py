#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What becomes of what runs: programs that may finish, warnings, grants within grants, accounts that change under a grant."""

import bedlib
import booted
import plugin
from bedlib import check, run
from booted import Running, boot_ms, entries, grant_of, logged_in, permit, process, report_on, root_shell, shell, until

LOGIN = permit("login", "alice", "ssh", "alice", 'max = "1d"')


def rules(*texts: str) -> None:
    run("root", ["jitctl", "revoke", "--all", "-m", "the next test begins"])
    booted.set_policy(LOGIN + "".join(texts))
    done = run("root", ["jitctl", "policy", "reload"])
    check(done.code == 0, done.text)


def test_a_program_may_finish() -> None:
    rules('[command]\nsleep = [["/usr/bin/sleep", "**"]]\n', permit("backup", "alice", "sudo", "root", 'run = ["command:sleep"]', 'give = "2s"', 'max = "10m"', 'run-max = "8s"', 'unverified-ok = ["command"]',
                 'on-expiry = "finish"'),
          permit("shell", "alice", "sudo", "root", 'give = "2s"', 'max = "10m"', 'scope = "command"', 'on-expiry = "finish"'))
    with logged_in() as alice:
        alice.line("sudo /usr/bin/sleep 1401")
        began = boot_ms()
        child = process("^/usr/bin/sleep 1401")
        grant = grant_of("alice", "sudo")
        until("the grant ends", lambda: entries("grant.ended", grant["id"]))
        check(child.lives(), "it was cut off at its grant's end")
        until("its terminal says so", lambda: "may finish" in (alice.drain() or alice.text))
        took = child.ended(30) - began
        check(7500 <= took <= 11_000, f"it went on for {took} ms, where 8 s are the longest")
        check(entries("grant.ended", grant["id"])[0]["fields"]["end"] == "expired", "not by its time")
        alice.line("")
        # For a shell nobody can tell when it has finished: it ends.
        began = boot_ms()
        took = root_shell(alice, "sudo -s").ended(30) - began
        check(took <= 5500, f"a shell went on for {took} ms")
        # Nor for one by another name.
        shell("install -o alice /bin/bash /var/tmp/report")
        began = boot_ms()
        took = root_shell(alice, "sudo /var/tmp/report").ended(30) - began
        check(took <= 5500, f"a renamed shell went on for {took} ms")


JOB = """/usr/bin/id -un
/usr/bin/sleep 1405 &
/usr/bin/sleep 6
/usr/bin/id -un
echo over
wait"""


def test_a_program_that_finishes_starts_nothing() -> None:
    """Nor does anybody else by its grant: as sudo_jit sees it, and the programs that the program starts."""
    job = plugin.program("/opt/jobs/report", JOB)
    rules(f'[command]\njob = [["{job}"], ["/usr/bin/sleep", "*"], ["/usr/bin/id", "-un"]]\n',
          permit("job", "alice", "sudo", "root", 'run = ["command:job"]', 'give = "5s"', 'max = "10m"', 'run-max = "1m"', 'scope = "tty"', 'approval = "bob"'))
    with plugin.loaded(), plugin.sudoers("Defaults intercept"), logged_in() as alice:
        with bedlib.Inbox() as inbox:
            alice.line("sudo /usr/bin/id -un; echo ran=$?")
            run("bob", ["jitctl", "approve", inbox.new("alice")["id"], "-m", "ok"])
        alice.expect("root\nran=0")
        grant = grant_of("alice", "sudo")["id"]
        alice.line(f"sudo -n {job} &")
        alice.expect("root$")
        child = process("^/usr/bin/sleep 1405")
        until("the grant ends", lambda: entries("grant.ended", grant))
        for words in "/usr/bin/id -un", job:
            alice.line(f"sudo -n {words}; echo again=$?")
            check(alice.expect(r"again=(\d+)")[1] == "1", f"{words}: {alice.text}")
        until("it is over", lambda: "\nover\n" in (alice.drain() or alice.text))
        check("/usr/bin/id is not covered" in alice.text and alice.text.count("root\n") == 2, alice.text)
        check(child.lives(), "it was cut off at its grant's end")
        began = boot_ms()
        revoked = run("bob", ["jitctl", "revoke", grant, "-m", "enough"])  # who approved it; its request is in no memory any more
        check(revoked.code == 0, revoked.text)
        took = child.ended() - began
        check(took <= 2000, f"{took} ms")
        check([end["fields"]["end"] for end in entries("grant.ended", grant)] == ["expired", "revoked"], str(entries("grant.ended", grant)))
        again = run("root", ["jitctl", "revoke", grant, "-m", "enough"])
        check(again.code != 0 and "has ended already" in again.text, again.text)


def test_what_sudo_jit_asked_for_is_revoked() -> None:
    job = plugin.program("/opt/jobs/long", "/usr/bin/sleep 1406 & trap '' TERM HUP; wait; wait")
    rules(f'[command]\njob = [["{job}"]]\n', permit("job", "alice", "sudo", "root", 'run = ["command:job"]', 'max = "10m"', 'approval = "bob"'))
    with plugin.loaded(), logged_in() as alice:
        with bedlib.Inbox() as inbox:
            alice.line(f"sudo {job}")
            run("bob", ["jitctl", "approve", inbox.new("alice")["id"], "-m", "ok"])
        child = process("^/usr/bin/sleep 1406")
        began = boot_ms()
        run("root", ["jitctl", "revoke", grant_of("alice", "sudo")["id"], "-m", "enough"])
        took = child.ended() - began
        check(took <= 2000, f"{took} ms")
        check(Running(alice.shell).lives(), "the person's own shell was ended")


def test_a_shell_that_is_only_warned() -> None:
    rules(permit("root", "alice", "sudo", "root", 'give = "2s"', 'max = "10m"', 'run-max = "6s"', 'scope = "tty"', 'on-expiry = "warn"'))
    with logged_in() as alice:
        began = boot_ms()
        root = root_shell(alice)
        grant = grant_of("alice", "sudo")["id"]
        until("the grant ends", lambda: entries("grant.ended", grant))
        check(root.lives(), "it was cut off at its grant's end")
        took = root.ended(30) - began
        check(5500 <= took <= 9000, f"it went on for {took} ms, where 6 s are the longest")


def test_a_shell_ends_though_a_program_may_finish() -> None:
    """Both are uses of one grant; each ends at its own time."""
    rules(permit("root", "alice", "sudo", "root", 'give = "4s"', 'max = "10m"', 'run-max = "15s"', 'scope = "tty"', 'on-expiry = "finish"', 'unverified-ok = ["command"]'))
    with logged_in() as alice:
        began = boot_ms()
        alice.line("sudo /usr/bin/sleep 1404 &")
        program = process("^/usr/bin/sleep 1404")
        root = root_shell(alice, "sudo -s")
        check(program.cgroup() != root.cgroup(), "the shell is where the program is")
        took = root.ended(30) - began
        check(took <= 7500, f"the shell went on for {took} ms, where 4 s were given")
        check(program.lives(), "the program ended with the shell")
        took = program.ended(30) - began
        check(14_000 <= took <= 18_500, f"the program went on for {took} ms, where 15 s are the longest")


def test_more_time_is_never_less() -> None:
    """A program that may finish has an end of its own, behind that of its grant."""
    rules('[command]\nsleep = [["/usr/bin/sleep", "**"]]\n',
          permit("backup", "alice", "sudo", "root", 'run = ["command:sleep"]', 'give = "3s"', 'max = "10m"', 'run-max = "1m"', 'unverified-ok = ["command"]', 'on-expiry = "finish"',
                 'approval = "bob"'))
    with logged_in() as alice:
        with bedlib.Inbox() as inbox:
            alice.line("sudo /usr/bin/sleep 1402")
            run("bob", ["jitctl", "approve", inbox.new("alice")["id"], "-m", "ok"])
        child = process("^/usr/bin/sleep 1402")
        grant = grant_of("alice", "sudo")
        with bedlib.Inbox() as inbox:
            more = run("alice", ["jitctl", "extend", grant["id"], "--for", "2s"])
            check(more.code == 0, more.text)
            more = run("bob", ["jitctl", "approve", inbox.new("alice")["id"], "-m", "ok"])
            check(more.code == 0, more.text)
        until("the grant ends", lambda: entries("grant.ended", grant["id"]))
        ended = boot_ms()
        until("a while later", lambda: boot_ms() > ended + 3000)
        check(child.lives(), "the extension cut it off")
        run("root", ["jitctl", "revoke", "--all", "-m", "next"])
    rules()


def test_the_terminal_is_warned() -> None:
    rules(permit("root", "alice", "sudo", "root", 'give = "63s"', 'max = "10m"', 'warn-before = ["60s"]'))
    with logged_in() as alice:
        root_shell(alice)
        alice.expect(r"jit: this access ends in 1 minute; for more time: jitctl extend [0-9a-f]{8}")


def in_a_session(command: str) -> str:
    """To be typed by root in a shell. systemd 252 gives an su below a user's slice no session of its own, systemd 257 does."""
    return f"(mkdir -p /sys/fs/cgroup/elsewhere; echo $BASHPID >/sys/fs/cgroup/elsewhere/cgroup.procs; su - -c '{command}') &"


def test_what_a_shell_opens_ends_with_it() -> None:
    """Sessions of their own, and a grant within, though a program of the same grant may finish."""
    rules(permit("root", "alice", "sudo", "root", 'give = "6s"', 'max = "10m"', 'run-max = "20s"', 'scope = "tty"', 'on-expiry = "finish"', 'unverified-ok = ["command"]'),
          permit("inner", "dave", "sudo", "root", 'max = "10m"'))
    with logged_in() as alice:
        began = boot_ms()
        alice.line("sudo /usr/bin/sleep 1421 &")
        program = process("^/usr/bin/sleep 1421")
        root_shell(alice, "sudo -s")
        alice.line(in_a_session("setsid -f sleep 1422; exec sleep 1423") + " su dave -c 'sudo sleep 1424'")
        children = [process(f"^sleep {n}") for n in (1422, 1423, 1424)]
        check("/session-" in children[0].cgroup(), children[0].cgroup())
        inner = grant_of("dave", "sudo")["id"]
        took = max(child.ended(30) for child in children) - began
        check(took <= 9500, f"they went on for {took} ms, where the shell had 6 s")
        check(program.lives(), "the program ended with the shell")
        check(report_on(inner)["fields"]["cause"] == "outer", "the grant within ended by something else")


def test_more_time_reaches_what_runs_inside() -> None:
    rules(permit("root", "alice", "sudo", "root", 'give = "8s"', 'max = "10m"', 'approval = "bob"', 'scope = "session"'), permit("inner", "dave", "sudo", "root", 'max = "10m"'))
    with logged_in() as alice:
        with bedlib.Inbox() as inbox:
            alice.line("sudo -s")
            run("bob", ["jitctl", "approve", inbox.new("alice")["id"], "-m", "ok"])
        alice.line("stty -echo; PS1='# '; printf '\\nroot=%s uid=%s\\n' $$ $(id -u); " + in_a_session("exec sleep 1431") + " su dave -c 'sudo sleep 1432' &")
        running = [Running(int(alice.expect(r"^root=(\d+) uid=0")[1])), process("^sleep 1431"), process("^sleep 1432")]
        check("/session-" in running[1].cgroup(), running[1].cgroup())
        grant = grant_of("alice", "sudo")
        began = boot_ms()
        with bedlib.Inbox() as inbox:
            more = run("alice", ["jitctl", "extend", grant["id"], "--for", "8s"])
            check(more.code == 0, more.text)
            run("bob", ["jitctl", "approve", inbox.new("alice")["id"], "-m", "ok"])
        until("the first end is over", lambda: boot_ms() > began + 11_000)
        check([one.lives() for one in running] == [True] * 3, f"not all live on: {[one.lives() for one in running]}")
        took = max(one.ended(30) for one in running) - began
        check(took <= 19_500, f"the last went on for {took} ms, where 16 s are the longest")


def test_inside_another_grant() -> None:
    """dave's shell, opened by alice's grant; from it a grant of his own, which ends with the outer one."""
    rules(permit("dave", "alice", "sudo", "dave", 'give = "6s"', 'max = "10m"', 'unverified-ok = ["as"]'), permit("root", "dave", "sudo", "root", 'max = "10m"'))
    with logged_in() as alice:
        began = boot_ms()
        alice.line("sudo -u dave -s")
        alice.expect(r"dave@.*\$ $")
        alice.line("sudo sleep 1411")
        inner = process("^sleep 1411")
        grant = grant_of("dave", "sudo")
        check(f"jit-{grant['id']}" in inner.cgroup(), inner.cgroup())
        took = inner.ended(30) - began
        check(5500 <= took <= 10_000, f"the inner one ended after {took} ms, the outer one has 6 s")
        check(report_on(grant["id"])["fields"]["cause"] == "outer", "not by the outer one")
    # Who is root already needs no grant; what he starts as somebody else ends with him all the same.
    rules(permit("root", "alice", "sudo", "root", 'give = "6s"', 'max = "10m"'))
    with logged_in() as alice:
        root_shell(alice)
        alice.line("su - dave -c 'exec sleep 1412'")
        inner = process("^sleep 1412")
        inner.ended(30)
        check(Running(alice.shell).lives(), "the person's own shell was ended")


def ended_by(grant: str, words: str) -> None:
    ended = until("the grant ends", lambda: entries("grant.ended", grant), 60)[0]["fields"]
    check(ended["end"] == "void" and words in ended["why"], str(ended))


def test_accounts_that_change() -> None:
    shell("groupadd -f ops; gpasswd -a alice ops")
    rules(permit("root", "alice", "sudo", "root", 'max = "10m"').replace("user:alice", "group:ops"))
    with logged_in() as alice:
        root = root_shell(alice)
        grant = grant_of("alice", "sudo")["id"]
        shell("gpasswd -d alice ops")
        run("root", ["jitctl", "policy", "reload"])
        root.ended(30)
        ended_by(grant, "the rule does not give it")
    rules(permit("root", "erna", "sudo", "root", 'max = "10m"') + permit("erna", "erna", "ssh", "erna", 'max = "10m"'))
    shell("useradd -m -s /bin/bash -u 3001 erna; echo 'erna ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/erna; echo erna:erna | chpasswd"
          "; install -d -m 700 -o erna -g erna /home/erna/.ssh; install -m 600 -o erna -g erna /root/key.pub /home/erna/.ssh/authorized_keys")
    with logged_in("erna") as erna:
        root = root_shell(erna)
        grant = grant_of("erna", "sudo")["id"]
        shell("sed -i 's/^erna:/frida:/' /etc/passwd /etc/shadow")  # the same uid, another name
        run("root", ["jitctl", "policy", "reload"])
        root.ended(30)
        ended_by(grant, "belongs to another name")
    shell("sed -i 's/^frida:/erna:/' /etc/passwd /etc/shadow")
    run("root", ["jitctl", "policy", "reload"])
    with logged_in("erna") as erna:
        root = root_shell(erna)
        grant = grant_of("erna", "sudo")["id"]
        shell("chage -E 2020-01-01 erna")
        root.ended(60)
        ended_by(grant, "expired")


booted.set_up(LOGIN)
shell("id dave >/dev/null 2>&1 || useradd -m -s /bin/bash dave; echo 'dave ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/dave")
bedlib.main(globals())
