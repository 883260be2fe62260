#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed --packages
"""Threat G10: the life of the packages. Installed, upgraded under a request that waits, set back, removed with a line left, purged: nobody
is let in by any of it, and nobody is kept out."""
import pathlib
import re
import subprocess

import bedlib
import booted
from bedlib import Terminal, check, run
from booted import permit, shell, until

PACKAGES = pathlib.Path("/root/packages")
NAMES = ("libpam-jit", "jit-broker", "jitctl", "sudo-jit", "jit-doc")
LINE = re.compile(r"^[^#\n]*pam_jit\.so.*\n", re.M)


def apt(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(["apt-get", "-q", "-y", "--allow-downgrades", *words], capture_output=True, text=True, check=False,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})


def done(result: subprocess.CompletedProcess) -> None:
    check(result.returncode == 0, f"{' '.join(result.args)}: {result.stdout[-3000:]}{result.stderr[-3000:]}")


def version_of(package: str) -> str:
    return shell(f"dpkg-query -W -f '${{Version}}' {package}")


def files(version: str) -> list:
    return [str(path) for path in PACKAGES.glob(f"*_{version}_*.deb")]


def another(version: str, made: str) -> None:
    """The same packages under another version, in the maintainer scripts too."""
    for path in PACKAGES.glob(f"*_{version}_*.deb"):
        shell(f"rm -rf /root/tree; dpkg-deb -R {path} /root/tree; cd /root/tree/DEBIAN; sed -i 's/{re.escape(version)}/{made}/g' control $(ls preinst postinst prerm postrm 2>/dev/null || true)"
              f"; dpkg-deb -b --nocheck /root/tree {path.parent}/{path.name.replace(version, made)}")


def pam_files() -> dict:
    return {path.name: path.read_bytes() for path in pathlib.Path("/etc/pam.d").iterdir()}


def ungate() -> None:
    for path in pathlib.Path("/etc/pam.d").iterdir():
        path.write_text(LINE.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")


def broker_pid() -> int:
    return booted.main_pid("jit-broker")


def test_installing_changes_no_pam_file() -> None:
    before = pam_files()
    shell("userdel _jit 2>/dev/null || true; rm -rf /etc/jit /var/lib/jit")
    done(apt("install", *files(FIRST)))
    check(pam_files() == before, "a PAM file was changed")
    check(not pathlib.Path("/etc/sudo.conf").exists() or "sudo_jit" not in pathlib.Path("/etc/sudo.conf").read_text(encoding="utf-8"), "sudo.conf was changed")
    until("a broker that runs", lambda: run("root", ["jitctl", "status"]).code == 0)
    for unit in "jit-broker.service", "jit-broker.socket", "jit-enforcer.socket":
        check(shell(f"systemctl is-enabled {unit}; systemctl is-active {unit}").split() == ["enabled", "active"], f"{unit} is not there")
    check(shell("stat -c '%U %a' /run/jit/gate").strip() == "root 600", "the gate's mode")
    check(shell("stat -c '%U %a' /var/lib/jit/host.key").strip() == "_jit 600", "the key's mode")


def test_an_upgrade_keeps_who_waits() -> None:
    booted.set_up(permit("root", "alice", "sudo", "root", 'approval = "bob"', 'max = "10m"') + permit("in", "alice", "ssh", "alice", 'max = "1d"'))
    another(FIRST, NEXT)
    with Terminal("alice", ["sudo", "sh", "-c", "echo in=$(id -u)"]) as alice:
        alice.expect("waiting for approval")
        request = until("a request", lambda: [r for r in bedlib.jitctl("root", "requests", "--all") if r["state"] == "pending"])[0]["id"]
        old = broker_pid()
        done(apt("install", *files(NEXT)))
        check(version_of("jit-broker") == NEXT and version_of("libpam-jit") == NEXT, "not upgraded")
        check(broker_pid() != old, "the old broker still runs")
        approved = run("bob", ["jitctl", "approve", request])
        check(approved.code == 0, approved.text)
        alice.expect("in=0")
    check(shell("systemctl is-active jit-broker.socket").strip() == "active", "the socket went away")


def test_an_older_one_is_refused() -> None:
    refused = apt("install", *files(FIRST))
    check(refused.returncode != 0 and "database that it cannot read" in refused.stdout + refused.stderr, f"downgraded: {refused.stdout}{refused.stderr}")
    shell("dpkg --configure -a")
    done(apt("install", *files(NEXT)))
    check(version_of("jit-broker") == NEXT, "the older one is in")
    until("a broker that runs", lambda: run("root", ["jitctl", "status"]).code == 0)


def test_removal_refuses_where_a_line_is_left() -> None:
    refused = apt("remove", "libpam-jit")
    said = refused.stdout + refused.stderr
    check(refused.returncode != 0, "removed, with lines left")
    for wanted in "libpam-jit stays", "/etc/pam.d/sudo:", "/etc/pam.d/login:", "jitctl setup --undo":
        check(wanted in said, f"not said: {wanted}\n{said}")
    check(list(pathlib.Path("/usr/lib").glob("*/security/pam_jit.so")) != [], "the module is gone")
    # Nor by the way of what it needs.
    check(apt("remove", "jit-broker").returncode != 0, "the broker was removed, with lines left")
    shell("dpkg --configure -a")
    done(apt("install", *files(NEXT)))
    until("a broker that runs", lambda: run("root", ["jitctl", "status"]).code == 0)
    check(run("alice", ["sudo", "-n", "true"]).code != 0, "alice is root without being asked about")


def test_sudo_is_not_left_without_its_plugin() -> None:
    pathlib.Path("/etc/sudo.conf").write_text("Plugin sudo_jit sudo_jit.so\n", encoding="ascii")
    refused = apt("remove", "sudo-jit")
    check(refused.returncode != 0 and "/etc/sudo.conf" in refused.stdout + refused.stderr, f"removed: {refused.stdout}{refused.stderr}")
    check(run("root", ["sudo", "true"]).code == 0, "root's sudo does not run")
    pathlib.Path("/etc/sudo.conf").unlink()
    shell("dpkg --configure -a")


def test_removed_and_purged() -> None:
    ungate()
    before = pam_files()
    gated = run("root", ["jitctl", "setup", "sudo", "su"])
    check(gated.code == 0 and pam_files() != before, gated.text)
    done(apt("remove", *NAMES))
    check(pam_files() == before, "what jitctl setup wrote was not taken back to the byte")
    check(run("alice", ["sudo", "-n", "id", "-u"]).out.strip() == "0", "alice's sudo is not as it was before")
    check(not pathlib.Path("/run/jit/gate").exists() or shell("systemctl is-active jit-broker.socket || true").strip() != "active", "the gate is still there")
    check(pathlib.Path("/var/lib/jit/jit.db").exists(), "the log went with the removal")
    shell(f"dpkg --purge {' '.join(NAMES)}")
    for path in "/var/lib/jit", "/etc/jit":
        check(not pathlib.Path(path).exists(), f"{path} is still there")


FIRST = next(PACKAGES.glob("jit-broker_*.deb")).name.split("_")[1]
NEXT = FIRST + "+next"
bedlib.main(globals())
