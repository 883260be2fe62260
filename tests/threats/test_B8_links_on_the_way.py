# SPDX-License-Identifier: Apache-2.0
"""B8: links put in the way of our paths in /etc, /run and /var/lib, also while they are opened; configurations of 100 MiB. Nothing is
followed, nothing opens, little memory is used."""
# bed: --no-sshd
import contextlib
import os
import shutil

import bedlib
import pam_files
from bedlib import broker, check, run

OPEN = 'schema = 1\n[settings]\ncovers = ["sudo"]\n[[permit]]\nid = "open"\nwho = ["user:alice"]\nas = ["user:root"]\nmax = "1h"\n'
RSS_KIB = 64 * 1024


def asks_still(case: str) -> None:
    done = run("alice", "sudo -n id -u")
    check(done.code != 0 and "ask first" in done.text, f"{case}: {done.text}")


def resident_kib() -> int:
    with open(f"/proc/{broker.pid()}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))


def elsewhere() -> str:
    """A whole /etc/jit that opens everything, as root would own it."""
    shutil.copytree("/etc/jit", "/tmp/jit", dirs_exist_ok=True)
    for folder, _, files in os.walk("/tmp/jit"):
        for name in [folder, *(f"{folder}/{f}" for f in files)]:
            st = os.stat(name.replace("/tmp/jit", "/etc/jit", 1))
            os.chown(name, st.st_uid, st.st_gid)
    with open("/tmp/jit/policy.d/bed.toml", "w", encoding="ascii") as f:
        f.write(OPEN)
    return "/tmp/jit"


def test_links_in_the_place_of_our_folders():
    target = elsewhere()
    for path in "/etc/jit", "/etc/jit/policy.d", "/etc/jit/policy.d/bed.toml":
        os.rename(path, path + ".real")
        os.symlink(path.replace("/etc/jit", target, 1), path)
        try:
            done = run("root", ["jitctl", "policy", "reload"])
            check(done.code == 1 and "symbolic link" in done.text, f"{path}: {done.text}")
            asks_still(path)
        finally:
            os.unlink(path)
            os.rename(path + ".real", path)
    check(run("root", ["jitctl", "policy", "reload"]).code == 0, "the clean set loads")


def test_a_link_that_comes_and_goes_while_it_is_opened():
    """renameat2 would do it in one step; by two renames the set is missing for a moment, which denies as well."""
    target = elsewhere()
    enough = f"{target}/enough"  # reloads, on however slow a machine
    pid = os.fork()
    if pid == 0:
        for turn in range(300_000):
            if turn >= 3000 and os.path.exists(enough):
                break
            os.rename("/etc/jit/policy.d", "/etc/jit/away")
            os.symlink(f"{target}/policy.d", "/etc/jit/policy.d")
            os.unlink("/etc/jit/policy.d")
            os.rename("/etc/jit/away", "/etc/jit/policy.d")
        os._exit(0)
    rounds = 0
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        run("root", ["jitctl", "policy", "reload"])
        asks_still("swapped")
        rounds += 1
        if rounds == 4:
            open(enough, "x", encoding="ascii").close()
    check(rounds > 3, f"{rounds} reloads")
    check(run("root", ["jitctl", "policy", "reload"]).code == 0, "the clean set loads")


def test_links_in_the_place_of_what_we_write():
    """The broker's own folders are _jit's, setup's are root's: whoever could put a link there gains no file of somebody else's."""
    with open("/tmp/victim", "w", encoding="ascii") as f:
        f.write("untouched")
    os.chmod("/tmp/victim", 0o666)
    broker.stop()
    with contextlib.suppress(FileNotFoundError):
        os.unlink("/run/jit-broker/head")
    os.symlink("/tmp/victim", "/run/jit-broker/head")
    broker.start()
    asks_still("head")
    with open("/tmp/victim", encoding="ascii") as f:
        check(f.read() == "untouched", "the broker wrote through a link")
    with pam_files.as_installed():
        before = pam_files.state()
        for link in "/etc/jit/setup", "/etc/pam.d/sudo.jit-new":
            os.system("rm -rf /etc/jit/setup")
            os.makedirs("/tmp/foreign", exist_ok=True)
            os.symlink("/tmp/foreign" if link.endswith("setup") else "/tmp/victim", link)
            done = run("root", "jitctl setup sudo --no-take-back")
            check((done.code == 0) == link.endswith("new"), f"{link}: {done.text}")
            run("root", "jitctl setup --undo")
            check(os.listdir("/tmp/foreign") == [], "something was written behind a link")
            if os.path.islink(link):
                os.unlink(link)
            check(pam_files.state() == before, f"{link}: {sorted(pam_files.state())}")
    with open("/tmp/victim", encoding="ascii") as f:
        check(f.read() == "untouched", "setup wrote through a link")


def test_a_hundred_mebibytes():
    for path in "/etc/jit/policy.d/big.toml", "/etc/jit/people.d/big.toml", "/etc/jit/broker.toml":
        before = None
        if os.path.exists(path):
            with open(path, "rb") as f:
                before = f.read()
        with open(path, "wb") as f:
            for _ in range(100):
                f.write(b"#" * (1 << 20))
        os.chown(path, 0, 980)
        os.chmod(path, 0o640)
        try:
            done = run("root", ["jitctl", "policy", "reload"])
            check(done.code == 1 and "4 MiB" in done.text, f"{path}: {done.text}")
            asks_still(path)
            check(resident_kib() < RSS_KIB, f"{path}: {resident_kib()} KiB")
        finally:
            os.unlink(path)
            if before is not None:
                with open(path, "wb") as f:
                    f.write(before)
                os.chown(path, 0, 980)
                os.chmod(path, 0o640)
    with pam_files.as_installed():
        text = pam_files.read("sudo")
        pam_files.write("sudo", text + "#" * (100 << 20))
        for command in "jitctl setup sudo --no-take-back", "jitctl doctor --door sudo":
            done = run("root", f"ulimit -v 400000; {command}")
            check(done.code == 1 and "/etc/pam.d/sudo" in done.text, f"{command}: {done.text}")
        pam_files.write("sudo", text)


bedlib.main(globals())
