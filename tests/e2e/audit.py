# SPDX-License-Identifier: Apache-2.0
"""The log of a real broker, checked by others: signed votes, a code carried by hand, an emergency, more time, a broker that was killed.
jit-verify and a second verifier without any code of the project say the same."""
import base64
import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys

import bedlib
from bedlib import Inbox, check, jitctl, run, waiting

sys.path += [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", part) for part in ("verify", "ocsf")]
import ocsf_test  # noqa: E402
import second  # noqa: E402

with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
    BASE = f.read()
SIGNERS = f"{bedlib.BED}/allowed_signers"


def enrol(*people: str) -> None:
    with open(SIGNERS, "w", encoding="ascii") as out:
        for person in people:
            with open(f"{bedlib.BED}/id_{person}.pub", encoding="ascii") as key, open(f"/home/{person}/.ssh/id_ed25519.pub", "w", encoding="ascii") as beside:
                line = key.read()
                out.write(f"{person} {line}")
                beside.write(line)
            added = run("root", ["jitctl", "people", "add-key", person, f"{bedlib.BED}/id_{person}.pub"])
            check(added.code == 0 or "already a key of" in added.text, added.text)
    jitctl("root", "policy", "reload")


def run_well(user: str, *words: str) -> str:
    program = run(user, ["jitctl", *words])
    check(program.code == 0, f"{user}: jitctl {' '.join(words)}: {program.text}")
    return program.out


def payload(line: str) -> str:
    """What was signed, of a line that holds an envelope."""
    envelope = json.loads(line).get("envelope")
    return base64.b64decode(envelope["payload"]).decode("latin-1") if envelope else ""


def host_key() -> str:
    return jitctl("root", "status")["host"]["key"]


def verified(text: str, *args: str) -> str:
    """What both verifiers say, which is the same: the text of jit-verify's yes, or its no."""
    path = f"{bedlib.BED}/export.jsonl"
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    done = subprocess.run(["jit-verify", "--host-key", host_key(), "--allowed-signers", SIGNERS, *args, path], capture_output=True, text=True,
                          check=False)
    with open(SIGNERS, encoding="ascii") as lines:
        signers = second.read_signers(lines.read())
    other = second.check(text.encode(), host_key(), signers, [second.read_head(v) for v in args[1::2]])
    check((other is None) == (done.returncode == 0), f"the second verifier says {other}, jit-verify {done.stdout}{done.stderr}")
    return done.stdout


def test_what_people_did_is_proven():
    bedlib.set_policy(BASE.replace('count = 1 }], wait = "5m" }', 'count = 2 }], wait = "5m" }'))
    enrol("bob", "carol")
    with Inbox() as inbox, waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        jitctl("bob", "approve", request, "--key", "/home/bob/.ssh/id_ed25519", "-m", "signed")
        jitctl("carol", "approve", request, "--key", "/home/carol/.ssh/id_ed25519")
        check(alice.wait() == 0, alice.text)
    kinds = [(e["fields"]["kind"], e["person"] and e["fields"]["voter"]) for e in bedlib.audit(type="vote.cast")]
    check(kinds == [("sshsig", "bob"), ("sshsig", "carol")], str(kinds))
    said = verified(run_well("root", "audit", "export"))
    check(said.startswith("verified: ") and "2 votes checked with people's keys" in said, said)
    check("each grant has its request and its votes" in said, said)
    proof = run_well("bob", "audit", "prove", request)
    said = verified(proof)
    check("the proof of " + request in said and "1 request, 2 votes, 1 grant; each grant" in said, said)
    # The same without the second voter's vote, or with his key taken for another's.
    lines = proof.splitlines(True)
    at = [i for i, line in enumerate(lines) if "vote.cast" in line][1]
    less = lines[:at] + lines[at + 2:-1] + [lines[-1].replace(str(len(lines) - 6), str(len(lines) - 7))]
    check("1 of 2 votes" in verified("".join(less)), verified("".join(less)))
    with open(SIGNERS, encoding="ascii") as f:
        other = {"bob": "carol", "carol": "bob"}
        swapped = "".join(re.sub(r"^(bob|carol) ", lambda m: other[m[1]] + " ", line) for line in f)
    with open(SIGNERS, "w", encoding="ascii") as f:
        f.write(swapped)
    check("not signed with a key of that person" in verified(proof), "a key of somebody else")


def test_a_code_that_was_carried_by_hand_and_an_extension():
    bedlib.clean_slate()
    bedlib.set_policy(BASE)
    enrol("bob", "carol")
    with Inbox() as inbox, waiting("alice", "sudo sleep 600") as alice:
        request = inbox.new("alice")["id"]
        shown = f"{bedlib.BED}/shown"
        with open(shown, "w", encoding="ascii") as out:
            out.write(run_well("bob", "show", request, "--code"))
        code = run_well("bob", "vote", "--code", "--approve", "--person", "bob", "--trust", host_key(), "--key", "/home/bob/.ssh/id_ed25519", shown)
        with open(f"{bedlib.BED}/code", "w", encoding="ascii") as out:
            out.write(code)
        run_well("dave", "vote", "--paste", f"{bedlib.BED}/code")
        grant = inbox.grant("active")["id"]
        more = jitctl("alice", "extend", grant, "--for", "5m")["id"]
        jitctl("carol", "approve", more, "--key", "/home/carol/.ssh/id_ed25519")
        run_well("alice", "end", grant)
        alice.ctrl_c()
    said = verified(run_well("root", "audit", "export"))
    check(said.startswith("verified: ") and "each grant has its request" in said, said)
    check({"code", "sshsig"} <= {e["fields"]["kind"] for e in bedlib.audit(type="vote.cast")}, "which votes")
    for of in request, grant, more:
        check(verified(run_well("alice", "audit", "prove", of)).startswith("verified: the proof of"), of)
    proof = run_well("alice", "audit", "prove", request)
    at = proof.index('"code":"jc1') + 60
    check("NOT verified" in verified(proof[:at] + ("A" if proof[at] != "A" else "B") + proof[at + 1:]), "another code")
    told = run_well("alice", "audit", "show", grant)
    check("bob approved" in told and "by a signed code" in told and "got more time" in told, told)


def test_a_broker_that_was_killed_goes_on_with_its_log():
    bedlib.clean_slate()
    bedlib.set_policy(BASE)
    enrol("bob", "carol")
    head = json.loads(run_well("root", "audit", "checkpoint"))["head"]
    for _ in range(3):
        with Inbox() as inbox, waiting("alice") as alice:
            jitctl("bob", "approve", inbox.new("alice")["id"])
            check(alice.wait() == 0, alice.text)
        jitctl("root", "revoke", "--all", "-m", "who is root is asked for signed votes")
        bedlib.broker.kill()
        bedlib.broker.start()
    export = run_well("root", "audit", "export")
    said = verified(export, "--head", head)
    check(said.startswith("verified: "), said)
    check(run_well("root", "audit", "verify", "--head", head).startswith("verified: "), "by the broker")
    sequence = int(head.split(":")[0])
    lines = export.splitlines(True)
    at = next(i for i, line in enumerate(lines) if f'\\"sequence\\":{sequence + 3},' in line)
    check(f"entry {sequence + 3}: it is missing" in verified("".join(lines[:at] + lines[at + 1:])), "an entry that was taken out")
    for line in run_well("root", "audit", "export", "--format", "ocsf").splitlines():
        check(ocsf_test.complaints(json.loads(line)) == [], f"{ocsf_test.complaints(json.loads(line))} {line}")


def test_who_was_erased_is_not_in_it_any_more():
    bedlib.clean_slate()
    older = run_well("root", "audit", "export")
    check("alice" in older, "she is in it")
    for user in "alice", "bob":
        check(run(user, ["jitctl", "audit", "erase", "--person", user]).code == 3, f"{user} erases")
    for person in "alice", "bob":
        run_well("root", "audit", "erase", "--person", person)
    export = run_well("root", "audit", "export")
    said = verified(export)
    check(said.startswith("verified: ") and "erased" in said, said)
    kept = [line for line in export.splitlines() if re.search(r"\b(alice|bob)\b", line + payload(line))]
    check(not kept, f"still told: {kept[:3]}")
    check(verified(older).startswith("verified: "), "a copy of before is as good as it was")
    for line in run_well("root", "audit", "export", "--format", "ocsf").splitlines():
        check(ocsf_test.complaints(json.loads(line)) == [], f"{ocsf_test.complaints(json.loads(line))} {line}")


def test_an_entry_that_is_filed_as_something_else():
    """The log itself is whole; what jitctl audit log would not show any more is named."""
    bedlib.broker.stop()
    with contextlib.closing(sqlite3.connect("/var/lib/jit/jit.db")) as db:
        entry = db.execute("SELECT max(sequence) FROM audit WHERE type = 'grant.created'").fetchone()[0]
        trigger = db.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_never_changes'").fetchone()[0]
        db.execute("DROP TRIGGER audit_never_changes")
        db.execute("UPDATE audit SET type = 'policy.loaded' WHERE sequence = ?", (entry,))
        db.execute(trigger)
        db.commit()
        owner = os.stat("/var/lib/jit")
    for end in "", "-wal", "-shm":
        with contextlib.suppress(FileNotFoundError):
            os.chown(f"/var/lib/jit/jit.db{end}", owner.st_uid, owner.st_gid)
    bedlib.broker.start()
    said = run("root", ["jitctl", "audit", "verify"])
    check(said.code == 1 and said.text.startswith(f"NOT verified: entry {entry}: jit.db was changed"), said.text)
    verified(run_well("root", "audit", "export"))


def test_only_who_may():
    for user in "alice", "nobody":
        for words in ("export",), ("checkpoint",), ("verify",):
            check(run(user, ["jitctl", "audit", *words]).code == 3, f"{user}: {words}")
    with contextlib.suppress(FileNotFoundError):
        os.unlink("/tmp/verified.jsonl")
    run("alice", "touch /tmp/verified.jsonl")
    check(run("alice", ["jitctl", "audit", "verify", "/tmp/verified.jsonl"]).code == 1, "an empty file")
    check(run("alice", ["jitctl", "audit", "verify", "/root/none"]).code == 2, "no file")


bedlib.main(globals())
