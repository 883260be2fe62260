#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom. A new arrow is a decision: it is made here, in sight."""
import pathlib
import re
import sys

# folder -> project folders it may include; its own is always allowed.
MAY = {
    "pam_jit": {"dbus"},
    "sudo_jit": {"pam_jit"},
    "policy": set(),
    "policy/analysis": {"policy"},
    "policy/explanation": {"policy", "evidence"},
    "evidence": set(),
    "verify": {"evidence"},
    "host": {"policy"},
    "setup": {"host", "policy"},
    "setup/probe": set(),
    "dbus": set(),
    "enforcer": {"dbus"},
    "broker/core": {"policy", "evidence"},
    "broker/store": {"broker/core", "policy", "evidence"},
    "broker/outbox": {"broker/core", "broker/store", "policy", "evidence"},
    "broker/audit": {"broker/core", "policy", "evidence"},
    "broker/config": {"policy", "policy/analysis", "evidence", "host"},
    "broker/directory": {"broker/core", "policy", "evidence"},
    "broker/gate": {"broker/core", "broker/directory", "policy", "evidence", "dbus"},
    "broker/bus": {"broker/core", "broker/directory", "broker/outbox", "broker/store", "policy", "policy/explanation", "evidence", "dbus"},
    "broker": {"broker/core", "broker/store", "broker/audit", "broker/config", "broker/directory", "broker/gate",
               "broker/bus", "broker/outbox", "policy", "evidence"},
    "relay/credentials": {"evidence"},
    "relay/transport": set(),
    "courier": {"evidence"},
    "notify/message": {"courier", "evidence"},
    "notify": {"notify/message", "courier", "evidence"},
    "relay": {"relay/credentials", "relay/transport", "courier", "evidence"},
    "cli": {"policy", "policy/analysis", "policy/explanation", "evidence", "verify", "host", "dbus", "broker/config", "setup", "setup/probe",
            "enforcer", "relay/credentials", "relay/transport"},
}
# library headers (by prefix) -> the only folders that may use them
ONLY = {
    "sqlite3.h": {"broker/store"},
    "openssl/": {"evidence"},
    "fido.h": {"evidence"},
    "zlib.h": {"evidence"},
    "qrencode.h": {"cli"},
    "fido/": {"evidence"},
    "nats/": {"relay/transport"},
    "curl/": {"notify"},
    "libical/": {"policy"},
    "curses.h": {"cli"},
    "term.h": {"cli"},
    "date/": {"policy"},
    "toml++/": {"policy", "broker/config", "notify/message", "relay/credentials"},
    "security/": {"pam_jit", "setup/probe"},
    "sudo_plugin.h": {"sudo_jit"},
    "sdbus-c++/": {"broker/bus", "cli", "dbus"},
    "systemd/sd-bus.h": {"pam_jit", "broker/gate", "broker/bus", "cli", "enforcer", "courier"},
}
# the module is a guest: each of these would pull libstdc++ or a thread into sshd
BANNED_IN_MODULE = {"string", "iostream", "thread", "mutex", "vector", "map", "functional", "fstream", "sstream", "new",
                    "exception", "stdexcept", "regex", "future", "filesystem"}


def folder_of(path, root):
    rel = path.relative_to(root).as_posix()
    for name in sorted(MAY, key=len, reverse=True):
        if rel.startswith(name + "/"):
            return name
    return None


def main(root):
    bad = []
    count = 0
    for path in sorted(p for p in root.rglob("*") if p.suffix in (".h", ".cpp")):
        folder = folder_of(path, root)
        if folder is None:
            continue
        count += 1
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
            if not found:
                continue
            name = found.group(2)
            place = f"{path.relative_to(root)}:{number}"
            if found.group(1) == '"':
                target = next((f for f in sorted(MAY, key=len, reverse=True) if name.startswith(f + "/")), None)
                if target is None:
                    bad.append(f"{place}: {name}: include by the path from the top")
                elif target != folder and target not in MAY[folder]:
                    bad.append(f"{place}: {folder} may not include {target}")
            for prefix, users in ONLY.items():
                if name.startswith(prefix) and folder not in users:
                    bad.append(f"{place}: {name} only in {', '.join(sorted(users))}")
            if folder in ("pam_jit", "sudo_jit") and found.group(1) == "<" and name in BANNED_IN_MODULE:
                bad.append(f"{place}: <{name}> is not for a guest")
    print("\n".join(bad))
    print(f"{count} files, {len(bad)} arrows that are not allowed")
    return 1 if bad or count < 50 else 0


sys.exit(main(pathlib.Path(sys.argv[1])))
