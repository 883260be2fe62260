# SPDX-License-Identifier: Apache-2.0
"""Votes that people sign with keys of their own: by jitctl approve, and by hand, with the approver cut off from every network."""
import base64
import json
import re

import bedlib
import plugin
from bedlib import Inbox, Terminal, check, jitctl, run
from by_hand import PLAIN, SIGNED, carry_out, cut_off, sign

def test_approve_signs_where_a_key_is_at_hand():
    bedlib.enrol("bob")
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox:
        with Terminal("alice", "sudo id -un") as alice:
            alice.expect("only signed votes count")
            alice.expect("Vote code, or Enter to wait")
            alice.line("")
            request = inbox.new("alice")["id"]
            late = run("carol", ["jitctl", "approve", request])
            check(late.code != 0 and "signed" in late.text, late.text)
            jitctl("bob", "approve", request)
            check(alice.wait() == 0 and "root" in alice.text.split(), alice.text)
        vote = jitctl("root", "show", request)["votes"][0]
        check(vote["kind"] == "sshsig" and vote["person"] == "bob" and vote["key"].startswith("SHA256:"), f"{vote}")
        check(f"signed with {vote['key']}" in run("root", ["jitctl", "show", request]).out, "the approver's key is not shown")
        entry = bedlib.audit(type="vote.cast")[-1]
        check(entry["fields"]["kind"] == "sshsig" and len(entry["fields"]["vote"]) == 64, f"{entry}")
    bedlib.clean_slate()


def test_with_no_network_at_all():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        alice.expect("Vote code, or Enter to wait")
        request = inbox.new("alice")["id"]
        shown = run("alice", ["jitctl", "show", request, "--code"])
        check("BEGIN JIT REQUEST" in shown.out, shown.text)
        with open("/home/bob/request.txt", "w", encoding="ascii") as f:
            f.write(shown.out)
        unknown = cut_off("bob", "jitctl vote --code --approve -m fine /home/bob/request.txt")
        check(unknown.code == 1 and "do not know the host" in unknown.text, unknown.text)
        trust = re.search(r"--trust (SHA256:\S+)", unknown.text)[1]
        check(jitctl("root", "status")["host"]["key"] == trust, "the key is that of this host")
        signed = cut_off("bob", f"jitctl vote --code --approve -m fine --trust {trust} /home/bob/request.txt")
        check(signed.code == 0 and "alice" in signed.err and "id -un" in signed.err, signed.text)
        code = signed.out.strip()
        check(code.startswith("jc1") and len(code) <= 500, code)
        alice.line(code[:-3] + "AAA")
        alice.expect("does not count")
        alice.expect("Vote code, or Enter to wait")
        alice.line(code)
        alice.expect("the vote was taken")
        check(alice.wait() == 0 and "root" in alice.text.split(), alice.text)
        check(jitctl("root", "show", request)["votes"][0]["kind"] == "code", "it was the code")
    bedlib.clean_slate()


def test_pasted_in_another_window_and_as_an_envelope():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox:
        for envelope in "", " --envelope --person bob":
            with Terminal("alice", "sudo id -un") as alice:
                alice.expect("Vote code, or Enter to wait")
                alice.line("")
                request = inbox.new("alice")["id"]
                with open("/home/bob/request.txt", "w", encoding="ascii") as f:
                    f.write(run("alice", ["jitctl", "show", request, "--code"]).out)
                signed = cut_off("bob", f"jitctl vote --code --approve -m fine{envelope} /home/bob/request.txt")
                check(signed.code == 0, signed.text)
                with open("/tmp/vote.txt", "w", encoding="ascii") as f:
                    f.write(signed.out)
                taken = run("eve", ["jitctl", "vote", "--paste", "/tmp/vote.txt"])
                check(taken.code == 0 and "approved" in taken.text, taken.text)
                check(alice.wait() == 0, alice.text)
                again = run("eve", ["jitctl", "vote", "--paste", "/tmp/vote.txt"])
                check(len([g for g in bedlib.all_grants() if g["request"] == request]) == 1, again.text)
            bedlib.clean_slate()


def test_a_yes_that_comes_at_the_question():
    """It is good for 10 s. Alice presses Enter after that; at dave's terminal sudo itself ends the question, after 15 s."""
    with bedlib.policy_with(PLAIN, SIGNED), plugin.sudoers("Defaults:dave passwd_timeout=0.25"), Inbox() as inbox:
        with Terminal("alice", "sudo id -un") as alice, Terminal("dave", "sudo id -un") as dave:
            alice.expect("Vote code, or Enter to wait")
            request = inbox.new("alice")["id"]
            jitctl("bob", "approve", request)
            dave.expect("password for dave: ")
            dave.line("dave")
            dave.expect("Vote code, or Enter to wait")
            jitctl("bob", "approve", inbox.new("dave")["id"])
            dave.expect("timed out")
            check(dave.wait() == 0 and "root" in dave.text.split(), dave.text)
            check([g["state"] for g in bedlib.all_grants() if g["request"] == request] == ["approved"], "its time runs already")
            alice.line("")
            check(alice.wait() == 0 and "root" in alice.text.split(), alice.text)
    bedlib.clean_slate()


def test_a_code_right_after_a_restart():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        alice.expect("Vote code, or Enter to wait")
        code = sign(carry_out(inbox.new("alice")["id"]))
        bedlib.broker.restart()
        alice.line(code)
        alice.expect("the vote was taken")
        check(alice.wait() == 0 and "root" in alice.text.split(), alice.text)
    bedlib.clean_slate()


def test_a_question_that_nobody_answers():
    """By Ctrl-C sudo ends, by its own time only the question does: the request goes with it, and that is said."""
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox:
        for minutes in "0.02", "0":
            with plugin.sudoers(f"Defaults:alice passwd_timeout={minutes}"), Terminal("alice", "sudo id -un") as alice:
                alice.expect("Vote code, or Enter to wait")
                request = inbox.new("alice")["id"]
                if minutes == "0":
                    alice.ctrl_c()
                alice.expect("the question was not answered")
                check(alice.wait() != 0 and "root" not in alice.text.split(), alice.text)
                inbox.state(request, "cancelled")
    bedlib.clean_slate()


def test_a_denial_by_code():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        alice.expect("Vote code, or Enter to wait")
        request = inbox.new("alice")["id"]
        with open("/home/bob/request.txt", "w", encoding="ascii") as f:
            f.write(run("alice", ["jitctl", "show", request, "--code"]).out)
        signed = cut_off("bob", "jitctl vote --code --deny -m later /home/bob/request.txt")
        check(signed.code == 0, signed.text)
        alice.line(signed.out.strip())
        alice.expect("denied by bob: later")
        check(alice.wait() != 0, alice.text)
    bedlib.clean_slate()


def test_a_request_that_was_changed_is_not_signed():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        alice.expect("Vote code, or Enter to wait")
        request = inbox.new("alice")["id"]
        whole = run("alice", ["jitctl", "show", request, "--envelope"]).out.strip()
        at = whole.index('"payload":"') + 11
        for text in whole[:at + 40] + ("A" if whole[at + 40] != "A" else "B") + whole[at + 41:], whole.replace('"sshsig"', '"none"'), "{}", "jr2AAAA":
            with open("/home/bob/request.txt", "w", encoding="ascii") as f:
                f.write(text)
            signed = cut_off("bob", "jitctl vote --code --approve -m fine /home/bob/request.txt")
            check(signed.code != 0 and not signed.out.startswith("jc1"), signed.text)
        run("alice", ["jitctl", "cancel", request])
        alice.line("")
        alice.wait()
    bedlib.clean_slate()


def test_a_revoked_key_stops_with_the_next_reload():
    with bedlib.policy_with(PLAIN, SIGNED), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
        bedlib.enrol("carol")
        alice.expect("Vote code, or Enter to wait")
        alice.line("")
        request = inbox.new("alice")["id"]
        with open("/home/bob/request.txt", "w", encoding="ascii") as f:
            f.write(run("alice", ["jitctl", "show", request, "--code"]).out)
        code = cut_off("bob", "jitctl vote --code --approve -m fine /home/bob/request.txt").out
        with open("/etc/jit/people.d/bed.toml", encoding="utf-8") as f:
            lines = f.read().splitlines()
        first = next(i for i, line in enumerate(lines) if "[[person.key]]" in line)  # bob's
        lines.insert(first + 1, "revoked = true")
        text = re.sub(r"version = (\d+)", lambda m: f"version = {int(m[1]) + 1}", "\n".join(lines) + "\n", count=1)
        with open("/etc/jit/people.d/bed.toml", "w", encoding="utf-8") as f:
            f.write(text)
        reloaded = run("root", ["jitctl", "policy", "reload"])
        check(reloaded.code == 0, reloaded.text)
        late = run("bob", ["jitctl", "approve", request])
        check(late.code != 0, late.text)
        with open("/tmp/vote.txt", "w", encoding="ascii") as f:
            f.write(code)
        late = run("bob", ["jitctl", "vote", "--paste", "/tmp/vote.txt"])
        check(late.code != 0 and "enrolled" in late.text, late.text)
        jitctl("carol", "approve", request)
        check(alice.wait() == 0, alice.text)


def test_a_pipeline_with_a_key_of_its_own():
    """A person of the class machine, without any account: what it signs counts where the rule takes machines, and nowhere else."""
    run("root", "rm -f /tmp/ci*; ssh-keygen -q -N '' -t ed25519 -f /tmp/ci")
    with open("/etc/jit/people.d/bed.toml", encoding="utf-8") as f:
        text = f.read()
    with open("/etc/jit/people.d/bed.toml", "w", encoding="utf-8") as f:
        f.write(re.sub(r"version = (\d+)", lambda m: f"version = {int(m[1]) + 1}", text, count=1) + '\n[[person]]\nname = "runbook"\nclass = "machine"\n')
    added = run("root", "jitctl people add-key runbook /tmp/ci.pub")
    check(added.code == 0, added.text)
    for takes in "true", "false":
        rule = SIGNED.replace('"group:sre"', '"person:*"').replace("wait =", f"machines = {takes}, wait =")
        with bedlib.policy_with(PLAIN, rule), Inbox() as inbox, Terminal("alice", "sudo id -un") as alice:
            alice.expect("Vote code, or Enter to wait")
            alice.line("")
            request = inbox.new("alice")["id"]
            with open("/tmp/request.txt", "w", encoding="ascii") as f:
                f.write(run("alice", ["jitctl", "show", request, "--code"]).out)
            command = "jitctl vote --code --approve -m checked --envelope --person runbook --key /tmp/ci /tmp/request.txt"
            trust = run("root", command)
            found = re.search(r"--trust (SHA256:\S+)", trust.text)
            signed = run("root", f"{command} --trust {found[1]}") if found else trust
            check(signed.code == 0, signed.text)
            with open("/tmp/vote.txt", "w", encoding="ascii") as f:
                f.write(signed.out)
            taken = run("eve", ["jitctl", "vote", "--paste", "/tmp/vote.txt"])
            if takes == "true":
                check(taken.code == 0 and alice.wait() == 0, taken.text + alice.text)
                check(jitctl("root", "show", request)["votes"][0]["person"] == "runbook", "it was the machine")
            else:
                check(taken.code != 0 and jitctl("root", "show", request)["state"] in ("pending", "detached"), taken.text)
                run("alice", ["jitctl", "cancel", request])
                alice.wait()
        bedlib.clean_slate()


def test_a_grant_is_signed_with_the_log_it_stands_in():
    found = jitctl("root", "show", bedlib.audit(type="grant.created")[-1]["grant"])
    payload = json.loads(base64.b64decode(found["envelope"]["payload"]))
    check(found["envelope"]["payloadType"] == "application/vnd.pam-jit.grant.v1+json" and payload["id"] == found["id"], str(payload))
    size, root = payload["head"].split(":")
    head = json.loads(run("root", ["jitctl", "audit", "export"]).out.splitlines()[0])
    check(int(size) > 0 and len(root) == 64 and head["host"]["id"] == payload["host"], str(payload))
    check(run("root", ["jitctl", "audit", "verify", "--head", payload["head"]]).code == 0, "the log has another root there")


bedlib.main(globals())
