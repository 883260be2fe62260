# SPDX-License-Identifier: Apache-2.0
"""Makes the bed's people, keys, sshd and PAM configuration, and installs the build at its real paths.

Runs inside the bed only. The accounts are written straight into passwd and shadow: useradd for six people would cost
more than everything else together."""
import contextlib
import ctypes
import glob
import os
import re
import shutil
import subprocess
import sys

BED = os.environ["BED"]
PEOPLE = {"alice": 2001, "bob": 2002, "carol": 2003, "dave": 2004, "eve": 2005}
GROUPS = {"sudo": ["alice", "dave"], "sre": ["bob", "carol"], "dba": ["alice", "eve"]}
JIT_UID = 980
COURIERS = {"_jit-relay": 981, "_jit-notify": 982}
RESCUE = "[success=1 default=ignore] pam_succeed_if.so quiet user = root tty =~ *tty[0-9]*"  # Debian 12's login says /dev/tty1


def write(path: str, text: str, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chown(path, uid, gid)
    os.chmod(path, mode)


def crypt(password: str) -> str:
    lib = ctypes.CDLL("libcrypt.so.1")
    lib.crypt.restype = ctypes.c_char_p
    return lib.crypt(password.encode(), b"$5$rounds=1000$throwaway$").decode()


def accounts() -> None:
    """People, groups and _jit, in place of any that the host has under these names or numbers."""
    ids = {str(i) for i in (*PEOPLE.values(), JIT_UID, *COURIERS.values(), 2101, 2102)}
    names = {*PEOPLE, "_jit", *COURIERS}

    def kept(path: str) -> list:
        with open(path, encoding="utf-8") as f:
            return [line.rstrip("\n").split(":") for line in f if line.strip()]

    users = [f for f in kept("/etc/passwd") if f[0] not in names and f[2] not in ids]
    shadow = [f for f in kept("/etc/shadow") if f[0] not in names | {"root"}]
    groups = [f for f in kept("/etc/group") if f[0] not in names | {"sre", "dba"} and f[2] not in ids]
    users.append(["_jit", "x", str(JIT_UID), str(JIT_UID), "", "/nonexistent", "/usr/sbin/nologin"])
    shadow += [["_jit", "!", "19000", "", "", "", "", "", ""], ["root", crypt("root"), "19000", "0", "99999", "7", "", "", ""]]
    groups += [["_jit", "x", str(JIT_UID), ""], ["sre", "x", "2101", ""], ["dba", "x", "2102", ""]]
    for name, uid in COURIERS.items():
        users.append([name, "x", str(uid), str(uid), "", "/nonexistent", "/usr/sbin/nologin"])
        shadow.append([name, "!", "19000", "", "", "", "", "", ""])
        groups.append([name, "x", str(uid), ""])
    for name, uid in PEOPLE.items():
        users.append([name, "x", str(uid), str(uid), "", f"/home/{name}", "/bin/bash"])
        shadow.append([name, crypt(name), "19000", "0", "99999", "7", "", "", ""])
        groups.append([name, "x", str(uid), ""])
    for group in groups:
        members = [m for m in group[3].split(",") if m and m not in names]
        group[3] = ",".join(members + GROUPS.get(group[0], []))
    for path, rows in ("/etc/passwd", users), ("/etc/shadow", shadow), ("/etc/group", groups):
        mode = 0o640 if path == "/etc/shadow" else 0o644
        write(path, "".join(":".join(r) + "\n" for r in rows), mode)


def keys() -> None:
    made = [subprocess.Popen(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{n}@bed", "-f", f"{BED}/id_{n}"])
            for n in ("host", *PEOPLE)]
    if any(p.wait() for p in made):
        sys.exit("ssh-keygen failed")
    for name, uid in PEOPLE.items():
        for d in f"/home/{name}", f"/home/{name}/.ssh":
            os.makedirs(d, 0o700)
            os.chown(d, uid, uid)
        for source, target in (f"{BED}/id_{name}", "id_ed25519"), (f"{BED}/id_{name}.pub", "authorized_keys"):
            shutil.copyfile(source, f"/home/{name}/.ssh/{target}")
            os.chown(f"/home/{name}/.ssh/{target}", uid, uid)
            os.chmod(f"/home/{name}/.ssh/{target}", 0o600)
    with open(f"{BED}/id_host.pub", encoding="ascii") as f:
        host = " ".join(f.read().split()[:2])
    write("/etc/ssh/ssh_known_hosts", "".join(f"[127.0.0.1]:{port} {host}\n" for port in (2222, 2223)))
    write(f"{BED}/sshd_config", f"""Port 2222
Port 2223
ListenAddress 127.0.0.1
HostKey {BED}/id_host
PidFile {BED}/sshd.pid
UsePAM yes
PasswordAuthentication no
AuthenticationMethods publickey
PermitRootLogin yes
AcceptEnv XDG_* JIT_*
MaxStartups 100
Subsystem sftp internal-sftp
LogLevel VERBOSE
{no_penalties()}Match LocalPort 2223
  AuthenticationMethods publickey,keyboard-interactive:pam
""")


def no_penalties() -> str:
    """All attempts come from one address here, and many of them end before they are let in; since 9.8 sshd keeps such an address out."""
    said = subprocess.run(["/usr/sbin/sshd", "-V"], stderr=subprocess.PIPE, text=True, check=False).stderr
    version = re.search(r"OpenSSH_(\d+)\.(\d+)", said)
    return "PerSourcePenalties no\n" if tuple(map(int, version.groups())) >= (9, 8) else ""


def insert_before(lines: list, kind: str, new: str) -> list:
    """Puts `new` before the first line of this kind, so that it is the first of its stack."""
    for i, line in enumerate(lines):
        words = line.split()
        if words and (words[0].lstrip("-") == kind or words[0] == "@include" and words[1].startswith("common-" + kind)):
            return lines[:i] + [new] + lines[i:]
    return lines + [new]


def doors() -> None:
    """su-l includes su, and sudo-i is a file of its own."""
    for service in "sudo", "sudo-i", "su", "login", "sshd":
        path = f"/etc/pam.d/{service}"
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines()
        for kind in "account", "session":
            if service == "sshd" and kind == "session":  # after the line that gives the session its number
                at = next(i for i, line in enumerate(lines) if "pam_loginuid.so" in line.split())
                lines.insert(at + 1, f"{kind} required pam_jit.so")
                continue
            lines = insert_before(lines, kind, f"{kind} required pam_jit.so")
            if service == "login":  # the rescue line stands directly before ours
                lines = insert_before(lines, kind, f"{kind} {RESCUE}")
        if service == "sshd":  # the key came first (AuthenticationMethods), so the talk takes the place of a password
            lines = ["auth required pam_jit.so" if line.strip() == "@include common-auth" else line for line in lines]
        # Three seconds after a failure are for attackers, and news of the day for people.
        news = ("pam_faildelay", "pam_motd", "pam_lastlog", "pam_mail")
        lines = [line for line in lines if not any(module in line for module in news)]
        write(path, "\n".join(lines) + "\n")
    write("/etc/sudoers", """Defaults env_reset, !lecture, !fqdn, verifypw=any, listpw=any
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root  ALL=(ALL:ALL) ALL
%sudo ALL=(ALL:ALL) ALL
alice ALL=(ALL:ALL) NOPASSWD: ALL
""", 0o440)
    for name in os.listdir("/etc/sudoers.d"):
        os.unlink(f"/etc/sudoers.d/{name}")


def asked_by_a_telnet_daemon() -> None:
    """A login of util-linux is the service "remote" then, as jitctl setup gates it."""
    with open("/usr/bin/login", "rb") as f:
        if b"\0remote\0" in f.read():
            write("/etc/pam.d/remote", "@include login\n")


def built(build: str, name: str) -> str:
    for folder in "broker", "cli", "enforcer", "notify", "pam_jit", "relay", "sudo_jit", "verify", ".":
        if os.path.isfile(f"{build}/{folder}/{name}"):
            return f"{build}/{folder}/{name}"
    sys.exit(f"no {name} in {build}: build it first")


def install() -> None:
    build, source = os.environ["LIGHT_BUILD"], os.path.dirname(os.path.abspath(__file__)) + "/../.."
    security = os.path.dirname(glob.glob("/usr/lib/*/security/pam_unix.so")[0])
    # sudo loads the plugin where a test names it in sudo.conf.
    write("/etc/sudo.conf", "")
    for target, name, mode in ((f"{security}/pam_jit.so", "pam_jit.so", 0o644), ("/usr/libexec/sudo/sudo_jit.so", "sudo_jit.so", 0o644), ("/usr/bin/jitctl", "jitctl", 0o755), ("/usr/bin/jit-verify", "jit-verify", 0o755),
                               ("/usr/libexec/jit/jit-broker", "jit-broker", 0o755), ("/usr/libexec/jit/jit-relay", "jit-relay", 0o755),
                               ("/usr/libexec/jit/jit-notify", "jit-notify", 0o755), ("/usr/libexec/jit/jit-enforcer", "jit-enforcer", 0o755)):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.lexists(target):
            os.unlink(target)
        shutil.copyfile(built(build, name), target)
        os.chmod(target, mode)
    os.makedirs("/usr/share/dbus-1/system.d", exist_ok=True)
    shutil.copyfile(f"{source}/dbus/org.pamjit.Broker1.conf", "/usr/share/dbus-1/system.d/org.pamjit.Broker1.conf")
    # A host with polkit or without it: here it is not to be started but by the test that wants it.
    os.makedirs("/usr/share/polkit-1/actions", exist_ok=True)
    shutil.copyfile(f"{source}/dbus/org.pamjit.policy", "/usr/share/polkit-1/actions/org.pamjit.policy")
    with contextlib.suppress(FileNotFoundError):
        os.unlink("/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service")

    for d in "/etc/jit", "/var/lib/jit", "/var/lib/jit-notify":
        shutil.rmtree(d, ignore_errors=True)
    for d, mode, uid, gid in (("/etc/jit", 0o755, 0, 0), ("/etc/jit/policy.d", 0o750, 0, JIT_UID),
                              ("/etc/jit/people.d", 0o750, 0, JIT_UID), ("/var/lib/jit", 0o700, JIT_UID, JIT_UID),
                              ("/etc/jit/notify.d", 0o750, 0, COURIERS["_jit-notify"]),
                              ("/var/lib/jit-notify", 0o700, COURIERS["_jit-notify"], COURIERS["_jit-notify"]),
                              ("/run/jit", 0o755, 0, 0), ("/run/jit-broker", 0o755, JIT_UID, JIT_UID)):
        os.makedirs(d)
        os.chown(d, uid, gid)
        os.chmod(d, mode)
    files = [("broker.toml", '[host]\nname = "bed"\n')]
    for variable, target in ("LIGHT_POLICY", "policy.d/bed.toml"), ("LIGHT_PEOPLE", "people.d/bed.toml"):
        if os.environ[variable]:
            with open(os.environ[variable], encoding="utf-8") as f:
                files.append((target, f.read()))
    for target, text in files:
        write(f"/etc/jit/{target}", text, 0o640, 0, JIT_UID)


os.umask(0o022)
write("/etc/hosts", "127.0.0.1 localhost bed\n::1 localhost\n")
accounts()
keys()
doors()
asked_by_a_telnet_daemon()
install()
