# SPDX-License-Identifier: Apache-2.0
"""killed.py CHILD: kills the writer at its n-th sync, or makes that sync fail, for each n. What it had been told
is there afterwards, what it had been refused is not, and the database opens clean."""
import os
import subprocess
import sys
import tempfile

SYNCS = 30
COMMITS = 32
# A leak check cannot run under strace.
ENV = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")


def run(command):
    return subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=60)


def main():
    child = sys.argv[1]
    bad = []
    faults = told = refused = killed = 0
    with tempfile.TemporaryDirectory(dir=".") as folder:
        folder = os.path.realpath(folder)
        for action, step in (("signal=KILL", 1), ("error=EIO", 3), ("error=ENOSPC", 3)):
            for n in range(1, SYNCS + 1, step):
                faults += 1
                case = f"{action} at sync {n}"
                path = os.path.join(folder, f"{action.replace('=', '-')}-{n}.db")
                log = path + ".strace"
                # The second half starts on a database that exists.
                if n % 2 == 0 and run([child, "write", path, "2"]).returncode != 0:
                    bad.append(f"{case}: cannot prepare")
                    continue
                done = run(["strace", "-f", "-o", log, "-e", "trace=fdatasync", "-e",
                            f"inject=fdatasync:{action}:when={n}", child, "write", path, str(COMMITS)])
                yes = [int(line[4:]) for line in done.stdout.splitlines() if line.startswith("yes ")]
                no = [int(line[3:]) for line in done.stdout.splitlines() if line.startswith("no ")]
                told += len(yes)
                refused += len(no)
                killed += done.returncode < 0
                if done.returncode not in (0, 1, -9):
                    bad.append(f"{case}: ended with {done.returncode}: {done.stderr}")
                again = run([child, "read", path])
                there = [int(line) for line in again.stdout.split()]
                if again.returncode != 0:
                    bad.append(f"{case}: does not open: {again.stderr}")
                elif not set(yes) <= set(there):
                    bad.append(f"{case}: lost {sorted(set(yes) - set(there))}")
                elif set(no) & set(there):
                    bad.append(f"{case}: {no} was refused, and is there")
                elif there != list(range(1, len(there) + 1)):
                    bad.append(f"{case}: the log has a gap: {there}")
    print(f"{faults} faults: {killed} killed, {told} commits told, {refused} refused, {len(bad)} wrong")
    for line in bad:
        print(line)
    if killed != SYNCS or not told or not refused:
        print("the faults did not happen")
        return 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
