# SPDX-License-Identifier: Apache-2.0
"""What the bed needs beyond its own people: the crowd's users, doors without passwords, the programs, the echo's server."""
import os
import shutil
import socket
import subprocess

BED = os.environ["BED"]
PROGRAMS = "/usr/local/libexec/jit-bench"
ECHO, KNOWING = "/run/jit/echo", "/run/jit/knowing-echo"
GROUP = 29999
FIRST = 30000  # uid of the crowd's first user


def write(path: str, text: str, mode: int = 0o644) -> None:
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def crowd(users: int) -> None:
    with open("/etc/group", "a", encoding="utf-8") as f:
        f.write(f"benchers:x:{GROUP}:\n")
    with open("/etc/passwd", "a", encoding="utf-8") as f:
        for uid in range(FIRST, FIRST + users):
            f.write(f"b{uid}:x:{uid}:{GROUP}::/:/bin/sh\n")


def stack(gated: bool) -> str:
    """pam_permit in all stacks, and pam_jit before it where it is gated."""
    lines = []
    for kind in "auth", "account", "password", "session":
        if gated and kind in ("account", "session"):
            lines.append(f"{kind} required pam_jit.so")
        lines.append(f"{kind} required pam_permit.so")
    return "\n".join(lines) + "\n"


def doors() -> None:
    for service in "sudo", "su":
        write(f"/etc/pam.d/{service}", stack(gated=True))
    write("/etc/pam.d/jit-bench-permit", stack(gated=False))
    write("/etc/sudoers", """Defaults env_reset, !lecture, !fqdn
Defaults:carol pam_service=jit-bench-permit
root ALL=(ALL:ALL) ALL
alice ALL=(ALL:ALL) NOPASSWD: ALL
carol ALL=(ALL:ALL) NOPASSWD: ALL
dave ALL=(ALL:ALL) NOPASSWD: ALL
""", 0o440)


def programs(build: str) -> None:
    os.makedirs(PROGRAMS)
    for name in "bench_sudo", "bench_gate", "bench_echo", "bench_pause":
        shutil.copyfile(f"{build}/bench/{name}", f"{PROGRAMS}/{name}")
        os.chmod(f"{PROGRAMS}/{name}", 0o755)


def listening(path: str) -> int:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o600)
    listener.listen(4096)
    return os.dup(listener.fileno())


def echo() -> subprocess.Popen:
    """As the gate: root makes the sockets, _jit serves them, without capabilities."""
    fds = [listening(path) for path in (ECHO, KNOWING)]
    confine = ["setpriv", "--reuid", "_jit", "--regid", "_jit", "--init-groups", "--bounding-set=-all", "--inh-caps=-all",
               "--no-new-privs"]

    def hand_over() -> None:
        high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i)

    return subprocess.Popen([*confine, f"{PROGRAMS}/bench_echo"], pass_fds=[3, 4], preexec_fn=hand_over)


def make(build: str, users: int) -> None:
    crowd(users)
    doors()
    programs(build)
