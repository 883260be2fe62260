#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pam_jit.so needs libpam, libsystemd and libc, exports the six pam_sm_*, and is hardened; sudo_jit.so needs no libpam and exports
itself. Arguments: [--plugin] MODULE [MORE LIBS...]."""
import re
import subprocess
import sys

plugin = sys.argv[1] == "--plugin"
module, *more = sys.argv[2:] if plugin else sys.argv[1:]


def readelf(*flags):
    return subprocess.run(["readelf", "-W", *flags, module], check=True, capture_output=True, text=True).stdout


needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", readelf("-d")))
wanted = {"libsystemd.so.0", "libc.so.6"} | (set() if plugin else {"libpam.so.0"})
exports = {line.split()[7].split("@")[0] for line in readelf("--dyn-syms").splitlines()
           if len(line.split()) >= 8 and line.split()[4] == "GLOBAL" and line.split()[6] != "UND"}
six = {"pam_sm_" + n for n in ("authenticate", "setcred", "acct_mgmt", "open_session", "close_session", "chauthtok")}
# What sudo hands to open() stands there until close(): four pointers.
state = 64 if plugin else 16  # aligned to 32, and a byte of the C run-time
wrong = []
extra = {n for n in needed - wanted if not any(n.startswith(m) for m in more)}
if not wanted <= needed or extra:
    wrong.append(f"DT_NEEDED is {sorted(needed)}")
if exports != ({"sudo_jit"} if plugin else six):
    wrong.append(f"exports are {sorted(exports)}")
if "BIND_NOW" not in readelf("-d") and "NOW" not in readelf("-d"):
    wrong.append("not bound at load time")
if "GNU_RELRO" not in readelf("-l") or re.search(r"GNU_STACK.*RWE", readelf("-l")):
    wrong.append("no relro, or an executable stack")
sections = readelf("-S")
for line in sections.splitlines():
    found = re.search(r"\s\.(data|bss|tdata|tbss)\s+\S+\s+\S+\s+\S+\s+(\S+)", line)
    if found and int(found.group(2), 16) > state and not more:
        wrong.append(f"static state: .{found.group(1)} of {int(found.group(2), 16)} bytes")
print("\n".join(wrong) if wrong else f"needs {', '.join(sorted(needed))}; exports {len(exports)}")
sys.exit(1 if wrong else 0)
