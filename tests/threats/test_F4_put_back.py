# SPDX-License-Identifier: Apache-2.0
"""F4: the database of before a use is put back, or is lost, or two clones run: found out by the signed head, and all that was
open in it is void. Nothing that was consumed can be consumed again."""
# bed: --no-sshd
import glob
import json
import os
import re
import shutil

import bedlib
from bedlib import Inbox, broker, check
from by_hand import carry_out, paste, sign
from journal import Journal

HOME = "/var/lib/jit"
HEAD = "/run/jit-broker/head"
PEOPLE = "/etc/jit/people.d/bed.toml"
SHELL = ["bash", "-c", "while read -r word; do sudo id -un; echo code $?; done"]


def save(name: str) -> None:
    """A snapshot of the database alone, or of all of it."""
    shutil.rmtree(f"/tmp/{name}", ignore_errors=True)
    shutil.copytree(HOME, f"/tmp/{name}")


def put_back(name: str) -> None:
    for path in glob.glob(f"{HOME}/*"):
        os.unlink(path)
    owner = os.stat(HOME)
    for path in glob.glob(f"/tmp/{name}/*"):
        target = shutil.copy2(path, HOME)
        os.chown(target, owner.st_uid, owner.st_gid)


def head() -> dict:
    with open(HEAD, encoding="ascii") as f:
        return json.load(f)


def status() -> dict:
    return bedlib.jitctl("root", "status")


def approved(terminal, by: str = "bob") -> str:
    with Inbox() as inbox:
        terminal.line("go")
        request = inbox.new("alice")["id"]
        bedlib.jitctl(by, "approve", request)
        terminal.expect("(?:.*\n)*?root\ncode 0")
    return request


def is_void(before: int, cause: str) -> None:
    grants = bedlib.all_grants()
    check(all(g["state"] == "ended" for g in grants), f"{cause}: {grants}")
    found = bedlib.audit(type="log.rolled-back")
    check(found and found[-1]["fields"] == {"cause": cause, "epoch": before + 1}, f"{cause}: {found}")
    now = status()
    check(now["log"]["epoch"] == before + 1 and "void" in now["alarm"], f"{cause}: {now}")
    check(head()["epoch"] == before + 1, f"{cause}: {head()}")


def test_a_snapshot_of_before_the_use_brings_nothing_back():
    bedlib.clean_slate()
    bedlib.enrol("bob")
    with bedlib.Terminal("alice", SHELL) as alice, Journal() as journal:
        with Inbox() as inbox:
            alice.line("go")
            request = inbox.new("alice")["id"]
            code = sign(carry_out(request))  # anybody can carry it, as often as he likes
            before = status()["log"]["epoch"]
            broker.stop()
            save("snapshot")  # the request waits, and nobody has voted
            broker.start()
            check(paste(code).code == 0, "the code is good")
            alice.expect("root\ncode 0")
        broker.stop()
        put_back("snapshot")
        broker.start()
        journal.event("log.rolled-back")
        again = bedlib.run("bob", ["jitctl", "approve", request])
        check(again.code != 0, f"a request is approved twice: {again.text}")
        again = paste(code)
        check(again.code != 0, f"a code is good twice: {again.text}")
        check(bedlib.jitctl("root", "show", request)["votes"] == [], "it stands there with a vote")
        is_void(before, "behind")
        check(any("void" in line for line in journal.errors("all that was open")), "the journal says nothing")
        # It goes on from here, and a restart finds nothing new.
        approved(alice)
        broker.restart()
        check(status()["log"]["epoch"] == before + 1, "found again")
        alice.line("go")
        alice.expect("(?:.*\n)*?root\ncode 0")


def test_a_grant_that_was_given_back_stays_so():
    bedlib.clean_slate()
    with bedlib.Terminal("alice", SHELL) as alice:
        approved(alice)
        before = status()["log"]["epoch"]
        broker.stop()
        save("granted")
        broker.start()
        bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "it is over"])
        broker.stop()
        put_back("granted")
        broker.start()
        is_void(before, "behind")
        with Inbox() as inbox:
            alice.line("go")
            bedlib.jitctl("bob", "deny", inbox.new("alice")["id"], "-m", "no")  # it asks anew
            alice.expect(r"(?:.*\n)*?code (?!0)")


def test_of_two_clones_one_is_found_out():
    """The same start, two ways on; the head in /run is of one of them."""
    bedlib.clean_slate()
    broker.stop()
    save("clone")
    broker.start()
    with bedlib.Terminal("alice", SHELL) as alice:
        approved(alice)
        mine = head()
        broker.stop()
        save("mine")
        # The other clone, as on a host of its own.
        put_back("clone")
        os.unlink(HEAD)
        broker.start()
        bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "the next clone"])
        before = max(status()["log"]["epoch"], mine["epoch"])
        for _ in range(3):
            approved(alice)
            bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "again"])
        approved(alice)
        broker.stop()
        with open(HEAD, "w", encoding="ascii") as f:
            f.write(json.dumps(mine, separators=(",", ":"), sort_keys=True) + "\n")
        broker.start()
        is_void(before, "other")


def test_a_lost_database_is_not_a_new_one():
    bedlib.clean_slate()
    with bedlib.Terminal("alice", SHELL) as alice:
        approved(alice)
        before = status()["log"]["epoch"]
        broker.stop()
        for path in glob.glob(f"{HOME}/jit.db*"):
            os.unlink(path)
        broker.start()
        is_void(before, "behind")
        # Who was root here since the start of the host is not known any more: anybody may have been.
        for _ in range(2):
            request = approved(alice, by="carol")  # she has no key
            check(bedlib.jitctl("root", "show", request)["votes"][0]["host_in_doubt"], "a vote by uid is not marked")
            bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "again"])
            broker.restart()


def write_people(text: str) -> None:
    owner = os.stat(PEOPLE)
    with open(PEOPLE + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.chown(PEOPLE + ".new", owner.st_uid, owner.st_gid)
    os.chmod(PEOPLE + ".new", 0o640)
    os.rename(PEOPLE + ".new", PEOPLE)


def test_people_of_before_do_not_come_back_with_it():
    bedlib.clean_slate()
    with open(PEOPLE, encoding="utf-8") as f:
        old = f.read()
    version = int(re.search(r"version = (\d+)", old)[1])
    broker.stop()
    save("people")
    broker.start()
    new = old.replace(f"version = {version}", f"version = {version + 1}", 1)
    write_people(new)
    check(bedlib.run("root", ["jitctl", "policy", "reload"]).code == 0, "the newer file")

    def gone(lost: bool) -> None:
        broker.stop()
        write_people(old)
        if lost:
            for path in glob.glob(f"{HOME}/jit.db*"):
                os.unlink(path)
        else:
            put_back("people")
        broker.start()

    for lost in False, True:
        gone(lost)
        for _ in range(2):
            said = bedlib.run("root", ["jitctl", "policy", "reload"])
            check(said.code == 1 and f"says version {version} at most" in said.text and "jitctl people accept" in said.text, said.text)
            check(status()["policy"]["in_force"].startswith("none"), f"{status()['policy']}")
            check(bedlib.run("alice", "sudo -n id -un").code != 0, "it opens without a policy")
            broker.restart()
        write_people(new)
        check(bedlib.run("root", ["jitctl", "policy", "reload"]).code == 0, "the newer file again")
    gone(True)
    accepted = bedlib.run("root", ["jitctl", "people", "accept"])
    check(accepted.code == 0, accepted.text)
    check(bedlib.audit(type="people.accepted")[-1]["fields"]["file"] == f"people.d {version + 1} -> {version}", "who accepted it")
    broker.restart()
    check(bedlib.run("root", ["jitctl", "policy", "reload"]).code == 0, "what was accepted")


def test_another_host_key_is_another_host():
    bedlib.clean_slate()
    with bedlib.Terminal("alice", SHELL) as alice, Journal() as journal:
        approved(alice)
        was, before = status()["host"], status()["log"]["epoch"]
        broker.stop()
        os.unlink(f"{HOME}/host.key")
        broker.start()
        now = status()["host"]
        check(now["id"] != was["id"] and now["key"] != was["key"], f"{now}")
        is_void(before, "key")
        check(journal.errors("another host key"), "the journal says nothing")


def test_a_host_key_that_is_open_to_others_denies_everything():
    bedlib.clean_slate()
    with bedlib.Terminal("alice", SHELL) as alice, Journal() as journal:
        approved(alice)
        was = status()["host"]["id"]
        broker.stop()
        os.chmod(f"{HOME}/host.key", 0o644)
        broker.start()
        now = status()
        check(now["state"] == "degraded" and "0600" in now["store_error"], f"{now}")
        alice.line("go")
        alice.expect(r"(?:.*\n)*?code (?!0)")
        os.chmod(f"{HOME}/host.key", 0o600)
        journal.event("broker.started")
        check(status()["host"]["id"] == was and status()["state"] == "running", f"{status()}")
        alice.line("go")
        alice.expect("(?:.*\n)*?root\ncode 0")


bedlib.main(globals())
