#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed --packages
"""Threat G10: the life of the packages. Installed, upgraded under a request that waits, set back, removed with a line left, purged: nobody
is let in by any of it, and nobody is kept out."""
import pathlib

import bedlib
import booted
from bedlib import check, run
from booted import permit, shell, until
from packages import FIRST, LINE, NAMES, NEXT, PACKAGES, another, apt, done, files, foreign, fresh, is_let_in, pam_files, root_gets_in, version_of, waiting_alice


def ungate() -> None:
    for path in pathlib.Path("/etc/pam.d").iterdir():
        path.write_text(LINE.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")


def broker_pid() -> int:
    return booted.main_pid("jit-broker")


def test_installing_changes_no_pam_file() -> None:
    before = pam_files()
    fresh()
    done(apt("install", *files(FIRST)))
    check(pam_files() == before, "a PAM file was changed")
    check(not pathlib.Path("/etc/sudo.conf").exists() or "sudo_jit" not in pathlib.Path("/etc/sudo.conf").read_text(encoding="utf-8"), "sudo.conf was changed")
    until("a broker that runs", lambda: run("root", ["jitctl", "status"]).code == 0)
    for unit in "jit-broker.service", "jit-broker.socket", "jit-enforcer.socket":
        check(shell(f"systemctl is-enabled {unit}; systemctl is-active {unit}").split() == ["enabled", "active"], f"{unit} is not there")
    for unit in "jit-notify.service", "jit-relay.service":  # until they are told what to carry and where
        check(shell(f"systemctl is-enabled {unit}; systemctl is-active {unit} || true").split() == ["enabled", "inactive"], f"{unit} is not there, or runs")
    check(shell("stat -c '%U %a' /run/jit/gate").strip() == "root 600", "the gate's mode")
    check(shell("stat -c '%U %a' /var/lib/jit/host.key").strip() == "_jit 600", "the key's mode")


def a_bug_report_tells_nothing_of(*private: str) -> None:
    said = shell("/usr/share/bug/jit-broker 3>&1 >/dev/null 2>&1")
    for wanted in "Id=jit-broker.service", "ActiveState=active", "running", "/etc/pam.d/sudo":
        check(wanted in said, f"a report without {wanted}: {said}")
    check(not any(word in said for word in private), f"a report tells of people or requests: {said}")


def test_an_upgrade_keeps_who_waits() -> None:
    booted.set_up(permit("root", "alice", "sudo", "root", 'approval = "bob"', 'max = "10m"') + permit("in", "alice", "ssh", "alice", 'max = "1d"'))
    pathlib.Path("/etc/jit/notify.d/pager.toml").write_text('kind = "exec"\ncommand = ["/usr/bin/true"]\n', encoding="ascii")
    shell("chgrp _jit-notify /etc/jit/notify.d/pager.toml; chmod 640 /etc/jit/notify.d/pager.toml; systemctl start jit-notify")
    another(FIRST, NEXT)
    alice, request = waiting_alice()
    with alice:
        old = broker_pid(), booted.main_pid("jit-notify")
        done(apt("install", *files(NEXT)))
        check({version_of(name) for name in NAMES} == {NEXT}, "not upgraded")
        check(0 not in old and all(pid not in old for pid in (broker_pid(), booted.main_pid("jit-notify"))), "an old one still runs")
        until("a notifier that runs", lambda: "notify: all channels take messages" in run("root", ["jitctl", "notify", "status"]).text)
        a_bug_report_tells_nothing_of("alice", "bob", request[:8], "echo in")
        is_let_in(alice, request)
    check(shell("systemctl is-active jit-broker.socket").strip() == "active", "the socket went away")
    root_gets_in()


def test_an_older_one_is_refused() -> None:
    refused = apt("install", *files(FIRST))
    check(refused.returncode != 0 and "database that it cannot read" in refused.stdout + refused.stderr, f"downgraded: {refused.stdout}{refused.stderr}")
    shell("dpkg --configure -a")
    done(apt("install", *files(NEXT)))
    check(version_of("jit-broker") == NEXT, "the older one is in")
    until("a broker that runs", lambda: run("root", ["jitctl", "status"]).code == 0)
    root_gets_in()


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
    root_gets_in()


def test_a_refused_removal_opens_nothing() -> None:
    """Where jitctl setup gated some doors, and a line somewhere is not for it to take out."""
    ungate()
    bare = pam_files()
    folder = pathlib.Path("/etc/pam.d")
    check(run("root", ["jitctl", "setup", "sudo", "su"]).code == 0, "not set up")
    gated = pam_files()
    for name, write in ("login", lambda: booted.gate("login")), ("sudo.orig", lambda: (folder / "sudo.orig").write_bytes(gated["sudo"])):
        write()
        before = pam_files()
        refused = run("root", ["dpkg", "-r", "libpam-jit"])
        check(refused.code != 0 and f"/etc/pam.d/{name}:" in refused.text and "/etc/pam.d/su:" not in refused.text, refused.text)
        check(pam_files() == before, f"a removal that was refused changed PAM files: {refused.text}")
        check(run("alice", ["sudo", "-n", "true"]).code != 0, "alice is root without being asked about")
        for path in set(before) - set(gated):
            (folder / path).unlink()
        (folder / "login").write_bytes(gated["login"])
    check(run("root", ["jitctl", "setup", "--undo"]).code == 0 and pam_files() == bare, "undo")


def test_sudo_is_not_left_without_its_plugin() -> None:
    for line in "Plugin sudo_jit sudo_jit.so", "  plugin sudo_jit sudo_jit.so", "Plugin \\\nsudo_jit sudo_jit.so":
        pathlib.Path("/etc/sudo.conf").write_text(f"{line}\n", encoding="ascii")
        refused = apt("remove", "sudo-jit")
        check(refused.returncode != 0 and "/etc/sudo.conf" in refused.stdout + refused.stderr, f"removed: {refused.stdout}{refused.stderr}")
        check(run("root", ["sudo", "true"]).code == 0, "root's sudo does not run")
        shell("dpkg --configure -a")
    pathlib.Path("/etc/sudo.conf").write_text("# Plugin sudo_jit sudo_jit.so\nDebug sudo_jit.so /var/log/x all@err\n", encoding="ascii")
    done(apt("remove", "sudo-jit"))
    pathlib.Path("/etc/sudo.conf").unlink()
    done(apt("install", *files(NEXT)))


def test_an_older_one_is_refused_after_a_removal() -> None:
    """Removed and not purged, its database is there still."""
    ungate()
    done(apt("remove", *NAMES))
    refused = apt("install", *files(FIRST))
    check(refused.returncode != 0 and "database that it cannot read" in refused.stdout + refused.stderr, f"downgraded: {refused.stdout}{refused.stderr}")
    done(apt("install", *files(NEXT)))
    check(version_of("jit-broker") == NEXT, "the older one is in")
    until("a broker that runs", lambda: run("root", ["jitctl", "status"]).code == 0)


def test_two_architectures() -> None:
    """The module twice, as programs of another architecture need it: its upgrade and its removal leave the lines where they are."""
    ungate()
    bare = pam_files()
    check(run("root", ["jitctl", "setup", "sudo", "su"]).code == 0, "not set up")
    gated = pam_files()

    def stands(what: str) -> None:
        check(pam_files() == gated, f"{what} took lines out of PAM files")
        check(run("alice", ["sudo", "-n", "true"]).code != 0, f"{what}: alice is root without being asked about")

    later = NEXT + "2"
    another(FIRST, later)
    name, second = foreign(NEXT)
    shell(f"dpkg --add-architecture {name.split(':')[1]}; dpkg -i {second}")
    native = next(str(path) for path in PACKAGES.glob(f"libpam-jit_{later}_*.deb"))
    others = [path for path in files(later) if "libpam-jit" not in path and "jit-doc" not in path]
    shell(f"dpkg -i {native} {foreign(later)[1]} {' '.join(others)}")
    check(version_of(name) == later, "not upgraded")
    stands("the upgrade")
    shell(f"dpkg -r {name}")
    stands("the removal of the other one")
    # The doors have the host's own: without it the other one helps nobody.
    shell(f"dpkg -i {foreign(later)[1]}; dpkg -r {native.rsplit('/', 1)[1].split('_')[0]}:$(dpkg --print-architecture)")
    check(pam_files() == bare, "lines are left without their module")
    shell(f"dpkg -i {native}; dpkg -r {name}")


def test_a_broker_that_makes_way_for_another_package() -> None:
    check(run("root", ["jitctl", "setup", "sudo"]).code == 0, "not set up")
    gated = pam_files()
    tree = pathlib.Path("/root/rival/DEBIAN")
    tree.mkdir(parents=True)
    (tree / "control").write_text("Package: rival\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nConflicts: jit-broker\nReplaces: jit-broker\nProvides: jit-broker\nDescription: x\n", encoding="ascii")
    refused = run("root", "dpkg-deb -b /root/rival /root/rival.deb; dpkg --auto-deconfigure -i /root/rival.deb")
    check(refused.code != 0 and "jit-broker stays" in refused.text and pam_files() == gated, refused.text)
    shell("dpkg --configure -a")
    check(run("root", ["jitctl", "setup", "--undo"]).code == 0, "undo")


def test_removed_and_purged() -> None:
    before = pam_files()
    gated = run("root", ["jitctl", "setup", "sudo", "su"])
    check(gated.code == 0 and pam_files() != before, gated.text)
    done(apt("remove", *NAMES))
    check(pam_files() == before, "what jitctl setup wrote was not taken back to the byte")
    check(run("alice", ["sudo", "-n", "id", "-u"]).out.strip() == "0", "alice's sudo is not as it was before")
    check(not pathlib.Path("/run/jit/gate").exists() or shell("systemctl is-active jit-broker.socket || true").strip() != "active", "the gate is still there")
    check(pathlib.Path("/var/lib/jit/jit.db").exists(), "the log went with the removal")
    check(shell("systemctl is-active jit-notify || true").strip() != "active", "the notifier still runs")
    for courier in "jit-relay", "jit-notify":
        shell(f"mkdir -p /var/lib/{courier}; echo x >/var/lib/{courier}/kept")
    shell(f"dpkg --purge {' '.join(NAMES)}")
    for path in "/var/lib/jit", "/etc/jit", "/var/lib/jit-relay", "/var/lib/jit-notify":
        check(not pathlib.Path(path).exists(), f"{path} is still there")


bedlib.main(globals())
