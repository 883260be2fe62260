# SPDX-License-Identifier: Apache-2.0
"""E4: so many blanks that the end of a text is out of sight. Its length is shown, what is left out is said, and over the limit it is
a deny."""
# bed: --no-sshd
import bedlib
from bedlib import Inbox, check

TAIL = "; rm -rf /"
HIDING = "echo ok" + " " * 4096 + TAIL
ARGV_MAX, REASON_MAX = 128 * 1024, 1024


def facts(text: str) -> dict:
    """What `jitctl show` prints, a line each."""
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def test_a_command():
    length = len(b"\0".join([b"sudo", b"/bin/sh", b"-c", HIDING.encode()])) + 1
    with Inbox() as inbox, bedlib.Pipe("bob", ["jitctl", "watch"]) as watch:
        with bedlib.Terminal("alice", ["sudo", "/bin/sh", "-c", HIDING]) as alice:
            alice.expect("waiting")
            request = inbox.new("alice")["id"]
            listed = bedlib.jitctl("bob", "requests")[0]["command"]
            length = listed["length"]
            check(length > 4096 + len(TAIL), f"{listed}")
            check(listed["cut"] and listed["argv"] is None and listed["text"].endswith(f"... ({length} bytes)"), f"{listed}")
            for text in (bedlib.run("bob", ["jitctl", "requests"]).out, watch.expect(r".*\n") and watch.text):
                check(f"... ({length} bytes)" in text and TAIL not in text, f"cut without a word: {text!r}")
            document = bedlib.jitctl("bob", "show", request)["command"]
            check(document["argv"][-1] == HIDING and document["length"] == length and not document["cut"], f"{document}")
            shown = facts(bedlib.run("bob", ["jitctl", "show", request]).out)
            check(shown["command"].endswith(TAIL + '"'), f"the tail is not shown: {shown['command'][-80:]!r}")
            check(shown["command is"] == f"not verified, {length} bytes", shown["command is"])
            check(shown["command has"] == "4096 blanks in a row", f"{shown}")
            bedlib.run("bob", ["jitctl", "deny", request, "-m", "no"])
            alice.wait()


def test_words_of_blanks():
    """Each blank a word of its own."""
    words = ["sudo", "/bin/echo", "ok", *["\x20"] * 2000, TAIL]
    with Inbox() as inbox, bedlib.Terminal("alice", words) as alice:
        alice.expect("waiting")
        request = inbox.new("alice")["id"]
        listed = bedlib.jitctl("bob", "requests")[0]["command"]
        check(listed["cut"] and f"({listed['length']} bytes)" in listed["text"], f"{listed}")
        shown = facts(bedlib.run("bob", ["jitctl", "show", request]).out)["command"]
        check(shown.endswith(f'"{TAIL}"') and shown.count('" "') >= 2000, "not every word is shown")
        bedlib.run("bob", ["jitctl", "deny", request, "-m", "no"])
        alice.wait()


def test_a_reason():
    reason = "disk full" + " " * 1000 + TAIL
    request = bedlib.jitctl("alice", "request", "--reason", reason)["id"]
    listed = bedlib.jitctl("bob", "requests")[0]["reason"]
    check(listed.endswith(f"... ({len(reason)} bytes)") and TAIL not in listed, f"{listed!r}")
    check(bedlib.jitctl("bob", "show", request)["reason"] == reason, "the reason is not whole")
    shown = facts(bedlib.run("bob", ["jitctl", "show", request]).out)
    check(shown["reason"].endswith(TAIL) and shown["reason has"] == "1000 blanks in a row", f"{shown}")
    bedlib.jitctl("alice", "cancel", request)


def test_a_denial_tells_its_whole_length_too():
    with Inbox() as inbox, bedlib.waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        why = "no" + " " * 900 + TAIL
        bedlib.run("bob", ["jitctl", "deny", request, "-m", why])
        alice.wait()
        check(" bytes)" in alice.text and TAIL not in alice.text, f"cut without a word: {alice.text!r}")


def test_over_the_limit_is_a_deny():
    before = len(bedlib.jitctl("root", "requests", "--all"))
    long = ["/bin/echo", *(["x" + " " * 60_000] * 3), TAIL]
    program = bedlib.run("alice", ["sudo", "-n", *long])
    check(program.code != 0 and "128 KiB" in program.text, program.text[-300:])
    program = bedlib.run("alice", ["jitctl", "request", "--reason", "x", "--", *long])
    check(program.code == 2, f"exit {program.code}: {program.text[-300:]}")
    reason = "disk full" + " " * 4096 + TAIL
    with bedlib.Terminal("alice", ["sudo", "id"], env={"JIT_REASON": reason}) as alice:
        check(alice.wait() != 0 and str(REASON_MAX) in alice.text, alice.text[-300:])
    program = bedlib.run("alice", ["jitctl", "request", "--reason", reason])
    check(program.code == 2 and str(REASON_MAX) in program.err, program.text[-300:])
    with bedlib.policy_with('id       = "root"', 'id       = "root"\nrequire  = ["reason"]'):
        with bedlib.Terminal("alice", ["sudo", "id"]) as alice:
            alice.expect("Reason: ")
            alice.line("disk full" + " " * 2000 + TAIL)
            check(alice.wait() != 0 and "jit: denied:" in alice.text, alice.text[-300:])  # sudo itself takes 1 KiB at a prompt
    check(len(bedlib.jitctl("root", "requests", "--all")) == before, "one of them was asked")


bedlib.main(globals())
