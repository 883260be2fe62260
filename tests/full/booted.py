# SPDX-License-Identifier: Apache-2.0
"""A booted host with the product installed: doors gated, people with keys, real sshd; scopes and sessions as systemd has them."""
import contextlib
import os
import pathlib
import pwd
import re
import select
import signal
import subprocess
import time

import bedlib
import pam_files
from bedlib import Failed, Terminal, check, run

SSH = ["ssh", "-q", "-i", "/root/key", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
HEAD = """schema = 1
[settings]
covers = ["sudo", "su", "ssh", "login"]
rescue = ["tty[0-9]*"]
[approval]
bob = { need = [{ from = "user:bob" }] }
"""


def permit(name: str, who: str, doors: str, target: str, *lines: str) -> str:
    listed = ", ".join(f'"{door}"' for door in doors.split())
    return "\n".join(["[[permit]]", f'id = "{name}"', f'who = ["user:{who}"]', f"door = [{listed}]", f'as = ["user:{target}"]', *lines, ""])


def shell(command: str) -> str:
    done = subprocess.run(["/bin/bash", "-euc", command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


def gate(service: str) -> None:
    """The lines of the snippet, where it says."""
    path = pathlib.Path("/etc/pam.d", service)
    lines = pathlib.Path("/usr/share/jit/pam", service.split("-")[0]).read_text(encoding="ascii").splitlines(keepends=True)
    session = "".join(line for line in lines if line.startswith("session"))
    text, count = re.subn(r"^@include common-account$", lambda m: "".join(line for line in lines if line.startswith("account")) + m[0],
                          path.read_text(encoding="utf-8"), count=1, flags=re.M)
    if service in ("login", "sshd"):
        text, more = re.subn(r"^@include common-session$", lambda m: session + m[0], text, count=1, flags=re.M)
    else:
        text, more = text.rstrip("\n") + "\n" + session, 1
    check(count == 1 and more == 1, f"{path} has no line to begin at")
    path.write_text(text, encoding="utf-8")
    remote = path.with_name("remote")
    if service == "login" and pam_files.login_of_util_linux() and not remote.exists():
        remote.write_text("@include login\n", encoding="ascii")


def set_policy(text: str) -> None:
    path = pathlib.Path("/etc/jit/policy.d/test.toml")
    path.write_text(HEAD + text, encoding="utf-8")
    shell(f"chgrp _jit {path} && chmod 640 {path}")


def set_up(policy: str, gated: bool = True) -> None:
    shell("systemctl daemon-reload; systemd-sysusers; systemd-tmpfiles --create"
          "; busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig >/dev/null")
    set_policy(policy)
    shell("runuser -u bob -- mkdir -m 700 -p /home/bob/.ssh; runuser -u bob -- ssh-keygen -q -N '' -t ed25519 -f /home/bob/.ssh/id_ed25519")
    key = " ".join(pathlib.Path("/home/bob/.ssh/id_ed25519.pub").read_text(encoding="ascii").split()[:2])
    people = pathlib.Path("/etc/jit/people.d/test.toml")
    people.write_text(f'version = 1\n[[person]]\nname = "bob"\nusers = ["bob"]\n[[person.key]]\nid = "one"\nkind = "ssh"\npublic = "{key}"\n', encoding="ascii")
    shell(f"chgrp _jit {people} && chmod 640 {people}")
    for service in ("sudo", "sudo-i", "su", "sshd", "login") if gated else ():
        gate(service)
    shell("ssh-keygen -q -N '' -t ed25519 -f /root/key")
    for user in "alice", "dora":
        if subprocess.run(["id", user], capture_output=True, check=False).returncode != 0:
            shell(f"useradd -m -s /bin/bash {user}")
        shell(f"install -d -m 700 -o {user} -g {user} /home/{user}/.ssh && install -m 600 -o {user} -g {user} /root/key.pub /home/{user}/.ssh/authorized_keys"
              f"; echo '{user} ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/{user}; echo {user}:{user} | chpasswd")
    pathlib.Path("/etc/ssh/sshd_config").write_text(
        "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\n", encoding="ascii")
    shell("mkdir -p /run/sshd; ssh-keygen -A >/dev/null; systemctl start jit-broker.socket jit-enforcer.socket; systemctl restart jit-broker.service ssh")
    check("running" in run("root", ["jitctl", "status"]).out, run("root", ["jitctl", "status"]).text)


def boot_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def ssh(user: str, *words: str, **keys) -> Terminal:
    """On a terminal of root's, as if he sat elsewhere."""
    return Terminal("root", [*SSH, *words, f"{user}@127.0.0.1"], login=False, **keys)


@contextlib.contextmanager
def logged_in(user: str = "alice"):
    """A shell behind a real ssh login, with its own terminal and session."""
    with ssh(user, "-tt") as terminal:
        terminal.expect(r"\$ $")
        terminal.line("PS1='; '; stty -echo; echo shell=$$")
        terminal.shell = int(terminal.expect(r"^shell=(\d+)")[1])
        yield terminal


def pids_of(pattern: str) -> list:
    """Of the processes whose command line matches."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
            if re.search(pattern, words):
                found.append(int(entry.name))
    return found


class Running:
    """A process that is there now; how long until it ends is measured by its pidfd."""

    def __init__(self, pid: int) -> None:
        self.pid, self.fd = pid, os.pidfd_open(pid)

    def ended(self, timeout: float = bedlib.WAIT_S) -> int:
        """boot_ms when it had ended."""
        if not select.select([self.fd], [], [], timeout)[0]:
            with contextlib.suppress(OSError):
                raise Failed(f"process {self.pid} ({pathlib.Path('/proc', str(self.pid), 'cmdline').read_bytes()}) lives on in "
                             + pathlib.Path("/proc", str(self.pid), "cgroup").read_text(encoding="ascii"))
        return boot_ms()

    def lives(self) -> bool:
        return not select.select([self.fd], [], [], 0)[0]

    def cgroup(self) -> str:
        return pathlib.Path("/proc", str(self.pid), "cgroup").read_text(encoding="ascii").strip()


def until(what: str, found, timeout: float = 20):
    """Looks again and again for what no event tells of; gives what was found."""
    end = time.monotonic() + timeout
    while True:
        value = found()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"not within {timeout} s: {what}\n" + shell("journalctl -b --no-pager -n 30; systemctl list-units --no-pager 'jit-*'"))
        select.select([], [], [], 0.02)


def process(pattern: str) -> Running:
    return Running(until(f"a process like {pattern}", lambda: pids_of(pattern))[0])


def grant_of(user: str, door: str = "") -> dict:
    """The living one."""
    def found():
        grants = [g for g in bedlib.all_grants() if g["subject"]["name"] == user and g["state"] == "active" and door in (g["door"], "")]
        return max(grants, key=lambda g: g["created"]) if grants else None
    return until(f"a grant of {user}", found)


def entries(kind: str, grant: str = "") -> list:
    return [e for e in bedlib.jitctl("root", "audit", "log") if e["type"] == kind and (not grant or e.get("grant") == grant)]


def report_on(grant: str) -> dict:
    """What the end of this grant met with."""
    return until("a report", lambda: entries("grant.enforced", grant))[-1]


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


def main_pid(unit: str) -> int:
    return int(shell(f"systemctl show -p MainPID --value {unit}"))


def uid(user: str) -> int:
    return pwd.getpwnam(user).pw_uid


def root_shell(alice, command: str = "sudo -s") -> Running:
    """What she types, and the root shell that comes of it."""
    alice.line(command)
    alice.line("stty -echo; PS1='# '; printf '\\nroot=%s uid=%s\\n' $$ $(id -u)")
    found = alice.expect(r"^root=(\d+) uid=0")
    return Running(int(found[1]))
