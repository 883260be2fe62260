# SPDX-License-Identifier: Apache-2.0
"""More waits than jit-relay holds at once: it goes on by and by, within the memory that its unit allows."""
import contextlib
import json
import re
import time

import bedlib
import relaylib
from bedlib import Inbox, Terminal, check
from by_hand import PLAIN, SIGNED

MOST_KIB = 64 * 1024  # MemoryMax= in systemd/jit-relay.service
COUNT = 96            # as twelve users may have waiting, of eight each
PART = 12             # of them in a command that must end in time
HELD = 8 * 1024 * 1024 // (90_000 * 4 // 3 * 4 // 3)  # of them at a time, for one set
UNKEPT = "set:admins", "group:dba"
ALL = PLAIN.replace("}]", "".join(["}", *(f', {{ from = "{each}", count = 1 }}' for each in UNKEPT), "]"]))

with open("/etc/jit/broker.toml", "a", encoding="utf-8") as f:
    f.write("[limits]\nrequests-per-hour = 1000\npending-per-uid = 500\n")
bedlib.jitctl("root", "policy", "reload")
bedlib.enrol("bob")
RELAY = relaylib.Relay()
RELAY.host()
BOB = RELAY.approver("bob")
BOB.trust()
KEEPER = relaylib.Keeper()


def kept(stream: str) -> int:
    answer = json.loads(KEEPER.request(f"$JS.API.STREAM.INFO.{stream}", b"{}")["data"])
    return answer["state"]["messages"] if "state" in answer else 0


def memory_has_a_bound() -> None:
    with open(f"/proc/{RELAY.daemon.process.pid}/status", encoding="ascii") as f:
        most = int(re.search(r"VmHWM:\s+(\d+)", f.read())[1])
    check(most < MOST_KIB, f"jit-relay took {most} KiB")
    print(f"     {most} KiB at most", flush=True)


def until_kept(stream: str, count: int) -> None:
    end = time.monotonic() + bedlib.WAIT_S
    while kept(stream) < count:
        check(RELAY.daemon.process.poll() is None, "jit-relay has ended")
        check(time.monotonic() < end, f"{stream} has {kept(stream)} of {count}")
        KEEPER.next(0.05, "nobody")


@contextlib.contextmanager
def approved():
    """A request of alice's with its grant, and what tells of both."""
    with Inbox() as inbox, contextlib.ExitStack() as until_the_end:
        with bedlib.policy_with(PLAIN, SIGNED):
            alice = until_the_end.enter_context(Terminal("alice", "sudo sleep 600"))
            request = relaylib.asked(alice, inbox)
            BOB.sees(request)
            check(BOB.jitctl("approve", request, "-m", "fine").code == 0, "no vote")
            inbox.grant("active", request=request)
        yield request, inbox
        alice.ctrl_c()
        alice.wait()


def test_much_that_waits_for_sets_that_nobody_keeps():
    for each in UNKEPT:
        KEEPER.request(f"$JS.API.STREAM.DELETE.REQ-{each}")
    asking = "long=$(head -c 45000 /dev/zero | tr '\\0' x); for n in $(seq {} {}); do jitctl request --as root -- /usr/bin/id $n $long $long >/dev/null || exit; done"
    with approved() as (request, inbox), bedlib.policy_with(PLAIN, ALL):
        RELAY.daemon.stop()
        for n in range(0, COUNT, PART):
            relaylib.good(["sh", "-c", asking.format(n + 1, n + PART)], "alice")
        RELAY.run_daemon()
        # Not all that is open is known yet.
        check(BOB.jitctl("deny", request, "-m", "after all not").code == 0, "no denial")
        check(inbox.grant("ended", request=request)["ended"]["why"] == "after all not", "another end")
        until_kept("REQ-group:sre", COUNT + 1)  # what was approved is kept, too
        memory_has_a_bound()
    # What is asked of the others only is not behind them.
    relaylib.good(["jitctl", "request", "--as", "root", "--", "/usr/bin/id", "last"], "alice")
    until_kept("REQ-group:sre", COUNT + 2)
    relaylib.good(["jitctl", "relay", "streams", relaylib.DIR, *UNKEPT, "--ca", relaylib.CA])
    for each in UNKEPT:
        until_kept(f"REQ-{each}", HELD + 1)  # what was put off is had from the broker again
    memory_has_a_bound()


RELAY.main(globals())
