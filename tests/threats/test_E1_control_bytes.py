# SPDX-License-Identifier: Apache-2.0
"""E1: escape sequences in every text that people supply. Every surface shows escaped forms only, and one event is one line."""
# bed: --no-sshd
import json
import re
import socket
import subprocess

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


def look_everywhere(what: str, *more: list) -> None:
    for command in (*SURFACES, ["jitctl", "status"], *more):
        clean(f"{what}: {command}, in a pipe", bedlib.run("root", command).text)
    for command in (["jitctl", "requests", "--all"], ["jitctl", "status"], *more):
        clean(f"{what}: {command} on a terminal", on_a_terminal("root", command))


def test_the_name_of_the_host():
    with open("/etc/jit/broker.toml", encoding="utf-8") as f:
        named = f.read()
    with open("/etc/jit/broker.toml", "w", encoding="utf-8") as f:
        f.write(named.replace('name = "bed"', ""))
    for name in (EVIL["csi"].encode(), EVIL["rlo"].encode(), b"a\nb\xff\x9bc"):
        socket.sethostname(name)
        bedlib.broker.restart()
        with Inbox() as inbox, bedlib.Terminal("alice", "sudo id -un") as alice:
            alice.expect("waiting")
            request = inbox.new("alice")["id"]
            look_everywhere(f"host name {name!r}", ["jitctl", "show", request], ["jitctl", "show", request, "--code"])
            denied = bedlib.run("bob", ["jitctl", "deny", request, "-m", "no"])
            clean(f"host name {name!r}: deny", denied.text)
            alice.wait()
            clean(f"host name {name!r}: what alice sees", alice.text)
    with open("/etc/jit/broker.toml", "w", encoding="utf-8") as f:
        f.write(named)
    bedlib.broker.restart()


def test_the_name_of_the_remote_host():
    for name in ("csi", "newline"):
        with Inbox() as inbox, bedlib.Terminal("root", ["/bin/login", "-h", EVIL[name], "alice"], login=False) as console:
            console.expect("Password: ")
            console.line("alice")
            console.expect("waiting")
            request = inbox.new("alice")["id"]
            look_everywhere(f"remote host, {name}", ["jitctl", "show", request])
            bedlib.jitctl("bob", "approve", request)
            console.expect(r"\$ ")
            console.line("exit")
            console.wait()
        look_everywhere(f"remote host, {name}, later")
        bedlib.clean_slate()


def test_the_comment_of_a_key():
    key = f"{bedlib.BED}/evil"
    for name in ("csi", "c1", "rlo"):
        subprocess.run(["rm", "-f", key, f"{key}.pub"], check=True)
        subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-C", EVIL[name], "-f", key], check=True)
        added = bedlib.run("root", ["jitctl", "people", "add-key", "carol", f"{key}.pub"])
        check((added.code == 0) == (name != "csi"), added.text)  # a control character is in no key
        clean(f"key comment, {name}: add-key", added.text)
        clean(f"key comment, {name}: reload", bedlib.run("root", ["jitctl", "policy", "reload"]).text)
        look_everywhere(f"key comment, {name}", ["jitctl", "people", "list"])
    clean("doctor, in a pipe", bedlib.run("root", ["jitctl", "doctor"]).text)


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
    check(len(denials) == len(EVIL) + 3, f"{len(denials)} denials are logged")


def test_user_text_ahead_of_time():
    for text in EVIL.values():
        program = bedlib.run("alice", ["jitctl", "request", "--reason", text, "--", "/bin/echo", text])
        clean("jitctl request", program.text)
        if program.code == 0:
            request = [r for r in bedlib.jitctl("alice", "requests") if r["state"] in ("pending", "detached")][0]
            bedlib.run("alice", ["jitctl", "cancel", request["id"]])


bedlib.main(globals())
