#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed --packages
"""docs/howto/first-host.md, typed as it stands, from the installation to the first approved sudo and back; then a new boot on the same disk."""
import pathlib
import re
import subprocess
import sys
import time

import bedlib
import booted
from bedlib import check, run
from booted import logged_in, shell, until

PAGE = pathlib.Path("/root/howto/first-host.md")
ALREADY = pathlib.Path("/var/tmp/gated")


def root(command: str) -> str:
    done = subprocess.run(["/bin/bash", "-c", command], cwd="/root/packages", capture_output=True, text=True, check=False,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})
    check(done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def two_admins() -> None:
    """As any host has them: keys, a password, the group sudo, sshd."""
    shell("userdel _jit 2>/dev/null || true; rm -rf /etc/jit /var/lib/jit; ssh-keygen -q -N '' -t ed25519 -f /root/key; usermod -aG sudo alice; usermod -aG sudo bob"
          "; echo '%sudo ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/admins")
    for user in "alice", "bob":
        shell(f"install -d -m 700 -o {user} -g {user} /home/{user}/.ssh; install -m 600 -o {user} -g {user} /root/key.pub /home/{user}/.ssh/authorized_keys"
              f"; runuser -u {user} -- ssh-keygen -q -N '' -t ed25519 -f /home/{user}/.ssh/id_ed25519")
    pathlib.Path("/etc/ssh/sshd_config").write_text("UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n", encoding="ascii")
    shell("mkdir -p /run/sshd; ssh-keygen -A >/dev/null; systemctl restart ssh")


def test_the_page() -> None:
    before = {path.name: path.read_bytes() for path in pathlib.Path("/etc/pam.d").iterdir()}
    lines = re.findall(r"^    (#|alice\$|bob\$) (.+)$", PAGE.read_text(encoding="utf-8"), re.M)
    check(len(lines) == 15, f"{len(lines)} lines on the page")
    began = time.monotonic()
    with logged_in("alice") as alice, logged_in("bob") as bob:
        request = ""
        for who, command in lines:
            if command.startswith("jitctl setup --undo"):
                ALREADY.write_text("yes", encoding="ascii")
                after_all = {path.name: path.read_bytes() for path in pathlib.Path("/etc/pam.d").iterdir()}
                check(after_all != before, "nothing is gated")
            if who == "#":
                said = root(command)
                if command == "jitctl doctor":
                    check("0 holes, 0 faults" in said, said)
                if command == "jitctl audit log":
                    check("alice" in said and "bob" in said, said)
            elif command == "sudo id -u":
                alice.line(command)
                alice.expect("[Rr]eason")
                alice.line("the first of all")
                alice.expect("Vote code, or Enter to wait")
                alice.line("")
            elif command == "jitctl requests":
                bob.line(command)
                request = bob.expect(r"([0-9a-f]{8,}) ")[1]
            elif command.startswith("jitctl approve ID"):
                bob.line(command.replace("ID", request))
                bob.expect("approved: alice")
                alice.expect(r"^0\s+; $")  # sudo drops what is typed before it has gone
                print(f"     {time.monotonic() - began:.0f} s from apt-get install to the first approved sudo", flush=True)
                check(time.monotonic() - began < 300, "that took more than five minutes")
            else:
                alice.line(command)
                alice.expect("confirmed: sudo, su stay gated")
    check({path.name: path.read_bytes() for path in pathlib.Path("/etc/pam.d").iterdir()} == before, "a PAM file is not as it was")
    check(run("alice", ["sudo", "-n", "id", "-u"]).out.strip() == "0", "alice's sudo is not as it was before")


def test_gated_again_for_the_next_boot() -> None:
    for who, command in re.findall(r"^    (#) (.+)$", PAGE.read_text(encoding="utf-8"), re.M)[:7]:
        check(who == "#", "who")
        root(command)
    with logged_in("alice") as alice, logged_in("bob") as bob:
        alice.line("sudo id -u")
        alice.expect("[Rr]eason")
        alice.line("once more")
        alice.expect("Vote code, or Enter to wait")
        alice.line("")
        bob.line("jitctl requests")
        bob.line("jitctl approve " + bob.expect(r"([0-9a-f]{8,}) ")[1] + " -m again")
        alice.expect(r"^0\s+; $")  # sudo drops what is typed before it has gone
        alice.line("sudo jitctl setup --confirm")
        alice.expect("stay gated")


def a_new_boot() -> None:
    until("a broker that runs", lambda: run("root", ["jitctl", "status"]).code == 0)
    order = shell("systemctl show -p ActiveEnterTimestampMonotonic --value jit-broker.service systemd-user-sessions.service").split()
    check(0 < int(order[0]) <= int(order[1]), f"logins were let in before the broker was there: {order}")
    check("pam_jit" in pathlib.Path("/etc/pam.d/sudo").read_text(encoding="ascii"), "sudo is gated no longer")
    check(bedlib.all_grants() == [] or all(g["state"] == "ended" for g in bedlib.all_grants()), "a grant outlived the boot")
    check(run("alice", ["sudo", "-n", "true"]).code != 0, "alice is root without being asked about")
    print("ok   a_new_boot", flush=True)


if sys.argv[1:] == ["rebooted"]:
    a_new_boot()
    raise SystemExit(0)
two_admins()
try:
    bedlib.main(globals())
except SystemExit as done:
    raise SystemExit(77 if not done.code else done.code) from None  # 77: start it again
