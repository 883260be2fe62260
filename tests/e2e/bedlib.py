# SPDX-License-Identifier: Apache-2.0
"""Drives real programs inside the bed: people at terminals, programs without one, jitctl, and the broker.

Nothing here sleeps to wait: a terminal is read until a text comes, a process until it ends, each with a deadline."""
import contextlib
import fcntl
import json
import os
import pwd
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time
import traceback

import wire

BED = os.environ.get("BED", "/run/bed")
WAIT_S = 20  # a test that waits this long for a text has failed


class Failed(AssertionError):
    pass


def environment(user: str) -> dict:
    entry = pwd.getpwnam(user)
    return {"HOME": entry.pw_dir, "USER": user, "LOGNAME": user, "SHELL": "/bin/bash", "TERM": "dumb", "LANG": "C.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"}


def become(user: str, login: bool = True) -> None:
    """What a login does, without the doors under test: loginuid, groups, uid, home. For a forked child only."""
    entry = pwd.getpwnam(user)
    if login and user != "root":
        with contextlib.suppress(OSError), open("/proc/self/loginuid", "w", encoding="ascii") as f:
            f.write(str(entry.pw_uid))
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
            except OSError:  # a terminal whose last process is gone
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


def jitctl(user: str, *words: str, check: bool = True):
    """jitctl --json as this person; its document (None where it printed none)."""
    verb = 2 if words[0] in ("policy", "audit", "fact") else 1
    program = run(user, ["jitctl", *words[:verb], "--json", *words[verb:]])
    if check and program.code != 0:
        raise Failed(f"{user}: jitctl {' '.join(words)}: exit {program.code}: {program.text}")
    return json.loads(program.out) if program.out.strip() else None


class Broker:
    """jit-broker's life, through the bed's launcher."""

    def _ask(self, line: str) -> str:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(WAIT_S)
            s.connect(f"{BED}/gate.control")
            s.sendall(line.encode() + b"\n")
            answer = s.makefile("r", encoding="utf-8").readline().strip()
        if not answer.startswith("ok"):
            raise Failed(f"launcher: {line}: {answer}\n{log('broker')[-2000:]}")
        return answer[3:]

    def __getattr__(self, word: str):
        if word not in ("stop", "kill", "sigstop", "sigcont", "hup", "pid", "close", "listen"):
            raise AttributeError(word)
        return lambda: self._ask(word)

    def start(self) -> None:
        self._ask("start")
        self._on_the_bus()

    def restart(self) -> None:
        self._ask("restart")
        self._on_the_bus()

    @staticmethod
    def _on_the_bus() -> None:
        """Ready means that the gate is served; the name on the bus comes right after."""
        bus = wire.Connection()
        bus.call(*wire.BUS, "AddMatch", "s", [f"type='signal',member='NameOwnerChanged',arg0='{wire.NAME}'"])
        while not bus.call(*wire.BUS, "NameHasOwner", "s", [wire.NAME])[0]:
            bus.receive()
        bus.close()

    def run_under(self, *prefix: str) -> None:
        self._ask(" ".join(["run", *prefix]))


broker = Broker()


def log(name: str) -> str:
    with contextlib.suppress(FileNotFoundError), open(f"{BED}/log/{name}", encoding="utf-8", errors="backslashreplace") as f:
        return f.read()
    return ""


def audit(**wanted) -> list:
    """The audit entries that have all these values, oldest first."""
    entries = jitctl("root", "audit", "log")
    entries = entries if isinstance(entries, list) else entries["entries"]
    return [e for e in entries if all(e.get(k) == v for k, v in wanted.items())]


def set_policy(text: str, reload: bool = True) -> None:
    path = "/etc/jit/policy.d/bed.toml"
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.chown(path + ".new", 0, pwd.getpwnam("_jit").pw_gid)
    os.chmod(path + ".new", 0o640)
    os.rename(path + ".new", path)
    if reload:
        jitctl("root", "policy", "reload")


@contextlib.contextmanager
def policy_with(old: str, new: str):
    """The bed's policy with one text replaced, for a while."""
    with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
        before = f.read()
    check(old in before, f"the policy has no {old!r}")
    set_policy(before.replace(old, new))
    try:
        yield
    finally:
        set_policy(before)


def pam_options(service: str, kind: str, options: str) -> None:
    """Sets the options of our line in this stack of the bed's /etc/pam.d."""
    path = f"/etc/pam.d/{service}"
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(re.sub(rf"(?m)^{kind} required pam_jit\.so.*$", f"{kind} required pam_jit.so {options}".rstrip(), text))


class Inbox:
    """Waits for requests and grants to change, by the bus's own signals; as root, who sees all."""

    def __init__(self) -> None:
        self.bus = wire.Connection()
        self.bus.call(*wire.BUS, "AddMatch", "s", [f"type='signal',member='NameOwnerChanged',arg0='{wire.NAME}'"])
        self.known = {r["id"] for r in self._all("Requests")}

    def _all(self, kind: str) -> list:
        """The list, and from now on signals for what changes in it; nothing while the broker is away."""
        try:
            self.bus.broker("Requests", "Watch")
            return json.loads(self.bus.broker(kind, "List", "a{sv}", {"all": ("b", True)})[0])
        except wire.Error as error:
            if error.name.endswith((".ServiceUnknown", ".NameHasNoOwner", ".NoReply", ".Unavailable")):
                return []
            raise

    def until(self, kind: str, found, timeout: float = WAIT_S, what: str = "change") -> dict:
        end = time.monotonic() + timeout
        while True:
            for item in self._all(kind):
                if found(item):
                    return item
            if self.bus.signals:  # something changed while we looked
                self.bus.signals.clear()
                continue
            try:
                self.bus.receive(max(0, end - time.monotonic()))
            except wire.Error as error:
                raise Failed(f"no such {what} within {timeout} s") from error

    def new(self, requester: str, timeout: float = WAIT_S) -> dict:
        """The next request of this person that was not there before."""
        item = self.until("Requests", lambda r: r["subject"]["name"] == requester and r["id"] not in self.known, timeout,
                          f"request of {requester}")
        self.known.add(item["id"])
        return item

    def state(self, request: str, state: str, timeout: float = WAIT_S) -> dict:
        return self.until("Requests", lambda r: r["id"].startswith(request) and r["state"] == state, timeout,
                          f"request {request} that is {state}")

    def grant(self, state: str, timeout: float = WAIT_S, **wanted) -> dict:
        return self.until("Grants", lambda g: g["state"] == state and all(g[k] == v for k, v in wanted.items()), timeout,
                          f"grant that is {state}")

    def requests(self) -> list:
        return self._all("Requests")

    def close(self) -> None:
        self.bus.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def all_grants() -> list:
    """Those that live and those that have ended."""
    return jitctl("root", "grants", "--all", "--since", "1d")


@contextlib.contextmanager
def console(user: str, shown_as: str = ""):
    """login at a terminal, with the password given; shown_as: where the terminal is mounted, as if it were a console."""
    command = f"/bin/login {user}"
    if shown_as:
        command = f"touch {shown_as}; mount --bind $(tty) {shown_as}; exec <{shown_as} >{shown_as} 2>&1; {command}"
    try:
        with Terminal("root", command, login=False) as terminal:
            terminal.expect("Password: ")
            terminal.line(user)
            yield terminal
    finally:
        if shown_as:
            subprocess.run(["umount", "-l", shown_as], check=False)
            os.unlink(shown_as)


def waiting(user: str, command: str = "sudo id -un", **keys) -> Terminal:
    """Somebody at a terminal whose command waits for an approval."""
    terminal = Terminal(user, command, **keys)
    terminal.expect("waiting for approval")
    return terminal


def add_user(name: str, uid: int, groups=()) -> None:
    """One more person of the bed, with a home; his sudo asks for no password."""
    with open("/etc/passwd", "a", encoding="utf-8") as f:
        f.write(f"{name}:x:{uid}:100::/tmp:/bin/bash\n")
    with open("/etc/sudoers", "a", encoding="utf-8") as f:
        f.write(f"{name} ALL=(ALL:ALL) NOPASSWD: ALL\n")
    with open("/etc/shadow", "a", encoding="utf-8") as f:
        f.write(f"{name}:*:19000:0:99999:7:::\n")
    with open("/etc/group", encoding="utf-8") as f:
        lines = [line.rstrip("\n") for line in f]
    with open("/etc/group", "w", encoding="utf-8") as f:
        for line in lines:
            if line.split(":")[0] in groups:
                line += name if line.endswith(":") else "," + name
            f.write(line + "\n")


def clean_slate() -> None:
    """The broker runs, nobody waits, nobody has a grant."""
    broker.sigcont()
    broker.start()
    with Inbox() as inbox:
        for request in inbox.requests():
            if request["state"] in ("pending", "detached"):
                run(request["subject"]["name"], ["jitctl", "cancel", request["id"]])
    run("root", ["jitctl", "revoke", "--all", "-m", "the next test begins"])


def refused(call, *names: str) -> wire.Error:
    """The error of a bus call that must fail, with one of these names (the last part)."""
    try:
        value = call()
    except wire.Error as error:
        check(not names or error.name.rsplit(".", 1)[-1] in names, f"refused with {error}, not with one of {names}")
        return error
    raise Failed(f"this was not refused but gave {value!r}")


def check(condition, what: str) -> None:
    if not condition:
        raise Failed(what)


def as_user(user: str, function, *arguments):
    """Runs a function in a child of this user; its result comes back as JSON, an exception as its text."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            become(user)
            answer = {"value": function(*arguments)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        os.write(write_end, json.dumps(answer).encode())
        os._exit(0)
    os.close(write_end)
    with open(read_end, encoding="utf-8") as f:
        answer = json.loads(f.read() or '{"error": "the child died"}')
    os.waitpid(pid, 0)
    if "error" in answer:
        raise Failed(answer["error"])
    return answer["value"]


def reap(pid: int, timeout: float) -> int:
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


def main(tests: dict) -> None:
    """Runs every function of a test file whose name begins with test_; exits 1 where one failed."""
    failed = 0
    for name, test in list(tests.items()):
        if not name.startswith("test_"):
            continue
        try:
            test()
            print(f"ok   {name[5:]}", flush=True)
        except Exception as error:
            failed += 1
            if not isinstance(error, Failed):
                traceback.print_exc()
            print(f"FAIL {name[5:]}: {error}", flush=True)
    raise SystemExit(1 if failed else 0)
