# SPDX-License-Identifier: Apache-2.0
"""What jitctl setup does to files: nothing but its lines, all or nothing, and all of it back; whatever it is met with."""
import contextlib
import json
import os
import shutil
import signal
import subprocess

import bedlib
import pam_files
from bedlib import broker, check, run

ALL = ["sudo", "su", "ssh", "login"]
PEOPLE = "/etc/jit/people.d/bed.toml"


def setup(*words: str):
    return run("root", ["jitctl", "setup", *words])


def gated() -> bool:
    """Nobody waits and nobody has asked: refused where sudo is gated, through where it is not."""
    return run("alice", "sudo -n id").code != 0


def test_back_byte_for_byte():
    with pam_files.as_installed():
        os.chmod("/etc/pam.d/sudo", 0o640)
        os.chown("/etc/pam.d/su", 0, 42)
        pam_files.write("sudo-i", pam_files.read("sudo-i").rstrip("\n"))  # no newline at the end
        before = pam_files.state()
        common = {name: value for name, value in before.items() if name.startswith("common-")}
        done = setup(*ALL, "--no-take-back")
        check(done.code == 0, done.text)
        after = pam_files.state()
        check({name: after[name] for name in common} == common, "a file common-* was edited")
        check([n for n in after if after[n] != before.get(n)] == ["login", "sshd", "su", "sudo", "sudo-i"], str(sorted(after)))
        check(all(after[n][1:] == before[n][1:] for n in before), "a mode or an owner changed")
        check(gated(), "sudo is not gated")
        again = setup(*ALL, "--no-take-back")
        check(again.code == 0 and pam_files.state() == after, again.text)
        undone = setup("--undo")
        check(undone.code == 0 and pam_files.state() == before, undone.text)
        check(not gated(), "sudo is gated still")
        check(os.listdir("/etc/jit/setup") == [], str(os.listdir("/etc/jit/setup")))
        os.chmod("/etc/pam.d/sudo", 0o644)
        os.chown("/etc/pam.d/su", 0, 0)


@contextlib.contextmanager
def login_that_asks_for_remote(asks: bool):
    """As that of util-linux does, and shadow's does not: for a while."""
    login = "/usr/bin/login"
    os.rename(login, login + ".kept")
    try:
        with open(login + ".kept", "rb") as f:
            program = f.read().replace(b"\0remote\0", b"\0______\0")
        with open(login, "wb") as f:
            f.write(program + (b"\0remote\0" if asks else b""))
        os.chmod(login, 0o755)
        yield login
    finally:
        os.rename(login + ".kept", login)


def asks_for_remote() -> bool:
    """What setup and doctor take this host's login for, of whose service "remote" PAM has no file."""
    with pam_files.as_installed():
        kept = os.path.exists("/etc/pam.d/remote") and pam_files.read("remote")
        if kept:
            os.unlink("/etc/pam.d/remote")
        done = setup("login", "--no-take-back")
        asks = os.path.exists("/etc/pam.d/remote")
        check(done.code == 0, done.text)
        if asks:
            check("@include /etc/pam.d/login" in pam_files.read("remote"), pam_files.read("remote"))
            check("/etc/pam.d/remote" not in run("root", ["jitctl", "doctor"]).text, "a hole is told that is none")
            os.unlink("/etc/pam.d/remote")
        check(("/etc/pam.d/remote: it is not there" in run("root", ["jitctl", "doctor"]).text) == asks, "what doctor says of it")
        check(setup("--undo").code == 0 and not os.path.exists("/etc/pam.d/remote"), "undo")
        if kept:
            pam_files.write("remote", kept)
    return asks


def test_what_login_is_to_a_telnet_daemon():
    """PAM's service "remote", where login is that of util-linux, for which Debian has no file."""
    for asks in False, True:
        with login_that_asks_for_remote(asks):
            check(asks_for_remote() == asks, f"asks: {asks}")


def test_a_login_of_which_it_is_not_known():
    """Behind a link it is looked at; one that is a script, that cannot be read, or that is too large, counts as one that asks."""
    for asks in False, True:
        with login_that_asks_for_remote(asks) as login:
            os.rename(login, login + ".real")
            os.symlink("login.real", login)
            check(asks_for_remote() == asks, f"a link, asks: {asks}")
            with open(login + ".real", "ab") as f:
                f.truncate(80 << 20)
            check(asks_for_remote(), "too large")
            os.unlink(login + ".real")
            os.mkdir(login + ".real")
            check(asks_for_remote(), "a folder")
            os.rmdir(login + ".real")
    with login_that_asks_for_remote(False) as login:
        with open(login, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\nexec /usr/bin/login.kept \"$@\"\n")
        check(asks_for_remote(), "a script")


def test_a_file_beside_the_main_one_that_needs_no_line():
    """It lets nobody through, or nobody asks for it: it stays as it is, and keeps nothing else from being gated."""
    denies, permits = "account required pam_deny.so\n", "account required pam_permit.so\n"
    for asks, remote, sudo_i in (True, denies, denies), (False, permits, denies), (True, permits, denies), (False, permits, permits):
        with login_that_asks_for_remote(asks), pam_files.as_installed():
            kept = os.path.exists("/etc/pam.d/remote") and pam_files.read("remote")
            pam_files.write("remote", remote)
            pam_files.write("sudo-i", sudo_i)
            before = pam_files.state()
            for service, door, needs_none in ("remote", "login", remote == denies or not asks), ("sudo-i", "sudo", sudo_i == denies):
                done = setup(door, "--no-take-back")
                told = f"/etc/pam.d/{service}" in run("root", ["jitctl", "doctor", "--door", door]).text
                check(told != needs_none, f"{asks} {service}: what doctor says of it")
                if needs_none:
                    check(done.code == 0 and pam_files.state()[service] == before[service] and "pam_jit" in pam_files.read(door), f"{asks} {service}: {done.text}")
                else:
                    check(done.code != 0 and f"/etc/pam.d/{service}: it has no session line" in done.text and "pam_jit" not in pam_files.read(door), f"{asks} {service}: {done.text}")
            setup("--undo")
            check(pam_files.state() == before, "undo")
            if kept:
                pam_files.write("remote", kept)
            else:
                os.unlink("/etc/pam.d/remote")


def test_its_rescue_line_lets_root_in_at_a_console_alone():
    """By real logins, with the broker dead: the session's line stands first there, the account's further down."""
    with pam_files.as_installed():
        check(setup("login", "--no-take-back").code == 0 and pam_files.read("login").count("tty =~") == 2, "setup")
        broker.stop()
        try:
            with bedlib.console("root", "/dev/tty1") as root, bedlib.console("root") as elsewhere, bedlib.console("alice", "/dev/tty2") as alice:
                root.expect("# $")
                for other in elsewhere, alice:
                    other.expect("cannot be reached")
        finally:
            broker.start()


def test_one_door_of_several():
    with pam_files.as_installed():
        check(setup("sudo", "su", "--no-take-back").code == 0, "setup")
        check(setup("--undo", "sudo").code == 0 and not gated(), "sudo")
        check("pam_jit" in pam_files.read("su") and "pam_jit" not in pam_files.read("sudo"), "another door was undone, too")


def test_a_gated_door_observes_again():
    with pam_files.as_installed():
        check(setup("sudo", "su", "--no-take-back").code == 0 and gated(), "setup")
        done = setup("sudo", "su", "--observe")
        check(done.code == 0 and "observing: sudo, su" in done.text, done.text)
        check(not gated(), "sudo is gated still")
        check(setup("sudo", "--no-take-back").code == 0 and gated(), "and back")


def test_half_of_its_lines_is_made_whole():
    """As doctor advises: what an admin took out or changed comes again, and his options stay."""
    ours = "[success=ok default=die] pam_jit.so"
    for door, service, change in (("login", "login", lambda t: "".join(line for line in t.splitlines(True) if "tty =~" not in line)),
                                  ("sudo", "sudo", lambda t: t.replace(f"session {ours}  # jitctl setup\n", "")),
                                  ("sudo", "sudo-i", lambda t: t.replace(f"account {ours}  # jitctl setup\n", "")),
                                  ("su", "su", lambda t: t.replace(ours, "sufficient pam_jit.so", 1))):
        with pam_files.as_installed():
            check(setup(door, "--no-take-back").code == 0, "setup")
            whole = pam_files.read(service)
            pam_files.write(service, change(whole))
            check(pam_files.read(service) != whole, f"{service} is not changed")
            done = setup(door, "--no-take-back")
            check(done.code == 0 and "gated: " + door in done.text and pam_files.read(service) == whole, f"{service}: {done.text}")
            check("already so" in setup(door, "--no-take-back").text, "twice")
            doctor = run("root", ["jitctl", "doctor", "--door", door])
            check(doctor.code == 0, doctor.text)
            check(setup("--undo").code == 0 and "pam_jit" not in pam_files.read(service), "undo")


def test_polkit_has_its_file_elsewhere():
    with pam_files.as_installed(), bedlib.policy_with('"sudo", "su"', '"polkit", "sudo", "su"'):
        check(not os.path.exists("/etc/pam.d/polkit-1") and os.path.exists("/usr/lib/pam.d/polkit-1"), "this host has it otherwise")
        before = pam_files.state()
        done = setup("polkit", "--no-take-back")
        check(done.code == 0 and "pam_jit" in pam_files.read("polkit-1"), done.text)
        check(setup("--undo").code == 0 and pam_files.state() == before, "not as it was")
        setup("polkit", "--no-take-back")
        pam_files.write("polkit-1", pam_files.read("polkit-1") + "auth optional pam_echo.so\n")
        done = setup("--undo")
        check(done.code == 0 and "edited by hand" in done.text, done.text)
        check(pam_files.read("polkit-1") == "@include /usr/lib/pam.d/polkit-1\nauth optional pam_echo.so\n", pam_files.read("polkit-1"))


def unchanged(case: str, before: dict, done, *words: str) -> None:
    check(done.code not in (0, 139, -11) and all(word in done.text for word in words), f"{case}: exit {done.code}: {done.text}")
    check(pam_files.state() == before, f"{case}: something stays changed")
    check(not gated(), f"{case}: sudo is gated")


def test_a_try_that_fails_changes_nothing():
    with pam_files.as_installed():
        path = next(p for p in (f"/usr/lib/{d}/security/pam_jit.so" for d in os.listdir("/usr/lib")) if os.path.exists(p))
        os.rename(path, path + ".away")
        before = pam_files.state()
        try:
            unchanged("no module", before, setup("sudo", "su", "--no-take-back"), "did not come to the broker", "nothing stays changed")
        finally:
            os.rename(path + ".away", path)
        pam_files.write("sudo", "account sufficient pam_rootok.so\n" + pam_files.read("sudo"))
        before = pam_files.state()
        unchanged("root passes before us", before, setup("su", "sudo", "--no-take-back"), "PAM let through who asked at sudo", "nothing stays changed")
        pam_files.write("sudo", pam_files.read("sudo").split("\n", 1)[1])
        before = pam_files.state()
        broker.sigstop()
        try:
            done = setup("sudo", "--no-take-back")
        finally:
            broker.sigcont()
        unchanged("a broker that hangs", before, done)


def test_files_that_are_none():
    with pam_files.as_installed():
        os.rename("/etc/pam.d/su", "/etc/pam.d/su.real")
        os.symlink("su.real", "/etc/pam.d/su")
        before = pam_files.state()
        unchanged("a link", before, setup("sudo", "su", "--no-take-back"), "/etc/pam.d/su: is a link")
        os.rename("/etc/pam.d/su.real", "/etc/pam.d/su")
        pam_files.write("su", pam_files.read("su") + "account required\n")
        before = pam_files.state()
        unchanged("half a line", before, setup("sudo", "su", "--no-take-back"), "PAM would not take this line", "/etc/pam.d/su:")
        pam_files.write("su", pam_files.read("su").replace("account required\n", "") + "session optional pam_echo.so \\\n")
        before = pam_files.state()
        unchanged("a line that goes on past the end", before, setup("sudo", "su", "--no-take-back"), "/etc/pam.d/su")


def test_a_full_disk():
    """/etc/pam.d on a small disk of its own, without room for one more file; and the way back needs none."""
    with pam_files.as_installed():
        before = pam_files.state()
        shutil.copytree("/etc/pam.d", "/tmp/pam.d")
        check(os.system("mount -t tmpfs -o size=256k,mode=755 small /etc/pam.d && cp -a /tmp/pam.d/. /etc/pam.d/") == 0, "mount")
        try:
            with open("/etc/pam.d/fill", "wb", buffering=0) as f:
                try:
                    while f.write(b"x" * 4096):
                        pass
                except OSError:
                    pass
            done = setup("sudo", "su", "--no-take-back")
            check(done.code == 1 and "No space left on device" in done.text, done.text)
            os.unlink("/etc/pam.d/fill")
            check(pam_files.state() == before, "something stays changed")
        finally:
            os.system("umount /etc/pam.d; rm -rf /tmp/pam.d")


def test_killed_at_any_time():
    """Whenever it dies, undo brings back what was; each of its system calls that changes something is the last one once."""
    with pam_files.as_installed():
        before, kills = pam_files.state(), []
        for call in "rename", "link", "fsync", "unlink", "mkdir":
            for number in range(1, 12):
                command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}",
                           "jitctl", "setup", "sudo", "su", "--no-take-back"]
                done = subprocess.run(command, capture_output=True, check=False)
                killed = done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
                undone = setup("--undo")
                check(undone.code == 0 and pam_files.state() == before, f"{call} {number}: {undone.text}")
                if not killed:
                    break
                kills.append(call)
        check({"rename", "link", "fsync"} <= set(kills), str(kills))


def test_starter_policies():
    """Each loads without a finding where two people have keys; and none is put over a policy that is there."""
    with open("/etc/jit/policy.d/bed.toml", encoding="ascii") as f:
        own = f.read()
    source = os.path.dirname(os.path.abspath(__file__)) + "/../../setup/policies"
    os.makedirs("/usr/share/jit/policies", exist_ok=True)
    for name in "laptop", "server", "bastion":
        shutil.copy(f"{source}/{name}.toml", "/usr/share/jit/policies/")
    check("stays" in setup("--policy", "server").text, "over another policy")
    os.unlink("/etc/jit/policy.d/bed.toml")
    try:
        refused = setup("--policy", "server")
        check(refused.code == 1 and "E06" in refused.text and os.listdir("/etc/jit/policy.d") == [], f"without keys: {refused.text}")
        for person in "alice", "dave":
            path = f"{bedlib.BED}/id_{person}.pub"
            added = run("root", ["jitctl", "people", "add-key", person, path])
            check(added.code == 0, added.text)
        for name in "laptop", "server", "bastion":
            done = setup("--policy", name)
            check(done.code == 0 and f"starter policy {name} is in force" in done.text, done.text)
            st = os.stat(f"/etc/jit/policy.d/{name}.toml")
            check((st.st_mode & 0o7777, st.st_uid, st.st_gid) == (0o640, 0, 980), oct(st.st_mode))
            found = json.loads(run("root", ["jitctl", "policy", "check", "--json"]).out)
            # The bed's own login lines are the rescue route; bastion alone gates login.
            check(found["ok"] and found["findings"] == [], f"{name}: {found}")
            os.unlink(f"/etc/jit/policy.d/{name}.toml")
    finally:
        bedlib.set_policy(own)


bedlib.main(globals())
