# SPDX-License-Identifier: Apache-2.0
"""Facts at a real door: a freeze that comes while sudo waits, a provider that runs as a user of its own, a door that only observes."""
import os

import bedlib
from bedlib import check

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


bedlib.main(globals())
