# SPDX-License-Identifier: Apache-2.0
"""Policy files that cannot be read, are somebody else's, or half written when the broker looks: a named place, in the answer to a
reload and in status; the last good set stays in force, after a restart too; a host that never had one denies everything."""
import contextlib
import os
import re

import bedlib
from bedlib import broker, check
from journal import Journal

FOLDER, PEOPLE = "/etc/jit/policy.d", "/etc/jit/people.d"
FILE = f"{FOLDER}/bed.toml"
HOME = "/var/lib/jit"
JIT = os.stat(FILE).st_gid
with open(FILE, encoding="utf-8") as policy:
    GOOD = policy.read()
with open(f"{PEOPLE}/bed.toml", encoding="utf-8") as people:
    GOOD_PEOPLE = people.read()
LINES = GOOD.count("\n")
PLACE = r"[\w/.-]+\.toml:\d+:\d+: "  # file:line:column


def put(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chown(path, 0, JIT)
    os.chmod(path, 0o640)


def written(path: str, text: str):
    return lambda: put(path, text)


def mode(path: str, bits: int):
    return lambda: os.chmod(path, bits)


def owner(path: str, uid: int):
    return lambda: os.chown(path, uid, JIT)


def group(path: str, gid: int):
    return lambda: os.chown(path, 0, gid)


def gone(path: str):
    return lambda: os.unlink(path)


def restore() -> None:
    for folder in FOLDER, PEOPLE:
        os.chmod(folder, 0o750)
        os.chown(folder, 0, JIT)
        for name in os.listdir(folder):
            os.unlink(f"{folder}/{name}")
    put(FILE, GOOD)
    put(f"{PEOPLE}/bed.toml", GOOD_PEOPLE)


IN_THE_TEXT = {  # what stands in a file: the finding has its line and column
    "half written": (written(FILE, GOOD[:GOOD.index('wait = "5m"') + 9]), f"{FILE}:{GOOD[:GOOD.index('wait = ')].count(chr(10)) + 1}:"),
    "half a word": (written(FILE, GOOD + "[[perm"), f"{FILE}:{LINES + 1}:"),
    "zeros at its end, as after a crash": (written(FILE, GOOD + "\0" * 512), f"{FILE}:{LINES + 1}:"),
    "unknown key": (written(FILE, GOOD + 'opens = "all"\n'), f"{FILE}:{LINES + 1}:1: "),
    "a second file that is half written": (written(f"{FOLDER}/z.toml", 'schema = 1\n[[permit]]\nid = "x'), f"{FOLDER}/z.toml:3:"),
    "half written people": (written(f"{PEOPLE}/bed.toml", GOOD_PEOPLE[:40]), f"{PEOPLE}/bed.toml:"),
}
AROUND_IT = {  # what is wrong with the file itself: the finding has its path
    "not readable": (mode(FILE, 0), FILE, "cannot be read"), "not for our group": (group(FILE, 0), FILE, "cannot be read"),
    "folder not readable": (mode(FOLDER, 0o700), FOLDER, "cannot be read"), "of alice": (owner(FILE, 2001), FILE, "belongs to uid 2001"),
    "of the broker": (owner(FILE, 980), FILE, "belongs to uid 980"), "folder of alice": (owner(FOLDER, 2001), FOLDER, "belongs to uid 2001"),
    "people of alice": (owner(f"{PEOPLE}/bed.toml", 2001), PEOPLE, "belongs to uid 2001"), "empty folder": (gone(FILE), FOLDER, "holds no policy"),
}


def eve_stays_out(what: str) -> None:
    program = bedlib.run("eve2", "sudo -n id -u")
    check(program.code != 0 and program.out.strip() != "0", f"{what}: eve2: {program.text}")


def in_force(what: str) -> None:
    """As ever: alice must ask first, eve2 may not, and an approval counts."""
    check("ask first" in bedlib.run("alice", "sudo -n id").text, f"{what}: {bedlib.run('alice', 'sudo -n id').text}")
    eve_stays_out(what)
    with bedlib.Inbox() as inbox, bedlib.waiting("alice") as alice:
        bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
        check(alice.wait() == 0, f"{what}: {alice.text}")
    bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "x"])


def everything_is_denied(what: str) -> None:
    for user, command in ("alice", "sudo -n id -u"), ("root", "sudo -n id -u"), ("root", "su -c 'id -u' alice"), ("eve2", "sudo -n id -u"):
        program = bedlib.run(user, command, stdin=b"root\n", login=user != "root")
        check(program.code != 0 and not set(program.out.split()) & {"0", "2001"}, f"{what}: {user}: {command}: {program.text}")
        check("no policy is in force" in program.text, f"{what}: {user}: {program.text}")
    ahead = bedlib.run("alice", ["jitctl", "request", "--reason", "x", "--", "/bin/true"])
    check(ahead.code == 4 and ahead.err.count("\n") == 1, f"{what}: a request: exit {ahead.code}: {ahead.text}")


def from_files(status: dict) -> bool:
    return status["policy"]["in_force"] == "the files"


def is_told(name: str, *words: str) -> None:
    reload = bedlib.run("root", ["jitctl", "policy", "reload"])
    check(reload.code == 1 and all(w in reload.text for w in words), f"{name}: reload, exit {reload.code}: {reload.text}")
    is_in_status(name, *words)


def is_in_status(name: str, *words: str) -> None:
    status = bedlib.jitctl("root", "status")
    errors = " ".join(status["policy"].get("errors", []))
    check(status["state"] == "degraded" and not from_files(status) and all(w in errors for w in words), f"{name}: status: {status}")
    check(all(w in bedlib.run("root", ["jitctl", "status"]).text for w in words), f"{name}: the plain status")


def with_each(test) -> None:
    """The place and the words that a test must find, with the files made so; then they are good again."""
    for name, (bad, place) in IN_THE_TEXT.items():
        bad()
        try:
            test(name, place)
        finally:
            restore()
    for name, (bad, place, words) in AROUND_IT.items():
        bad()
        try:
            test(name, place, words)
        finally:
            restore()


def test_a_reload_names_the_place_and_changes_nothing():
    hash_before = bedlib.jitctl("root", "status")["policy"]["hash"]

    def test(name: str, place: str, *words: str) -> None:
        with Journal() as journal:
            is_told(name, place, *words)
            if not words:
                found = bedlib.jitctl("root", "status")["policy"]["errors"][0]
                check(re.search(PLACE, found), f"{name}: no file:line:column in {found!r}")
            journal.event("policy.refused")
            check(place in str(journal.errors("policy refused")), f"{name}: the log says {journal.errors('policy')}")
        check("ask first" in bedlib.run("alice", "sudo -n id").text, f"{name}: the last good set is not in force")
        check(bedlib.jitctl("root", "status")["policy"]["hash"] == hash_before, f"{name}: another set is in force")

    with_each(test)
    check(bedlib.run("root", ["jitctl", "policy", "reload"]).code == 0, "the good set loads again")
    check("errors" not in bedlib.jitctl("root", "status")["policy"], "the errors stay")
    in_force("afterwards")


def test_the_last_good_set_is_kept_over_a_restart():
    def test(name: str, place: str, *words: str) -> None:
        for restart in broker.restart, kill_and_start:
            restart()
            is_in_status(name, place, *words)
            check("ask first" in bedlib.run("alice", "sudo -n id").text, f"{name}: the last good set is not in force")
        is_told(name, place, *words)

    with_each(test)
    broker.restart()
    check(from_files(bedlib.jitctl("root", "status")), "the good set loads again")


def kill_and_start() -> None:
    broker.kill()
    broker.start()


def test_the_kept_set_works_whole():
    put(FILE, GOOD[:-30])
    try:
        broker.restart()
        in_force("kept")
    finally:
        restore()
        broker.restart()


def test_a_reload_by_signal_says_the_same():
    put(FILE, GOOD + "[[perm")
    try:
        with Journal() as journal:
            broker.hup()
            journal.event("policy.refused")
            check(f"{FILE}:{LINES + 1}:" in str(journal.errors("policy refused")), f"the log says {journal.errors('policy')}")
        in_force("after SIGHUP")
    finally:
        restore()
        bedlib.jitctl("root", "policy", "reload")


@contextlib.contextmanager
def fresh_host():
    broker.stop()
    for entry in os.listdir(HOME):
        os.unlink(f"{HOME}/{entry}")
    yield
    restore()
    bedlib.jitctl("root", "policy", "reload")
    in_force("a good set at last")


def test_a_host_that_never_had_a_good_set_denies_everything():
    """Root too: who is root already passes by a policy that covers the door, and there is none. The rescue lines are for that."""
    for name in "half a word", "unknown key":
        with fresh_host():
            IN_THE_TEXT[name][0]()
            broker.start()
            is_in_status(name, IN_THE_TEXT[name][1])
            everything_is_denied(name)
    for name in "not readable", "of alice", "empty folder":
        with fresh_host():
            AROUND_IT[name][0]()
            broker.start()
            is_in_status(name, *AROUND_IT[name][1:])
            everything_is_denied(name)


def test_a_set_that_is_being_written_is_never_half_in_force():
    """An editor that writes in place, slowly; the broker is told to look after each piece."""
    for end in range(0, len(GOOD), 97):
        put(FILE, GOOD[:end])
        program = bedlib.run("root", ["jitctl", "policy", "reload"])
        status = bedlib.jitctl("root", "status")
        check(program.code in (0, 1), f"{end} bytes: exit {program.code}: {program.text}")
        check((program.code == 0) == from_files(status), f"{end} bytes: {program.text} {status}")
        eve_stays_out(f"{end} bytes")
    restore()
    bedlib.jitctl("root", "policy", "reload")
    in_force("written")


bedlib.add_user("eve2", 2501)  # sudo would let her, the policy does not
bedlib.main(globals())
