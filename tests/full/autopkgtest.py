#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed --packages
"""debian/tests as autopkgtest runs them: what a test depends on is installed from the packages and Debian, then its script, as root, with
nothing of the build there."""
import os
import pathlib
import re
import subprocess

import bedlib
from bedlib import check
from booted import shell

TESTS = pathlib.Path("/root/debian/tests")
PACKAGES = pathlib.Path("/root/packages")
KNOWN = {"needs-root", "isolation-machine", "breaks-testbed", "allow-stderr"}


def paragraphs() -> list:
    text = re.sub(r"^#.*\n", "", (TESTS / "control").read_text(encoding="ascii"), flags=re.M)
    return [dict(re.findall(r"^([A-Za-z-]+): *(.*)$", part, re.M)) for part in text.strip().split("\n\n")]


def installed(depends: str) -> None:
    """Each package that is listed, or the first alternative that is here: there is no network."""
    ours = {path.name.split("_")[0]: str(path) for path in PACKAGES.glob("*.deb")}
    wanted, here = [], shell("dpkg-query -W -f '${Package} ${db:Status-Status}\\n'").splitlines()
    for one in depends.split(","):
        choices = [choice.strip() for choice in one.split("|")]
        found = [choice for choice in choices if choice in ours or f"{choice} installed" in here]
        check(found, f"{one} is not here")
        wanted += [found[0]] if found[0] in ours else []
    # With what these need of ours.
    shell(f"DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install {' '.join(ours[name] for name in sorted({*wanted, 'jit-broker', 'jitctl'}))}")


def test_each() -> None:
    for one in paragraphs():
        restrictions = set(re.split(r"[ ,]+", one["Restrictions"]))
        check(restrictions <= KNOWN and "needs-root" in restrictions, f"{restrictions}")
        installed(one["Depends"])
        for name in re.split(r"[ ,]+", one["Tests"]):
            folder = pathlib.Path("/tmp/autopkgtest", name)
            folder.mkdir(parents=True)
            done = subprocess.run([TESTS / name], cwd="/root", capture_output=True, text=True, check=False,
                                  env={"PATH": os.environ["PATH"], "HOME": "/root", "AUTOPKGTEST_TMP": str(folder), "LANG": "C.UTF-8"})
            check(done.returncode == 0, f"{name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
            check(done.stderr == "" or "allow-stderr" in restrictions, done.stderr)
            print(done.stdout, end="", flush=True)


shell("userdel _jit 2>/dev/null || true; rm -rf /etc/jit /var/lib/jit")
bedlib.main(globals())
