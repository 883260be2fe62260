# SPDX-License-Identifier: Apache-2.0
"""G5: the disk or its inodes are full, or what was written cannot be synced: without its entry in the log nothing new is granted
and nothing that was granted is used; what runs still ends, by people and by time; and the same broker goes on once it is over."""
# bed: --no-sshd
import contextlib
import os
import subprocess
import time

import bedlib
from bedlib import Inbox, broker, check
from journal import Journal

HOME = "/var/lib/jit"
JIT = os.stat(HOME).st_uid
SHELL = ["bash", "-c", "while read -r word; do sudo id -un; echo code $?; done"]
FILES = f"{HOME}/many"


def fill() -> None:
    with open(f"{HOME}/fill", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def make_room() -> None:
    os.unlink(f"{HOME}/fill")


class NoSync:
    """Every sync of the database fails with EIO from now on, until it is let go."""

    def __init__(self) -> None:
        self.strace = subprocess.Popen(["strace", "-f", "-p", str(broker.pid()), "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"],
                                       stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        check(b"attached" in self.strace.stderr.readline(), "strace is not attached")

    def let_go(self) -> None:
        self.strace.terminate()
        self.strace.communicate()


def status() -> dict:
    return bedlib.jitctl("root", "status")


class Holder:
    """alice, with a grant on her terminal that she uses when she is told to."""

    def __init__(self) -> None:
        self.terminal = bedlib.Terminal("alice", SHELL)
        with Inbox() as inbox:
            self.terminal.line("first")
            self.request = inbox.new("alice")["id"]
            bedlib.jitctl("bob", "approve", self.request)
            self.terminal.expect("(?:.*\n)*?root\ncode 0")
        self.grant = bedlib.audit(type="grant.created", request=self.request)[0]["grant"]

    def uses(self) -> bool:
        self.terminal.line("again")
        return self.terminal.expect(r"(?:.*\n)*?(?:root\n)?code (\d+)").group(1) == "0"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.terminal.close()
        bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "the next one"])


def grants_are_in_the_log() -> None:
    """Each that there ever was, once, and the log verifies."""
    given = [entry["grant"] for entry in bedlib.audit(type="grant.created")]
    there = [grant["id"] for grant in bedlib.all_grants()]
    check(sorted(given) == sorted(there), f"grants {there}, in the log {given}")
    verified = bedlib.run("root", ["jitctl", "audit", "verify"])
    check(verified.code == 0, f"verify: {verified.code}: {verified.text}")


def until_gone(grant: str) -> None:
    """Nothing is said of an end that cannot be written: it stands neither among those that live nor among those that have ended."""
    end = time.monotonic() + 20
    while any(g["id"] == grant and g["state"] != "ended" for g in bedlib.jitctl("root", "grants", "--all")):
        check(time.monotonic() < end, "it goes on beyond its end")


def nothing_new(what: str, dave, request: str) -> None:
    """Neither for who asks now, nor for who waits and is approved now."""
    with bedlib.Terminal("dave2", ["sudo", "-k", "id", "-un"]) as again:
        check(again.wait() != 0 and "root" not in again.text.split(), f"{what}: sudo says {again.text}")
    vote = bedlib.run("bob", ["jitctl", "approve", request])
    check(vote.code == 4, f"{what}: a vote that cannot be stored: {vote.code}: {vote.text}")
    check(dave.running(), f"{what}: it counted")
    now = status()
    check(now["state"] == "degraded" and now["store"] == "failing", f"{what}: status says {now}")


def goes_on(what: str, dave, request: str, pid: int, journal: Journal) -> None:
    journal.event("store.recovered")
    bedlib.jitctl("bob", "approve", request)
    check(dave.wait() == 0, f"{what}: {dave.text}")
    check(broker.pid() == pid and status()["store"] == "ok", f"{what}: {status()}")
    journal.event("grant.ended")  # of what ended meanwhile
    grants_are_in_the_log()


def meanwhile(what: str, begin, end) -> None:
    bedlib.clean_slate()
    with Holder() as alice, Inbox() as inbox, bedlib.waiting("dave2") as dave, Journal() as journal:
        pid, request = broker.pid(), inbox.new("dave2")["id"]
        begin()
        try:
            nothing_new(what, dave, request)
            check(not alice.uses(), f"{what}: a grant is used without a word in the log")
            over = bedlib.run("root", ["jitctl", "revoke", alice.grant, "-m", "it is over"])
            check("ended" in over.text, f"{what}: {over.code}: {over.text}")
            check(not bedlib.jitctl("root", "grants"), f"{what}: it is listed still")
        finally:
            end()
        goes_on(what, dave, request, pid, journal)
        ends = bedlib.audit(type="grant.ended", request=alice.request)
        check(len(ends) == 1 and ends[0]["fields"]["by"] == "uid:0", f"{what}: the end in the log: {ends}")


# ------------------------------------------------------------------------------------------------ tests
def test_a_small_disk_that_the_log_itself_fills():
    """1 MiB for all of it: asked until it is full; what was answered yes until then is in the log."""
    pid, asked, refused = broker.pid(), 0, 0
    while asked < 300 and refused < 3:  # it makes room in its own files at first
        made = bedlib.run("dave2", ["jitctl", "request", "--reason", "x" * 900, "--", "/bin/echo", str(asked)])
        asked += 1
        refused = refused + 1 if made.code != 0 and status()["store"] == "failing" else 0
        if made.code == 0:
            bedlib.run("bob", ["jitctl", "approve", made.text.split()[0]])
    check(refused == 3, f"{asked} requests, and it is not full: {made.text} {status()}")
    with Journal() as journal:
        subprocess.run(["mount", "-o", "remount,size=6m", HOME], check=True)
        journal.event("store.recovered")
        check(broker.pid() == pid and status()["store"] == "ok", f"{status()}")
        check(len(bedlib.audit(type="grant.created")) > 0, "nothing was granted before")
        grants_are_in_the_log()


def test_a_full_disk():
    meanwhile("full", fill, make_room)


def test_a_sync_that_fails():
    trouble = []
    meanwhile("EIO", lambda: trouble.append(NoSync()), lambda: trouble[0].let_go())


def test_no_inode_is_free():
    """It runs on in the files that it has; where it needs new ones, at a start, it denies until it gets them."""
    bedlib.clean_slate()
    os.mkdir(FILES)
    with contextlib.suppress(OSError):
        for number in range(100_000):
            os.close(os.open(f"{FILES}/{number}", os.O_CREAT | os.O_WRONLY, 0o600))
    check(os.statvfs(HOME).f_ffree == 0, f"an inode is free: {os.statvfs(HOME)}")
    with Holder() as alice, Journal() as journal:
        check(alice.uses(), "in the files that are there")
        broker.stop()
        for end in "-wal", "-shm":
            check(not os.path.exists(f"{HOME}/jit.db{end}"), f"jit.db{end} is left behind")
        for number in range(2):  # what these gave back
            with contextlib.suppress(OSError):
                os.close(os.open(f"{FILES}/more{number}", os.O_CREAT | os.O_WRONLY, 0o600))
        broker.start()
        pid = broker.pid()
        check(status()["state"] == "degraded", f"{status()}")
        with bedlib.Terminal("dave2", ["sudo", "-k", "id", "-un"]) as dave:
            check(dave.wait() != 0 and "root" not in dave.text.split(), f"sudo says {dave.text}")
        check(not alice.uses(), "a grant is used without a database")
        for name in os.listdir(FILES):
            os.unlink(f"{FILES}/{name}")
        journal.event("broker.started")
        check(status()["store"] == "ok" and broker.pid() == pid, f"{status()}")
        check(alice.uses(), f"the grant is gone: {alice.terminal.text}")
        os.rmdir(FILES)
        grants_are_in_the_log()


def test_the_end_of_a_grant_comes_in_time():
    bedlib.clean_slate()
    with bedlib.policy_with('give     = "10m"', 'give     = "4s"'), Holder() as alice, Journal() as journal:
        fill()
        try:
            until_gone(alice.grant)
            check(not alice.uses(), f"it is used after its end: {alice.terminal.text!r}")
        finally:
            make_room()
        journal.event("store.recovered")
        journal.event("grant.ended")
        ends = bedlib.audit(type="grant.ended", request=alice.request)
        check(len(ends) == 1, f"the end in the log: {ends}")


broker.stop()
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=1m,nr_inodes=64,mode=700,uid={JIT},gid={JIT}", "jit", HOME], check=True)
with open("/etc/jit/broker.toml", "a", encoding="utf-8") as config:
    config.write("[limits]\nrequests-per-hour = 10000\npending-per-uid = 1000\n")
broker.start()
bedlib.add_user("dave2", 2500, ["sudo"])
bedlib.main(globals())
