# SPDX-License-Identifier: Apache-2.0
"""D15: who asks again and again until somebody gives in: one live request for each thing, so many an hour, a code in place of one
tap, and an approver who has had enough says so."""
# bed: --no-sshd
import bedlib
from bedlib import Inbox, check, jitctl, waiting

HOURLY, LIVE = 30, 8


def ask(user: str, *command: str, **keys):
    return bedlib.run(user, ["jitctl", "request", "-m", "please", "--", *command], **keys)


def test_one_live_request_for_each_thing():
    first = ask("alice", "/usr/bin/id")
    check(first.code == 0, first.text)
    for _ in range(20):
        again = ask("alice", "/usr/bin/id")
        check(again.code != 0 and "asked this already" not in again.text and "asked already" in again.text, again.text)
    mine = [r for r in jitctl("bob", "requests") if r["state"] == "detached" and r["subject"]["name"] == "alice"]
    check(len(mine) == 1, f"bob sees {len(mine)}")


def test_a_hundred_requests_and_alternating_users():
    people = [f"asker{i}" for i in range(4)]
    seen = set()
    for turn in range(100):
        user = people[turn % 4]
        program = ask(user, "/usr/bin/echo", str(turn))
        if program.code == 0:
            seen.add(program.out.strip())
        if turn >= 50 and turn % 4 == 0:  # he takes one back, to ask once more
            waiting_now = [r for r in jitctl(user, "requests") if r["state"] == "detached"]
            jitctl(user, "cancel", waiting_now[0]["id"])
    shown = [r for r in jitctl("bob", "requests") if r["state"] == "detached" and r["subject"]["name"] in people]
    check(len(shown) <= LIVE * len(people), f"{len(shown)} wait at bob's")
    for user in people:
        made = [e for e in bedlib.audit(type="request.created") if e["fields"]["user"] == user]
        check(len(made) <= HOURLY, f"{user} made {len(made)} within an hour")


def test_deny_and_block():
    with Inbox() as inbox, waiting("asker8") as asker:
        request = inbox.new("asker8")["id"]
        jitctl("bob", "deny", request, "-m", "stop asking", "--block", "1h")
        check(asker.wait() != 0, asker.text)
    for command in ("/usr/bin/ls", "/usr/bin/id"):
        program = ask("asker8", command)
        check(program.code == 1 and "bob denied such a request and blocks more of them" in program.text and "stop asking" in program.text,
              program.text)
    bedlib.broker.restart()
    check("blocks more" in ask("asker8", "/usr/bin/ls").text, "a restart lifts the block")
    check(ask("asker9", "/usr/bin/ls").code == 0, "others may ask")


for index in (0, 1, 2, 3, 8, 9):
    bedlib.add_user(f"asker{index}", 2700 + index, ["sudo"])
bedlib.main(globals())
