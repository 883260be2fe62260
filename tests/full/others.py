#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What others get of a grant. At the enforcer's socket: root hands over its own process and nothing else, _jit speaks of what is held
by its id, nobody else is let in, and a refusal leaves all as it was. Another session, or who has the name, the uid or the group
afterwards: nothing."""
import glob
import os
import pwd

import bedlib
import booted
import wire
from bedlib import check
from booted import Running, boot_ms, entries, grant_of, logged_in, permit, root_shell, shell, until

SOCKET, PATH, NAME = "/run/jit/enforcer", "/org/pamjit/Enforcer1", "org.pamjit.Enforcer1"
LOGIN = permit("login", "alice", "ssh", "alice", 'max = "1d"')
FREE = "a" * 32
NO_IDS = ("../x", "../" + "a" * 29, "a/b", "a" * 31 + "/", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "1")


def say(method: str, signature: str, values: list, fds=(), path: str = PATH, name: str = NAME) -> str:
    """The last part of the error's name; ok."""
    try:
        wire.Connection(SOCKET, hello=False, timeout=10).call(None, path, name, method, signature, values, fds)
    except wire.Error as error:
        return error.name.rsplit(".", 1)[-1]
    return "ok"


def adopt(identity: str, pid: int = 0, end: int = 0, hard: int = 0) -> str:
    """pid: another one than who asks."""
    end = end or boot_ms() + 600_000
    return say("Adopt", "shtt", [identity, 0, end, hard or end], [os.pidfd_open(pid or os.getpid())])


def by_id(identity: str) -> list:
    return [(say, "SetEnd", "st", [identity, boot_ms() + 600_000]), (say, "Warn", "su", [identity, 5]), (say, "End", "s", [identity])]


def each(user: str, expected: str, calls: list) -> None:
    answers = bedlib.as_user(user, lambda: [call(*words) for call, *words in calls])
    wrong = [(words, answer) for (_, *words), answer in zip(calls, answers, strict=True) if answer != expected]
    check(not wrong, f"{user}: {wrong}, where {expected} was due")


class Untouched:
    """A login that is held, as it was before and is afterwards."""

    def __enter__(self):
        self.login = logged_in()
        self.shell = Running(self.login.__enter__().shell)
        self.grant = grant_of("alice", "ssh")["id"]
        self.before = self.state()
        return self

    def state(self) -> tuple:
        return self.shell.cgroup(), sorted(os.listdir("/run/jit-enforcer")), glob.glob("/run/*.ended")

    def __exit__(self, *error):
        if error[0] is None:
            check(self.state() == self.before, f"{self.before} became {self.state()}")
            check(self.shell.lives(), "the login was ended")
        self.login.__exit__(*error)


def test_root_hands_over_itself_alone() -> None:
    with Untouched() as alice:
        for identity in alice.grant, FREE:
            each("root", "Denied", [*by_id(identity), (say, "Reported", "su", [identity, 1]), (say, "List", "", [])])
            each("root", "Denied", [(adopt, identity, pid) for pid in (alice.shell.pid, os.getpid(), 1)])
        each("root", "BadInput", [(adopt, identity) for identity in ("", *NO_IDS)])
        soon = boot_ms() + 1000
        each("root", "BadInput", [(adopt, FREE, 0, *ends) for ends in ((soon + 1, soon), (soon, 1 << 63), (1 << 62, 1 << 62))])
        each("root", "BadInput", [(say, "Adopt", "sutt", [FREE, alice.shell.pid, soon, soon]), (say, "Adopt", "sstt", [FREE, "/", soon, soon])])


def test_the_broker_names_what_is_held_by_its_id() -> None:
    with Untouched() as alice:
        each("_jit", "Denied", [(adopt, alice.grant), (adopt, FREE)])
        each("_jit", "NotFound", [call for identity in ("", *NO_IDS) for call in by_id(identity)])
        each("_jit", "BadInput", [
            (say, "End", "u", [alice.shell.pid]), (say, "End", "ss", [alice.grant, "/"]), (say, "Kill", "s", [alice.grant]),
            (say, "Warn", "ss", [alice.grant, "a text of mine"]), (say, "Warn", "sus", [alice.grant, 5, "a text of mine"]),
            (say, "SetEnd", "ut", [alice.shell.pid, boot_ms() + 1000]), (say, "SetEnd", "st", [alice.grant, 0]),
            (say, "SetEnd", "st", [alice.grant, 1 << 63]), (say, "End", "s", [alice.grant], (), "/"),
            (say, "End", "s", [alice.grant], (), PATH, "org.freedesktop.DBus.Peer")])
        each("_jit", "ok", [(say, "Warn", "su", [alice.grant, 5]), (say, "List", "", [])])


def connect_as_alice(group: str) -> str:
    os.setgroups([])
    os.setresgid(*[pwd.getpwnam(group).pw_gid] * 3)
    os.setresuid(*[booted.uid("alice")] * 3)
    try:
        return say("List", "", [])
    except OSError as error:
        return type(error).__name__
    except wire.Error as error:
        return error.name


def test_nobody_else_is_let_in() -> None:
    check(bedlib.as_user("root", connect_as_alice, "alice") == "PermissionError", "the socket lets her in")
    # As if its mode did.
    said = bedlib.as_user("root", connect_as_alice, "_jit")
    check(said in ("closed", "ConnectionResetError", "BrokenPipeError"), f"she is answered: {said}")


def rules(*texts: str) -> None:
    bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "the next test begins"])
    booted.set_policy(LOGIN + "".join(texts))
    bedlib.jitctl("root", "policy", "reload")


def may(terminal, command: str) -> bool:
    terminal.line(f"{command}; printf '\\ndone=%s\\n' $?")
    return terminal.expect(r"^done=(\d+)")[1] == "0"


def test_another_session_inherits_nothing() -> None:
    rules(permit("root", "alice", "sudo", "root", 'max = "10m"', 'approval = "bob"', 'scope = "session"'))
    with logged_in() as alice, logged_in() as other:
        with bedlib.Inbox() as inbox:
            alice.line("sudo true; printf '\\nfirst=%s\\n' $?")
            bedlib.jitctl("bob", "approve", inbox.new("alice")["id"], "-m", "ok")
        alice.expect("^first=0")
        check(not may(other, "sudo -n true"), "another session has it")
        check(may(alice, "sudo -n true"), "its own session has it no more")


def test_who_comes_after_inherits_nothing() -> None:
    """Nobody tells the broker of what changed: it looks by itself."""
    users = {"erna": 3011, "fritz": 3012}
    shell("groupadd -f ops; gpasswd -a alice ops")
    for user, number in users.items():
        shell(f"useradd -m -s /bin/bash -u {number} {user}; echo '{user} ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/{user}"
              f"; install -d -m 700 -o {user} -g {user} /home/{user}/.ssh; install -m 600 -o {user} -g {user} /root/key.pub /home/{user}/.ssh/authorized_keys")
    rules(permit("ops", "alice", "sudo", "root", 'max = "10m"').replace("user:alice", "group:ops"),
          *(permit(user, user, "ssh", user, 'max = "10m"') + permit(f"{user}-root", user, "sudo", "root", 'max = "10m"') for user in users))
    with logged_in() as alice, logged_in("erna") as erna, logged_in("fritz") as fritz:
        held = [(root_shell(terminal), grant_of(user, "sudo")["id"], why) for terminal, user, why in (
            (alice, "alice", "the rule does not give it"), (erna, "erna", "belongs to another name"), (fritz, "fritz", "belongs to another name"))]
        began = boot_ms()
        shell("gpasswd -d alice ops; sed -i 's/^erna:/frida:/' /etc/passwd /etc/shadow; userdel -f fritz; useradd -M -s /bin/bash -u 3013 fritz")
        print(f"     void after {max(root.ended(60) for root, _, _ in held) - began} ms", flush=True)
        for _, grant, why in held:
            ended = until("the grant ends", lambda grant=grant: entries("grant.ended", grant))[0]["fields"]
            check(ended["end"] == "void" and why in ended["why"], str(ended))


booted.set_up(LOGIN)
bedlib.main(globals())
