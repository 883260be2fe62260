# SPDX-License-Identifier: Apache-2.0
"""E1: escape sequences in every text that people supply. Every surface shows escaped forms only, and one event is one line."""
# bed: --no-sshd
import json
import re

import bedlib
from bedlib import Inbox, check

EVIL = {
    "csi": "\x1b[2J\x1b[1;1Hroot approved", "osc8": "\x1b]8;;http://evil/\x1b\\click", "osc52": "\x1b]52;c;aWQ=\x07",
    "cr": "ls\rrm -rf /", "bs": "abc\b\b\bxyz", "bel": "\x07", "c1": "\x9b31m", "newline": "a\nrequest.approved by bob",
    "ls": "a\u2028b\u2029c", "rlo": "\u202egnp.exe", "del": "\x7f", "tab": "a\tb", "nul-like": "\\x00", "quote": "\"',;=%s${}",
}
SURFACES = (["jitctl", "requests"], ["jitctl", "requests", "--all"], ["jitctl", "grants", "--all"], ["jitctl", "audit", "log"],
            ["jitctl", "requests", "--json"], ["jitctl", "audit", "log", "--json"], ["jitctl", "grants", "--all", "--json"])


def clean(where: str, text: str) -> None:
    text = text.replace("\t", "") if "in a pipe" in where else text  # what stands between the columns
    bad = [c for c in text if not (" " <= c <= "~" or c == "\n")]
    check(not bad, f"{where} holds {bad[:5]!r}: {text!r}"[:800])


def on_a_terminal(user: str, command: list) -> str:
    with bedlib.Terminal(user, command) as terminal:
        terminal.wait()
        return terminal.text


def test_every_text_everywhere():
    with Inbox() as inbox, bedlib.Pipe("bob", ["jitctl", "watch"]) as watch:
        for name, text in EVIL.items():
            environment = {"JIT_REASON": text.replace("\0", ""), "LC_ALL": "C.UTF-8"}
            with bedlib.Terminal("alice", ["sudo", "/bin/echo", text], env=environment) as alice:
                alice.expect("waiting")
                request = inbox.new("alice")["id"]
                for command in (*SURFACES, ["jitctl", "show", request], ["jitctl", "show", request, "--json"]):
                    for user in "bob", "root":
                        program = bedlib.run(user, command)
                        clean(f"{name}: {command} for {user}, in a pipe", program.text)
                        if "--json" in command and program.code == 0:
                            json.loads(program.out)
                for command in (["jitctl", "show", request], ["jitctl", "requests"]):
                    clean(f"{name}: {command} on a terminal", on_a_terminal("bob", command))
                watch.expect(request[:8])
                denied = bedlib.run("bob", ["jitctl", "deny", request, "-m", text])
                clean(f"{name}: deny", denied.text)
                alice.wait()
                clean(f"{name}: what alice sees", alice.text)
        clean("jitctl watch", watch.text)


def test_the_logs():
    clean("journal", bedlib.log("journal"))
    clean("broker", bedlib.log("broker"))
    ours = [line for line in bedlib.log("syslog").split("\n") if re.search(r"\d pam_jit\[|jit-broker", line)]
    check(ours, "the module logs nothing")
    clean("syslog", "\n".join(ours))
    text = bedlib.run("root", ["jitctl", "audit", "log"]).out
    entries = bedlib.audit()
    check(len(text.splitlines()) <= len(entries) + 2, f"{len(entries)} entries are {len(text.splitlines())} lines")
    denials = [e for e in entries if e["type"] == "request.denied"]
    check(len(denials) == len(EVIL), f"{len(denials)} denials are logged")


def test_host_name_and_user_text_ahead_of_time():
    for text in EVIL.values():
        program = bedlib.run("alice", ["jitctl", "request", "--reason", text, "--", "/bin/echo", text])
        clean("jitctl request", program.text)
        if program.code == 0:
            request = [r for r in bedlib.jitctl("alice", "requests") if r["state"] in ("pending", "detached")][0]
            bedlib.run("alice", ["jitctl", "cancel", request["id"]])


bedlib.main(globals())
