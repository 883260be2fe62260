# SPDX-License-Identifier: Apache-2.0
"""G7: key material in cores, logs, other people's /proc and what tools write. The broker crashes, and nothing of its key is anywhere
but in its own file."""
# bed: --no-sshd
import base64
import glob
import os
import pwd
import signal
import stat
import time

import bedlib
from bedlib import broker, check, jitctl, run
from by_hand import PLAIN, SIGNED, asking

KEY = "/var/lib/jit/host.key"


def forms(secret: bytes) -> list:
    return [secret, secret.hex().encode(), base64.b64encode(secret), base64.b64encode(secret)[:40], base64.urlsafe_b64encode(secret)]


def secret_of_the_host() -> bytes:
    with open(KEY, "rb") as f:
        text = f.read().strip()
    for word in text.split():
        try:
            raw = base64.b64decode(word, validate=True)
        except ValueError:
            continue
        if len(raw) == 32:
            return raw
    raise AssertionError("the secret's form is not known here")


def holds(path: str, wanted: list) -> bool:
    with open(path, "rb") as f:
        data = f.read()
    return any(form in data for form in wanted)


def test_the_file_is_the_brokers_alone():
    status = os.stat(KEY)
    check(stat.S_IMODE(status.st_mode) == 0o600 and status.st_uid == pwd.getpwnam("_jit").pw_uid, f"{status}")
    for user in "alice", "bob", "nobody":
        check(run(user, ["cat", KEY]).code != 0, f"{user} reads it")


def test_nobody_looks_into_the_running_broker():
    pid = broker.pid()
    check(os.stat(f"/proc/{pid}/environ").st_uid == 0, "it can be dumped")  # proc(5): root's where a process is not dumpable
    with open(f"/proc/{pid}/limits", encoding="ascii") as f:
        core = next(line for line in f if line.startswith("Max core file size"))
    check(core.split()[4:6] == ["0", "0"], core)
    for user in "_jit", "alice":
        for name in "mem", "maps", "environ":
            program = run("root", ["setpriv", f"--reuid={user}", "--clear-groups", "head", "-c1", f"/proc/{pid}/{name}"])
            check(program.code != 0, f"{user} reads {name}: {program.text}")


def test_a_crash_leaves_no_core():
    before = set(glob.glob("/var/lib/jit/*") + glob.glob("/*core*") + glob.glob("/run/jit-broker/*") + glob.glob("/tmp/*"))
    os.kill(int(broker.pid()), signal.SIGSEGV)
    soon = time.monotonic() + 30
    while broker.pid() != "0" and time.monotonic() < soon:
        pass
    broker.start()
    after = set(glob.glob("/var/lib/jit/*") + glob.glob("/*core*") + glob.glob("/run/jit-broker/*") + glob.glob("/tmp/*"))
    check(not [p for p in after - before if "core" in p], f"{after - before}")


def test_the_secret_stands_nowhere_else():
    wanted = forms(secret_of_the_host())
    path = bedlib.enrol("bob")
    with bedlib.policy_with(PLAIN, SIGNED), asking() as (alice, request):
        traced = run("bob", f"strace -f -s 4096 -o /tmp/bob.trace jitctl approve {request}")
        check(traced.code == 0 and alice.wait() == 0, traced.text)
        run("root", "strace -f -s 4096 -o /tmp/root.trace jitctl status")
    for command in ["status"], ["audit", "export"], ["show", request, "--envelope"]:
        program = run("root", ["jitctl", *command])
        check(program.code == 0 and not any(form.decode("latin-1") in program.text for form in wanted), f"{command}")
    for name in "journal", "syslog", "broker":
        check(not any(form.decode("latin-1") in bedlib.log(name) for form in wanted), f"it stands in {name}")
    others = glob.glob("/var/lib/jit/*.db*") + glob.glob("/run/jit-broker/*") + ["/tmp/root.trace", "/tmp/bob.trace"]
    for other in others:
        check(not os.path.isfile(other) or not holds(other, wanted), f"it stands in {other}")
    # The voter's own key: ssh-keygen reads it, jitctl does not.
    with open(path, encoding="ascii") as f:
        body = "".join(line.strip() for line in f if not line.startswith("-----"))
    with open("/tmp/bob.trace", encoding="latin-1") as f:
        mine = [line for line in f if body[60:100] in line and "write(" in line]
    check(not mine, "jitctl or ssh-keygen writes the voter's key somewhere")


bedlib.main(globals())
