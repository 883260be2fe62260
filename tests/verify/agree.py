#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""jit-verify and a second verifier must say the same of each log, good or bad: accepted or not, and which entry is the first that
is wrong. The corpus is made by the project's own writer; here it is damaged in every way on a small scale: each line left out, put
twice, swapped with the next, each byte changed, each byte of the file the last one.
  agree.py JIT_VERIFY VERIFY_CORPUS [PERCENT]   of the bytes of the larger logs"""
import base64
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import second

WORKERS = 2
ANSWER = re.compile(r"NOT verified: (?:entr(?:y|ies) (\d+)(?: to (\d+))?: )?")


class Arena:
    def __init__(self, program, corpus, folder):
        self.program, self.corpus, self.folder = program, corpus, folder
        self.key = (corpus / "host_key").read_text().strip()
        self.signers = second.read_signers((corpus / "allowed_signers").read_text())
        

    def first(self, data, args, name):
        path = self.folder / f"{name}.{os.getpid()}"
        path.write_bytes(data)
        out = subprocess.run([self.program, "--host-key", str(self.corpus / "host_key"), "--allowed-signers", str(self.corpus / "allowed_signers"),
                              *args, str(path)], capture_output=True, text=True, check=False)
        if out.returncode == 0 and out.stdout.startswith("verified"):
            return None
        said = ANSWER.match(out.stdout)
        if out.returncode != 1 or not said:
            raise AssertionError(f"{name}: {out.returncode} {out.stdout} {out.stderr}")
        first = int(said.group(1) or 0)
        return first, max(first, int(said.group(2) or 0))

    def other(self, data, args):
        heads = [second.read_head(value) for value in args[1::2]]
        return second.check(data, self.key, self.signers, heads)

    def fight(self, case):
        name, data, args, expected = case
        one, two = self.first(data, args, name), self.other(data, args)
        problems = []
        if one != two:
            problems.append(f"{name}: jit-verify {one}, the second {two}")
        if expected is not None and (one is None) != expected:
            problems.append(f"{name}: {'accepted' if one is None else f'refused: {one}'}")
        return problems, one is None


def damaged(name, data):
    """Each line left out, twice, swapped with the next one; the file cut behind each; each line of another log's end."""
    lines = data.split(b"\n")[:-1]
    for at, line in enumerate(lines):
        kind = json.loads(line)["kind"]
        rest = lines[:at] + lines[at + 1:]
        is_request = kind == "evidence" and b"pam-jit.request" in base64.b64decode(json.loads(line).get("envelope", {}).get("payload", "")) + line
        # A head in the middle proves what a later one proves too; a request's document may be missing.
        spare = (kind == "checkpoint" and any(b'"kind":"checkpoint"' in later for later in lines[at + 1:])) or is_request
        yield f"{name}-without-{at}", join(rest), spare
        yield f"{name}-twice-{at}", join(lines[:at + 1] + lines[at:]), kind == "checkpoint"
        yield f"{name}-cut-{at}", join(lines[:at]), False
        if at + 1 < len(lines):
            yield f"{name}-swapped-{at}", join(lines[:at] + [lines[at + 1], line] + lines[at + 2:]), False
        yield f"{name}-empty-{at}", join(lines[:at] + [b""] + lines[at:]), False
        yield f"{name}-blank-{at}", join(lines[:at] + [line + b" "] + lines[at + 1:]), False


def erased(name, data):
    """Each personal field taken out: the proofs hold."""
    lines = data.split(b"\n")[:-1]
    for at, line in enumerate(lines):
        value = json.loads(line)
        for field in list(value.get("personal", {})):
            less = json.loads(line)
            del less["personal"][field]
            kept = lines[at + 1:]
            if field in ("vote", "grant_digest") and kept and b'"kind":"evidence"' in kept[0]:
                kept = kept[1:]  # with what it names
            yield f"{name}-erased-{at}-{field}", join(lines[:at] + [second.dump(less).encode()] + kept), True
            other = json.loads(line)
            other["personal"][field]["value"] = "mallory"
            yield f"{name}-replaced-{at}-{field}", join(lines[:at] + [second.dump(other).encode()] + lines[at + 1:]), False


def bytes_changed(name, data, percent):
    """Each byte another one, left out, or there twice."""
    begin = data.index(b'"name":"') + len(b'"name":"')
    host_name = range(begin, data.index(b'"', begin))  # for people, and the host's own word: nothing is proven of it
    for at in range(0, len(data), max(1, 100 // percent)):
        expected = None if at in host_name or at + 1 in host_name else False
        yield f"{name}-flip-{at}", data[:at] + bytes([data[at] ^ (1 << at % 7)]) + data[at + 1:], expected
        if at % 5 == 0:
            yield f"{name}-less-{at}", data[:at] + data[at + 1:], None if at == len(data) - 1 else expected
            yield f"{name}-more-{at}", data[:at] + data[at:at + 1] + data[at:], expected


def join(lines):
    return b"".join(line + b"\n" for line in lines)


def cases(corpus, percent):
    for path in sorted(corpus.glob("*.jsonl")):
        args = path.with_suffix(".args")
        yield path.stem, path.read_bytes(), json.loads(args.read_text()) if args.exists() else [], path.stem.endswith(".good")
    for name in "story.good", "late.good", "proof.good", "proof-by-hand.good":
        data = (corpus / f"{name}.jsonl").read_bytes()
        partial = name != "story.good"
        for label, bad, expected in list(damaged(name, data)) + list(erased(name, data)):
            # Who sees only a part may miss more, and say so: there only the agreement counts.
            yield label, bad, [], None if partial and expected is not False or partial and "without" in label else expected
    for name, share_of in (("tiny.good", 100), ("small.good", percent), ("small-proof.good", percent)):
        for label, bad, expected in bytes_changed(name, (corpus / f"{name}.jsonl").read_bytes(), share_of):
            yield label, bad, [], expected


def share(number, program, corpus, scratch, percent):
    """Every WORKERS-th log."""
    arena = Arena(program, corpus, scratch)
    wrong, count, accepted = [], 0, 0
    for at, case in enumerate(cases(corpus, percent)):
        if at % WORKERS == number:
            problems, good = arena.fight(case)
            wrong, count, accepted = wrong + problems, count + 1, accepted + good
    return wrong, count, accepted


def main():
    program, maker = sys.argv[1:3]
    percent = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    with tempfile.TemporaryDirectory() as folder:
        corpus, scratch = pathlib.Path(folder) / "corpus", pathlib.Path(folder) / "scratch"
        corpus.mkdir()
        scratch.mkdir()
        subprocess.run([maker, str(corpus)], check=True, stdout=subprocess.DEVNULL)
        wrong, count, accepted = [], 0, 0
        with concurrent.futures.ProcessPoolExecutor(WORKERS) as pool:
            for part in [pool.submit(share, n, program, corpus, scratch, percent) for n in range(WORKERS)]:
                problems, some, good = part.result()
                wrong, count, accepted = wrong + problems, count + some, accepted + good
    print("\n".join(wrong[:40]))
    print(f"{count} logs, {accepted} of them accepted, {len(wrong)} disagreements")
    return 1 if wrong or count < 1000 or not accepted else 0


if __name__ == "__main__":
    sys.exit(main())
