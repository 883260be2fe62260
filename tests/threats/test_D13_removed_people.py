# SPDX-License-Identifier: Apache-2.0
"""D13: somebody is removed from people.d or gets another key, while a request waits and while a grant runs; and an older people file is put back."""
# bed: --no-sshd
import os
import pwd
import re

import bedlib
import by_hand
from bedlib import Inbox, broker, check, within

EFFECT_S = 2
PEOPLE = "/etc/jit/people.d/bed.toml"
WITH_TWO = ('by-sre   = { need = [{ from = "group:sre", count = 1 }], wait = "5m" }',
            'by-sre   = { need = [{ from = "person:*", count = 2 }], wait = "5m" }')


def read() -> str:
    with open(PEOPLE, encoding="utf-8") as f:
        return f.read()


def write(text: str, path: str = PEOPLE) -> None:
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.chown(path + ".new", 0, pwd.getpwnam("_jit").pw_gid)
    os.chmod(path + ".new", 0o640)
    os.rename(path + ".new", path)


def people(*names: str, version: int, admin: str = "") -> str:
    roles = {name: '\nroles = ["admin"]' if name == admin else "" for name in names}
    return f"version = {version}\n" + "".join(f'[[person]]\nname = "{n}"\nusers = ["{n}"]{roles[n]}\n' for n in names)


def version() -> int:
    return int(re.search(r"version = (\d+)", read())[1])


def reload(code: int = 0, verb=("policy", "reload"), user: str = "root") -> bedlib.Program:
    program = bedlib.run(user, ["jitctl", *verb])
    check(program.code == code, f"{verb}: exit {program.code}: {program.text}")
    return program


def in_force() -> dict:
    return bedlib.jitctl("root", "status")["policy"]


EVERYBODY = ("alice", "bob", "carol", "dave", "eve")


def raised(*names: str, **keys) -> None:
    write(people(*names, version=version() + 1, **keys))
    reload()


def removed_while_it_waits(watch) -> None:
    with bedlib.policy_with(*WITH_TWO), Inbox() as inbox, bedlib.waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        bedlib.jitctl("bob", "approve", request)
        with watch:
            raised("alice", "carol", "dave", "eve")
            seats = bedlib.jitctl("root", "show", request)
            check(seats["state"] == "pending", f"the request is {seats['state']}")
            check(not any("bob" in str(seat.get("filled_by")) for seat in seats["offer"]["seats"]), f"bob still counts: {seats['offer']['seats']}")
        late = bedlib.run("bob", ["jitctl", "approve", request])
        check(late.code != 0, f"bob votes again: {late.text}")
        bedlib.jitctl("carol", "approve", request)
        check(bedlib.jitctl("root", "show", request)["state"] == "pending", "one vote of two is enough")
        bedlib.jitctl("eve", "approve", request)
        check(alice.wait() == 0, alice.text)
    bedlib.clean_slate()
    raised(*EVERYBODY)


def test_removed_while_a_request_waits():
    within(EFFECT_S, removed_while_it_waits)


def another_key(person: str) -> str:
    path = f"/home/{person}/.ssh/another"
    made = bedlib.run(person, f"rm -f {path}*; ssh-keygen -q -N '' -t ed25519 -f {path}")
    check(made.code == 0, made.text)
    return path


def in_place_of(old: str, new: str) -> None:
    """One key of people.d with another one's text, and a version on."""
    texts = []
    for path in old, new:
        with open(f"{path}.pub", encoding="ascii") as f:
            texts.append(" ".join(f.read().split()[:2]))
    raised_to = version() + 1
    text = re.sub(r"version = \d+", f"version = {raised_to}", read(), count=1)
    check(texts[0] in text, f"{old} is not enrolled")
    write(text.replace(*texts))
    reload()


def rotated_while_it_waits(watch) -> None:
    """Bob's old key voted on one request, and signed a code for another one that is still on its way."""
    bedlib.enrol("carol")
    old, new = bedlib.enrol("bob"), another_key("bob")
    with bedlib.policy_with(WITH_TWO[0], by_hand.SIGNED.replace("count = 1", "count = 2")), \
            by_hand.asking() as (one, voted), by_hand.asking("sudo id -u") as (other, asked):
        path = by_hand.carry_out(asked)
        late, code = by_hand.sign(path, "--key", old), by_hand.sign(path, "--key", new)
        check(by_hand.paste(code).code != 0, "a key counts that is not enrolled yet")
        for person in "bob", "carol":
            bedlib.jitctl(person, "approve", voted if person == "bob" else asked)
        with watch:
            in_place_of(old, new)
            seats = bedlib.jitctl("root", "show", voted)["offer"]["seats"]
        check(not any("bob" in str(seat.get("filled_by")) for seat in seats), f"the old key counts: {seats}")
        refused = by_hand.paste(late)
        check(refused.code != 0 and "enrolled" in refused.text, refused.text)
        taken = by_hand.paste(code)
        check(taken.code == 0 and other.wait() == 0, taken.text + other.text)
        bedlib.jitctl("carol", "approve", voted)
        check(bedlib.jitctl("root", "show", voted)["state"] in ("pending", "detached"), "the old key's vote was enough")
        again = bedlib.run("bob", ["jitctl", "approve", voted, "--key", new])
        check(again.code != 0 and "another approver is needed" in again.text, again.text)
        bedlib.run("alice", ["jitctl", "cancel", voted])
        one.wait()
    bedlib.clean_slate()
    raised(*EVERYBODY)


def test_a_key_is_rotated_while_a_request_waits():
    within(EFFECT_S, rotated_while_it_waits)


def in_group(name: str, inside: bool, group: str = "sre") -> None:
    """As gpasswd does it: the file is replaced, and nobody tells the broker."""
    with open("/etc/group", encoding="utf-8") as f:
        lines = f.read().splitlines()
    with open("/etc/group.new", "w", encoding="utf-8") as f:
        for line in lines:
            head, members = line.rsplit(":", 1)
            if head.split(":")[0] == group:
                names = [n for n in members.split(",") if n and n != name] + ([name] if inside else [])
                line = head + ":" + ",".join(names)
            f.write(line + "\n")
    os.chmod("/etc/group.new", 0o644)
    os.rename("/etc/group.new", "/etc/group")


def test_taken_out_of_a_group_while_a_request_waits():
    in_group("dave", True)
    two = WITH_TWO[0], WITH_TWO[0].replace("count = 1", "count = 2")
    with bedlib.policy_with(*two), Inbox() as inbox, bedlib.waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        bedlib.jitctl("bob", "approve", request)
        in_group("bob", False)
        bedlib.jitctl("carol", "approve", request)
        shown = bedlib.jitctl("root", "show", request)
        check(shown["state"] == "pending", f"bob still counts: {shown}")
        check(not any("bob" in str(seat.get("filled_by")) for seat in shown["offer"]["seats"]), f"bob fills a seat: {shown['offer']['seats']}")
        with bedlib.waiting("alice", "sudo id -u") as again:  # carol and he were asked a moment ago, and are still remembered
            other = inbox.new("alice")["id"]
            in_group("carol", False)
            late = bedlib.run("carol", ["jitctl", "approve", other])
            check(late.code != 0, f"carol votes: {late.text}")
            in_group("carol", True)
            bedlib.run("alice", ["jitctl", "cancel", other])
            again.wait()
        bedlib.jitctl("dave", "approve", request)
        check(alice.wait() == 0, alice.text)
    in_group("bob", True)
    in_group("dave", False)
    bedlib.clean_slate()
    bedlib.broker.restart()


def test_removed_while_a_grant_runs():
    with bedlib.policy_with(*WITH_TWO):
        with Inbox() as inbox, bedlib.waiting("alice", "sudo id -un; read line; sudo id -un") as alice:
            request = inbox.new("alice")["id"]
            for name in "bob", "carol":
                bedlib.jitctl(name, "approve", request)
            alice.expect("root")
            raised("alice", "carol", "dave", "eve")
            grant = [g for g in bedlib.jitctl("root", "grants", "--all") if g["state"] == "active"][0]
            reload(0, ("revoke", grant["id"], "-m", "bob has left"))
            alice.line()
            alice.expect("waiting for approval")
    bedlib.clean_slate()
    raised(*EVERYBODY)


def test_an_older_file_is_refused_and_can_be_accepted():
    older = people(*EVERYBODY, version=version())
    raised("alice", "carol", "dave", "eve")
    before, newer = in_force(), version()
    write(older)
    said = reload(1)
    check(f"E16 says version {newer - 1}, but {newer} was seen here" in said.text and "jitctl people accept" in said.text, said.text)
    check(in_force()["hash"] == before["hash"], "the older file is in force")

    broker.restart()  # and the last good set stays, whatever the files say
    check(in_force()["hash"] == before["hash"], f"after a restart: {in_force()}")
    check("was seen here" in str(in_force()["errors"]), f"it does not say why: {in_force()}")
    reload(1)

    os.rename(PEOPLE, PEOPLE + ".away")  # a file that is gone is no older one, and is not forgotten
    write(people("eve", version=1), "/etc/jit/people.d/more.toml")
    reload()
    os.rename(PEOPLE + ".away", PEOPLE)
    os.unlink("/etc/jit/people.d/more.toml")
    reload(1)

    for user in "alice", "nobody":
        said = bedlib.run(user, ["jitctl", "people", "accept"])
        check(said.code == 3 and "admin" in said.text, f"{user} may accept: {said.text}")
    reload(0, ("people", "accept"))
    check(in_force()["hash"] != before["hash"], "it was not accepted")
    entry = bedlib.audit(type="people.accepted")[-1]
    check(entry["uid"] == 0 and entry["fields"] == {"file": f"bed.toml {newer} -> {newer - 1}"}, f"{entry}")
    reload()  # from now on this is the version
    broker.restart()
    reload()
    write(people(*EVERYBODY, version=newer, admin="carol"))
    reload()


def test_a_broken_set_is_not_accepted_either():
    good, before = read(), in_force()
    write("version = 1\n[[person]]\n")
    said = reload(1, ("people", "accept"))
    check("E01" in said.text and in_force()["hash"] == before["hash"], said.text)
    write(good)
    reload()
    check(not [e for e in bedlib.audit(type="people.accepted") if e["fields"]["file"].endswith("-> 1") and "bed.toml 1 " in e["fields"]["file"]],
          "what was refused stands as accepted")


def test_accepted_with_a_role():
    now = version()
    write(people(*EVERYBODY, version=now + 5, admin="carol"))
    reload()
    write(people(*EVERYBODY, version=now, admin="carol"))
    reload(0, ("people", "accept"), "carol")
    check(bedlib.audit(type="people.accepted")[-1]["person"] == "carol", "who accepted is not logged")


def test_what_the_files_say():
    listed = bedlib.jitctl("root", "people", "list")
    check([p["name"] for p in listed] == list(EVERYBODY), f"{listed}")
    carol = next(p for p in listed if p["name"] == "carol")
    check(carol == {"name": "carol", "users": ["carol"], "class": "human", "roles": ["admin"], "keys": []}, f"{carol}")
    check("carol\tcarol\thuman\tadmin\t-\n" in bedlib.run("root", ["jitctl", "people", "list"]).out, "the table")
    check(bedlib.run("root", ["jitctl", "people", "check"]).out == "ok: 5 people\n", "check")
    checked = bedlib.jitctl("root", "people", "check")
    check(checked["ok"] and checked["files"] == [{"file": PEOPLE, "version": version()}], f"{checked}")
    for text, word in (("version = 0\n", "E01"), ("[[person]]\nname = \"x\"\n", "version"), ("version = 1\nversion = 2\n", "E01"),
                       (people("eve", "eve", version=1), "E02"), ("\0", "E01")):
        with open("/tmp/people.toml", "w", encoding="utf-8") as f:
            f.write(text)
        program = bedlib.run("root", ["jitctl", "people", "check", "/tmp/people.toml"])
        check(program.code == 1 and word in program.out, f"{text!r}: exit {program.code}: {program.text}")
        check(bedlib.run("root", ["jitctl", "people", "list", "/tmp/people.toml"]).code == 1, f"{text!r} is listed")
    os.chmod(PEOPLE, 0o666)
    program = bedlib.run("root", ["jitctl", "people", "check"])
    check(program.code == 1 and "E03" in program.out, program.text)
    os.chmod(PEOPLE, 0o640)
    check(bedlib.run("alice", ["jitctl", "people", "list"]).code != 0, "alice may read people.d")
    check(bedlib.run("root", ["jitctl", "people", "check", "/tmp/none.toml"]).code == 2, "no such file")


bedlib.main(globals())
