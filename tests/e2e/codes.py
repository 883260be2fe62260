# SPDX-License-Identifier: Apache-2.0
"""Vote codes at each door's own prompt, by each type of key that makes them and as long as they get; and all that a code can say.

The first argument is a FIDO token made of software, for ssh-keygen."""
import contextlib
import sys

import bedlib
import plugin
from bedlib import Inbox, Terminal, check, jitctl, run
from by_hand import PLAIN, SIGNED, asking, carry_out, cut_off, paste

TOKEN = f"SSH_SK_PROVIDER={sys.argv[1]} SSH_ASKPASS=/srv/pin SSH_ASKPASS_REQUIRE=force"
REASON = "r" * 80  # the longest that a code holds
SSH = "ssh -p 2223 -o PreferredAuthentications=publickey,keyboard-interactive alice@127.0.0.1 id -un"
MATCH = SIGNED.replace("wait =", "match = true, wait =")


def key_of(name: str) -> str:
    return f"/home/bob/.ssh/code_{name}"


def key(kind: str, name: str = "", made_with: str = "", enrolled_with: str = "") -> None:
    path = key_of(name or kind)
    made = run("bob", f"{TOKEN} ssh-keygen -q -N '' -t {kind} {made_with} -f {path}")
    check(made.code == 0, made.text)
    added = run("root", f"jitctl people add-key bob {enrolled_with} {path}.pub && jitctl policy reload")
    check(added.code == 0, added.text)


def sign(request: str, name: str, *words: str) -> bedlib.Program:
    path = carry_out(request)
    trust = jitctl("root", "status")["host"]["key"]
    return cut_off("bob", f"{TOKEN} jitctl vote --code --key {key_of(name)} --trust {trust} {' '.join(words)} {path}")


def code(request: str, name: str, *words: str) -> str:
    signed = sign(request, name, *words)
    check(signed.code == 0 and signed.out.startswith("jc1") and len(signed.out.strip()) <= 500, signed.text)
    return signed.out.strip()


@contextlib.contextmanager
def su():
    with Terminal("alice", "su -c 'id -un'") as alice:
        alice.expect("Password: ")
        alice.line("root")
        yield alice


DOORS = {"su": (su, "root"), "login": (lambda: bedlib.console("alice"), "alice"), "ssh": (lambda: Terminal("alice", SSH), "alice"),
         "sudo": (lambda: Terminal("alice", "sudo id -un"), "root")}


def at_door(door: str, name: str, inbox) -> int:
    opened, becomes = DOORS[door]
    with opened() as alice:
        alice.expect("Vote code, or Enter to wait")
        request = inbox.new("alice")["id"]
        text = code(request, name, "--approve", "-m", REASON)
        alice.line(text)
        if door != "ssh":  # there nothing is said behind a prompt
            alice.expect("the vote was taken")
        if door == "login":
            alice.expect(r"\$ ")
            alice.line("id -un; exit")
        check(alice.wait() == 0 and becomes in alice.text.split(), alice.text)
        shown = jitctl("root", "show", request)
        vote = shown["votes"][0]
        fingerprint = run("bob", f"ssh-keygen -lf {key_of(name)}.pub").out.split()[1]
        check(shown["door"] == door and (vote["kind"], vote["reason"], vote["key"]) == ("code", REASON, fingerprint), f"{shown}")
    bedlib.clean_slate()
    return len(text)


def test_at_each_door_with_the_longest():
    for kind in "ecdsa", "ed25519-sk", "ecdsa-sk", "rsa":
        key(kind)
    with bedlib.policy_with(PLAIN, SIGNED), plugin.loaded(), Inbox() as inbox:
        longest = max(at_door(door, "ecdsa-sk", inbox) for door in DOORS)
        check(longest > 335, f"no code was longer than {longest}")
        for door, name in ("su", "ecdsa"), ("ssh", "ed25519-sk"):
            at_door(door, name, inbox)


def test_rsa_signs_an_envelope_instead():
    with bedlib.policy_with(PLAIN, SIGNED), asking() as (alice, request):
        refused = sign(request, "rsa", "--approve", "-m", "fine")
        check(refused.code == 2 and not refused.out and "use jitctl vote --code --envelope" in refused.err, refused.text)
        signed = sign(request, "rsa", "--approve", "-m", "fine", "--envelope", "--person", "bob")
        taken = paste(signed.out)
        check(taken.code == 0 and alice.wait() == 0, signed.text + taken.text)
        check(jitctl("root", "show", request)["votes"][0]["kind"] == "sshsig", "another vote")
    bedlib.clean_slate()


def test_a_key_of_which_the_pin_is_wanted():
    run("root", "printf '#!/bin/sh\\necho 1234\\n' >/srv/pin; chmod 755 /srv/pin")
    key("ed25519-sk", "pin", "-O verify-required", "--verify-required")
    key("ed25519-sk", "no-pin", "", "--verify-required")
    with bedlib.policy_with(PLAIN, SIGNED), asking() as (alice, request):
        late = paste(code(request, "no-pin", "--approve"))
        check(late.code != 0 and not jitctl("root", "show", request)["votes"], late.text)
        taken = paste(code(request, "pin", "--approve"))
        check(taken.code == 0 and alice.wait() == 0, taken.text + alice.text)
    bedlib.clean_slate()


def test_a_code_told_by_voice_stands_in_it():
    with bedlib.policy_with(PLAIN, MATCH), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        typed = alice.expect(r"by voice: (\d+ \d+)")[1].replace(" ", "")
        alice.expect("Vote code, or Enter to wait")
        request = inbox.new("alice")["id"]
        without = sign(request, "ecdsa", "--approve")
        check(without.code == 2 and "--typed CODE" in without.err, without.text)
        alice.line(code(request, "ecdsa", "--approve", "--typed", "000000" if typed != "000000" else "000001"))
        alice.expect("Vote code, or Enter to wait")
        check(not jitctl("root", "show", request)["votes"], "a wrong one counted")
        alice.line(code(request, "ecdsa", "--approve", "--typed", typed))
        check(alice.wait() == 0 and "root" in alice.text.split(), alice.text)
    bedlib.clean_slate()


def test_a_time_and_a_scope_stand_in_it():
    with bedlib.policy_with(PLAIN, SIGNED), asking() as (alice, request):
        wider = paste(code(request, "ecdsa", "--approve", "--scope", "login"))
        check(wider.code != 0, wider.text)
        taken = paste(code(request, "ecdsa", "--approve", "--for", "7m", "--scope", "command"))
        check(taken.code == 0 and alice.wait() == 0, taken.text + alice.text)
        grant = next(g for g in bedlib.all_grants() if g["request"] == request)
        vote = jitctl("root", "show", request)["votes"][0]
        check((vote["kind"], vote["duration_s"], vote["scope"], grant["scope"]) == ("code", 420, "command", "command"), f"{vote} {grant}")
        check(0 < grant["lifetime_s"] <= 420, f"{grant}")
    bedlib.clean_slate()


def test_a_code_for_a_camera():
    with bedlib.policy_with(PLAIN, SIGNED), asking() as (alice, request):
        text = run("alice", ["jitctl", "show", request, "--code"])
        check("BEGIN JIT REQUEST" in text.out and "QR code" not in text.text, text.text)
        with Terminal("alice", f"stty cols 80 rows 24; jitctl show {request} --code") as small:
            columns, rows = map(int, small.expect(r"too small: it takes (\d+) columns and (\d+) rows").groups())
            check(small.wait() == 0 and "BEGIN JIT REQUEST" in small.text, small.text)
        check(columns <= 149 and rows <= 79, f"a plain request takes {columns} x {rows}")
        for more, drawn in (0, True), (-1, False):
            with Terminal("alice", f"stty cols {columns} rows {rows + more}; jitctl show {request} --code") as screen:
                check(screen.wait() == 0 and ("\u2580" in screen.text) == drawn and ("BEGIN JIT" in screen.text) != drawn, screen.text)
                check(not drawn or screen.text.count("\x1b[30;107m") + 4 == rows, screen.text)
        alice.ctrl_c()
        alice.wait()
    bedlib.clean_slate()


def test_a_block_stands_in_it():
    with bedlib.policy_with(PLAIN, SIGNED):
        with asking() as (alice, request):
            taken = paste(code(request, "ecdsa", "--deny", "--block", "10m", "-m", "enough"))
            check(taken.code == 0 and alice.wait() != 0, taken.text + alice.text)
        with Terminal("alice", "sudo id -gn") as alice:
            alice.expect("bob denied such a request and blocks more of them for 10m")
            check(alice.wait() != 0, alice.text)
    bedlib.clean_slate()


bedlib.main(globals())
