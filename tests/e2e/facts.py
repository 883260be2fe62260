# SPDX-License-Identifier: Apache-2.0
"""Facts at a real door: a freeze that comes while sudo waits, a provider that runs as a user of its own, a network that is new once;
a door that only observes."""
import contextlib
import os

import bedlib
from bedlib import Inbox, Terminal, check

RULES = """
[fact.freeze]
type = "bool"
fresh = "10m"
initial = false
[fact.patched]
type = "bool"
fresh = "10m"
initial = false
by = ["patched"]
[[guard]]
id = "freeze"
flag = ["freeze"]
deny = "change freeze in force"
[[guard]]
id = "new-network"
who = ["user:bob"]
door = ["ssh"]
when = ["from.first-seen == true"]
approval = "by-sre"
[[guard]]
id = "soon"
who = ["user:alice"]
door = ["su"]
mode = "observe"
deny = "no su any more"
"""
with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as policy:
    bedlib.set_policy(policy.read() + RULES)
bedlib.add_user("jit-fact-patched", 2090)
bedlib.add_user("jit-fact-freeze", 2091)


def provider(name: str, command: str, more: str = "") -> None:
    os.makedirs("/etc/jit/facts.d", mode=0o755, exist_ok=True)
    path = f"/etc/jit/facts.d/{name}.toml"
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'command = {command}\nfor = "5m"\n{more}')
    os.chmod(path, 0o644)


def fact(name: str) -> dict:
    return next(f for f in bedlib.jitctl("root", "fact", "list") if f["name"] == name)


def test_a_freeze_ends_a_sudo_that_waits():
    bedlib.clean_slate()
    with bedlib.waiting("alice") as alice:
        bedlib.jitctl("root", "fact", "set", "freeze", "true", "--for", "10m")
        alice.expect("change freeze in force")
        check(alice.wait(5) != 0, alice.text)
    check("change freeze in force" in bedlib.run("alice", "sudo -n id").text, "a new one is refused too")
    bedlib.jitctl("root", "fact", "clear", "freeze")
    kept = bedlib.audit(type="request.cancelled")[-1]["fields"]["decision"]
    check(kept["outcome"] == "deny" and kept["read"]["freeze"] == "true", str(kept))


def test_a_provider_sets_its_own_fact_only():
    provider("patched", '["/bin/echo", "true"]')
    done = bedlib.run("jit-fact-patched", ["jitctl", "fact", "run", "patched"])
    check(done.code == 0 and "patched = true" in done.out, done.text)
    check(fact("patched")["value"] is True, str(fact("patched")))
    provider("freeze", '["/bin/echo", "true"]')
    for user in "jit-fact-patched", "jit-fact-freeze", "eve":
        done = bedlib.run(user, ["jitctl", "fact", "run", "freeze"])
        check(done.code == 3, f"{user}: {done.text}")
    check(bedlib.run("root", ["jitctl", "fact", "set", "patched", "false"]).code == 3, "root sets what a provider owns")
    check(fact("freeze")["state"] == "initial", str(fact("freeze")))


def test_a_provider_that_misbehaves_sets_nothing():
    before = fact("patched")["set"]["time"]
    for name, command, more in (("fails", '["/bin/false"]', ""), ("is not there", '["/nowhere"]', ""), ("says nothing", '["/bin/true"]', ""),
                                ("says too much", '["/usr/bin/head", "-c", "5000", "/dev/zero"]', ""), ("no bool", '["/bin/echo", "5"]', ""),
                                ("hangs", '["/bin/sleep", "60"]', 'timeout = "1s"\n'), ("two lines", '["/usr/bin/printf", "true\\\\ntrue"]', ""),
                                ("an unknown key", '["/bin/echo", "true"]', "shell = true\n"), ("no absolute path", '["echo", "true"]', "")):
        provider("patched", command, more)
        done = bedlib.run("jit-fact-patched", ["jitctl", "fact", "run", "patched"])
        check(done.code in (1, 2), f"{name}: {done.code} {done.text}")
        check(fact("patched")["set"]["time"] == before, name)
    provider("patched", '["/bin/echo", "true"]')
    os.chmod("/etc/jit/facts.d/patched.toml", 0o666)
    check(bedlib.run("jit-fact-patched", ["jitctl", "fact", "run", "patched"]).code == 2, "a file that anybody may write")


def test_a_network_is_new_once():
    bedlib.clean_slate()
    ssh = ["ssh", "-p", "2222", "bob@127.0.0.1", "id", "-un"]
    with Inbox() as inbox:
        check(bedlib.run("bob", ssh).code != 0, "nobody was asked")
        bedlib.jitctl("carol", "approve", inbox.new("bob")["id"])
        for _ in range(2):
            done = bedlib.run("bob", ssh)
            check(done.code == 0 and done.out == "bob\n", done.text)
            bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "the next login stands for itself"])
        check(not [r for r in inbox.requests() if r["id"] not in inbox.known], "somebody was asked again")


@contextlib.contextmanager
def observing(service: str):
    path = f"/etc/pam.d/{service}"
    with open(path, encoding="utf-8") as f:
        before = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(before.replace("required pam_jit.so", "optional pam_jit.so observe"))
    try:
        yield
    finally:
        with open(path, "w", encoding="utf-8") as f:
            f.write(before)


def test_a_door_that_only_observes_says_what_it_would_do():
    bedlib.clean_slate()
    with observing("su"), Inbox() as inbox:
        for who, target in ("alice", "root"), ("alice", "carol"), ("eve", "root"):
            with Terminal(who, f"su {target} -c 'id -un'") as terminal:
                terminal.expect("Password: ")
                terminal.line(target)
                check(terminal.wait() == 0 and target in terminal.text and "waiting" not in terminal.text, terminal.text)
        check(not [r for r in inbox.requests() if r["id"] not in inbox.known], "somebody was asked")
    deny = 'deny: no rule permits this; the nearest is "root": it is not for eve'
    sums = {(s["person"], s["by"], s["rule"], s["would"]): s["count"] for s in bedlib.jitctl("root", "policy", "observed")}
    check(sums == {("alice", "door", "root", "ask 1 of group:sre"): 1, ("alice", "door", "as-carol", "ask 1 of group:sre"): 1,
                   ("alice", "guard", "soon", "deny: no su any more"): 1, ("eve", "door", "", deny): 1}, str(sums))


bedlib.main(globals())
