#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed --packages
"""debian/tests as autopkgtest runs them: what a test depends on is installed from a repository with the packages, then its script, as root, with
nothing of the build there. A test that asks for it is begun again after a restart."""
import os
import pathlib
import re
import subprocess
import sys

import bedlib
from bedlib import check
from booted import shell

TESTS = pathlib.Path("/root/debian/tests")
REPOSITORY = pathlib.Path("/srv/repository")
RESTART = pathlib.Path("/tmp/autopkgtest-reboot")
MARK = pathlib.Path("/var/tmp/mark")  # which test is to be begun again, and the word that it left
KNOWN = {"needs-root", "isolation-machine", "breaks-testbed", "allow-stderr"}


def paragraphs() -> list:
    text = re.sub(r"^#.*\n", "", (TESTS / "control").read_text(encoding="ascii"), flags=re.M)
    return [dict(re.findall(r"^([A-Za-z-]+): *(.*)$", part, re.M)) for part in text.strip().split("\n\n")]


def installed(depends: str) -> None:
    """Each package that is listed, or the first alternative that is here: there is no network."""
    ours = {path.name.split("_")[0] for path in REPOSITORY.glob("*.deb")}
    wanted, here = [], shell("dpkg-query -W -f '${Package} ${db:Status-Status}\\n'").splitlines()
    for one in depends.split(","):
        choices = [choice.strip() for choice in one.split("|")]
        found = [choice for choice in choices if choice in ours or f"{choice} installed" in here]
        check(found, f"{one} is not here")
        wanted += [found[0]] if found[0] in ours else []
    shell(f"DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install {' '.join(wanted)}")


def run_one(name: str, restrictions: set, mark: str = "") -> None:
    folder = pathlib.Path("/tmp/autopkgtest", name)
    folder.mkdir(parents=True, exist_ok=True)
    RESTART.write_text(f'#!/bin/sh\necho "{name} $1" >{MARK}\n', encoding="ascii")
    RESTART.chmod(0o755)
    done = subprocess.run([TESTS / name], cwd="/root", capture_output=True, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "HOME": "/root", "AUTOPKGTEST_TMP": str(folder), "LANG": "C.UTF-8",
                               **({"AUTOPKGTEST_REBOOT_MARK": mark} if mark else {})})
    check(done.returncode == 0, f"{name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    check(done.stderr == "" or "allow-stderr" in restrictions, done.stderr)
    print(done.stdout, end="", flush=True)
    if MARK.exists():
        raise SystemExit(77)  # the bed: start it again


def test_each() -> None:
    begun_again = MARK.read_text(encoding="ascii").split() if MARK.exists() else []
    MARK.unlink(missing_ok=True)
    check(bool(begun_again) == (sys.argv[1:] == ["rebooted"]), "a restart that no test asked for, or none that one did")
    for one in paragraphs():
        restrictions = set(re.split(r"[ ,]+", one["Restrictions"]))
        check(restrictions <= KNOWN and "needs-root" in restrictions, f"{restrictions}")
        for name in re.split(r"[ ,]+", one["Tests"]):
            if begun_again and name != begun_again[0]:
                continue  # before the restart
            if begun_again:
                run_one(name, restrictions, begun_again[1])
                begun_again = []
                continue
            installed(one["Depends"])
            run_one(name, restrictions)


if not sys.argv[1:]:
    shell(f"userdel _jit 2>/dev/null || true; rm -rf /etc/jit /var/lib/jit /etc/apt/sources.list /etc/apt/sources.list.d; mv /root/packages {REPOSITORY}; cd {REPOSITORY}"
          f"; dpkg-scanpackages . >Packages 2>/dev/null; echo 'deb [trusted=yes] file:{REPOSITORY} ./' >/etc/apt/sources.list; apt-get -q update")
bedlib.main(globals())
