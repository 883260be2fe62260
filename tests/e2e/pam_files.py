# SPDX-License-Identifier: Apache-2.0
"""The bed's PAM files as Debian has them, without a line of ours, and back."""
import contextlib
import os
import re

FOLDER = "/etc/pam.d"
CORPUS = os.path.dirname(os.path.abspath(__file__)) + "/../corpus/pam"  # Debian 12's
SERVICES = ("sudo", "sudo-i", "su", "su-l", "login", "sshd")


def read(service: str) -> str:
    with open(f"{FOLDER}/{service}", encoding="utf-8") as f:
        return f.read()


def write(service: str, text: str) -> None:
    """As an editor does: the file itself."""
    with open(f"{FOLDER}/{service}", "w", encoding="utf-8") as f:
        f.write(text)


def login_of_util_linux() -> bool:
    """Debian 13's: it ignores Ctrl-C, and is PAM's service "remote" to a telnet daemon."""
    with open("/usr/bin/login", "rb") as f:
        return b"\0remote\0" in f.read()


def bare(text: str) -> str:
    text = re.sub(r"(?m)^auth required pam_jit\.so\n", "@include common-auth\n", text)
    return "".join(line for line in text.splitlines(keepends=True) if "pam_jit.so" not in line and "tty =~" not in line)


@contextlib.contextmanager
def as_installed(fixed=False):
    """For a while; afterwards the bed's own lines are there again. fixed: the same on every Debian."""
    before = {service: read(service) for service in SERVICES}
    for service, text in before.items():
        write(service, bare(text))
        if fixed:
            with open(f"{CORPUS}/{service}", encoding="utf-8") as f:
                write(service, f.read())
    try:
        yield
    finally:
        for service, text in before.items():
            write(service, text)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{FOLDER}/polkit-1")
        os.system("rm -rf /etc/jit/setup")


def state() -> dict:
    """Everything that setup could change: names, bytes, modes and owners."""
    out = {}
    for folder in FOLDER, "/etc/jit/policy.d":
        for name in sorted(os.listdir(folder)):
            st = os.lstat(f"{folder}/{name}")
            with open(f"{folder}/{name}", "rb") as f:
                out[name] = (f.read(), st.st_mode, st.st_uid, st.st_gid)
    return out
