# SPDX-License-Identifier: Apache-2.0
"""The packages of the build in a booted host: installed by apt, as this version and as another one."""
import pathlib
import re
import subprocess

import bedlib
from bedlib import Terminal, check, run
from booted import shell, until

PACKAGES = pathlib.Path("/root/packages")
NAMES = ("libpam-jit", "jit-broker", "jitctl", "jit-notify", "jit-relay", "sudo-jit", "jit-doc")
LINE = re.compile(r"^[^#\n]*pam_jit\.so.*\n", re.M)


def apt(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(["apt-get", "-q", "-y", "--allow-downgrades", *words], capture_output=True, text=True, check=False,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})


def done(result: subprocess.CompletedProcess) -> None:
    check(result.returncode == 0, f"{' '.join(result.args)}: {result.stdout[-3000:]}{result.stderr[-3000:]}")


def is_here(package: str) -> bool:
    return run("root", ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]).out == "installed"


def version_of(package: str) -> str:
    return shell(f"dpkg-query -W -f '${{Version}}' {package}")


def files(version: str) -> list:
    return [str(path) for path in PACKAGES.glob(f"*_{version}_*.deb")]


def another(version: str, made: str) -> None:
    """The same packages under another version, in the maintainer scripts too; not compressed, which takes longer than all else."""
    for path in PACKAGES.glob(f"*_{version}_*.deb"):
        shell(f"rm -rf /root/tree; dpkg-deb -R {path} /root/tree; cd /root/tree/DEBIAN; sed -i 's/{re.escape(version)}/{made}/g' control $(ls preinst postinst prerm postrm 2>/dev/null || true)"
              f"; dpkg-deb -b -Znone --nocheck /root/tree {path.parent}/{path.name.replace(version, made)}")


def foreign(version: str) -> tuple:
    """libpam-jit as another architecture would have it, which needs none of its libraries: its name, and its file."""
    path = next(PACKAGES.glob(f"libpam-jit_{version}_*.deb"))
    own = path.stem.rsplit("_", 1)[1]
    other, triplet = ("i386", "i386-linux-gnu") if own != "i386" else ("amd64", "x86_64-linux-gnu")
    made = path.parent / "foreign" / path.name.replace(f"_{own}.", f"_{other}.")
    shell(f"rm -rf /root/tree; mkdir -p {made.parent}; dpkg-deb -R {path} /root/tree; cd /root/tree; mv usr/lib/*-linux-gnu* usr/lib/{triplet}"
          f"; sed -i 's/^Architecture:.*/Architecture: {other}/; s/^Depends:.*/Depends: jit-broker (= {version}), jitctl (= {version})/' DEBIAN/control"
          f"; rm -f DEBIAN/md5sums; dpkg-deb -b -Znone --nocheck /root/tree {made}")
    return f"libpam-jit:{other}", made


def pam_files(folder: str = "/etc/pam.d") -> dict:
    return {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}


def fresh() -> None:
    """No trace of the build's own installation."""
    shell("userdel _jit 2>/dev/null || true; rm -rf /etc/jit /var/lib/jit; echo root:root | chpasswd")


def root_gets_in() -> None:
    """At a text console, with the broker dead: by the rescue line, where login is gated."""
    broker = "jit-broker.socket jit-broker.service" if is_here("jit-broker") else ""
    shell(f"test -z '{broker}' || systemctl stop {broker}")
    with bedlib.console("root", "/dev/tty1") as terminal:
        terminal.expect("# $")
    shell(f"test -z '{broker}' || systemctl start {broker}")


def waiting_alice() -> tuple:
    """Her sudo, and its request."""
    alice = Terminal("alice", ["sudo", "sh", "-c", "echo in=$(id -u)"])
    alice.expect("waiting for approval")
    return alice, until("a request", lambda: [r for r in bedlib.jitctl("root", "requests", "--all") if r["state"] == "pending"])[0]["id"]


def is_let_in(alice: Terminal, request: str) -> None:
    approved = run("bob", ["jitctl", "approve", request])
    check(approved.code == 0, approved.text)
    alice.expect("in=0")


if not PACKAGES.exists():  # autopkgtest has them in a repository
    PACKAGES.mkdir()
    shell(f"cd {PACKAGES} && apt-get -q download {' '.join(NAMES)}")
FIRST = next(PACKAGES.glob("jit-broker_*.deb")).name.split("_")[1]
NEXT = FIRST + "+next"
