# SPDX-License-Identifier: Apache-2.0
"""B4: neither the module nor the broker opens anything below any home, however tempting it is made."""
# bed: --no-sshd --no-jit-broker
import os
import re

import bedlib
from bedlib import Inbox, broker, check

TEMPTING = (".config/jit/policy.toml", ".jit.toml", ".pam_environment", ".ssh/authorized_keys", ".jitrc", ".config/pam_jit")


def furnish(home: str) -> None:
    for path in TEMPTING:
        os.makedirs(os.path.dirname(f"{home}/{path}"), exist_ok=True)
        if os.path.lexists(f"{home}/{path}"):
            os.unlink(f"{home}/{path}")
        os.symlink("/etc/shadow", f"{home}/{path}")
    os.mkfifo(f"{home}/fifo")


def opened(trace: str) -> list:
    with open(trace, encoding="utf-8", errors="replace") as f:
        return re.findall(r'open(?:at2?)?\([^"]*"([^"]*)"', f.read())


def test_nothing_below_a_home_is_opened():
    for user in "alice", "bob":
        furnish(f"/home/{user}")
    broker.run_under("strace", "-D", "-f", "-qq", "-o", "/tmp/broker.trace", "-e", "trace=open,openat,openat2")
    broker.start()
    command = ["strace", "-f", "-qq", "-u", "alice", "-o", "/tmp/sudo.trace", "-e", "trace=open,openat,openat2", "sudo", "true"]
    with Inbox() as inbox, bedlib.Terminal("root", command, env=bedlib.environment("alice"), login=False) as alice:
        alice.expect("waiting")
        bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
        check(alice.wait() == 0, alice.text)
    broker.stop()
    for trace in "/tmp/broker.trace", "/tmp/sudo.trace":
        paths = opened(trace)
        check(any("pam_jit" in p or "/etc/jit" in p or "jit.db" in p for p in paths), f"{trace} shows nothing of ours")
        paths = [p for p in paths if not p.endswith("/.sudo_as_admin_successful")]  # sudo itself, on Debian
        homes = [p for p in paths if any(part in ("home", "alice", "bob") or part[:1] == "." and len(part) > 2 for part in p.split("/"))]
        check(not homes, f"{trace}: opened {homes}")


bedlib.main(globals())
