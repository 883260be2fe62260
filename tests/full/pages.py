#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The how-to pages for what goes wrong, typed as they stand: each command of a section, after what the section is about was done to the host."""
import pathlib

import bedlib
import booted
from bedlib import check, run
from booted import permit, shell, until
from typed import lines, root, waiting

ETC = pathlib.Path("/etc/jit")
POLICY = permit("in", "alice", "ssh login", "alice", 'max = "1d"') + permit("root", "alice", "sudo su", "root", 'approval = "bob"', 'max = "10m"')


def typed(commands: list) -> str:
    return "".join(root(command, code) for _who, command, code in commands)


def state() -> dict:
    return bedlib.jitctl("root", "status")


def is_well() -> bool:
    return run("root", ["jitctl", "status"]).code == 0 and state()["state"] == "running"


def first_look(*words: str, status: int = 0) -> None:
    """What is typed "in any case" names the damage; without words only the first line of it."""
    look = lines("recovery.md")[:2]
    said = root(look[0][1], status) + (root(*look[1][1:]) if words else "")
    for wanted in words:
        check(wanted in said, f"not said: {wanted}\n{said}")


def etc() -> dict:
    """All of /etc/jit: bytes, modes and owners."""
    return {str(path): (path.stat().st_mode, path.stat().st_uid, path.stat().st_gid, path.read_bytes() if path.is_file() else b"")
            for path in (ETC, *ETC.rglob("*"))}


def test_backup() -> None:
    """All is lost but the copy, and that is the second one: what waited or was granted then is over, the rest is as it was."""
    commands = lines("backup.md")
    restored = max(i for i, line in enumerate(commands) if "systemctl stop" in line[1])
    typed(commands[:restored])
    for what in "granted", "waits":
        asked = run("alice", ["jitctl", "request", "--as", "root", "-m", what, "--", f"/usr/bin/{what}"])
        check(asked.code == 0, asked.text)
    waits, granted = bedlib.jitctl("root", "requests", "--all")
    if waits["reason"] != "waits":
        waits, granted = granted, waits
    approved = run("bob", ["jitctl", "approve", granted["id"]])
    check(approved.code == 0, approved.text)
    typed(commands[:restored])
    before, host, created = etc(), state()["host"], booted.entries("grant.created")
    check(len(created) == 1 and [g["state"] for g in bedlib.all_grants()] != ["ended"] and waiting() == [waits["id"][:8]], "nothing is there to be lost")
    shell("rm -rf /etc/jit /var/lib/jit/host.key")
    typed(commands[restored:])
    until("it runs", is_well)
    check(state()["host"] == host, "it is another host")
    check(booted.entries("grant.created") == created, "an entry from before the copy is gone")
    check(etc() == before, f"/etc/jit is not as it was: {etc().keys() ^ before.keys()}")
    check([g["state"] for g in bedlib.all_grants()] == ["ended"] and waiting() == [], "what the copy grants, or who waited in it, is there still")


def test_a_broken_policy() -> None:
    pathlib.Path("/etc/jit/policy.d/new.toml").write_text("schema = 1\n[[permit]]\nid = 7\n", encoding="ascii")
    check(run("root", ["jitctl", "policy", "reload"]).code == 1, "a broken policy was taken")
    first_look("fault policy: /etc/jit/policy.d/new.toml:3:6")
    said = typed(lines("recovery.md", "The policy is broken"))
    check("new.toml:3:6" in said, said)
    until("it runs", is_well)


def test_a_full_disk() -> None:
    shell("systemctl stop jit-broker.service; mkdir /root/kept; cp -a /var/lib/jit/. /root/kept/; mount -t tmpfs -o size=8m,mode=700 room /var/lib/jit"
          "; chown _jit:_jit /var/lib/jit; cp -a /root/kept/. /var/lib/jit/; systemctl start jit-broker.service; cat /dev/zero >/var/lib/jit/filler 2>/dev/null || true")
    commands = lines("recovery.md", "The disk is full")
    refused = run("alice", ["sudo", "-n", "true"])
    check(refused.code != 0, "alice is root")
    first_look("fault /var/lib/jit: 0 MiB are left")
    check("100%" in typed(commands[:1]), "the disk is not full")
    typed(commands[1:2])
    pathlib.Path("/var/lib/jit/filler").unlink()
    until("it runs", is_well)
    typed(commands[2:])
    shell("systemctl stop jit-broker.service; umount /var/lib/jit; systemctl start jit-broker.service")
    until("it runs", is_well)


def test_a_broker_that_does_not_stay() -> None:
    folder = pathlib.Path("/etc/systemd/system/jit-broker.service.d")
    folder.mkdir()
    (folder / "limit.conf").write_text("[Service]\nExecStart=\nExecStart=/bin/false\n", encoding="ascii")
    shell("systemctl daemon-reload; systemctl restart jit-broker.service || true")
    commands = lines("recovery.md", "The broker does not stay up")
    first_look(status=4)  # doctor waits at each door for who does not answer: it is shown in e2e.doctor
    typed(commands[:5])
    until("it runs", is_well)
    epoch = state()["log"]["epoch"]
    shell("systemctl stop jit-broker.service; echo spoilt >/var/lib/jit/jit.db; rm -f /var/lib/jit/jit.db-*; systemctl start jit-broker.service || true")
    check(run("alice", ["sudo", "-n", "true"]).code != 0, "alice is root")
    first_look("fault /var/lib/jit: the database is")
    typed(commands[5:])
    until("it runs", is_well)
    check(state()["log"]["epoch"] > epoch, "the epoch is as it was")
    check(pathlib.Path("/var/lib/jit/damaged/jit.db").read_text(encoding="ascii") == "spoilt\n", "the old one is gone")


def test_a_lost_people_file() -> None:
    pathlib.Path("/etc/jit/people.d/test.toml").unlink()
    first_look("note people.d: nobody has a key")
    check("bob" in typed(lines("recovery.md", "The people file is lost")), "bob is not there")
    until("it runs", is_well)


def test_expired_keys() -> None:
    people = pathlib.Path("/etc/jit/people.d/test.toml")
    people.write_text(people.read_text(encoding="ascii").replace("version = 1", "version = 2").replace('id = "one"', 'id = "one"\nnot-after = 2020-01-01T00:00:00Z'), encoding="ascii")
    run("root", ["jitctl", "policy", "reload"])
    shell("ssh-keygen -q -N '' -t ed25519 -f /root/bob-new")
    first_look("fault people.d: bob's key one has expired")
    typed(lines("recovery.md", "All keys have expired"))
    until("it runs", is_well)


def test_no_time() -> None:
    booted.shell("sed -i '/pam_jit/d' /etc/pam.d/*")
    before = pathlib.Path("/etc/pam.d/sudo").read_bytes()
    check(run("root", ["jitctl", "setup", "sudo"]).code == 0, "setup")
    typed(lines("recovery.md", "Nobody gets in, and there is no time"))
    check(pathlib.Path("/etc/pam.d/sudo").read_bytes() == before, "not as before")


booted.set_up(POLICY)
bedlib.main(globals())
