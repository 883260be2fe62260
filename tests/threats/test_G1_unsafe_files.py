# SPDX-License-Identifier: Apache-2.0
"""G1: policy files that somebody else could have written. The whole set is refused, the last good one stays in force, loudly."""
# bed: --no-sshd
import contextlib
import os
import stat

import bedlib
from bedlib import check

DIRECTORY = "/etc/jit/policy.d"
FILE = f"{DIRECTORY}/bed.toml"
OPEN = """schema = 1
[[permit]]
id   = "everything"
who  = ["group:sudo", "group:dba", "group:sre"]
door = ["sudo", "su"]
as   = ["user:root"]
max  = "1h"
"""
JIT_GID = os.stat(FILE).st_gid


def put(path: str, text: str = OPEN, mode: int = 0o640, uid: int = 0, gid: int = JIT_GID) -> None:
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chown(path, uid, gid)
    os.chmod(path, mode)


def group_writable():
    put(f"{DIRECTORY}/z.toml", mode=0o660)


def world_writable():
    put(f"{DIRECTORY}/z.toml", mode=0o646)


def of_alice():
    put(f"{DIRECTORY}/z.toml", uid=2001)


def of_jit():
    put(f"{DIRECTORY}/z.toml", uid=980)


def symbolic_link():
    put("/tmp/z.toml")
    os.symlink("/tmp/z.toml", f"{DIRECTORY}/z.toml")


def hard_link():
    put(f"{DIRECTORY}/z.toml")
    os.link(f"{DIRECTORY}/z.toml", f"{DIRECTORY}/../second-name")


def fifo():
    os.mkfifo(f"{DIRECTORY}/z.toml")


def folder():
    os.mkdir(f"{DIRECTORY}/z.toml")


def device():
    """A device cannot be made in the bed, but shown there."""
    put(f"{DIRECTORY}/z.toml")
    check(os.system(f"mount --bind /dev/zero {DIRECTORY}/z.toml") == 0, "mount")


def writable_folder():
    put(f"{DIRECTORY}/z.toml")
    os.chmod(DIRECTORY, 0o770)


def folder_of_alice():
    put(f"{DIRECTORY}/z.toml")
    os.chown(DIRECTORY, 2001, JIT_GID)


def huge():
    put(f"{DIRECTORY}/z.toml", "#" * (5 << 20))


def clean_up() -> None:
    os.chmod(DIRECTORY, 0o750)
    os.chown(DIRECTORY, 0, JIT_GID)
    os.system(f"umount -q {DIRECTORY}/z.toml 2>/dev/null")
    for path in f"{DIRECTORY}/z.toml", f"{DIRECTORY}/../second-name", "/tmp/z.toml":
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(path) if stat.S_ISDIR(os.lstat(path).st_mode) else os.unlink(path)


def still_the_good_one(case: str) -> None:
    program = bedlib.run("alice", "sudo -n id -u")
    check(program.code != 0 and "ask first" in program.text, f"{case}: sudo says {program.text}")
    program = bedlib.run("eve", "su -c 'id -u'", stdin=b"root\n")
    check(program.code != 0 and program.out.strip() != "0", f"{case}: eve's su says {program.text}")


def test_each_is_refused_and_the_last_good_set_stays():
    good = bedlib.jitctl("root", "status")
    for unsafe in (group_writable, world_writable, of_alice, of_jit, symbolic_link, hard_link, fifo, folder, device,
                   writable_folder, folder_of_alice, huge):
        name = unsafe.__name__
        unsafe()
        try:
            program = bedlib.run("root", ["jitctl", "policy", "reload"])
            check(program.code == 1 and "E03" in program.text, f"{name}: reload exit {program.code}: {program.text}")
            still_the_good_one(name)
            status = bedlib.jitctl("root", "status", check=False)
            check(status != good, f"{name}: status does not tell")
        finally:
            clean_up()
    check(bedlib.run("root", ["jitctl", "policy", "reload"]).code == 0, "the clean set loads")


def test_after_a_restart_the_last_good_set_is_used():
    group_writable()
    try:
        bedlib.broker.restart()
        still_the_good_one("restart")
    finally:
        clean_up()
    bedlib.broker.restart()


def test_files_of_editors_and_packages_are_not_read():
    for name in "z.toml.bak", "z.toml~", "z.toml.dpkg-new", "z.toml.dpkg-old", ".z.toml", "z.toml.swp", "z.TOML", "z":
        put(f"{DIRECTORY}/{name}")
        program = bedlib.run("root", ["jitctl", "policy", "reload"])
        os.unlink(f"{DIRECTORY}/{name}")
        check(program.code == 0, f"{name}: {program.text}")
        still_the_good_one(name)


def test_a_set_that_is_swapped_during_reloads_is_never_half_read():
    with open(FILE, encoding="utf-8") as f:
        good = f.read()
    pid = os.fork()
    if pid == 0:
        for _ in range(300):
            for text in good, good + "# another\n":
                bedlib.set_policy(text, reload=False)
        os._exit(0)
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        bedlib.run("root", ["jitctl", "policy", "reload"])
        still_the_good_one("swap")
    bedlib.set_policy(good)


bedlib.main(globals())
