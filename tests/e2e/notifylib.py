# SPDX-License-Identifier: Apache-2.0
"""What the notifier talks to in the bed: a command that takes messages, an HTTPS server that can fail in many ways, a mail server."""
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import pwd
import queue
import socket
import ssl
import threading

import bedlib
import relaylib
from bedlib import WAIT_S, Failed, check

FOLDER = "/etc/jit/notify.d"
TLS = "/root/notify-tls"
CA = "/etc/jit/notify-ca.crt"
PORT = 8443
SECRET = base64.b64encode(bytes(range(32))).decode()
TAKE = "/usr/local/libexec/take-message"
ROOM = "/run/take-message"


def channel(name: str, text: str) -> None:
    """The channel's file as root leaves it there."""
    path = f"{FOLDER}/{name}.toml"
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    own(path + ".new")
    os.rename(path + ".new", path)


def own(path: str) -> None:
    os.chown(path, 0, pwd.getpwnam("_jit-notify").pw_gid)
    os.chmod(path, 0o640)


def channel_secret(name: str) -> None:
    with open(f"{FOLDER}/{name}.secret", "w", encoding="ascii") as f:
        f.write(f"whsec_{SECRET}\n")
    own(f"{FOLDER}/{name}.secret")


class Notifier:
    """jit-notify as its unit runs it; its log is waited for."""

    def __init__(self) -> None:
        self.process = None

    def start(self, expect: str = "the broker is there") -> None:
        self.process = relaylib.Process(["/usr/libexec/jit/jit-notify"], "_jit-notify")
        if expect:
            self.process.expect(expect)

    def expect(self, what: str, timeout: float = WAIT_S) -> str:
        return self.process.expect(what, timeout)

    def expect_all(self, *whats: str) -> None:
        """In any order."""
        self.process.expect(r"(?s)\A" + "".join(f"(?=.*{what})" for what in whats) + ".*")

    def reload(self) -> None:
        os.kill(self.process.process.pid, 1)
        self.expect("channels can be used")

    def stop(self, kill: bool = False) -> None:
        if self.process:
            self.process.stop(kill)
        self.process = None


class Got:
    """What came, in order."""

    def __init__(self) -> None:
        self.queue = queue.Queue()

    def next(self, what: str = "message"):
        try:
            return self.queue.get(timeout=WAIT_S)
        except queue.Empty:
            raise Failed(f"no {what} came") from None

    def nothing(self) -> bool:
        return self.queue.empty()


class Commands(Got):
    """A channel's command is a small real program that hands what it was given to this room, and ends as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        relaylib.write(TAKE, f"""#!/usr/bin/python3 -I
import os, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect("{ROOM}")
    s.sendall(sys.stdin.buffer.read() + b"\\0" + repr((sys.argv[1:], sorted(os.environ.items()), os.getuid())).encode())
    s.shutdown(socket.SHUT_WR)
    answer = s.makefile("rb").read()
print(answer[1:].decode())
sys.exit(answer[0])
""", mode=0o755)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(ROOM)
        self.answers = queue.Queue()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(ROOM)
        os.chmod(ROOM, 0o666)
        self.listener.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection = self.listener.accept()[0]
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            data = connection.makefile("rb").read()
            try:
                status, said = self.answers.get_nowait()
            except queue.Empty:
                status, said = 0, ""
            if status == 0:
                self.queue.put(data)
            with contextlib.suppress(BrokenPipeError):
                connection.sendall(bytes([status]) + said.encode())

    def message(self) -> dict:
        return json.loads(self.next().split(b"\0")[0])

    def fail(self, status: int = 1, said: str = "") -> None:
        """The next one ends like this."""
        self.answers.put((status, said))


class Hooks(Got):
    """A web server over TLS. How it answers is said in advance; then it takes what comes. What it answers 2xx to came."""

    def __init__(self) -> None:
        super().__init__()
        relaylib.certificates(TLS)
        relaylib.good(["cp", f"{TLS}/ca.crt", CA])
        os.chmod(CA, 0o644)
        self.answers, self.refused, self.hangs = queue.Queue(), Got(), threading.Event()
        self.otherwise = 200  # where nothing was said in advance
        hooks = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                hooks.answer(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def finish_request(self, request, address):
                with contextlib.suppress(OSError):
                    super().finish_request(hooks.context.wrap_socket(request, server_side=True), address)

            def handle_error(self, *_):
                pass

        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(f"{TLS}/server.crt", f"{TLS}/server.key")
        self.server = Server(("127.0.0.1", PORT), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def then(self, *answers) -> None:
        for each in answers:
            self.answers.put(each)

    def answer(self, handler) -> None:
        try:
            how = self.answers.get_nowait()
        except queue.Empty:
            how = self.otherwise
        if how == "cut":  # half of the request, and the connection is gone
            handler.rfile.read(10)
            self.refused.queue.put(how)
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if how == "hang":
            self.refused.queue.put(how)
            self.hangs.wait()
            handler.close_connection = True
            return
        if how == "endless":
            self.queue.put((handler.path, dict(handler.headers), body))
            handler.send_response(200)
            handler.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    handler.wfile.write(b"x" * 65536)
        if how == "redirect":
            handler.send_response(307)
            handler.send_header("Location", f"https://localhost:{PORT}/elsewhere")
        elif isinstance(how, tuple):
            handler.send_response(how[0])
            handler.send_header("Retry-After", str(how[1]))
        elif isinstance(how, int):
            handler.send_response(how)
        handler.send_header("Content-Length", "0")
        (self.queue.put((handler.path, dict(handler.headers), body)) if how == 200 else self.refused.queue.put(how))
        handler.end_headers()

    def message(self):
        """Path, headers, and the body as it was sent."""
        return self.next("post")


def signed_well(headers: dict, body: bytes) -> bool:
    """As https://www.standardwebhooks.com says."""
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    made = base64.b64encode(hmac.new(base64.b64decode(SECRET), text, hashlib.sha256).digest()).decode()
    return headers["webhook-signature"] == f"v1,{made}"


class Mail(Got):
    """An SMTP server for the real program that sends mail."""

    def __init__(self, port: int = 2525) -> None:
        super().__init__()
        self.refuse = queue.Queue()
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection = self.listener.accept()[0]
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb", buffering=0) as lines:
            def say(text: str) -> None:
                lines.write(text.encode() + b"\r\n")

            say("220 bed")
            to = []
            while line := lines.readline().decode().strip():
                word = line.split(" ")[0].upper()
                if word in ("EHLO", "HELO"):
                    say("250 bed")
                elif word == "RCPT":
                    to.append(line.split("<")[1].split(">")[0])
                    say("250 ok")
                elif word == "DATA":
                    if not self.refuse.empty():
                        return say(self.refuse.get())  # and the connection is gone
                    say("354 go on")
                    data = b""
                    while not data.endswith(b"\r\n.\r\n"):
                        data += lines.readline()
                    self.queue.put((to, data[:-3]))
                    say("250 taken")
                elif word == "QUIT":
                    return say("221 bye")
                else:
                    say("250 ok")
            return None


def ask(command: str = "sudo id -un") -> tuple:
    """alice asks, and waits; her terminal, and the request's id."""
    with bedlib.Inbox() as inbox:
        alice = bedlib.waiting("alice", command)
        return alice, inbox.new("alice")["id"]


def withdraw(alice) -> None:
    alice.ctrl_c()
    check(alice.wait() != 0, alice.text)
    alice.close()
