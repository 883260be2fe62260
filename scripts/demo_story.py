# SPDX-License-Identifier: Apache-2.0
"""The main job, told step by step, inside the bed. Each step's text and exit code is compared; 1 when any is not as it should be."""
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../tests/e2e")
import bedlib  # noqa: E402
from bedlib import Inbox, Terminal  # noqa: E402

COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
LOOP = 'stty -echo; echo; while read -r line; do eval "$line"; echo "<<$?>>"; done'
wrong = []
typing = ""  # whose terminal is shown


def say(text: str) -> None:
    print(("\n\033[1m{}\033[0m\n" if COLOUR else "\n{}\n").format(text), flush=True)


def typed(user: str, command: str) -> None:
    global typing
    typing = user
    prompt = f"{user}{'#' if user == 'root' else '$'}"
    print(f"  {prompt} " + (f"\033[36m{command}\033[0m" if COLOUR else command), flush=True)


def out(text: str) -> None:
    for line in text.rstrip("\n").split("\n"):
        print(f"  {line}".rstrip(), flush=True)


def back_to(user: str) -> None:
    global typing
    if typing != user:
        print(f"  -- {user}'s terminal:", flush=True)
        typing = user


def expect(what: str, good) -> None:
    if not good:
        wrong.append(what)
        print(f"  NOT AS EXPECTED: {what}", flush=True)


class Shell(Terminal):
    """One person at one terminal, who types several commands there."""

    def __init__(self, user: str) -> None:
        super().__init__(user, ["bash", "-c", LOOP])
        self.expect(r"\n")
        self.shown = self.seen

    def start(self, command: str) -> None:
        typed(self.user, command)
        self.started = time.monotonic()
        self.line(command)

    def until(self, pattern: str) -> str:
        """Shows what comes, up to the end of the line that holds this."""
        self.expect(pattern + r".*\n")
        new = self.text[self.shown:self.seen]
        self.shown = self.seen
        out(new)
        return new

    def finish(self, code: int, pattern: str, quick: bool = False) -> None:
        ended = self.expect(r"<<(\d+)>>\n")
        back_to(self.user)
        new = self.text[self.shown:ended.start()]
        self.shown = self.seen
        out(new)
        expect(f"exit code {ended[1]} where {code} was expected", int(ended[1]) == code)
        expect(f"the answer should match {pattern}", re.search(pattern, new, re.M))
        if quick:
            took = time.monotonic() - self.started
            print(f"  (after {took * 1000:.0f} ms)", flush=True)
            expect("the answer should come without a wait", "waiting" not in new)


def run(user: str, command: str, code: int, pattern: str, brief: bool = False) -> None:
    """A command to its end; brief: only its last line is shown."""
    typed(user, command)
    with Terminal(user, command) as program:
        ended = program.wait()
        out("...\n" + program.text.rstrip("\n").split("\n")[-1] if brief else program.text)
        expect(f"exit code {ended} where {code} was expected", ended == code)
        expect(f"the answer should match {pattern}", re.search(pattern, program.text, re.M))


def story(inbox: Inbox, alice: Shell) -> None:
    say("1. alice is in the group sudo. Her own sudo, the one of the system, stops at the door.")
    alice.start("sudo id")
    alice.until(r"jit: waiting for approval by 1 of group:sre \(request [0-9a-f]{8} \"[a-z]+ [a-z]+\", .* left\)")
    request = inbox.new("alice")["id"][:8]

    say("2. bob is in sre. He sees who asks for what, and says yes, for ten seconds.")
    run("bob", "jitctl requests", 0, rf"{request} +pending +alice")
    print()
    run("bob", f"jitctl approve {request} --for 10s -m 'as agreed'", 0, r"approved: alice may sudo as root\(0\) for 10s")

    say("3. alice's sudo goes on by itself.")
    alice.finish(0, r"approved by bob for 10s[\s\S]*uid=0\(root\)")

    say("4. The next one on the same terminal does not wait: there is a grant.")
    alice.start("sudo id -un")
    alice.finish(0, r"^root$", quick=True)
    run("alice", "jitctl grants", 0, r"active +alice.*root")

    say("5. The grant ends by itself after its ten seconds. So the next sudo asks again; this time bob says no.\n"
        "   (What begins with \"sudo:\" is sudo's own way to say that it stops.)")
    inbox.grant("ended")
    alice.start("sudo cat /etc/shadow")
    alice.until("waiting for approval")
    request = inbox.new("alice")["id"][:8]
    run("bob", f"jitctl deny {request} -m 'not on this host'", 0, "denied: alice may not sudo", brief=True)
    alice.finish(1, "denied by bob: not on this host")

    say("6. Where nobody answers, the request expires; that is a no as well. (This rule waits for three seconds.)")
    alice.start("sudo -u carol id")
    alice.until("waiting for approval")
    alice.finish(1, "nobody answered in time: request [0-9a-f]{8} expired")

    say("7. All of it is in the audit log.")
    run("root", "jitctl audit log | cut -c1-100", 0, r"request.created[\s\S]*vote.cast[\s\S]*grant.claimed[\s\S]*request.denied[\s\S]*request.expired")


print("pam_jit, shown in a throw-away copy of this host. Nothing of the machine itself is touched.")
try:
    with Inbox() as everything, Shell("alice") as shell:
        story(everything, shell)
except bedlib.Failed as error:
    wrong.append(str(error))
    print(f"  NOT AS EXPECTED: {error}", flush=True)
if wrong:
    print(f"\nThe demo went wrong at {len(wrong)} place{'s' * (len(wrong) > 1)}, marked above.")
    sys.exit(1)
print("\nTry it yourself:  scripts/demo --shell")
