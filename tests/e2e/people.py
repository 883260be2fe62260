# SPDX-License-Identifier: Apache-2.0
"""Approvals among people, with real sudo: two teams, a code told by voice, escalation, an emergency and its review, more time from
inside the session, a later start, absence, a reason on both sides, a block."""
import json
import re
import time
from datetime import datetime

import bedlib
from bedlib import Inbox, Terminal, check, jitctl, run, waiting

with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
    BASE = f.read()


def policy(approval: str, extra: str = "") -> str:
    return BASE.replace('by-sre   = { need = [{ from = "group:sre", count = 1 }], wait = "5m" }', f"by-sre = {approval}") + extra


def approve(user: str, request: str, *words: str) -> dict:
    return jitctl(user, "approve", request, *words)


def denied(user: str, *words: str) -> str:
    program = run(user, ["jitctl", *words])
    check(program.code != 0, f"{user}: jitctl {' '.join(words)} went through: {program.text}")
    return program.text


# Where the requester is root already only signed votes count.
for who in "carol", "eve":
    bedlib.enrol(who)


def test_two_teams_of_different_people():
    """Alice is in dba herself; bob alone, whatever he is in, fills one seat."""
    bedlib.set_policy(policy('{ need = [{ from = "group:sre" }, { from = "group:dba" }], wait = "5m" }'))
    with Inbox() as inbox, waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        approve("bob", request)
        alice.expect("bob approved; 1 of group:dba and 1 of group:sre needed in all")
        check("already" in denied("bob", "approve", request), "bob votes once")
        check("own request" in denied("alice", "approve", request), "alice is no approver of hers")
        approve("eve", request, "--for", "5m")
        check(alice.wait() == 0 and "root" in alice.text.split(), alice.text)
        check("approved by bob, eve for 5m" in alice.text, alice.text)


def test_who_waits_with_jitctl_is_told():
    bedlib.clean_slate()
    bedlib.set_policy(policy('{ need = [{ from = "group:sre", count = 2 }], wait = "1m", '
                             'escalate = [{ after = "2s", add = "group:dba", to = "group:sre" }, { after = "3s", notify = "pager" }] }'))
    command = "jitctl request --wait -- /usr/bin/id"
    with Inbox() as inbox, bedlib.Pipe("alice", command) as alice, bedlib.Pipe("alice", "jitctl request --wait --json -- /usr/bin/true") as quiet:
        requests = [inbox.new("alice")["id"] for _ in range(2)]
        for request in requests:
            approve("bob", request)
        alice.expect("bob approved; still asked: 1 of group:sre")
        alice.expect("asked now, too: group:dba")
        alice.expect("reminded: pager")
        for request in requests:
            approve("carol", request)
        check(alice.wait() == 0 and alice.out.strip() in requests, alice.text)
        check("approved: alice may sudo" in alice.err and alice.err.count("bob approved") == 1 and "carol" not in alice.err, alice.err)
        check(quiet.wait() == 0 and quiet.err == "" and json.loads(quiet.out)["steps"] == 2, quiet.text)


def test_a_code_told_by_voice():
    bedlib.set_policy(policy('{ need = [{ from = "group:sre" }], wait = "5m", match = true }'))
    with Inbox() as inbox, waiting("alice") as alice:
        request = inbox.new("alice")
        alice.expect(r"tell who approves this code, by voice: \d{3} \d{3}")
        code = re.search(r"by voice: (\d{3} \d{3})", alice.text).group(1)
        for user, words in ("bob", ("show", request["id"])), ("root", ("audit", "log")), ("bob", ("requests",)):
            program = run(user, ["jitctl", *words])
            check(code.replace(" ", "") not in program.text.replace(" ", ""), f"{user} sees the code by {words}")
        check("by voice" in denied("bob", "approve", request["id"]), "without a code")
        wrong = "000000" if code != "000 000" else "000001"
        check("2 tries are left" in denied("bob", "approve", request["id"], "--typed", wrong), "a wrong code")
        words = json.loads(run("bob", ["jitctl", "show", "--json", request["id"]]).out)["display_code"]
        check(f'"{words}"' in alice.text, f"{words} stands on both screens: {alice.text}")
        approve("bob", request["id"], "--typed", code)
        check(alice.wait() == 0, alice.text)


def test_a_reason_on_both_sides():
    bedlib.set_policy(BASE.replace('id       = "root"', 'id       = "root"\nrequire  = ["reason:5"]'))
    with Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        alice.expect("(?i)reason.*: ?")
        alice.line("disk full")
        request = inbox.new("alice")
        check(request["reason"] == "disk full", request["reason"])
        check("add -m REASON" in denied("bob", "approve", request["id"]), "a yes wants a reason, too")
        jitctl("bob", "deny", request["id"], "-m", "not during the release")
        check(alice.wait() != 0 and "denied by bob: not during the release" in alice.text, alice.text)


def test_escalation():
    """Of dba nobody may answer at first; from 2 s on they may."""
    bedlib.set_policy(policy('{ need = [{ from = "group:sre" }], wait = "1m", '
                             'escalate = [{ after = "2s", add = "group:dba", to = "group:sre" }, { after = "3s", notify = "pager" }] }'))
    with Inbox() as inbox, bedlib.Pipe("bob", "jitctl watch") as bob, waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        bob.expect(f"{request[:8]} pending alice")
        alice.expect("asked now, too: group:dba")
        bob.expect(f"{request[:8]} pending alice")  # once more
        alice.expect("reminded: pager")
        bob.expect(f"{request[:8]} pending alice")
        approve("eve", request)
        check(alice.wait() == 0, alice.text)
    types = [e["type"] for e in bedlib.audit(request=request)]
    check(types.count("request.escalated") == 2, str(types))


def test_an_emergency_and_its_review():
    bedlib.clean_slate()
    bedlib.set_policy(BASE + """
[[permit]]
id          = "glass"
who         = ["set:admins"]
door        = ["sudo"]
as          = ["user:root"]
break-glass = true
require     = ["reason:20", "review:5s"]
max         = "5m"
scope       = "command"
""")
    first = jitctl("alice", "request", "--", "/usr/bin/true")["id"]
    watch = bedlib.Pipe("eve", "jitctl watch")  # dba approves nothing here
    inbox = bedlib.Pipe("bob", "jitctl watch")
    with watch, inbox:
        inbox.expect(f"{first[:8]} detached")  # from here on he hears of everything
        jitctl("alice", "cancel", first)
        made = jitctl("alice", "request", "--via", "glass", "-m", "the pager rings and nobody answers", "--", "/usr/bin/id", "-un")
        check(made["kind"] == "break-glass" and made["state"] == "approved", str(made))
        inbox.expect(f"{made['id'][:8]} approved BREAK-GLASS alice")
        sudo = run("alice", "sudo -n /usr/bin/id -un")
        check(sudo.code == 0 and "root" in sudo.out, sudo.text)
        check(made["id"][:8] not in watch.text, "eve is told of what is not hers")
    owed = jitctl("bob", "requests", "--owed")
    check([r["id"] for r in owed] == [made["id"]], str(owed))
    check("did himself" in denied("alice", "review", made["id"], "-m", "all fine"), "no review of one's own")
    # Overdue: what would be asked of people is refused, with what to do.
    end = time.monotonic() + 30
    while not jitctl("bob", "requests", "--owed")[0]["owed"]["overdue"]:
        check(time.monotonic() < end, "it is never overdue")
    refused = run("alice", "sudo -n id")
    check(f"jitctl review {made['id'][:8]}" in denied("alice", "request", "--", "/usr/bin/ls"), "the next request")
    check(refused.code != 0, refused.text)
    check("reviewed: the emergency access of alice" in run("bob", ["jitctl", "review", made["id"][:6], "-m", "disk was full"]).out, "reviewed")
    check(jitctl("bob", "requests", "--owed") == [], "nothing is owed")
    check(jitctl("alice", "request", "--", "/usr/bin/ls")["state"] == "detached", "she may ask again")
    check("disk was full" in run("bob", ["jitctl", "show", made["id"]]).out, "the review is shown")


def test_more_time_from_inside_the_session():
    bedlib.clean_slate()
    bedlib.set_policy(BASE)
    with Inbox() as inbox, waiting("alice", "sudo -i") as alice:
        request = inbox.new("alice")["id"]
        approve("bob", request, "--for", "1m")
        grant = inbox.grant("active")
        alice.line(f"jitctl extend {grant['id'][:8]} --for 10m -m 'still at it' --wait; echo code=$?")
        more = inbox.until("Requests", lambda r: r["extends"] == grant["id"], what="extension")
        check(more["kind"] == "extension" and more["subject"]["name"] == "alice", str(more))
        check("own request" in denied("alice", "approve", more["id"]), "not by herself")
        approve("carol", more["id"], "--for", "5m")
        alice.expect("code=0")
        check("more to sudo as root(0)" in alice.text, alice.text)
        after = jitctl("alice", "show", grant["id"])
        check(300 < after["expires_in_s"] <= 360, f"{after['expires_in_s']} s left")
        alice.line("exit")
        check(alice.wait() == 0, alice.text)
    types = [e["type"] for e in bedlib.audit(grant=grant["id"])]
    check("grant.extended" in types, str(types))


def test_a_restart_forgets_nothing_of_what_was_approved():
    bedlib.clean_slate()
    with Inbox() as inbox, waiting("alice", "sudo -i") as alice:
        request = inbox.new("alice")["id"]
        approve("bob", request)
        grant = inbox.grant("active")
        bedlib.broker.restart()
        more = jitctl("alice", "extend", grant["id"], "--for", "5m", "-m", "still at it")
        check(more["kind"] == "extension", str(more))
        approve("carol", more["id"])
        check(jitctl("alice", "show", grant["id"])["expires_in_s"] > 600, "more time")
        bedlib.broker.restart()
        jitctl("carol", "deny", request, "-m", "that was wrong")
        check(jitctl("alice", "show", grant["id"])["state"] == "ended", "a denial ends it")
        alice.line("exit")
        alice.wait()


def test_asked_for_later():
    bedlib.clean_slate()
    made = jitctl("alice", "request", "--at", "2h", "--", "/usr/bin/id")
    check(made["not_before"] is not None, str(made))
    approve("bob", made["id"])
    check(run("alice", "sudo -n /usr/bin/id").code != 0, "not before its time")
    grant = next(g for g in jitctl("alice", "grants") if g["request"] == made["id"])
    apart = datetime.fromisoformat(grant["not_before"]) - datetime.fromisoformat(made["not_before"])
    check(abs(apart.total_seconds()) < 1 and grant["claim_until"] > grant["not_before"], str(grant))
    check("passed" in denied("alice", "request", "--at", "2020-01-01T00:00:00Z", "--", "/usr/bin/id"), "a time that has passed")
    soon = jitctl("alice", "request", "--at", "2s", "--", "/usr/bin/id", "-un")
    approve("bob", soon["id"])
    end = time.monotonic() + 30
    while run("alice", "sudo -n /usr/bin/id -un").code != 0:
        check(time.monotonic() < end, "its time never comes")


def test_away():
    bedlib.clean_slate()
    bedlib.set_policy(policy('{ need = [{ from = "user:bob" }], wait = "5m" }'))
    with Inbox() as inbox, waiting("alice") as alice:
        inbox.new("alice")
        check(jitctl("bob", "away", "--until", "1h")["until"] is not None, "away")
        check(alice.wait() != 0 and "can be asked now" in alice.text, alice.text)
    at_once = run("alice", "sudo -n id")
    check("can be asked now" in at_once.text, at_once.text)
    jitctl("bob", "away", "--until", "now")
    with Inbox() as inbox, waiting("alice") as alice:
        approve("bob", inbox.new("alice")["id"])
        check(alice.wait() == 0, alice.text)
    check("no seat" in denied("dave", "away", "--until", "1h"), "who fills none")


def test_what_is_wrong_with_a_vote():
    bedlib.clean_slate()
    bedlib.set_policy(BASE)
    with Inbox() as inbox, waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        check("at most 10m" in denied("bob", "approve", request, "--for", "2h"), "wider")
        check("no seat" in denied("root", "approve", request), "the wrong person")
        check("may see" in denied("eve", "approve", request), "not even seen")
        check("no id" in denied("bob", "approve", "xyz!"), "no id")
        check("--typed" not in approve("bob", request)["state"], "voted")
        check(alice.wait() == 0, alice.text)
        check("already" in denied("bob", "approve", request), "an ended one")


bedlib.main(globals())
