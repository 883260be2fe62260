# SPDX-License-Identifier: Apache-2.0
"""A12: nobody but root says which keys are whose: no method of the bus does, no verb of somebody else, and what root adds is checked."""
# bed: --no-sshd
import base64
import glob
import json
import os
import re
import stat
import xml.etree.ElementTree as ElementTree

import bedlib
import wire
from bedlib import check

PEOPLE = "/etc/jit/people.d/bed.toml"
# What a method, or an argument of one, would be called that changes whose key is whose.
WORDS = re.compile(r"key|enrol|rotat|token|credential|person|import", re.IGNORECASE)


# The neutral element as an Ed25519 key: under it one signature is good for every message.
SMALL_ORDER = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 \1" + bytes(31)).decode()


def seen() -> dict:
    out = {}
    for path in sorted(glob.glob("/etc/jit/people.d/*")):
        with open(path, "rb") as f:
            status = os.stat(path)
            out[path] = (f.read(), status.st_mode, status.st_uid, status.st_gid)
    return out


def read(path: str) -> str:
    with open(path, encoding="utf-8") as f:
        return f.read()


def make(user: str, name: str, *options: str) -> str:
    """A key in this person's home; its public half's path."""
    path = f"/home/{user}/{name}" if user != "root" else f"/root/{name}"
    done = bedlib.run(user, ["ssh-keygen", "-q", "-N", "", "-C", f"{user}@{name}", *(options or ("-t", "ed25519")), "-f", path])
    check(done.code == 0, done.text)
    return path + ".pub"


def fingerprint(path: str) -> str:
    return bedlib.run("root", ["ssh-keygen", "-lf", path]).out.split()[1]


def keys_of(person: str) -> list:
    return next(p["keys"] for p in bedlib.jitctl("root", "people", "list") if p["name"] == person)


def test_no_method_of_the_bus_is_about_keys():
    tree = ElementTree.fromstring(wire.Connection().call(wire.NAME, wire.PATH, "org.freedesktop.DBus.Introspectable", "Introspect")[0])
    for interface in tree.iter("interface"):
        for method in interface.iter("method"):
            if method.get("name") == "Erase":
                continue  # of what the log tells of a person, not of his keys
            names = [method.get("name"), *(a.get("name") or "" for a in method.iter("arg"))]
            bad = [n for n in names if WORDS.search(n)]
            check(not bad, f"{interface.get('name')}.{method.get('name')}: {bad}")


def test_alice_by_no_verb():
    mine = make("alice", "mine")
    before, status = seen(), bedlib.jitctl("root", "status")["policy"]
    line = read(mine)
    signers = "/home/alice/signers"
    bedlib.run("alice", f"echo 'bob {line.strip()}' > {signers}")
    for words in (("people", "add-key", "alice", mine), ("people", "add-key", "bob", mine), ("people", "add-key", "--id", "x", "root", mine),
                  ("people", "import", signers), ("people", "import", signers, "--person", "bob=alice"), ("people", "accept"), ("policy", "reload")):
        for user in "alice", "bob", "nobody":
            done = bedlib.run(user, ["jitctl", *words])
            check(done.code != 0, f"{user}: {words}: {done.text}")
    for target in ("/etc/jit/people.d/mine.toml", PEOPLE, PEOPLE + ".jit-new"):
        check(bedlib.run("alice", f"cp {mine} {target}").code != 0, f"alice writes {target}")
        check(bedlib.run("alice", f"ln -s {mine} {target}.toml").code != 0, f"alice links {target}")
    check(bedlib.run("alice", "mv /etc/jit/people.d /tmp/").code != 0, "alice moves the folder")
    check(seen() == before, "people.d changed")
    check(bedlib.jitctl("root", "status")["policy"]["hash"] == status["hash"], "another policy is in force")


def test_what_root_adds_is_all_that_changes():
    key = make("bob", "laptop")
    old = read(PEOPLE)
    with open(PEOPLE, "a", encoding="utf-8") as f:
        f.write("\n# the last line\n")
    before = os.stat(PEOPLE)
    old = read(PEOPLE)
    done = bedlib.run("root", ["jitctl", "people", "add-key", "bob", key])
    check(done.code == 0 and "+ [[person.key]]" in done.out and fingerprint(key) in done.out and "policy reload" in done.text, done.text)
    after = os.stat(PEOPLE)
    check((before.st_mode, before.st_uid, before.st_gid) == (after.st_mode, after.st_uid, after.st_gid), "mode or owner changed")
    version = int(re.search(r"version = (\d+)", old)[1])
    added = f'\n[[person.key]]\nid = "bob@laptop"\nkind = "ssh"\npublic = "{read(key).strip()}"\n'
    check(added in read(PEOPLE), read(PEOPLE))
    check(read(PEOPLE).replace(added, "").replace(f"version = {version + 1}", f"version = {version}") == old, "something else changed")
    check(bedlib.run("root", ["jitctl", "people", "check"]).code == 0, "it is good")
    check(bedlib.run("root", ["jitctl", "policy", "reload"]).code == 0, "it loads")
    check([k["id"] for k in keys_of("bob")] == ["bob@laptop"] and keys_of("alice") == [], str(keys_of("bob")))


def test_what_is_weak_or_somebody_elses_is_refused():
    taken, before = "/home/bob/laptop.pub", seen()
    with open("/root/empty", "w", encoding="utf-8") as f:
        f.write("\n# nothing\n")
    weak = make("root", "weak", "-t", "rsa", "-b", "1024")
    curve = make("root", "curve", "-t", "ecdsa", "-b", "384")
    with open("/root/small.pub", "w", encoding="ascii") as f:
        f.write(SMALL_ORDER + "\n")
    plain = make("root", "plain")
    bedlib.run("root", ["ssh-keygen", "-q", "-s", "/root/plain", "-I", "x", "-n", "alice", plain])
    for words, why in ((("alice", weak), "less than 2048"), (("alice", curve), "not taken"), (("alice", "/root/small.pub"), "small order"), (("alice", "/root/plain-cert.pub"), "certificate"),
                       (("alice", "/root/plain"), "private key"), (("alice", taken), "already a key of bob"), (("bob", taken), "already a key of bob"),
                       (("nobody-here", plain), "no person"), (("alice", "/root/empty"), "no key"), (("--kind", "webauthn", "alice", plain), "origin"),
                       (("--kind", "x509", "alice", plain), "kind"), (("--verify-required", "alice", plain), "verify-required"),
                       (("--id", "bob@laptop", "bob", plain), "cannot change")):
        done = bedlib.run("root", ["jitctl", "people", "add-key", *words])
        check(done.code != 0 and why in done.text, f"{words}: {done.text}")
    check(seen() == before, "people.d changed")


def test_a_shared_or_damaged_key_keeps_the_set_out():
    old, status = read(PEOPLE), bedlib.jitctl("root", "status")["policy"]["hash"]
    line = read("/home/bob/laptop.pub").strip()
    other = '[[person]]\nname = "mallory"\n[[person.key]]\nid = "x"\nkind = "ssh"\npublic = "%s"\n'
    for text, code in ((line, "E02"), (line[:40], "E17")):
        with open(PEOPLE, "w", encoding="utf-8") as f:
            f.write(old + other % text)
        checked = bedlib.run("root", ["jitctl", "people", "check"])
        check(checked.code == 1 and re.search(rf"bed\.toml:\d+:\d+: {code} ", checked.text), checked.text)
        check(bedlib.run("root", ["jitctl", "policy", "reload"]).code != 0, "it loads")
        check(bedlib.jitctl("root", "status")["policy"]["hash"] == status, "another policy is in force")
    with open(PEOPLE, "w", encoding="utf-8") as f:
        f.write(old)


def test_allowed_signers():
    keys = {name: read(make("root", name)).strip() for name in ("eve1", "eve2", "ca", "git", "who", "dated")}
    signers = "/root/signers"
    with open(signers, "w", encoding="utf-8") as f:
        f.write(f"# ours\neve {keys['eve1']}\neve@example.org {keys['eve2']}\n*@example.org cert-authority {keys['ca']}\n"
                f"eve namespaces=\"git\" {keys['git']}\nsomebody {keys['who']}\n"
                f"carol valid-after=\"20260101Z\",valid-before=\"20360101Z\" {keys['dated']}\nbob {read('/home/bob/laptop.pub')}dave {SMALL_ORDER}\n")
    done = bedlib.run("root", ["jitctl", "people", "import", signers, "--person", "eve@example.org=eve"])
    check(done.code == 0, done.text)
    for line, why in (4, "cert-authority"), (5, "namespaces"), (6, "no person for somebody"), (8, "already a key of bob"), (9, "small order"):
        check(re.search(rf"line {line}: left out: .*{why}", done.text), done.text)
    check(done.text.count("left out") == 5, done.text)
    check(len(keys_of("eve")) == 2 and [k["id"] for k in keys_of("carol")] == ["root@dated"], str(keys_of("eve")))
    check("not-before = 2026-01-01T00:00:00Z\nnot-after = 2036-01-01T00:00:00Z" in read(PEOPLE), read(PEOPLE))
    again = bedlib.run("root", ["jitctl", "people", "import", signers, "--person", "eve@example.org=eve", "--json"])
    check(again.code == 1 and again.out == "" and again.err.count("left out") == 8, again.text)
    check(bedlib.run("root", ["jitctl", "policy", "reload"]).code == 0, "it loads")
    check(stat.S_IMODE(os.stat(PEOPLE).st_mode) & 0o022 == 0 and not glob.glob("/etc/jit/people.d/*.jit-new"), "nothing is left lying")
    made = json.loads(bedlib.run("root", ["jitctl", "people", "add-key", "alice", "/root/who.pub", "--json"]).out)
    check(made["keys"] == [{"person": "alice", "id": "root@who", "fingerprint": fingerprint("/root/who.pub")}], str(made))


bedlib.main(globals())
