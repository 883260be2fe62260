# SPDX-License-Identifier: Apache-2.0
"""One user who starts many real su on a terminal of his own and stops each of them with SIGSTOP, at any moment of its way.

As that user: prints "stopped N STARTED" and holds them until its input ends, then ends them. Some are refused before the
signal comes: his quota is full by then."""
import fcntl
import os
import select
import signal
import sys
import termios
import threading


def state(pid: int) -> str:
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def stop_one(terminal: int, number: int) -> int:
    """The pid of a stopped su, or 0 where the gate was quicker and refused it."""
    pid = os.posix_spawn("/usr/bin/su", ["su", "-c", f"true {number}"], {"PATH": "/usr/bin:/bin"},
                         file_actions=[(os.POSIX_SPAWN_DUP2, terminal, fd) for fd in (0, 1, 2)])
    pidfd = os.pidfd_open(pid)
    try:
        if select.select([pidfd], [], [], number % 30 / 1000)[0]:
            os.waitpid(pid, 0)
            return 0
        os.kill(pid, signal.SIGSTOP)
        while state(pid) not in "TZ":
            os.sched_yield()
        if state(pid) == "T":
            return pid
        os.waitpid(pid, 0)
        return 0
    finally:
        os.close(pidfd)


def main(wanted: int) -> None:
    os.setsid()
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(master, 4096), b"")], daemon=True).start()
    running, started = [], 0
    while len(running) < wanted:
        # From "as soon as it runs" to "once it waits": 0 to 29 ms after its start.
        pid = stop_one(slave, started)
        started += 1
        if pid:
            running.append(pid)
    print(f"stopped {len(running)} {started}", flush=True)
    sys.stdin.read()
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


main(int(sys.argv[1]))
