#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed --packages
"""A full disk during an upgrade: told before it is unpacked, or left by dpkg where it was; the doors as they were, who waits goes on
waiting, and the upgrade completes when there is room."""
import pathlib

import bedlib
import booted
import typed
from bedlib import check, run
from booted import permit, shell, until
from packages import FIRST, NAMES, NEXT, another, apt, done, files, fresh, is_let_in, pam_files, version_of, waiting_alice


def small(folder: str, options: str) -> None:
    """This folder on a file system of its own, with the same in it and little room."""
    shell(f"mkdir -p /root/small; cp -a {folder}/. /root/small/; mount -t tmpfs -o mode=755,{options} small {folder}; cp -a /root/small/. {folder}/; rm -r /root/small")


def make_room(folder: str) -> None:
    shell(f"mount -o remount,size=128m,nr_inodes=50k {folder}")


def room_of(folder: str) -> int:
    """KiB: what is in it, and some."""
    return int(shell(f"du -sk {folder}").split()[0]) + 6000


def inodes_of(folder: str) -> int:
    """What is there, and room for one more."""
    return int(shell(f"find {folder} | wc -l")) + 1


def stays_shut(before: dict) -> None:
    check(pam_files() == before, "a PAM file is not as it was")
    check(run("alice", ["sudo", "-n", "true"]).code != 0, "alice is root without being asked about")
    check(run("root", ["sudo", "-n", "true"]).code == 0, "root's sudo does not run")


def refused(what: str, *words: str) -> None:
    result = apt("install", *files(NEXT))
    said = result.stdout + result.stderr
    check(result.returncode != 0 and all(word in said for word in words), f"{what}: exit code {result.returncode}\n{said[-4000:]}")


def upgraded(before: dict, alice, request: str, *how) -> None:
    """By the same command again, or as a page says."""
    if how:
        typed.root(*how, "/root/packages")
    else:
        done(apt("install", *files(NEXT)))
    check({version_of(name) for name in NAMES} == {NEXT}, "not upgraded")
    until("a broker that runs", lambda: run("root", ["jitctl", "status"]).code == 0)
    stays_shut(before)
    is_let_in(alice, request)
    shell("jitctl revoke --all -m next")


def set_up() -> tuple:
    shell(f"sed -i '/pam_jit/d' /etc/pam.d/*; dpkg --purge --force-depends {' '.join(NAMES)} >/dev/null 2>&1 || true; umount -l /usr/libexec/jit 2>/dev/null || true")
    fresh()
    shell("rm -rf /root/key* /home/bob/.ssh /run/jit-broker")
    done(apt("install", *FIRST_FILES))
    booted.set_up(permit("root", "alice", "sudo", "root", 'approval = "bob"', 'max = "10m"') + permit("in", "alice", "ssh", "alice", 'max = "1d"'))
    return pam_files(), *waiting_alice()


def test_told_before_it_is_unpacked() -> None:
    before, alice, request = set_up()
    with alice:
        for folder in "/usr/libexec/jit", "/var/lib/dpkg":
            small(folder, f"size={room_of(folder)}k")
            refused(folder, f"KiB are free in {folder}", "then type the same command again. The doors are as they were")
            check({version_of(name) for name in NAMES if name != "jit-doc"} == {FIRST}, "some of it is unpacked")
            until("a broker that runs", lambda: run("root", ["jitctl", "status"]).code == 0)
            stays_shut(before)
            make_room(folder)
        upgraded(before, alice, request)


def test_full_in_the_middle() -> None:
    """No new file, as df does not show it: dpkg itself meets with it, half way through a package."""
    before, alice, request = set_up()
    with alice:
        small("/usr/libexec/jit", f"size=64m,nr_inodes={inodes_of('/usr/libexec/jit') + 1}")
        refused("no inodes", "No space left on device")
        until("a broker that runs", lambda: run("root", ["jitctl", "status"]).code == 0)
        stays_shut(before)
        make_room("/usr/libexec/jit")
        _look, (_who, command, code) = typed.lines("recovery.md", "An upgrade met with a full disk")
        upgraded(before, alice, request, command, code)


another(FIRST, NEXT)
shell(f"mkdir /root/first; mv /root/packages/*_{FIRST}_*.deb /root/first/")
FIRST_FILES = [str(path) for path in pathlib.Path("/root/first").iterdir()]
bedlib.main(globals())
