# SPDX-License-Identifier: Apache-2.0
"""Programs of the bed's people: at terminals, without one, with what they wrote so far.

Nothing here sleeps to wait: a terminal is read until a text comes, a process until it ends, each with a deadline."""
import contextlib
import fcntl
import os
import pwd
import re
import select
import signal
import struct
import subprocess
import termios
import time

from in_time import WAIT_S, Failed


def environment(user: str) -> dict:
    entry = pwd.getpwnam(user)
    return {"HOME": entry.pw_dir, "USER": user, "LOGNAME": user, "SHELL": "/bin/bash", "TERM": "dumb", "LANG": "C.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"}


def become(user: str, login=True) -> None:
    """What a login does, without the doors under test: loginuid, groups, uid, home. For a forked child only.

    login: False: none; a name: that person logged in, and became this user by su."""
    entry = pwd.getpwnam(user)
    if login and user != "root":
        with contextlib.suppress(OSError), open("/proc/self/loginuid", "w", encoding="ascii") as f:
            f.write(str(pwd.getpwnam(login).pw_uid if isinstance(login, str) else entry.pw_uid))
    os.initgroups(user, entry.pw_gid)
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    with contextlib.suppress(OSError):
        os.chdir(entry.pw_dir)


def argv_of(command) -> list:
    return ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)


class Program:
    """A running program of one person. `text` is all it wrote so far, with plain newlines."""

    def __init__(self, user: str, command) -> None:
        self.user, self.command, self.text, self.seen = user, command, "", 0
        self.code, self.pid, self.fds = None, 0, {}

    def _read(self, timeout: float) -> bool:
        """One round of reading; False when nothing more can come."""
        if not self.fds:
            return False
        for fd in select.select(list(self.fds), [], [], max(0, timeout))[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:  # nobody has the terminal open
                if self.running():  # login hangs it up, and opens it again
                    select.select([], [], [], 0.01)
                    continue
                data = b""
            if data:
                self._got(fd, data.decode("utf-8", "backslashreplace").replace("\r\n", "\n").replace("\r", ""))
            else:
                os.close(fd)
                del self.fds[fd]
        return bool(self.fds)

    def _got(self, _fd: int, text: str) -> None:
        self.text += text

    def expect(self, what: str, timeout: float = WAIT_S) -> re.Match:
        """Reads until the regular expression stands in what was not expected before."""
        end = time.monotonic() + timeout
        while True:
            found = re.compile(what, re.M).search(self.text, self.seen)
            if found:
                self.seen = found.end()
                return found
            left = end - time.monotonic()
            if left <= 0 or not self._read(left):
                found = re.compile(what, re.M).search(self.text, self.seen)
                if found:
                    self.seen = found.end()
                    return found
                raise Failed(f"{self.user}: {self.command!r} did not say {what!r}, but:\n{self.text}")

    def expect_all(self, *whats: str) -> list:
        """The same for several that come in any order, as from several programs on one screen."""
        start, found, end = self.seen, [], self.seen
        for what in whats:
            self.seen = start
            found.append(self.expect(what))
            end = max(end, self.seen)
        self.seen = end
        return found

    def wait(self, timeout: float = WAIT_S) -> int:
        """Reads to the end and returns the exit code (negative: the signal)."""
        end = time.monotonic() + timeout
        pidfd = os.pidfd_open(self.pid) if self.code is None else -1
        try:
            while self.code is None:
                ready = select.select([pidfd, *self.fds], [], [], max(0, end - time.monotonic()))[0]
                if not ready:
                    raise Failed(f"{self.user}: {self.command!r} did not end within {timeout} s:\n{self.text}")
                if pidfd in ready:
                    self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
                elif self.fds:
                    self._read(0)
        finally:
            if pidfd >= 0:
                os.close(pidfd)
        self.drain()
        return self.code

    def drain(self) -> None:
        """Reads what is there now."""
        while self.fds and select.select(list(self.fds), [], [], 0)[0]:
            self._read(0)

    def running(self) -> bool:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is None

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def close(self) -> None:
        if self.running():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        for fd in self.fds:
            os.close(fd)
        self.fds = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Terminal(Program):
    """A program on a terminal of its own, as if the person had typed it there."""

    def __init__(self, user: str, command, env=None, login: bool = True) -> None:
        super().__init__(user, command)
        master, slave = os.openpty()
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        os.fchown(slave, pwd.getpwnam(user).pw_uid, 5)
        os.fchmod(slave, 0o620)
        self.name = os.ttyname(slave)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
                for fd in 0, 1, 2:
                    os.dup2(slave, fd)
                os.closerange(3, 256)
                become(user, login)
                argv = argv_of(command)
                os.execvpe(argv[0], argv, {**environment(user), **(env or {})})
            except OSError as error:
                os.write(2, str(error).encode())
            finally:
                os._exit(127)
        os.close(slave)
        self.master = master
        self.fds = {master: ""}

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def line(self, text: str = "") -> None:
        self.type(text + "\n")

    def ctrl_c(self) -> None:
        self.type("\x03")

    def hang_up(self) -> None:
        """The terminal window is closed."""
        self.fds.pop(self.master, None)
        os.close(self.master)


class Pipe(Program):
    """A program without any terminal: standard input empty (or a text), output and errors apart."""

    def __init__(self, user: str, command, env=None, stdin: bytes = b"", login: bool = True, **keys) -> None:
        super().__init__(user, command)
        self.out, self.err = "", ""
        self.process = subprocess.Popen(
            argv_of(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            env={**environment(user), **(env or {})}, preexec_fn=lambda: become(user, login), bufsize=0, **keys)
        self.pid = self.process.pid
        if stdin:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write(stdin)
        self.process.stdin.close()
        self.outfd, self.errfd = os.dup(self.process.stdout.fileno()), os.dup(self.process.stderr.fileno())
        self.process.stdout.close()
        self.process.stderr.close()
        self.fds = {self.outfd: "", self.errfd: ""}

    def _got(self, fd: int, text: str) -> None:
        self.text += text
        if fd == self.outfd:
            self.out += text
        else:
            self.err += text

    def wait(self, timeout: float = WAIT_S) -> int:
        super().wait(timeout)
        self.process.returncode = self.code
        return self.code

    def close(self) -> None:
        super().close()
        self.process.returncode = self.code


def run(user: str, command, timeout: float = WAIT_S, **keys) -> Pipe:
    with Pipe(user, command, **keys) as program:
        program.wait(timeout)
        return program


def reap(pid: int, timeout: float = WAIT_S) -> int:
    """Waits for a child of ours and gives its exit code; one that does not end in time is killed and a failure."""
    pidfd = os.pidfd_open(pid)
    try:
        if not select.select([pidfd], [], [], timeout)[0]:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise Failed(f"process {pid} did not end within {timeout} s")
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        os.close(pidfd)
