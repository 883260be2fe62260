# SPDX-License-Identifier: Apache-2.0
"""Does for jit-broker what systemd does: root makes and keeps the gate socket, the broker runs as _jit without capabilities.

Returns when the broker is ready (with --idle: when the gate listens); serves $BED/gate.control from then on. One command
a line, one answer a line ("ok ..." or "error ..."):
  start  stop  kill  restart        the broker; the listening socket lives on, as under systemd
  sigstop  sigcont  hup             a signal to it
  pid                               of the broker, 0 when there is none
  close  listen                     the gate socket itself
  run PREFIX...                     from the next start on, run the broker under PREFIX (strace, prlimit, ...)
"""
import contextlib
import os
import select
import shlex
import signal
import socket
import sys
import time

BED = os.environ["BED"]
GATE = "/run/jit/gate"
BROKER = "/usr/libexec/jit/jit-broker"
READY_S = 50  # less than what a test waits for our answer
CONFINE = ["setpriv", "--reuid", "_jit", "--regid", "_jit", "--init-groups", "--bounding-set=-all", "--inh-caps=-all",
           "--no-new-privs"]


class Launcher:
    def __init__(self) -> None:
        self.pid, self.status, self.prefix = 0, 0, []
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(f"{BED}/notify")
        os.chmod(f"{BED}/notify", 0o666)
        self.notify.setblocking(False)
        self.gate = None
        self.listen()

    def listen(self) -> str:
        if self.gate is None:
            self.gate = socket.socket(socket.AF_UNIX)
            mask = os.umask(0o177)
            self.gate.bind(GATE)
            os.umask(mask)
            self.gate.listen(4096)
        return "ok"

    def close(self) -> str:
        if self.gate is not None:
            self.gate.close()
            os.unlink(GATE)
            self.gate = None
        return "ok"

    def reap(self) -> None:
        if self.pid:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid, self.status = 0, os.waitstatus_to_exitcode(status)

    def exec_broker(self) -> None:
        log = os.open(f"{BED}/log/broker", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        null = os.open("/dev/null", os.O_RDONLY)
        gate = os.dup2(self.gate.fileno(), 200)
        for fd, target in (null, 0), (log, 1), (log, 2), (gate, 3):
            os.dup2(fd, target, inheritable=True)
        os.closerange(4, 1024)
        environment = {"PATH": "/usr/bin:/bin", "LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": "gate",
                       "NOTIFY_SOCKET": f"{BED}/notify", "RUNTIME_DIRECTORY": "/run/jit-broker",
                       "STATE_DIRECTORY": "/var/lib/jit"}
        argv = [*self.prefix, *CONFINE, BROKER]
        os.execvpe(argv[0], argv, environment)

    @staticmethod
    def drain(fd: int) -> None:
        """Takes all that is there; an earlier turn may have taken it already."""
        with contextlib.suppress(BlockingIOError):
            while os.read(fd, 4096):
                pass

    def start(self) -> str:
        self.reap()
        if self.pid:
            return f"ok {self.pid}"
        self.drain(self.notify.fileno())
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.exec_broker()
            finally:
                os._exit(127)
        end = time.monotonic() + READY_S
        while (left := end - time.monotonic()) > 0:
            ready = select.select([self.notify, self.wake], [], [], left)[0]
            if self.notify in ready and b"READY=1" in self.notify.recv(4096).split(b"\n"):
                return f"ok {self.pid}"
            if self.wake in ready:
                self.drain(self.wake)
                self.reap()
                if not self.pid:
                    return f"error the broker ended with {self.status}"
        return f"error the broker was not ready within {READY_S} s"

    def signal(self, number: int, wait: bool) -> str:
        self.reap()
        if not self.pid:
            return "ok 0"
        os.kill(self.pid, number)
        if wait:
            _, status = os.waitpid(self.pid, 0)
            self.pid, self.status = 0, os.waitstatus_to_exitcode(status)
            return f"ok {self.status}"
        return f"ok {self.pid}"

    def do(self, line: str) -> str:
        word, *rest = shlex.split(line) or [""]
        if word == "start":
            return self.start()
        if word in ("stop", "kill"):
            return self.signal(signal.SIGTERM if word == "stop" else signal.SIGKILL, True)
        if word == "restart":
            self.signal(signal.SIGTERM, True)
            return self.start()
        if word in ("sigstop", "sigcont", "hup"):
            return self.signal(getattr(signal, {"hup": "SIGHUP"}.get(word, word.upper())), False)
        if word == "pid":
            self.reap()
            return f"ok {self.pid}"
        if word == "run":
            self.prefix = rest
            return "ok"
        if word in ("close", "listen"):
            return getattr(self, word)()
        return f"error unknown command {word}"

    def serve(self, control: socket.socket) -> None:
        while True:
            for s in select.select([control, self.notify, self.wake], [], [])[0]:
                if s is self.notify:
                    self.drain(self.notify.fileno())
                elif s == self.wake:
                    self.drain(self.wake)
                    self.reap()
                else:
                    peer, _ = control.accept()
                    with peer, peer.makefile("rw", encoding="utf-8") as f:
                        f.write(self.do(f.readline()) + "\n")

    def watch_children(self) -> None:
        self.wake, write_end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(write_end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)


def main() -> None:
    read_end, write_end = os.pipe()
    if os.fork():
        os.close(write_end)
        answer = b"".join(iter(lambda: os.read(read_end, 4096), b"")).decode()
        if not answer.startswith("ok"):
            print(answer or "error the launcher ended", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    os.setsid()
    launcher = Launcher()
    launcher.watch_children()
    control = socket.socket(socket.AF_UNIX)
    control.bind(f"{BED}/gate.control")
    os.chmod(f"{BED}/gate.control", 0o600)
    control.listen(16)
    answer = "ok" if "--idle" in sys.argv else launcher.start()
    os.write(write_end, answer.encode())
    os.close(write_end)
    if answer.startswith("ok"):
        launcher.serve(control)


main()
