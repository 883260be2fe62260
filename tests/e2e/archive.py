# SPDX-License-Identifier: Apache-2.0
"""archive.py CLOCK_SHIFT: a real broker 401 days later. What was logged before goes into files, and jitctl, jit-verify and the second
verifier go on across the cut; a part that is edited, cut or missing is named; who is erased is erased there, too."""
import glob
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import time

import bedlib
from bedlib import Inbox, broker, check, jitctl, run, waiting

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "verify"))
import second  # noqa: E402

LATER = 401 * 86400
ARCHIVE = "/var/lib/jit/archive"
SHIFT = f"{bedlib.BED}/clock_shift.so"
shutil.copy(sys.argv[1], SHIFT)
os.chmod(SHIFT, 0o755)
BEFORE = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))


def good(*words: str) -> str:
    program = run("root", ["jitctl", *words])
    check(program.code == 0, f"jitctl {' '.join(words)}: {program.code} {program.text}")
    return program.out


def parts() -> list:
    return sorted(glob.glob(f"{ARCHIVE}/log-*.jsonl"))


def save(name: str, text: str) -> str:
    path = f"{bedlib.BED}/{name}"
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    return path


def verified(*files: str) -> str:
    """What both verifiers say of these files, which is the same."""
    key = jitctl("root", "status")["host"]["key"]
    done = subprocess.run(["jit-verify", "--host-key", key, *files], capture_output=True, text=True, check=False)
    data = b""
    for name in files:
        with open(name, "rb") as file:
            data += file.read()
    other = second.check(data, key, [], [])
    check((other is None) == (done.returncode == 0), f"the second verifier says {other}, jit-verify {done.stdout}{done.stderr}")
    if other:
        named = re.search(r"entr(?:y|ies) (\d+)", done.stdout)
        check(named and int(named[1]) == other[0], f"the second verifier names {other}, jit-verify: {done.stdout}")
    return done.stdout


def granted() -> str:
    with Inbox() as inbox, waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        jitctl("bob", "approve", request, "-m", "go on")
        check(alice.wait() == 0, alice.text)
    run("root", ["jitctl", "revoke", "--all", "-m", "the next test begins"])
    return request


REQUEST = granted()


def test_what_is_old_is_in_files_and_verified_across_the_cut():
    older = save("older.jsonl", good("audit", "export"))
    broker.stop()
    broker.run_under("env", f"LD_PRELOAD={SHIFT}", f"WALL_CLOCK_S={LATER}")
    broker.start()
    end = time.monotonic() + 30
    while not parts() or not bedlib.audit(type="log.archived"):
        check(time.monotonic() < end, "no part came")
        good("audit", "checkpoint")  # its answer is the event: what was queued before is written then
    told = bedlib.audit(type="log.archived")[0]["fields"]
    check(os.path.basename(parts()[0]) == "log-00000000000000000001.jsonl" and told["first"] == 1, str(parts()))
    found = os.stat(parts()[0])
    check(found.st_mode & 0o7777 == 0o640 and found.st_uid == pwd.getpwnam("_jit").pw_uid, oct(found.st_mode))
    rest = save("rest.jsonl", good("audit", "export"))
    check(json.loads(open(rest, encoding="ascii").readline())["first"] == told["last"] + 1, "the rest begins behind the cut")
    check(verified(*parts(), rest).startswith("verified: entries 1 to "), verified(*parts(), rest))
    with open(older, "rb") as was, open(parts()[0], "rb") as now:
        check(set(line for line in was if line.startswith(b'{"hash"')) >= set(line for line in now if line.startswith(b'{"hash"')), "other entries than before")
    said = good("audit", "verify")
    check(said.startswith("verified: entries 1 to "), said)


def test_the_log_is_read_across_the_cut():
    types = [entry["type"] for entry in json.loads(good("audit", "log", "--json", "--since", BEFORE))]
    check("request.created" in types and "log.archived" in types, str(types))
    mine = json.loads(good("audit", "log", "--json", "--since", BEFORE, "--type", "vote.cast"))
    check([entry["request"] for entry in mine] == [REQUEST], str(mine))
    export = save("across.jsonl", good("audit", "export", "--since", BEFORE))
    said = verified(export)
    check(said.startswith("verified: ") and "1 request" in said, said)
    check("request.created" not in [e["type"] for e in json.loads(good("audit", "log", "--json"))], "without --since: what is in the database")


def test_a_proof_of_what_is_in_the_archive():
    program = run("root", ["jitctl", "audit", "prove", REQUEST])
    check(program.code == 3 and "jitctl audit prove" in program.text, program.text)
    rest = save("rest.jsonl", good("audit", "export"))
    proof = save("proof.jsonl", good("audit", "prove", REQUEST[:8], *parts(), rest))
    said = verified(proof)
    check(said.startswith(f"verified: the proof of {REQUEST}") and "1 request, 1 vote, 1 grant; each grant" in said, said)
    shown = good("audit", "show", REQUEST, *parts(), rest)
    check("bob approved" in shown, shown)
    host_key = jitctl("root", "status")["host"]["key"]
    unsaid = run("root", ["jitctl", "audit", "show", REQUEST, *parts(), rest])
    check(host_key in unsaid.err and "nobody said whose log it must be" in unsaid.err, unsaid.text)
    said = run("root", ["jitctl", "audit", "show", "--host-key", host_key, REQUEST, *parts(), rest])
    check(said.code == 0 and said.out == shown and "nobody said" not in said.err, said.text)
    other = run("root", ["jitctl", "audit", "show", "--host-key", "SHA256:" + "A" * 43, REQUEST, *parts(), rest])
    check(other.code == 1 and other.out == "" and "it is of another host" in other.err, other.text)


def test_a_part_that_is_damaged_or_gone_is_named():
    part, rest = parts()[0], save("rest.jsonl", good("audit", "export"))
    with open(part, "rb") as file:
        kept = file.read()
    lines = kept.split(b"\n")
    at = [i for i, line in enumerate(lines) if line.startswith(b'{"hash"')]
    forms = {"edited": (kept.replace(b'\\"door\\":\\"sudo', b'\\"door\\":\\"gate', 1), None), "cut": (b"\n".join(lines[:at[4]]) + b"\n", 5),
             "without its third entry": (b"\n".join(lines[:at[2]] + lines[at[3]:]), 3)}
    for what, (text, first) in forms.items():
        with open(part, "r+b") as file:
            file.truncate(0)
            file.write(text)
        program = run("root", ["jitctl", "audit", "verify"])
        check(program.code == 1 and "NOT verified" in program.text, f"{what}: {program.text}")
        check(first is None or f"entry {first}:" in program.text, f"{what}: {program.text}")
        said = verified(part, rest)
        check("NOT verified" in said, f"{what}: {said}")
    os.rename(part, part + ".away")
    program = run("root", ["jitctl", "audit", "verify"])
    check(program.code != 0 and "entries 1 to" in program.text and "put that file back" in program.text, program.text)
    os.rename(part + ".away", part)
    with open(part, "r+b") as file:
        file.truncate(0)
        file.write(kept)
    check(good("audit", "verify").startswith("verified: "), "as it was")


def test_who_is_erased_is_not_in_the_archive_any_more():
    check(any(b"alice" in open(part, "rb").read() for part in parts()), "she is in it")
    said = good("audit", "erase", "--person", "alice")
    check(re.match(r"erased: what \d+ places", said), said)
    for part in parts():
        with open(part, "rb") as file:
            check(b"alice" not in file.read(), part)
    rest = save("rest.jsonl", good("audit", "export"))
    said = verified(*parts(), rest)
    check(said.startswith("verified: entries 1 to ") and "erased" in said, said)


def test_parts_of_another_log_are_put_aside_and_named():
    old = {os.path.basename(part): open(part, "rb").read() for part in parts()}
    broker.stop()
    aside = f"{bedlib.BED}/aside"
    os.mkdir(aside)
    for file in glob.glob("/var/lib/jit/jit.db*"):
        shutil.move(file, aside)
    broker.start()
    notes = jitctl("root", "status")["archive"]
    check(len(notes) == 1 and "other-1" in notes[0], str(notes))
    check("other-1" in run("root", ["jitctl", "doctor"]).out, "doctor says nothing of it")
    for name, text in old.items():
        with open(f"{ARCHIVE}/other-1/{name}", "rb") as file:
            check(file.read() == text, name)


bedlib.main(globals())
