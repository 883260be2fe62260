# SPDX-License-Identifier: Apache-2.0
"""B16: a privilege call fails, and the program that was to be another user's goes on as root. jit-broker looks who it is before
it does anything, whatever its launcher did; the module has no such call at all."""
# bed: --no-sshd
import collections
import glob
import itertools
import os
import pwd
import re
import select
import socket
import subprocess

import bedlib
from bedlib import broker, check

BROKER = "/usr/libexec/jit/jit-broker"
HOME = "/var/lib/jit"
JIT = pwd.getpwnam("_jit").pw_uid
CALLS = "setuid,setgid,setreuid,setregid,setresuid,setresgid,setfsuid,setfsgid,setgroups,capset"
REFUSED_IN_S = 5


def clean_home() -> None:
    for entry in os.listdir(HOME):
        os.unlink(f"{HOME}/{entry}")


def become(uids, gids, groups) -> None:
    os.setgroups(groups)
    os.setresgid(*gids)
    os.setresuid(*uids)


def start(uids=(JIT,) * 3, gids=(JIT,) * 3, groups=(JIT,)):
    """Starts a broker as systemd would, but as this user. Its exit code and text; None when it serves."""
    clean_home()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("\0a gate")
    listening.listen(8)
    ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ready.bind("\0ready")
    out_read, out_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            null, gate = os.open("/dev/null", os.O_RDONLY), os.dup2(listening.fileno(), 100)
            for fd, target in (null, 0), (out_write, 1), (out_write, 2), (gate, 3):
                os.dup2(fd, target, inheritable=True)
            os.closerange(4, 256)
            become(uids, gids, list(groups))
            os.execve(BROKER, [BROKER], {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": "gate",
                                         "NOTIFY_SOCKET": "@ready", "STATE_DIRECTORY": HOME})
        finally:
            os._exit(125)
    os.close(out_write)
    pidfd = os.pidfd_open(pid)
    serves = pidfd not in select.select([pidfd, ready], [], [], REFUSED_IN_S)[0]
    if serves:
        os.kill(pid, 9)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with open(out_read, encoding="utf-8") as f:
        text = f.read()
    for each in listening, ready:
        each.close()
    os.close(pidfd)
    return (None if serves else code), text


def is_refused(name: str, **who) -> None:
    code, text = start(**who)
    check(code not in (None, 0, 125), f"{name}: it " + ("serves" if code is None else f"ended with {code}") + f": {text}")
    check(os.listdir(HOME) == [], f"{name}: it worked before it looked: {os.listdir(HOME)}")
    check(text.count("\n") == 1 and "_jit" in text, f"{name}: it says {text!r}")


def test_as_jit_it_serves():
    """Else the refusals below would show nothing."""
    code, text = start()
    check(code is None, f"as _jit: {code} {text}")


def test_it_runs_as_nobody_else():
    for real, effective in itertools.product((0, JIT, 2001), repeat=2):  # exec makes the saved one the effective one
        if (real, effective) != (JIT, JIT):
            is_refused(f"uids {real}, {effective}", uids=(real, effective, effective))


def test_groups_that_were_not_left():
    """setgid or setgroups failed: it would read and write what a group of root may."""
    for name, who in {"gid 0": {"gids": (0, 0, 0)}, "effective gid 0": {"gids": (JIT, 0, JIT)},
                      "gid of alice": {"gids": (2001,) * 3}, "group 0": {"groups": (JIT, 0)}, "group of alice": {"groups": (JIT, 2001)}}.items():
        is_refused(name, **who)


def test_nobody_knows_jit():
    with open("/etc/passwd", encoding="utf-8") as f:
        known = f.read()
    try:
        for name, text in {"no _jit": re.sub(r"(?m)^_jit:.*\n", "", known), "another uid": known.replace(f"_jit:x:{JIT}:", "_jit:x:2999:"),
                           "_jit is root": known.replace(f"_jit:x:{JIT}:", "_jit:x:0:"), "no passwd": ""}.items():
            with open("/etc/passwd", "w", encoding="utf-8") as f:
                f.write(text)
            for uids in (JIT,) * 3, (0,) * 3:
                is_refused(f"{name}, as {uids[0]}", uids=uids, groups=(JIT,))
    finally:
        with open("/etc/passwd", "w", encoding="utf-8") as f:
            f.write(known)


def test_too_many_processes():
    """RLIMIT_NPROC: setuid or the first thread fails. It does not start, or it serves whole."""
    for limit in range(1, 13):  # as it begins it has seven threads
        broker.run_under("prlimit", f"--nproc={limit}:{limit}")
        try:
            broker.start()
        except bedlib.Failed as error:
            check("ended with" in str(error), f"{limit} processes: {error}")
        else:
            check("ask first" in bedlib.run("alice", "sudo -n id").text, f"{limit} processes: it serves by half")
            check(bedlib.jitctl("eve", "status")["store"] == "ok", f"{limit} processes: it serves by half")
            pid = broker.pid()
            bedlib.run("root", ["jitctl", "policy", "reload"])  # in a thread, where one can be had
            check(broker.pid() == pid, f"{limit} processes: a reload ended it: {bedlib.log('broker')[-300:]}")
        finally:
            broker.stop()
    broker.run_under()


def test_the_launchers_own_calls_fail():
    """setpriv of the bed stands for systemd: where it cannot change user or groups there is no broker."""
    for call in "setresuid", "setresgid", "setgroups", "capset":
        broker.run_under("strace", "-f", "-o", "/dev/null", "-e", f"inject={call}:error=EPERM")
        try:
            broker.start()
            check(False, f"{call} failed, and the broker runs")
        except bedlib.Failed as error:
            check("ended with" in str(error), f"{call}: {error}")
        finally:
            broker.stop()
            broker.run_under()


def privilege_calls(line: str) -> collections.Counter:
    """Those of a whole sudo with this line in account and session."""
    with open("/etc/pam.d/sudo", "w", encoding="ascii") as f:
        f.write("auth required pam_permit.so\n" + "".join(f"{kind} required {line}\n" for kind in ("account", "session")))
    program = bedlib.run("root", ["strace", "-f", "-u", "alice", "-o", "/tmp/trace", "-e", f"trace={CALLS}", "sudo", "-n", "id", "-u"])
    check(program.code == 0 and program.out == "0\n", f"{line}: {program.text}")
    with open("/tmp/trace", encoding="utf-8") as f:
        return collections.Counter(re.findall(r"^\d+ +(\w+\([^)]*\))", f.read(), re.M))


def test_the_module_adds_no_privilege_call():
    broker.start()
    with bedlib.policy_with('approval = "by-sre"\ngive     = "10m"\n', ""):
        ours, none = privilege_calls("pam_jit.so"), privilege_calls("pam_permit.so")
        check(sum(none.values()) > 3, f"sudo itself makes only {none}")
        check(ours == none, f"with the module: {ours - none}; without: {none - ours}")
    path = glob.glob("/usr/lib/*/security/pam_jit.so")[0]
    imported = subprocess.run(["nm", "-D", "--undefined-only", path], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"\b(set\w*(?:uid|gid)|setgroups|initgroups|capset|prctl|system|popen|fork|vfork|exec\w+|posix_spawn\w*)\b", imported)
    check(not found, f"the module imports {found}")


broker.stop()
clean_home()
bedlib.main(globals())
