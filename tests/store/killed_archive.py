# SPDX-License-Identifier: Apache-2.0
"""killed_archive.py CHILD: kill -9 while old entries go into the archive and a person is erased there, at each sync, renaming and
removal. Afterwards each entry is there once, and the parts and what is left are verified as one log."""
import os
import subprocess
import sys
import tempfile

STEPS = ("fsync", "fdatasync", "renameat", "renameat2", "unlinkat", "ftruncate")
ENV = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")  # which cannot run under strace


def run(command):
    return subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=60, check=False)


def main():
    child = sys.argv[1]
    wrong, killed = [], {step: 0 for step in STEPS}
    with tempfile.TemporaryDirectory(dir=".") as folder:
        for step in STEPS:
            for n in range(1, 200):
                # Of those that write entries, not each one.
                if step == "fdatasync" and n > 10 and n % 4 != 0:
                    continue
                path = os.path.join(os.path.realpath(folder), f"{step}-{n}")
                os.mkdir(path, 0o700)
                done = run(["strace", "-f", "-o", "/dev/null", "-e", f"trace={step}", "-e", f"inject={step}:signal=KILL:when={n}", child, "live", path])
                if done.returncode == 0:
                    break
                killed[step] += done.returncode == -9
                look = run([child, "look", path])
                if done.returncode != -9 or look.returncode != 0:
                    wrong.append(f"{step} {n}: {done.returncode} {done.stderr} {look.stdout} {look.stderr}")
    print(f"killed: {killed}; {len(wrong)} wrong")
    print("\n".join(wrong[:10]))
    return 1 if wrong or killed["fsync"] < 6 or killed["fdatasync"] < 10 or killed["renameat"] + killed["renameat2"] < 3 else 0


if __name__ == "__main__":
    sys.exit(main())
