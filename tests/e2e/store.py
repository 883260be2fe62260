# SPDX-License-Identifier: Apache-2.0
"""The database is damaged, newer, not readable, gone, or its disk is full: a named error, no door opens, ends still take
effect, and the same broker works again when the cause is gone. Nothing that was written is lost."""
import contextlib
import os
import sqlite3
import subprocess

import bedlib
from bedlib import Inbox, broker, check
from journal import Journal

HOME = "/var/lib/jit"
DB = f"{HOME}/jit.db"
ENDS = "/run/jit-broker/ends"
JIT = os.stat(HOME).st_uid
SHELL = ["bash", "-c", "while read -r word; do sudo id -un; echo code $?; done"]


# ------------------------------------------------------------------------------------------------ causes, and their end
def fill() -> None:
    with open(f"{HOME}/fill", "wb", buffering=0) as f, contextlib.suppress(OSError):
        while True:
            f.write(bytes(4096))


def make_room() -> None:
    os.unlink(f"{HOME}/fill")


def turn_over() -> None:
    """Damages each byte in its place; done again, all is as before."""
    for name in DB, DB + "-wal":
        with contextlib.suppress(FileNotFoundError), open(name, "r+b") as f:
            data = f.read()
            f.seek(0)
            f.write(bytes(b ^ 0xff for b in data))


def newer() -> None:
    change_version(99)


def as_before() -> None:
    change_version(VERSION)


def change_version(version: int) -> int:
    """Gives what it was. The file stays the one it is."""
    with contextlib.closing(sqlite3.connect(DB)) as db:
        was = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute(f"PRAGMA user_version={version}" if version else "SELECT 1")
        db.execute("PRAGMA journal_mode=DELETE")
    return was


def owner(uid: int, gid: int):
    return lambda: os.chown(DB, uid, gid)


def mode(path: str, bits: int):
    return lambda: os.chmod(path, bits)


def move(source: str, target: str):
    return lambda: os.rename(source, target)


def link() -> None:
    os.rename(DB, f"{HOME}/kept")
    os.symlink(f"{HOME}/kept", DB)


def unlink() -> None:
    os.unlink(DB)
    os.rename(f"{HOME}/kept", DB)


def orphan() -> None:
    """Its log without it, as after a copy that forgot half."""
    os.rename(DB, f"{HOME}/kept")
    with open(DB + "-wal", "wb") as f:
        f.write(bytes(32))
    os.chown(DB + "-wal", JIT, JIT)
    os.chmod(DB + "-wal", 0o600)


def adopt() -> None:
    os.unlink(DB + "-wal")
    os.rename(f"{HOME}/kept", DB)


AT_START = {
    "damaged": (turn_over, turn_over, "damaged"), "newer": (newer, as_before, "newer"),
    "not ours": (owner(0, 0), owner(JIT, JIT), "belongs to uid 0"),
    "not readable": (mode(DB, 0), mode(DB, 0o600), "unable to open"),
    "folder not readable": (mode(HOME, 0), mode(HOME, 0o700), "Permission denied"),
    "open to others": (mode(DB, 0o644), mode(DB, 0o600), "open to others"),
    "link": (link, unlink, "symbolic link"), "orphan": (orphan, adopt, "is missing"), "full": (fill, make_room, "full"),
}


WHILE_RUNNING = {
    "damaged": (turn_over, turn_over, "damaged"),
    "not ours": (owner(0, 0), owner(JIT, JIT), "belongs to uid 0"),
    "folder not readable": (mode(HOME, 0), mode(HOME, 0o700), "Permission denied"),
    "open to others": (mode(DB, 0o644), mode(DB, 0o600), "open to others"),
    "link": (link, unlink, "symbolic link"), "moved away": (move(DB, f"{HOME}/kept"), move(f"{HOME}/kept", DB), "taken away"),
}


# ------------------------------------------------------------------------------------------------ what people see
def status() -> dict:
    return bedlib.jitctl("root", "status")


def is_named(name: str, words: str) -> None:
    now = status()
    check(now["state"] == "degraded" and now["store"] != "ok" and words in now.get("store_error", ""), f"{name}: status says {now}")


def is_refused(name: str) -> None:
    """No prompt, no wait: one or two calm lines."""
    with bedlib.Terminal("dave2", ["sudo", "-k", "id", "-un"]) as dave:
        check(dave.wait() != 0 and "root" not in dave.text.split(), f"{name}: sudo says {dave.text}")
        check("jit: " in dave.text and "sqlite" not in dave.text.lower(), f"{name}: sudo says {dave.text}")


def begin_anew() -> None:
    broker.stop()
    os.chmod(HOME, 0o700)
    for entry in os.listdir(HOME):
        os.unlink(f"{HOME}/{entry}")
    broker.start()


def writes_again(journal: Journal) -> None:
    """The next entry of the audit log comes by itself: the broker tries every second."""
    before = len(journal.now())
    journal.until(lambda _: any("JIT_TYPE" in e for e in journal.now()[before:]), what="new entry")


class Holder:
    """alice with a grant on her terminal, who uses it when she is told to."""

    def __init__(self) -> None:
        if status()["store"] != "ok":  # an earlier test failed
            begin_anew()
        self.terminal = bedlib.Terminal("alice", SHELL)
        with Inbox() as inbox:
            self.terminal.line("first")
            self.request = inbox.new("alice")["id"]
            bedlib.jitctl("bob", "approve", self.request)
            self.terminal.expect("^root\ncode 0")

    def uses(self) -> bool:
        self.terminal.line("again")
        found = self.terminal.expect(r"(?:.*\n)*?(root\n)?code (\d+)")
        return found.group(2) == "0"

    def entries(self, kind: str) -> list:
        return bedlib.audit(type=kind, request=self.request)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.terminal.close()
        bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "the next one"])


# ------------------------------------------------------------------------------------------------ tests
def test_at_start_each_cause_has_its_name_and_leaves_no_trace():
    for name, (bad, good, words) in AT_START.items():
        with Holder() as alice, Journal() as journal:
            ahead = bedlib.jitctl("dave2", "request", "--reason", "x", "--", "/bin/echo", name)["id"]
            before = len(bedlib.audit())
            broker.stop()
            bad()
            broker.start()
            pid = broker.pid()
            is_named(name, words)
            is_refused(name)
            check(not alice.uses(), f"{name}: a grant is used while nothing can be written")
            check(bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "x"]).code != 0, f"{name}: a revocation that cannot be")
            lines = journal.errors(HOME)
            check(len(lines) == 1, f"{name}: the log says {lines}")
            good()
            journal.event("broker.started")
            check(status()["store"] == "ok" and "store_error" not in status(), f"{name}: {status()}")
            check(broker.pid() == pid, f"{name}: another broker")
            check(alice.uses(), f"{name}: the grant is gone: {alice.terminal.text}")
            check(bedlib.jitctl("dave2", "show", ahead)["state"] == "detached", f"{name}: the request is gone")
            check(len(bedlib.audit()) > before, f"{name}: the log was cut")
            check(journal.errors(HOME) == lines, f"{name}: the log says {journal.errors(HOME)}")
            bedlib.jitctl("dave2", "cancel", ahead)


def test_while_it_runs_each_cause_has_its_name_and_leaves_no_trace():
    for name, (bad, good, words) in WHILE_RUNNING.items():
        with Holder() as alice, Journal() as journal:
            ahead = bedlib.jitctl("dave2", "request", "--reason", "x", "--", "/bin/echo", name)["id"]
            before, pid = bedlib.audit(), broker.pid()
            bad()
            is_refused(name)
            is_named(name, words)
            check(not alice.uses(), f"{name}: a grant is used while nothing can be written")
            lines = journal.errors(HOME)
            check(len(lines) == 1 and words in lines[0], f"{name}: the log says {lines}")
            good()
            journal.event("store.recovered")
            check(status()["store"] == "ok" and broker.pid() == pid, f"{name}: {status()}")
            check(alice.uses(), f"{name}: the grant is gone: {alice.terminal.text}")
            broker.restart()
            check(alice.uses(), f"{name}: the grant is gone after a restart: {alice.terminal.text}")
            check(bedlib.jitctl("dave2", "show", ahead)["state"] == "detached", f"{name}: the request is gone")
            check(bedlib.audit()[:len(before)] == before, f"{name}: the log was cut")
            bedlib.jitctl("dave2", "cancel", ahead)


def test_files_that_are_deleted_while_it_runs_are_made_anew():
    for ends in [""], ["-wal"], ["", "-wal", "-shm"]:
        with Holder() as alice, Journal() as journal:
            before, pid = bedlib.audit(), broker.pid()
            for end in ends:
                os.unlink(DB + end)
            is_refused(f"{ends}")
            journal.event("store.recovered")
            check(len(journal.errors(HOME)) == 1, f"{ends}: the log says {journal.errors(HOME)}")
            check(alice.uses() and broker.pid() == pid, f"{ends}: the grant is gone: {alice.terminal.text}")
            broker.restart()
            check(alice.uses(), f"{ends}: the grant is gone after a restart: {alice.terminal.text}")
            check(bedlib.audit()[:len(before)] == before, f"{ends}: the log was cut")


def test_one_line_however_often_it_is_tried():
    broker.stop()
    turn_over()
    with Journal() as journal:
        broker.start()
        with contextlib.suppress(bedlib.Failed):  # it tries every two seconds, and says nothing new
            journal.until(lambda e: len(journal.errors(HOME)) > 1, 4.5)
        check(len(journal.errors(HOME)) == 1, f"the log says {journal.errors(HOME)}")
        turn_over()
        journal.event("broker.started")


def test_a_full_disk_while_running():
    with Holder() as alice, Inbox() as inbox, bedlib.waiting("dave2") as dave, Journal() as journal:
        pid, request = broker.pid(), inbox.new("dave2")["id"]
        fill()
        is_refused("full")
        is_named("full", "full")
        check(not alice.uses(), "a grant is used while the log cannot be written")
        check("the audit log cannot be written" in alice.terminal.text, alice.terminal.text)
        vote = bedlib.run("bob", ["jitctl", "approve", request])
        check(vote.code == 4 and vote.err.count("\n") == 1, f"a vote that cannot be stored: exit {vote.code}: {vote.text}")
        check(dave.running(), "a vote that is not stored counted")
        read = bedlib.run("root", ["jitctl", "audit", "log"])
        check(read.code == 0 and "request.created" in read.text, f"the log can still be read: exit {read.code}: {read.err} {read.text[-300:]}")
        ended = bedlib.run("alice", ["jitctl", "end", alice.entries("grant.created")[0]["grant"]])
        check("ended" in ended.text, f"end: exit {ended.code}: {ended.text}")
        check(not bedlib.jitctl("root", "grants", "--all"), "it is still listed")
        check(len(journal.errors(HOME)) == 1, f"the log says {journal.errors(HOME)}")
        make_room()
        bedlib.jitctl("bob", "approve", request)  # at once: no restart, no wait
        check(dave.wait() == 0 and broker.pid() == pid and status()["store"] == "ok", dave.text)
        journal.event("grant.ended")
        check("'by': 'alice'" in str(alice.entries("grant.ended")[0]), "who ended it is not in the log")
        check(len(journal.errors(HOME)) == 1, f"the log says {journal.errors(HOME)}")


def test_the_log_that_is_read_holds_each_use_that_was_allowed():
    with Holder() as alice:
        for count in range(1, 6):
            check(alice.uses(), f"use {count}")
            found = len(alice.entries("grant.used"))
            check(found == count, f"{found} uses after {count}")


def test_a_use_that_was_allowed_is_in_the_log_in_the_end():
    with Holder() as alice, Journal() as journal:
        check(alice.uses(), "the second use")
        fill()
        uses = 1 + alice.uses()  # the answer to a later use does not wait for the log: this one may pass
        journal.until(lambda _: journal.errors(HOME), 10, "word of it")
        check(not alice.uses(), "it goes on while the log cannot be written")
        make_room()
        writes_again(journal)
        check(alice.uses(), "and again")
        journal.until(lambda _: sum(e.get("JIT_TYPE") == "grant.used" for e in journal.now()) > uses, what=f"{uses + 1} uses")


def test_what_ended_on_a_full_disk_stays_ended_after_a_restart():
    for name, restart in (("with room", lambda: (make_room(), broker.restart())), ("killed", lambda: (broker.kill(), make_room(), broker.start())),
                          ("still full", lambda: (broker.restart(), make_room()))):
        with Holder() as alice, Inbox() as inbox, Journal() as journal:
            asked = bedlib.jitctl("dave2", "request", "--reason", "x", "--", "/bin/echo", name)["id"]
            fill()
            # The log of the database may have room of its own, from before it was killed.
            check(any(not alice.uses() for _ in range(500)), f"{name}: the disk is not full")
            ended = bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "it is over"])
            check("ended" in ended.text, f"{name}: revoke: exit {ended.code}: {ended.text}")
            denied = bedlib.run("bob", ["jitctl", "deny", asked, "-m", "no"])
            check("denied" in denied.text, f"{name}: deny: exit {denied.code}: {denied.text}")
            restart()
            journal.event("broker.started")
            check(not bedlib.jitctl("root", "grants"), f"{name}: {bedlib.jitctl('root', 'grants')}")
            check(bedlib.run("bob", ["jitctl", "approve", asked]).code != 0, f"{name}: a request that was denied is approved")
            inbox.known = {r["id"] for r in inbox.requests()}
            alice.terminal.line("after")
            again = inbox.new("alice")["id"]  # asked anew
            bedlib.jitctl("bob", "deny", again, "-m", "no")
            alice.terminal.expect(r"(?:.*\n)*?code (?!0)")
            check(len(alice.entries("grant.ended")) == 1, f"{name}: {alice.entries('grant.ended')}")
            check(os.path.getsize(ENDS) < 100, f"{name}: {ENDS} is not cleared")


def test_without_a_sound_record_of_ends_everything_of_this_boot_ends():
    def damage() -> None:
        with open(ENDS, "r+b") as f:
            f.write(b"x")

    for name, spoil, words in ("damaged", damage, "is damaged"), ("missing", lambda: os.unlink(ENDS), ""):
        with Holder() as alice, Inbox() as inbox, Journal() as journal:
            broker.stop()
            spoil()
            broker.start()
            journal.event("ends.lost")
            check(not bedlib.jitctl("root", "grants"), f"{name}: {bedlib.jitctl('root', 'grants')}")
            lines = journal.errors(ENDS)
            check(len(lines) == (1 if words else 0) and all(words in line for line in lines), f"{name}: the log says {lines}")
            inbox.known = {r["id"] for r in inbox.requests()}
            alice.terminal.line("after")
            bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
            alice.terminal.expect(r"(?:.*\n)*?root\ncode 0")
            broker.restart()
            check(alice.uses(), f"{name}: the new record does not hold")


def test_a_policy_that_loaded_without_a_database_is_kept_when_there_is_one():
    begin_anew()
    broker.stop()
    for entry in os.listdir(HOME):
        os.unlink(f"{HOME}/{entry}")
    os.chmod(HOME, 0)
    with Journal() as journal:
        broker.start()
        os.chmod(HOME, 0o700)
        journal.event("broker.started")
    with broken_policy():
        broker.restart()
        in_force = bedlib.run("dave2", ["sudo", "-n", "id"]).text
        check("ask first" in in_force, f"the last good policy is not in force: {in_force}")
    broker.restart()


def test_a_kept_policy_is_used_when_its_database_comes_back():
    broker.stop()
    os.chmod(HOME, 0)
    with broken_policy(), Journal() as journal:
        broker.start()
        check("no policy is in force" in bedlib.run("dave2", ["sudo", "-n", "id"]).text, "no policy, no database")
        os.chmod(HOME, 0o700)
        journal.event("broker.started")
        in_force = bedlib.run("dave2", ["sudo", "-n", "id"]).text
        check("ask first" in in_force, f"the last good policy is not in force: {in_force}")
    broker.restart()


@contextlib.contextmanager
def broken_policy():
    with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
        good = f.read()
    bedlib.set_policy(good + "[oops", reload=False)
    try:
        yield
    finally:
        bedlib.set_policy(good, reload=False)


broker.stop()
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=6m,mode=700,uid={JIT},gid={JIT}", "jit", HOME], check=True)
with open("/etc/jit/broker.toml", "a", encoding="utf-8") as config:  # the hourly limit survives restarts; alice asks more often here
    config.write("[limits]\nrequests-per-hour = 1000\n")
broker.start()
bedlib.add_user("dave2", 2500, ["sudo"])
broker.stop()
VERSION = change_version(0)
broker.start()
bedlib.main(globals())
