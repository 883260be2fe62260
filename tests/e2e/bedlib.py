# SPDX-License-Identifier: Apache-2.0
"""The bed as its tests see it: people and their programs (programs.py), jitctl, the broker, its lists as they change.

Nothing here sleeps to wait: it waits for an event, with a deadline that only guards against hanging."""
import contextlib
import json
import os
import pwd
import re
import socket
import subprocess
import time
import traceback

import wire
from in_time import WAIT_S, Failed, Watch, within  # noqa: F401  for the tests
from programs import Pipe, Program, Terminal, argv_of, become, environment, reap, run  # noqa: F401  for the tests

BED = os.environ.get("BED", "/run/bed")


def jitctl(user: str, *words: str, check: bool = True):
    """jitctl --json as this person; its document (None where it printed none)."""
    verb = 2 if words[0] in ("policy", "audit", "fact", "people") else 1
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

    def _on_the_bus(self) -> None:
        """Ready means that the gate is served; the name on the bus comes right after."""
        bus = wire.Connection()
        bus.call(*wire.BUS, "AddMatch", "s", [f"type='signal',member='NameOwnerChanged',arg0='{wire.NAME}'"])
        end = time.monotonic() + WAIT_S
        while not bus.call(*wire.BUS, "NameHasOwner", "s", [wire.NAME])[0]:
            try:
                bus.receive(timeout=1)
            except wire.Error:
                if self.pid() == "0":
                    raise Failed(f"the broker ended with its name not on the bus yet\n{log('broker')[-2000:]}") from None
                if time.monotonic() > end:
                    raise
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
            return json.loads(self.bus.broker(kind, "List", "a{sv}", {"all": ("b", True)})[0])[kind.lower()]
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
    command = f"exec /bin/login {user}"  # as getty does: one that does not lead its session would be stopped by the terminal
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


def enrol(person: str) -> str:
    """A key of this person, where jitctl finds it by itself, and which root lets count."""
    path = f"/home/{person}/.ssh/id_ed25519"
    for user, command in (person, f"rm -f {path}*; ssh-keygen -q -N '' -t ed25519 -f {path}"), ("root", f"jitctl people add-key {person} {path}.pub && jitctl policy reload"):
        done = run(user, command)
        check(done.code == 0, done.text)
    return path


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


def main(tests: dict) -> None:
    """Runs every function of a test file whose name begins with test_; exits 1 where one failed."""
    failed = 0
    for name, test in list(tests.items()):
        if not name.startswith("test_"):
            continue
        began = time.monotonic()
        try:
            test()
            print(f"ok   {name[5:]} ({time.monotonic() - began:.0f} s)", flush=True)
        except Exception as error:
            failed += 1
            if not isinstance(error, Failed):
                traceback.print_exc()
            print(f"FAIL {name[5:]}: {error}", flush=True)
    raise SystemExit(1 if failed else 0)
