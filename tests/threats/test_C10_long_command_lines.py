# SPDX-License-Identifier: Apache-2.0
"""C10: a very long command line is refused by name, or shown whole with its length; never cut in silence."""
# bed: --no-sshd
import bedlib
from bedlib import Inbox, check

LIMIT = 128 * 1024


def test_a_line_below_the_limit_is_kept_whole():
    word = "x" * 60_000
    with Inbox() as inbox, bedlib.Terminal("alice", ["sudo", "/bin/echo", word, "; rm -rf /"]) as alice:
        alice.expect("waiting")
        request = inbox.new("alice")["id"]
        shown = bedlib.jitctl("bob", "show", request)
        words = shown["command"]["argv"]
        check(words[-1] == "; rm -rf /" and word in words, "the words are not whole")
        text = bedlib.run("bob", ["jitctl", "show", request]).out
        check("bytes)" in text or word in text, "cut without saying so")


def test_a_line_past_the_limit_is_refused():
    with Inbox() as inbox:
        for words in ["y" * 1000] * 200, ["z" * 100_000] * 15, ["z" * 131_060, "id"]:
            with bedlib.Terminal("alice", ["sudo", "/bin/echo", *words]) as alice:
                check(alice.wait() != 0 and "128 KiB" in alice.text, f"{len(words)} words: {alice.text[-500:]}")
        check(not [r for r in inbox.requests() if r["id"] not in inbox.known], "it made a request")


bedlib.main(globals())
