# SPDX-License-Identifier: Apache-2.0
"""killed_votes.py CHILD JIT_VERIFY: kill -9 of a broker between a vote's signature and its grant, at each step, 200 times. Never two
grants of one vote, never a grant without its entry, what was told is there, and the log is verified after each."""
import concurrent.futures
import os
import subprocess
import sys
import tempfile

# Of each kind: how many points of one life.
POINTS = {"verified": 50, "write": 50, "sync": 50, "synced": 50}
WORKERS = 2


def run(command, code):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != code:
        raise AssertionError(f"{command[1:]} ended with {done.returncode}: {done.stdout} {done.stderr}")
    return [line.split() for line in done.stdout.splitlines()]


def look(child, verifier, folder, told):
    """Gives how many grants are there."""
    lines = run([child, "look", folder], 0)
    grants = {line[1]: line[2:] for line in lines if line[0] == "grant"}
    entries = [line[1] for line in lines if line[0] == "entry"]
    votes = [vote for of in grants.values() for vote in of]
    if len(votes) != len(set(votes)):
        raise AssertionError("two grants of one vote")
    if not all(grants.values()):
        raise AssertionError("a grant of no vote")
    if sorted(entries) != sorted(grants):
        raise AssertionError(f"{len(grants)} grants, {len(entries)} entries of them")
    if len(grants) < told:
        raise AssertionError(f"{told} grants were told of, {len(grants)} are there")
    path = [os.path.join(folder, name) for name in ("host_key", "allowed_signers", "head", "log.jsonl")]
    run([verifier, "--host-key", path[0], "--allowed-signers", path[1], "--head", path[2], path[3]], 0)
    return len(grants)


def lives(child, verifier, kind, numbers):
    """A broker that lives on after each second kill: it comes back to what the first left, with the votes carried again."""
    wrong, told, found, kills = [], 0, 0, 0
    for first, second in zip(numbers[::2], numbers[1::2]):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            folder = os.path.realpath(folder)
            os.chmod(folder, 0o700)
            known = grants = 0
            try:
                for number in first, second:
                    lines = run([child, "live", folder, kind, str(number)], -9)
                    kills += 1
                    known += sum(line[0] == "grant" for line in lines)
                    grants = look(child, verifier, folder, known)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                wrong.append(f"{kind} {first}, then {second}: {error}")
            told, found = told + known, found + grants
    return wrong, told, found, kills


def main():
    child, verifier = sys.argv[1:3]
    wrong, told, found, kills = [], 0, 0, 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for done in pool.map(lambda kind: lives(child, verifier, kind, list(range(1, POINTS[kind] + 1))), POINTS):
            wrong, told, found, kills = wrong + done[0], told + done[1], found + done[2], kills + done[3]
    print(f"{kills} of {sum(POINTS.values())} points killed: {told} grants were told of, {found} are there, {len(wrong)} wrong")
    print("\n".join(wrong[:20]))
    return 1 if wrong or kills != sum(POINTS.values()) or not told or found < told else 0


if __name__ == "__main__":
    sys.exit(main())
