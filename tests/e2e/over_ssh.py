# SPDX-License-Identifier: Apache-2.0
"""jitctl -H: on another host over real ssh; votes are signed where the person sits."""
import base64

import bedlib
import relaylib
from bedlib import Inbox, Terminal, check, run
from by_hand import PLAIN, SIGNED


def config() -> None:
    relaylib.write("/home/bob/.ssh/config", "Host bed\nHostname 127.0.0.1\nPort 2222\nUser bob\nBatchMode yes\n", "bob")
    relaylib.write("/home/bob/.config/jit/approver.toml", 'person = "bob"\n', "bob")
    run("root", ["chown", "-R", "bob:", "/home/bob/.config"])


def test_a_vote_is_signed_here_and_counts_there():
    config()
    # The key that opens the login stays; another one signs.
    done = run("bob", "ssh-keygen -q -N '' -t ed25519 -f ~/.ssh/vote")
    check(done.code == 0, done.text)
    done = run("root", "jitctl people add-key bob /home/bob/.ssh/vote.pub && jitctl policy reload")
    check(done.code == 0, done.text)
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox:
        for verb in "deny", "approve":
            with Terminal("alice", "sudo id -un") as alice:
                alice.expect("Vote code, or Enter to wait")
                alice.line("")
                request = inbox.new("alice")["id"]
                command = ["jitctl", "-H", "bed", verb, request[:8], "-m", "it's \"fine\"; `id` $(id)", "--key", "/home/bob/.ssh/vote"]
                done = run("bob", command)
                if "--trust" in done.text:
                    check(done.code == 1, done.text)
                    done = run("bob", [*command, "--trust", bedlib.jitctl("root", "status")["host"]["key"]])
                check(done.code == 0 and "taken: request" in done.out, done.text)
                check((alice.wait() == 0) == (verb == "approve"), alice.text)
                vote = bedlib.jitctl("root", "show", request)["votes"][0]
                check(vote["kind"] == "sshsig" and vote["reason"] == "it's \"fine\"; `id` $(id)", f"{vote}")
    bedlib.clean_slate()


def test_what_the_host_keeps_to_itself_is_shown_over_ssh_and_held_against_what_it_signed():
    with bedlib.policy_with(PLAIN, SIGNED), relaylib.private("argv", "reason", "cwd"), Inbox() as inbox, Terminal("alice", "JIT_REASON='the bilge' sudo id -un") as alice:
        alice.expect("Vote code, or Enter to wait")
        alice.line("")
        request = inbox.new("alice")["id"]
        envelope, more = bedlib.run("bob", ["jitctl", "-H", "bed", "show", request, "--envelope"]).out.splitlines()
        check("bilge" not in base64.b64decode(bedlib.json.loads(envelope)["payload"]).decode(), envelope)
        opened = {each["field"]: each["value"] for each in bedlib.json.loads(more)["openings"]}
        check(sorted(opened) == ["command", "cwd", "reason"] and "the bilge" in opened["reason"], more)
        for words in ("--code",), ("--envelope",):  # --json is one document
            shown = bedlib.run("bob", ["jitctl", "show", request, *words, "--json"])
            check(bedlib.json.loads(shown.out) == bedlib.json.loads(envelope), shown.text)
        done = run("bob", ["jitctl", "-H", "bed", "approve", request, "-m", "fine", "--key", "/home/bob/.ssh/vote"])
        check(done.code == 0 and "the bilge" in done.out and "id -un" in done.out and "private" not in done.out, done.text)
        check(alice.wait() == 0, alice.text)
    bedlib.clean_slate()


def test_a_host_that_shows_what_another_one_asks():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        alice.expect("Vote code, or Enter to wait")
        alice.line("")
        request = inbox.new("alice")["id"]
        envelope = run("bob", ["jitctl", "show", request, "--envelope"]).out
        # Root of "taken" answers each question with a request of the host "bed", which bob knows too.
        said = "printf '\\033]0;owned\\007 hear, hear\\r\\n' >&2"
        relaylib.write("/srv/taken", f"#!/bin/sh\n{said}\ncat >> /srv/handed-over\ncat << 'E'\n{envelope}E\n", mode=0o755)
        relaylib.write("/srv/handed-over", "", "bob")
        made = run("bob", "ssh-keygen -q -N '' -t ed25519 -f ~/.ssh/taken && (printf 'command=\"/srv/taken\" ' && cat ~/.ssh/taken.pub) >> ~/.ssh/authorized_keys")
        check(made.code == 0, made.text)
        with open("/home/bob/.ssh/config", "a", encoding="utf-8") as f:
            f.write("Host taken\nHostname 127.0.0.1\nPort 2222\nUser bob\nBatchMode yes\nIdentityFile ~/.ssh/taken\nIdentitiesOnly yes\n")
        known = bedlib.jitctl("root", "status")["host"]["key"]
        for id, words in (("f" * 8, "where ffffffff was asked for"), (request[:8], "the host that you know as bed, not as taken")):
            done = run("bob", ["jitctl", "-H", "taken", "approve", id, "-m", "fine", "--key", "/home/bob/.ssh/vote"])
            check(done.code == 1 and words in done.text and "taken: request" not in done.out, done.text)
            check("\\x1b]0;owned\\x07 hear, hear\n" in done.err and not set("\x1b\a\r") & set(done.text), f"{done.text!r}")
        check(known in done.text, done.text)
        with open("/srv/handed-over", encoding="utf-8") as f:
            check(f.read() == "", "a vote was handed over")
        run("bob", ["jitctl", "deny", request, "-m", "enough"])
    bedlib.clean_slate()


def answers_as(name: str, script: str) -> None:
    """A host, as bob's ssh sees it, that answers so."""
    relaylib.write(f"/srv/{name}", f"#!/bin/sh\n{script}\n", mode=0o755)
    made = run("bob", f"ssh-keygen -q -N '' -t ed25519 -f ~/.ssh/{name} && (printf 'command=\"/srv/{name}\" ' && cat ~/.ssh/{name}.pub) >> ~/.ssh/authorized_keys")
    check(made.code == 0, made.text)
    with open("/home/bob/.ssh/config", "a", encoding="utf-8") as f:
        f.write(f"Host {name}\nHostname 127.0.0.1\nPort 2222\nUser bob\nBatchMode yes\nIdentityFile ~/.ssh/{name}\nIdentitiesOnly yes\n")


def test_show_tells_what_the_host_signed():
    """The host "liar" shows another program than its broker signed, and that alice is approved."""
    answers_as("liar", "eval \"$SSH_ORIGINAL_COMMAND\" | sed 's/-un/-gn/g; s/\"pending\"/\"approved\"/g; s/\"votes\":\\[\\]/\"votes\":[{\"person\":\"carol\\\\u001b[2J\",\"approve\":true}]/'")
    known = bedlib.jitctl("root", "status")["host"]["key"]
    with bedlib.waiting("alice") as alice:
        request = bedlib.jitctl("bob", "requests")[0]["id"]
        unknown = run("bob", ["jitctl", "-H", "liar", "show", request])
        check(unknown.code == 1 and "id -un" not in unknown.text and f"--trust {known}" in unknown.err, unknown.text)
        with open("/home/bob/.config/jit/approver.toml", encoding="utf-8") as f:
            before = f.read()
        relaylib.write("/home/bob/.config/jit/approver.toml", "", "bob")  # he knows no host by this key
        shown = run("bob", ["jitctl", "-H", "liar", "show", request, "--trust", known])
        check(shown.code == 0 and "id -un" in shown.out and "-gn" not in shown.text, shown.text)
        check("approved" in shown.out and "carol\\x1b[2J" in shown.out and "\x1b" not in shown.text, f"{shown.text!r}")
        check("checked with the key of liar" in shown.err and "that is what liar says" in shown.err, shown.err)
        told = run("bob", ["jitctl", "-H", "liar", "show", request, "--json"])
        check(bedlib.json.loads(told.out)["command"]["argv"][-1] == "-un", told.text)
        relaylib.write("/home/bob/.config/jit/approver.toml", before, "bob")
        bedlib.jitctl("bob", "approve", request)
        check(alice.wait() == 0, alice.text)
    ended = run("bob", ["jitctl", "-H", "bed", "show", request])
    check(ended.code == 0 and "bob (uid" in ended.out and "approved" in ended.out, ended.text)
    grant = next(g["id"] for g in bedlib.all_grants() if g["request"] == request)
    told = run("bob", ["jitctl", "-H", "bed", "show", grant])
    check(told.code == 0 and grant in told.out and "it was not checked" in told.err, told.text)
    bedlib.clean_slate()


def test_what_another_host_prints_is_text():
    answers_as("loud", "printf 'a \\033]0;owned\\007 \\033[6n line\\n'; printf '\\033[2J so what\\n' >&2")
    plain = run("bob", ["jitctl", "-H", "loud", "requests"])
    check(plain.code == 0 and plain.out == "a \\x1b]0;owned\\x07 \\x1b[6n line\n" and plain.err == "\\x1b[2J so what\n", f"{plain.text!r}")
    with Terminal("bob", "jitctl -H loud requests", env={"TERM": "xterm"}) as bob:
        bob.expect("so what")
        check(bob.wait() == 0 and "a   line\n" in bob.text and "owned" not in bob.text, f"{bob.text!r}")
    with bedlib.waiting("alice") as alice, Terminal("bob", "jitctl -H bed watch", env={"TERM": "xterm"}) as bob:
        bob.expect("1 request waits")  # as it draws
        bob.type("q")
        check(bob.wait() == 0 and "\x1b[?1049h" in bob.text and "\x1b[?1049l" in bob.text and "\\x1b" not in bob.text, f"{bob.text!r}")
        alice.ctrl_c()
        alice.wait()
    bedlib.clean_slate()


def test_what_else_there_is_goes_over_as_it_is():
    listed = run("bob", ["jitctl", "-H", "bed", "requests", "--json"])
    check(listed.code == 0 and bedlib.json.loads(listed.out) is not None, listed.text)
    missing = run("bob", ["jitctl", "-H", "bed", "show", "abcd"])
    check(missing.code == 3, missing.text)
    missing = run("bob", ["jitctl", "-H", "bed", "approve", "abcd", "-m", "x"])
    check(missing.code == 3 and "refuses" in missing.err, missing.text)
    asked = run("alice", ["jitctl", "request", "--as", "root", "--", "/usr/bin/id"])
    check(asked.code == 0, asked.text)
    shown = run("bob", ["jitctl", "-H", "bed", "show", asked.out.strip()])
    check("alice(2001)" in shown.out, shown.text)
    bedlib.clean_slate()


def test_bad_hosts():
    for words in (["-H"], ["-H", "bed"], ["-H", "-oProxyCommand=touch /tmp/owned", "requests"], ["-H", "", "requests"], ["-H", "bed", "-H", "x"]):
        done = run("bob", ["jitctl", *words])
        check(done.code == 2, f"{words}: {done.text}")
    gone = run("bob", ["jitctl", "-H", "127.0.0.1", "approve", "abcd", "-m", "x"])
    check(gone.code == 4 and "over ssh" in gone.err, gone.text)
    gone = run("bob", ["jitctl", "-H", "127.0.0.1", "status"])
    check(gone.code == 4 and "jitctl: 127.0.0.1 cannot be reached over ssh" in gone.err, gone.text)
    made = run("bob", "ssh-keygen -q -N '' -t ed25519 -f ~/.ssh/bare && (printf 'command=\"exit 127\" ' && cat ~/.ssh/bare.pub) >> ~/.ssh/authorized_keys")
    check(made.code == 0, made.text)
    with open("/home/bob/.ssh/config", "a", encoding="utf-8") as f:
        f.write("Host bare\nHostname 127.0.0.1\nPort 2222\nUser bob\nBatchMode yes\nIdentityFile ~/.ssh/bare\nIdentitiesOnly yes\n")
    for words in ("status",), ("approve", "abcd", "-m", "x"):
        bare = run("bob", ["jitctl", "-H", "bare", *words])
        check(bare.code == 4 and "has no jitctl" in bare.err, bare.text)


bedlib.main(globals())
