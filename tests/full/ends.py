#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sessions that really end: sudo, su, ssh; by their time, by revocation, by an extension's new time, with broker and enforcer dead.
The person's own shell lives on."""
import contextlib
import os
import pwd
import signal
import socket

import bedlib
import booted
import wire
from bedlib import check, run
from booted import Running, boot_ms, grant_of, logged_in, permit, process, report_on, root_shell, shell, until

POLICY = "".join([
    permit("login", "alice", "ssh login", "alice", 'max = "1d"'),
    permit("short", "alice", "sudo su", "root", 'give = "3s"', 'max = "10m"', 'approval = "bob"', 'scope = "tty"'),
    permit("dora-login", "dora", "ssh login", "dora", 'give = "4s"', 'max = "10m"', 'scope = "login"'),
])


def rules(*texts: str) -> None:
    booted.set_policy(permit("login", "alice", "ssh login", "alice", 'max = "1d"') + "".join(texts))
    done = run("root", ["jitctl", "policy", "reload"])
    check(done.code == 0, done.text)


def sudo_rule(give: str, *lines: str, door: str = "sudo su") -> str:
    return permit("root", "alice", door, "root", f'give = "{give}"', 'max = "10m"', 'scope = "session"', *lines)


def clean() -> None:
    run("root", ["jitctl", "revoke", "--all", "-m", "the next test begins"])


def late(end: dict, ended: int, began: int) -> None:
    """ended: boot_ms; the grant's time is of the wall clock, so it is compared by how long it lived."""
    check(ended - began <= end + 3000, f"lived {ended - began} ms, where {end} ms were given")
    check(ended - began >= end - 200, f"ended after {ended - began} ms, before its time of {end} ms")


def test_sudo_ends_by_its_time_with_all_its_children() -> None:
    clean()
    rules(sudo_rule("4s"))
    with logged_in() as alice:
        began = boot_ms()
        root = root_shell(alice)
        alice.line("setsid sleep 1001 & nohup sleep 1002 >/dev/null 2>&1 & (trap '' TERM HUP; sleep 1003) & ( ( sleep 1004 & ) & ); tmux new -d 'sleep 1005' 2>/dev/null")
        children = [process(rf"^sleep {n}") for n in (1001, 1002, 1003, 1004)]
        grant = grant_of("alice", "sudo")
        check(f"/jit-{grant['id']}.scope" in root.cgroup(), root.cgroup())
        check(f"user-{booted.uid('alice')}.slice" in root.cgroup(), root.cgroup())
        late(4000, max(child.ended() for child in [root, *children]), began)
        alice.line("printf '\\nstill=%s\\n' $$")
        check(int(alice.expect(r"^still=(\d+)")[1]) == alice.shell, "another shell")
        report = report_on(grant["id"])
        check(report["fields"]["ended"] >= 6 and "survivors" not in report["fields"], str(report))


def opened(alice, command: str) -> Running:
    """Her root shell, by sudo or su."""
    if command != "su":
        return root_shell(alice, command)
    shell("echo root:root | chpasswd")
    alice.line(command)
    alice.expect("Password: ")
    alice.line("root")
    alice.expect("# $")
    alice.line("stty -echo; printf '\\nroot=%s uid=%s\\n' $$ $(id -u)")
    return Running(int(alice.expect(r"^root=(\d+) uid=0")[1]))


def terminal_of(pid: int) -> str:
    return os.readlink(f"/proc/{pid}/fd/0")


def test_revoked_within_two_seconds() -> None:
    """Also behind a terminal of sudo's own."""
    clean()
    rules(sudo_rule("10m"))
    for command, own_terminal in ("sudo -s", True), ("sudo -s", False), ("sudo -i", True), ("sudo -i", False), ("sudo -u root bash", False), ("su", False):
        shell(f"echo 'Defaults {'' if own_terminal else '!'}use_pty' >/etc/sudoers.d/pty")
        with logged_in() as alice:
            root = opened(alice, command)
            check((terminal_of(root.pid) != terminal_of(alice.shell)) == own_terminal, f"{command}: on {terminal_of(root.pid)}")
            alice.line("(trap '' TERM HUP; sleep 1010) &")
            child = process("^sleep 1010")
            grant = grant_of("alice")
            began = boot_ms()
            run("root", ["jitctl", "revoke", grant["id"], "-m", "enough"])
            took = max(root.ended(), child.ended()) - began
            check(took <= 2000, f"{command}: {took} ms")
            check(Running(alice.shell).lives(), f"{command}: the person's own shell was ended")
    shell("rm /etc/sudoers.d/pty")


def approve(request: str) -> None:
    done = run("bob", ["jitctl", "approve", request, "-m", "ok"])
    check(done.code == 0, done.text)


def approved_shell(alice) -> tuple:
    """Her root shell, and the request for it."""
    with bedlib.Inbox() as inbox:  # first: what was there before is not new
        alice.line("sudo -s")
        request = inbox.new("alice")["id"]
        approve(request)
    alice.line("stty -echo; PS1='# '; printf '\\nroot=%s uid=%s\\n' $$ $(id -u)")
    return Running(int(alice.expect(r"^root=(\d+) uid=0")[1])), request


def extended(grant: str, more: str) -> str:
    """The request for it, which bob approved."""
    with bedlib.Inbox() as inbox:
        asked = run("alice", ["jitctl", "extend", grant, "--for", more])
        check(asked.code == 0, asked.text)
        request = inbox.new("alice")["id"]
        approve(request)
    return request


def test_denied_after_the_use() -> None:
    """Who approved a use, or more time for it, may still say no."""
    for what in "the use", "more time":
        clean()
        rules(sudo_rule("5m", 'approval = "bob"'))
        with logged_in() as alice:
            root, request = approved_shell(alice)
            alice.line("(trap '' TERM HUP; sleep 1015) &")
            child = process("^sleep 1015")
            if what == "more time":
                request = extended(grant_of("alice", "sudo")["id"], "2m")
            began = boot_ms()
            denied = run("bob", ["jitctl", "deny", request, "-m", "no"])
            check(denied.code == 0, denied.text)
            took = max(root.ended(), child.ended()) - began
            check(took <= 2000, f"{what}: {took} ms")
            check(Running(alice.shell).lives(), f"{what}: the person's own shell was ended")


def test_extended_in_place() -> None:
    clean()
    rules(sudo_rule("5s", 'approval = "bob"'))
    with logged_in() as alice:
        root, _ = approved_shell(alice)
        alice.line("sleep 1020 &")
        child = process("^sleep 1020")
        first = root.cgroup()
        extended(grant_of("alice", "sudo")["id"], "5s")
        until("another scope", lambda: root.cgroup() != first or "RuntimeMaxUSec=10" in shell(f"systemctl show -p RuntimeMaxUSec {first.rsplit('/', 1)[1]}"))
        began = boot_ms()
        check(root.lives() and child.lives(), "the shell was lost")
        ended = max(root.ended(), child.ended())
        check(ended - began > 4000, f"it ended {ended - began} ms after it was extended")


def test_all_scopes_are_extended() -> None:
    """Those who come at once, before the first scope is there, get scopes of their own."""
    clean()
    rules(sudo_rule("6s", 'approval = "bob"'))
    with logged_in() as alice:
        numbers = range(1041, 1047)
        with bedlib.Inbox() as inbox:
            alice.line("sudo true; printf '\\ndone=%s\\n' $?")
            approve(inbox.new("alice")["id"])
        alice.expect("^done=0")
        grant = grant_of("alice", "sudo")["id"]
        began = boot_ms()
        alice.line("".join(f"sudo sleep {n} & " for n in numbers))
        children = [process(f"^sleep {n}") for n in numbers]
        print(f"     {len({child.cgroup() for child in children})} scopes for {len(children)} at once", flush=True)
        extended(grant, "8s")
        until("the first end is over", lambda: boot_ms() > began + 8000)
        check(all(child.lives() for child in children), "one ended at the time that was moved")
        ended = max(child.ended() for child in children) - began
        check(ended <= 18_000, f"the last ended after {ended} ms")


ENFORCER = "/run/jit/enforcer"


def adopted(grant: str, end: int = 0) -> str:
    """What it says to this process, which is root and comes with a grant."""
    end = end or boot_ms() + 600_000
    bus = wire.Connection(ENFORCER, hello=False)
    own = os.pidfd_open(os.getpid())
    try:
        return "scope " + bus.call(None, "/org/pamjit/Enforcer1", "org.pamjit.Enforcer1", "Adopt", "shtt",
                                   [grant, 0, end, end], [own])[0]
    except wire.Error as error:
        return f"error {error}"


def told_to_end(grant: str) -> str:
    try:
        wire.Connection(ENFORCER, hello=False).call(None, "/org/pamjit/Enforcer1", "org.pamjit.Enforcer1", "End", "s", [grant])
    except wire.Error as error:
        return error.name
    return ""


@contextlib.contextmanager
def systemd_hangs():
    """It takes what it is asked, and does it afterwards."""
    with open("/proc/1/cgroup", encoding="ascii") as f:
        freeze = "/sys/fs/cgroup" + f.read().strip().split("::", 1)[1] + "/cgroup.freeze"

    def write(text: str) -> None:
        with open(freeze, "w", encoding="ascii") as f:
            f.write(text)
    write("1")
    try:
        yield
    finally:
        write("0")


def test_a_scope_that_systemd_makes_late_ends_with_the_rest() -> None:
    clean()
    rules(sudo_rule("2m"))
    with logged_in() as alice:
        root = root_shell(alice)
        alice.line("(trap '' TERM HUP; exec sleep 1050) &")
        child = process("^sleep 1050")
        grant = grant_of("alice", "sudo")["id"]
        first = root.cgroup()
        # As the broker does, which would itself wait for systemd here, to look names up.
        jit = pwd.getpwnam("_jit")
        os.setegid(jit.pw_gid)
        os.seteuid(jit.pw_uid)
        try:
            broker = wire.Connection(ENFORCER, hello=False)
        finally:
            os.seteuid(0)
            os.setegid(0)
        with systemd_hangs():
            broker.call(None, "/org/pamjit/Enforcer1", "org.pamjit.Enforcer1", "SetEnd", "st", [grant, boot_ms() + 240_000])
            until("nobody waits for systemd any more", lambda: f"grant {grant[:8]}: its end cannot be moved" in shell("journalctl -u jit-enforcer --no-pager"), 60)
        until("the late scope", lambda: root.cgroup() != first and child.cgroup() != first)
        check(f"/jit-{grant}-" in root.cgroup(), root.cgroup())
        began = boot_ms()
        run("root", ["jitctl", "revoke", grant, "-m", "enough"])
        took = max(root.ended(), child.ended()) - began
        check(took <= 3000, f"{took} ms")


def test_who_comes_after_the_end_is_not_taken_in() -> None:
    """Stopped between the broker's yes and the enforcer's, and woken when the grant was taken back."""
    clean()
    never, held = "d" * 32, "e" * 32
    broker = booted.main_pid("jit-broker")
    os.kill(broker, signal.SIGSTOP)  # which ends what it does not know, as these
    try:
        check(bedlib.as_user("_jit", told_to_end, never).endswith("NotFound"), "it was held")
        check("has ended" in bedlib.as_user("root", adopted, never), "what was never held is taken in after its end")
        check(bedlib.as_user("root", adopted, held) == f"scope jit-{held}.scope", "nobody is taken in")
        check(bedlib.as_user("_jit", told_to_end, held) == "", "it was not held")
        os.kill(booted.main_pid("jit-enforcer"), signal.SIGKILL)  # it knows by its records
        check("has ended" in bedlib.as_user("root", adopted, held), "what was held is taken in after its end")
    finally:
        os.kill(broker, signal.SIGCONT)


def test_an_end_is_said_until_it_is_heard() -> None:
    """Nothing is held of who was let through and did not come yet: his grant is taken back while the enforcer hangs, and then it dies,
    once alone and once with the broker."""
    for broker_dies in False, True:
        clean()
        rules(sudo_rule("10m"))
        with logged_in() as alice:
            hung = booted.main_pid("jit-enforcer")  # which holds her login
            booted.stop(hung)
            alice.line("sudo true; printf '\\nrefused=%s\\n' $?")
            alice.expect("^refused=1", 30)
            grant = grant_of("alice", "sudo")["id"]
            check(run("root", ["jitctl", "revoke", grant, "-m", "enough"]).code == 0, "not revoked")
            if broker_dies:
                os.kill(booted.main_pid("jit-broker"), signal.SIGKILL)
            os.kill(hung, signal.SIGKILL)
            until("the enforcer was told", lambda: os.path.exists(f"/run/jit-enforcer/{grant}.ended"))
            check("has ended" in bedlib.as_user("root", adopted, grant), "who comes after the end is taken in")


@contextlib.contextmanager
def hoarded(user: str, count: int):
    """Connections to the enforcer by a setuid program of his that says nothing, as when he stopped it."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setresuid(booted.uid(user), 0, 0)
        held = []
        for _ in range(count):
            held.append(socket.socket(socket.AF_UNIX))
            held[-1].connect(ENFORCER)
        os.write(write, b"x")
        signal.pause()
    try:
        os.read(read, 1)
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(read)
        os.close(write)


def test_nobody_takes_the_enforcer_from_others() -> None:
    clean()
    broker = booted.main_pid("jit-broker")
    os.kill(broker, signal.SIGSTOP)  # which ends what it does not know
    try:
        with hoarded("alice", 520):
            check(bedlib.as_user("root", adopted, "a" * 32) == f"scope jit-{'a' * 32}.scope", "one who stops his doors keeps others out")
        # Where no descriptor is left, who comes is sent away and does not wait.
        pid = booted.main_pid("jit-enforcer")
        held = {int(n) for n in os.listdir(f"/proc/{pid}/fd")}
        shell(f"prlimit --pid {pid} --nofile={min(set(range(1024)) - held)}:")
        with socket.socket(socket.AF_UNIX) as last:
            last.settimeout(5)
            last.connect(ENFORCER)
            check(last.recv(1) == b"", "it is served")
        shell(f"prlimit --pid {pid} --nofile=1024:")
        bus = wire.Connection(ENFORCER, hello=False, timeout=5)
        try:
            bus.call(None, "/org/pamjit/Enforcer1", "org.pamjit.Enforcer1", "Adopt", "shtt", ["", 0, 0, 0], [os.pidfd_open(os.getpid())])
        finally:
            check(bus.socket.recv(1) == b"", "a door that was answered keeps its place")
    finally:
        os.kill(broker, signal.SIGCONT)


def test_an_ssh_login_ends_as_a_whole() -> None:
    clean()
    booted.set_policy(permit("dora", "dora", "ssh", "dora", 'give = "4s"', 'max = "10m"'))
    check(run("root", ["jitctl", "policy", "reload"]).code == 0, "reload")
    began = boot_ms()
    with logged_in("dora") as dora:
        login = Running(dora.shell)
        check("/session-" in login.cgroup(), login.cgroup())
        limit = shell(f"systemctl show -p RuntimeMaxUSec --value {login.cgroup().rsplit('/', 1)[1]}").strip()
        check(limit == "10min", f"systemd's own limit of the session is {limit}, not the rule's longest")
        dora.line("nohup sleep 1030 >/dev/null 2>&1 & setsid sleep 1031 &")
        children = [process(f"^sleep {n}") for n in (1030, 1031)]
        late(4000, max(child.ended() for child in [login, *children]), began)
        check(dora.wait() == 255, f"ssh says {dora.code}")


def test_a_session_is_held_without_its_login() -> None:
    """What stays when the login has gone ends in time, also when one comes too late to the same grant meanwhile."""
    clean()
    booted.set_policy(permit("dora", "dora", "ssh", "dora", 'give = "8s"', 'max = "10m"'))
    check(run("root", ["jitctl", "policy", "reload"]).code == 0, "reload")
    began = boot_ms()
    with logged_in("dora") as dora:
        login = Running(dora.shell)
        dora.line("setsid -f sleep 1061 >/dev/null 2>&1 </dev/null; exit")
        stays = process("^sleep 1061")
        dora.wait()
        login.ended()
    check("/session-" in stays.cgroup(), stays.cgroup())
    grant = grant_of("dora", "ssh")["id"]
    check("has ended" in bedlib.as_user("root", adopted, grant, 1), "it is taken in")
    late(8000, stays.ended(), began)


def test_by_systemd_alone() -> None:
    clean()
    rules(sudo_rule("4s"))
    with logged_in() as alice:
        began = boot_ms()
        root = root_shell(alice)
        for unit in "jit-broker", "jit-enforcer":
            booted.stop(booted.main_pid(unit))
        try:
            late(4000, root.ended(), began)
        finally:
            for unit in "jit-broker", "jit-enforcer":
                os.kill(booted.main_pid(unit), signal.SIGKILL)
    until("the broker is back", lambda: run("root", ["jitctl", "status"]).code == 0)


def test_by_the_enforcer_alone() -> None:
    """From its record, while systemd does nothing."""
    for command in "sudo -s", "su":
        clean()
        rules(sudo_rule("5s"))
        with logged_in() as alice:
            began = boot_ms()
            root = opened(alice, command)
            grant = grant_of("alice")["id"]
            broker, enforcer = booted.main_pid("jit-broker"), booted.main_pid("jit-enforcer")
            booted.stop(broker)
            try:
                os.kill(enforcer, signal.SIGKILL)
                until("another enforcer", lambda: booted.main_pid("jit-enforcer") not in (0, enforcer))
                with systemd_hangs():
                    check(root.lives(), f"{command}: it ended before systemd hung")
                    late(5000, root.ended(), began)
            finally:
                os.kill(broker, signal.SIGCONT)
        check(report_on(grant)["fields"]["cause"] == "end", f"{command}: {report_on(grant)}")


booted.set_up(POLICY)
bedlib.main(globals())
