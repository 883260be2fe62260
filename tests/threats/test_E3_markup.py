# SPDX-License-Identifier: Apache-2.0
"""E3: markup of chats, pages, templates, formats and tables in what people type. It is text on every surface, and stays what it was."""
# bed: --no-sshd
import json
import re

import bedlib
from bedlib import Inbox, check
from escapes import log_line, unescaped

MARKUP = ("<!channel> <@U0001> <#C01|general>", "[approve](http://evil/?x=1)", '<a href="http://evil/">approved</a><script>alert(1)</script>',
          "**approved** `id` ~~denied~~ # bob", "%n%s%x%1$n %(reason)s", "{{7*7}} ${7*7} #{7*7} <%= 7*7 %> $(id) `id`",
          "=cmd|' /C calc'!A0", "+1+1", "@SUM(1+1)", "-2+3", "&lt;b&gt; &#x41; %3Cb%3E", "https://evil.example/?a=b&c=d", "$HOME ~root *", "\\u{41}\\x41")


def cells(text: str) -> str:
    """A table of a pipe, with the first character of each cell as it was; no cell begins a formula of a sheet."""
    for cell in re.split(r"[\t\n]", text):
        check(len(cell) < 2 or cell[0] not in "=+-@", f"a sheet computes {cell!r}")
    return re.sub(r"(?m)(^|\t)\\x(3d|2b|2d|40)", lambda m: m[1] + bytes.fromhex(m[2]).decode(), text)


def is_there(where: str, text: str, original: str) -> None:
    """As it was typed, but for our own escapes; nothing was computed, looked up or put in its place."""
    check(original.replace("\\", "\\\\") in text or original.replace("\\", "\\\\").replace('"', '\\"') in text, f"{where}: {original!r} is not in {text!r}")
    check("uid=0(root)" not in text.replace(original, ""), f"{where}: it was run: {text!r}")


def test_every_surface():
    with Inbox() as inbox, bedlib.Pipe("bob", ["jitctl", "watch"]) as watch:
        for original in MARKUP:
            with bedlib.Terminal("alice", ["sudo", "/bin/echo", original], env={"JIT_REASON": original}) as alice:
                alice.expect("waiting")
                request = inbox.new("alice")["id"]
                for command in ["requests"], ["show", request]:
                    text = bedlib.run("bob", ["jitctl", *command]).text
                    text = cells(text) if command == ["requests"] else text
                    is_there(f"{command}", text, original)
                    check(not any(line.startswith(original) for line in text.splitlines()), f"{command}: a line begins with it: {text}")
                document = bedlib.jitctl("bob", "show", request)
                check(unescaped(document["reason"]).decode() == original, f"--json: {document['reason']!r}")
                check(unescaped(document["command"]["argv"][-1]).decode() == original, f"--json: {document['command']['argv']!r}")
                bedlib.run("bob", ["jitctl", "deny", request, "-m", original])
                alice.wait()
                is_there("what alice sees", alice.text, original)
                entry = bedlib.audit(type="request.created")[-1]
                check(unescaped(entry["fields"]["reason"]).decode() == original, f"audit: {entry}")
                last = log_line(bedlib.run("root", ["jitctl", "audit", "log", "--limit", "1"]).out.strip())
                check(unescaped(last["fields"]["why"]).decode() == original, f"audit log: {last}")
                watch.expect(request[:8] + " denied")
        for line in watch.text.splitlines():
            check(line[:2] == "20", f"a line of watch does not begin with its time: {line!r}")


def test_nothing_of_it_is_in_the_journal():
    lines = bedlib.log("journal") + bedlib.log("syslog")
    for original in MARKUP:
        for shown in original, json.dumps(original)[1:-1]:
            ours = [line for line in lines.splitlines() if shown in line and ("jit-broker" in line or "pam_jit" in line)]
            check(len(original) < 5 or not ours, f"{original!r} stands in {ours[:1]}")


bedlib.main(globals())
