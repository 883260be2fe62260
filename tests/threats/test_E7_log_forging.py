# SPDX-License-Identifier: Apache-2.0
"""E7: texts that try to be entries, fields or rows of a log. Reading the log gives the very bytes that were typed, and one entry is one
line."""
# bed: --no-sshd
import os

import bedlib
from bedlib import Inbox, check
from escapes import log_line, unescaped

BREAKERS = (
    "x\n2026-01-01T00:00:00Z 1 request.approved person=bob uid=2002 request=deadbeef by=\"bob\"",
    "x\r\n", 'x" reason="y', 'x"} {"type":"request.approved', '"}],"fields":{"by":"bob"}}', "person=root uid=0 request=ffffffff",
    "a=b c=d, e;f|g\th", "1,2,\"3\"\"4\",'5'", "\\", "\\\\", "\\n", "\\x41\\u{41}\\\"", "back\\slash at the end \\", "'; DROP TABLE audit; --",
    "\x01\x1b[2K\x7f", "\u2028\u2029\u0085", "x\0y".replace("\0", "\x02"), " leading and trailing ", "{}", "null", "[]", "\\u0041",
)
BYTES = (b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"ok\x80\"=")  # no text at all, and legal in a command


def entries(kind: str) -> list:
    """The same from both ways to read the log, which must agree."""
    lines = bedlib.run("root", ["jitctl", "audit", "log"]).out.splitlines()
    told = [log_line(line) for line in lines]
    documents = bedlib.audit()
    check([e["sequence"] for e in told] == [e["sequence"] for e in documents], "one line is not one entry")
    for line, document in zip(told, documents):
        wanted = {name: value for name, value in document["fields"].items() if name not in ("digest", "policy")}
        check(line["fields"] == wanted and line["type"] == document["type"], f"{line} is not {document}")
        check(line.get("person", "") == (document.get("person") or "") and line.get("request", "") == (document.get("request") or "")[:8], f"{line}")
    return [e for e in documents if e["type"] == kind]


def test_what_is_asked_and_why():
    for i, text in enumerate(BREAKERS):
        user = ("alice", "dave")[i % 2]
        with Inbox() as inbox:
            asked = bedlib.run(user, ["jitctl", "request", "--reason", text, "--ticket", text, "--", "/bin/echo", text])
            check(asked.code == 0, f"{text!r}: {asked.text}")
            request = inbox.new(user)["id"]
            denied = bedlib.run("bob", ["jitctl", "deny", request, "-m", text])
            check(denied.code == 0, f"{text!r}: {denied.text}")
        created, ended = entries("request.created")[-1], entries("request.denied")[-1]
        check(created["request"] == ended["request"] == request, f"{created} {ended}")
        for name in "reason", "ticket":
            check(unescaped(created["fields"][name]).decode() == text, f"{name} {text!r} reads as {created['fields'][name]!r}")
        check([unescaped(word).decode() for word in created["fields"]["argv"]] == ["/bin/echo", text], f"{created['fields']['argv']}")
        check(unescaped(ended["fields"]["why"]).decode() == text and ended["fields"]["by"] == "bob", f"{ended}")


def test_bytes_that_are_no_text():
    for raw in BYTES:
        with Inbox() as inbox, bedlib.Terminal("alice", ["sudo", "/bin/echo", os.fsdecode(raw)]) as alice:
            alice.expect("waiting")
            request = inbox.new("alice")["id"]
            bedlib.run("bob", ["jitctl", "deny", request, "-m", "no"])
            alice.wait()
        created = entries("request.created")[-1]
        check(unescaped(created["fields"]["argv"][-1]) == raw, f"{raw!r} reads as {created['fields']['argv']}")


def test_denials_and_the_folder():
    folder = "/tmp/x\n1 request.approved person=\"bob\""
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    program = bedlib.run("eve", ["sh", "-c", 'cd "$1" && sudo -n /bin/echo "$2"', "sh", folder, BREAKERS[0]])
    check(program.code != 0, program.text)
    with Inbox() as inbox:
        program = bedlib.run("alice", ["sh", "-c", 'cd "$1" && jitctl request --reason x -- /bin/true', "sh", folder])
        check(program.code == 0, program.text)
        request = inbox.new("alice")["id"]
        check(unescaped(entries("request.created")[-1]["fields"]["cwd"]).decode() == folder, "the folder")
        bedlib.jitctl("alice", "cancel", request)
    forged = entries("request.approved")
    check(not forged, f"nobody approved anything: {forged}")


def test_the_journal_has_one_entry_for_each_and_nothing_that_was_typed():
    lines = [line for line in bedlib.log("journal").splitlines() if "JIT_TYPE" in line]
    check(len(lines) >= len(BREAKERS) * 2 and not any("DROP TABLE" in line or "deadbeef" in line for line in lines), "the journal")
    check(not any('"JIT_TYPE": "request.approved"' in line for line in lines), "an approval was forged")


bedlib.main(globals())
