#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A room for live_test.py: own /run, own users (a bind over /etc/passwd), own bus, own log, no network."""
import json
import os
import re
import select
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../e2e")
from in_time import WAIT_S  # noqa: E402

HARNESS, JITCTL, POLICY = sys.argv[1:4]
with open(HARNESS, "rb") as program:
    SANITIZED = re.search(rb"__[at]san_init", program.read()) is not None  # it keeps freed memory for a while
ROOM = "/run/room"
USERS = {"alice": 5001, "bob": 5002, "carol": 5003, "mallory": 5004, "audrey": 5005, "odd": 2147483648, "_jit": 5999, "_jit-relay": 998, "root": 0}
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><deny own="*"/><deny send_type="method_call"/>
<allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>
<allow send_requested_reply="true" send_type="error"/><allow receive_type="method_call"/>
<allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
<allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/></policy>
%s</busconfig>"""
RULES = """schema = 1
[settings]
covers = ["sudo", "su", "ssh"]
[approval.one]
need = [{ from = "group:sre" }]
wait = "5m"
[approval.two]
need = [{ from = "user:bob" }, { from = "user:carol" }]
[approval.quick]
need = [{ from = "group:sre" }]
wait = "2s"
[fact.freeze]
type = "bool"
fresh = "10m"
initial = false
[fact.team]
type = "string"
by = ["user:carol"]
[[guard]]
id = "freeze"
flag = ["freeze"]
deny = "change freeze in force"
[[permit]]
id = "p-root"
who = ["user:alice", "user:odd"]
door = ["sudo", "su"]
as = ["user:root"]
approval = "one"
give = "15m"
max = "30m"
[[permit]]
id = "p-two"
who = ["user:alice"]
door = ["su"]
as = ["user:carol"]
approval = "two"
max = "1h"
[[permit]]
id = "p-quick"
who = ["user:alice"]
door = ["su"]
as = ["user:mallory"]
approval = "quick"
max = "1h"
[[permit]]
id = "p-free"
who = ["user:alice"]
door = ["sudo"]
as = ["user:bob"]
max = "1h"
"""
PEOPLE = """version = 1
[[person]]
name = "Audrey"
users = ["audrey"]
roles = ["auditor"]
"""


def become(name_or_uid):
    uid = USERS.get(name_or_uid, name_or_uid)
    groups = [5100] if name_or_uid in ("bob", "carol") else []

    def go():
        try:
            with open("/proc/self/loginuid", "w") as file:
                file.write(str(uid))
        except OSError:
            pass  # a kernel without audit, or a bounded root
        os.setgroups(groups)
        os.setresgid(5000, 5000, 5000)
        os.setresuid(uid, uid, uid)
    return go


def jitctl(user, *args, code=0, **more):
    done = subprocess.run([JITCTL, *args], preexec_fn=become(user), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=2 * WAIT_S, cwd="/", **more)
    assert code is None or done.returncode == code, done
    assert re.fullmatch(r"[ -~\n\t]*", done.stdout + done.stderr), done
    return done


def document(user, *args):
    """What it prints with --json."""
    return json.loads(jitctl(user, *args, "--json").stdout)


def start(user, *args):
    return subprocess.Popen([JITCTL, *args], preexec_fn=become(user), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, cwd="/", bufsize=1)


def line(process, timeout=WAIT_S):
    """The next line that it writes; buffered text counts."""
    ready, _, _ = select.select([process.stdout], [], [], timeout)
    assert ready, f"nothing from {process.args} in {timeout} s"
    return process.stdout.readline().rstrip("\n")


def busctl(user, *args):
    return subprocess.run(["busctl", "--system", "--timeout=60", *args], preexec_fn=become(user), capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=2 * WAIT_S)


def call(user, interface, method, *args):
    return busctl(user, "call", "org.pamjit.Broker1", "/org/pamjit/Broker1", f"org.pamjit.Broker1.{interface}", method, *args)


class Bus:
    process = None
    policy = ""  # the shipped one

    @classmethod
    def start(cls, policy):
        with open(f"{ROOM}/bus.conf", "w", encoding="utf-8") as file:
            file.write(BUS % policy)
        read, write = os.pipe()
        cls.process = subprocess.Popen(["dbus-daemon", f"--config-file={ROOM}/bus.conf", "--nofork", "--nopidfile",
                                        f"--print-address={write}"], pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as address:
            assert address.readline()  # it listens

    @classmethod
    def stop(cls):
        cls.process.kill()
        cls.process.wait()
        if os.path.exists("/run/dbus/system_bus_socket"):
            os.unlink("/run/dbus/system_bus_socket")


class Broker:
    process = None
    log = None

    @classmethod
    def start(cls, user="_jit", database="db"):
        cls.process = subprocess.Popen([HARNESS, f"{ROOM}/{database}/jit.db", f"{ROOM}/rules", f"{ROOM}/people"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True, preexec_fn=become(user), bufsize=1)
        assert line(cls.process) == "ready"
        cls.wait_log("on the system bus as")

    @classmethod
    def stop(cls):
        cls.process.stdin.close()
        assert cls.process.wait(WAIT_S) == 0
        cls.process.stdout.close()

    @classmethod
    def wait_log(cls, text, timeout=WAIT_S):
        until = time.monotonic() + timeout
        while True:
            left = until - time.monotonic()
            assert left > 0, f"no log line with {text!r}"
            cls.log.settimeout(left)
            got = cls.log.recv(65536).decode(errors="replace")
            message = re.search(r"MESSAGE=(.*)", got)
            if message and text in message[1]:
                return message[1]

    @classmethod
    def rss(cls, which="VmRSS"):
        with open(f"/proc/{cls.process.pid}/status", encoding="ascii") as file:
            return int(re.search(which + r":\s+(\d+)", file.read())[1])


def command(text):
    """One of the harness, done."""
    Broker.process.stdin.write(text + "\n")
    Broker.process.stdin.flush()
    assert line(Broker.process).startswith(text.split(" ", 1)[0])


def new_request(user="alice", door="sudo", as_="root"):
    return jitctl(user, "request", "--door", door, "--as", as_).stdout.strip()


def message(serial, path, interface, member, destination, signature, body):
    """One little-endian method call, as the D-Bus specification lays it out."""
    def field(code, kind, text):
        raw = text.encode()
        if kind == "g":
            return bytes([code, 1]) + b"g\0" + bytes([len(raw)]) + raw + b"\0"
        return bytes([code, 1]) + kind.encode() + b"\0" + len(raw).to_bytes(4, "little") + raw + b"\0"
    fields = b""
    parts = [(1, "o", path), (2, "s", interface), (3, "s", member), (6, "s", destination)]
    if signature:
        parts.append((8, "g", signature))
    for part in parts:
        fields += bytes(-len(fields) % 8) + field(*part)
    head = b"l\1\0\1" + len(body).to_bytes(4, "little") + serial.to_bytes(4, "little") + len(fields).to_bytes(4, "little") + fields
    return head + bytes(-len(head) % 8) + body


def connected(uid):
    """A connection of who runs this."""
    sock = socket.socket(socket.AF_UNIX)
    sock.connect("/run/dbus/system_bus_socket")
    sock.sendall(b"\0AUTH EXTERNAL " + str(uid).encode().hex().encode() + b"\r\nBEGIN\r\n")
    assert sock.recv(100).startswith(b"OK")
    sock.sendall(message(1, "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", "org.freedesktop.DBus", "", b""))
    return sock


def courier():
    """One that asks for what there is: it writes "next" when it was answered, "waiting" when it is told of more."""
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            become("_jit-relay")()
            sock = connected(USERS["_jit-relay"])
            sock.settimeout(WAIT_S)
            sock.sendall(message(2, "/org/pamjit/Broker1", "org.pamjit.Broker1.Courier", "Next", "org.pamjit.Broker1", "t", bytes(8)))
            heard = b""
            for word, what in (b'"entries"', b"next\n"), (b"Waiting", b"waiting\n"):
                while word not in heard and (got := sock.recv(65536)):
                    heard += got
                os.write(write, what if word in heard else heard)
        finally:
            os._exit(0)
    os.close(write)
    return pid, os.fdopen(read)


def room():
    """Inside the namespaces: /run, users, bus, log, broker."""
    for folder in (ROOM, "/run/dbus", "/run/systemd/journal", f"{ROOM}/db", f"{ROOM}/squat"):
        os.makedirs(folder)
    os.chown(f"{ROOM}/db", USERS["_jit"], 5000)
    os.chown(f"{ROOM}/squat", USERS["mallory"], 5000)
    for folder in (f"{ROOM}/db", f"{ROOM}/squat"):
        os.chmod(folder, 0o700)
    for name, text in (("rules", RULES), ("people", PEOPLE)):
        with open(f"{ROOM}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    lines = [f"{name}:x:{uid}:{0 if uid == 0 else 5000}::/:/bin/sh\n" for name, uid in USERS.items()]
    lines.append("messagebus:x:5998:5000::/:/bin/false\n")
    with open(f"{ROOM}/passwd", "w", encoding="ascii") as file:
        file.writelines(lines)
    with open(f"{ROOM}/group", "w", encoding="ascii") as file:
        file.write("root:x:0:\nusers:x:5000:\nsre:x:5100:bob,carol\n")
    for name in "passwd", "group":
        subprocess.run(["mount", "--bind", f"{ROOM}/{name}", f"/etc/{name}"], check=True)
    Broker.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    Broker.log.bind("/run/systemd/journal/socket")
    os.chmod("/run/systemd/journal/socket", 0o666)
    with open(POLICY, encoding="utf-8") as file:
        Bus.policy = re.search(r"<busconfig>(.*)</busconfig>", file.read(), re.S)[1]
    Bus.start(Bus.policy)
    Broker.start()


def enter():
    """Into new namespaces, once; then to the room."""
    if os.geteuid() != 0:
        print("skipped: not root")
        sys.exit(77)
    if os.environ.get("JIT_LIVE_ROOM") != "1":
        os.environ["JIT_LIVE_ROOM"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--uts", "--mount-proc",
                              "--propagation", "private", "sh", "-c", 'mount -t tmpfs -o mode=755 run /run && exec "$@"', "sh",
                              sys.executable, *sys.argv])
    room()
