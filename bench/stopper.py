# SPDX-License-Identifier: Apache-2.0
"""One user who starts many real su on a terminal of his own and stops each of them with SIGSTOP, at any moment of its way.

As that user: prints "stopped N" and holds them until its input ends, then ends them."""
import fcntl
import os
import select
import signal
import sys
import termios
import threading


def stopped(pid: int) -> bool:
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        return f.read().rsplit(")", 1)[1].split()[0] == "T"


def main(count: int) -> None:
    os.setsid()
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(master, 4096), b"")], daemon=True).start()
    running = []
    for i in range(count):
        pid = os.posix_spawn("/usr/bin/su", ["su", "-c", f"true {i}"], {"PATH": "/usr/bin:/bin"},
                             file_actions=[(os.POSIX_SPAWN_DUP2, slave, fd) for fd in (0, 1, 2)])
        # From "as soon as it runs" to "once it waits": 0 to 29 ms after its start, unless it has been refused by then.
        pidfd = os.pidfd_open(pid)
        if i % 30 == 0 or not select.select([pidfd], [], [], i % 30 / 1000)[0]:
            try:
                os.kill(pid, signal.SIGSTOP)
                running.append(pid)
            except ProcessLookupError:
                pass
        os.close(pidfd)
    held = sum(stopped(pid) for pid in running)
    print(f"stopped {held}", flush=True)
    sys.stdin.read()
    for pid in running:
        os.kill(pid, signal.SIGKILL)


main(int(sys.argv[1]))
