# SPDX-License-Identifier: Apache-2.0
"""Messages to people: real commands, a real web server over TLS and a real program that sends mail, with everything failing half-way."""
import email
import email.policy
import json
import os
import time

import bedlib
import notifylib
from bedlib import Inbox, Terminal, broker, check, run
from notifylib import CA, FOLDER, PORT, TAKE, ask, channel, withdraw

COMMANDS = notifylib.Commands()
HOOKS = notifylib.Hooks()
MAIL = notifylib.Mail()
NOTIFIER = notifylib.Notifier()

GIVE = 'give     = "10m"'
TELL = GIVE + '\nrequire  = ["notify:{}"]'
EXEC = f'kind = "exec"\ncommand = ["{TAKE}", "a word", "$HOME"]\n'
HOOK = f'kind = "webhook"\nurl = "https://localhost:{PORT}/hook"\nca = "{CA}"\nallow = ["127.0.0.1", "::1"]\ntimeout = "2s"\n'


def telling(*channels: str):
    """The policy requires a message to these."""
    return bedlib.policy_with(GIVE, GIVE + "\nrequire  = [" + ", ".join(f'"notify:{each}"' for each in channels) + "]")


def files(**channels: str) -> None:
    """These channels, and no other."""
    for name in os.listdir(FOLDER):
        if name.endswith(".toml") and name[:-5] not in channels:
            os.unlink(f"{FOLDER}/{name}")
    for name, text in channels.items():
        channel(name, text)
    if NOTIFIER.process:
        NOTIFIER.reload()


def test_where_nobody_sends_messages_what_requires_one_is_closed():
    with telling("pager"):
        alice = run("alice", "sudo -n id -un")
        check(alice.code != 0, alice.text)
        check("no message can be queued here" in alice.text, alice.text)


def test_a_command_is_told_of_a_request_and_of_how_it_was_decided():
    files(pager=EXEC)
    NOTIFIER.start()
    with telling("pager"):
        alice, request = ask("sudo id -un")
        raw = COMMANDS.next()
        data, rest = raw.split(b"\0")
        told = json.loads(data)
        check(told["event"] == "request" and told["request"] == request and told["who"]["name"] == "alice", f"{told}")
        check(told["command"]["text"] == "id -un" and told["target"]["name"] == "root" and told["host"]["name"] == "bed", f"{told}")
        check(f"jitctl show {request[:8]}" in told["text"] and "No message and no link ever approves anything" in told["text"], told["text"])
        code = bedlib.jitctl("root", "show", request)["display_code"]
        check(told["code"] == code, f"{told}")
        # No shell, an environment of its own, and the notifier's user.
        check(eval(rest) == (["a word", "$HOME"], [("HOME", "/"), ("LANG", "C.UTF-8"), ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")], 982), f"{rest}")
        run("bob", ["jitctl", "approve", request, "-m", "fine"])
        check(alice.wait() == 0, alice.text)
        alice.close()
        decided = COMMANDS.message()
        check((decided["event"], decided["state"], decided["request"]) == ("decided", "approved", request), f"{decided}")
        check(decided["id"] != told["id"], "two messages have one key")
    bedlib.clean_slate()


try:
    bedlib.main(globals())
finally:
    NOTIFIER.stop()
