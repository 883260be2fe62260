# SPDX-License-Identifier: Apache-2.0
"""F6: durations that are none, too long, or overflow. Refused where they are read, or capped by the rule, and said so."""
# bed: --no-sshd
import bedlib
import wire
from bedlib import Inbox, check, refused

BAD = ("0", "0s", "-1", "-5m", "2147483648", "9223372036854775808", "99999999999999999999s", "1e9", "1e9s", "NaN", "inf", "59.9s",
       "", " ", "5", "5 m", "5M", "m", "1h30", "0x10s", "5m\n", "١m")
MAX_S = 3600


def test_jitctl_refuses_what_is_no_duration():
    with Inbox() as inbox, bedlib.waiting("alice"):
        request = inbox.new("alice")["id"]
        for text in BAD:
            for command in ["approve", request, f"--for={text}"], ["request", f"--for={text}", "--reason", "x"]:
                program = bedlib.run("bob" if command[0] == "approve" else "alice", ["jitctl", *command])
                check(program.code == 2 and program.err.count("\n") == 1, f"{command}: exit {program.code}: {program.text!r}")
        check(inbox.until("Requests", lambda r: r["id"] == request)["state"] == "pending", "a vote was cast")


def test_the_bus_refuses_it_too():
    with Inbox() as inbox, bedlib.waiting("alice"):
        request = inbox.new("alice")["id"]

        def votes():
            bus = wire.Connection()
            for value in ("u", 0), ("u", 4294967295), ("i", -1), ("t", 300), ("d", 300.0), ("s", "5m"), ("x", -1):
                refused(lambda: bus.broker("Requests", "Vote", "sba{sv}", request, True, {"for-s": value}), "BadInput")
            return True

        bedlib.as_user("bob", votes)


def test_longer_than_the_rule_allows_is_the_rules_max():
    program = bedlib.run("alice", ["jitctl", "request", "--for", "9999h", "--reason", "x", "--", "id"])
    if program.code == 0:
        request = bedlib.jitctl("alice", "requests")[0]
        check(request["offer"]["give_s"] <= MAX_S and request["offer"]["shortened"], str(request["offer"]))
        bedlib.run("bob", ["jitctl", "approve", request["id"], "--for", "9999h"])
        for grant in bedlib.all_grants():
            check(grant["lifetime_s"] <= MAX_S, str(grant))
    else:
        check(program.code == 2, program.text)


def test_the_policy_refuses_it():
    with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
        good = f.read()
    for text in ("0s", "-1m", "1e9", "59.9s", "NaN", "2147483648", "9223372036854775808s", ""):
        bedlib.set_policy(good.replace('max      = "1h"', f'max      = "{text}"'), reload=False)
        program = bedlib.run("root", ["jitctl", "policy", "check"])
        check(program.code == 1 and "bed.toml:" in program.text, f"max = {text!r}: exit {program.code}: {program.text}")
    bedlib.set_policy(good)


bedlib.main(globals())
