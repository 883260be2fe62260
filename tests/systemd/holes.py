#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""holes.py UNIT...: what a unit's sandbox leaves open, where another one of ours has it closed, has a comment that names the setting."""
import pathlib
import re
import sys

CLOSED = {
    "AmbientCapabilities": "", "CapabilityBoundingSet": "", "IPAddressDeny": "any", "KeyringMode": "private", "LimitCORE": "0", "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes", "NoNewPrivileges": "yes", "PrivateDevices": "yes", "PrivateMounts": "yes", "PrivateNetwork": "yes", "PrivateTmp": "yes",
    "PrivateUsers": "yes", "ProcSubset": "pid", "ProtectClock": "yes", "ProtectControlGroups": "yes", "ProtectHome": "yes", "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes", "ProtectKernelModules": "yes", "ProtectKernelTunables": "yes", "ProtectProc": "invisible", "ProtectSystem": "strict",
    "RemoveIPC": "yes", "RestrictAddressFamilies": "AF_UNIX", "RestrictNamespaces": "yes", "RestrictRealtime": "yes", "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native", "UMask": "0077"}

bad = 0
for path in map(pathlib.Path, sys.argv[1:]):
    text = path.read_text(encoding="ascii")
    found = dict(re.findall(r"^([A-Za-z]+)=(.*)$", text, re.M))
    reasons = " ".join(re.findall(r"^#(.*)$", text, re.M))
    for name, value in CLOSED.items():
        if found.get(name) != value and not re.search(rf"\b{name}\b", reasons):
            print(f"{path.name}: {name} is open, and no comment says why")
            bad += 1
    if "User" not in found and not re.search(r"\broot\b", reasons, re.I):
        print(f"{path.name}: it runs as root, and no comment says why")
        bad += 1
sys.exit(1 if bad else 0)
