# SPDX-License-Identifier: Apache-2.0
"""NATS as its protocol's text says it, for clients that do what ours never would. No library: what is sent is what the test says."""
import base64
import contextlib
import json
import select
import socket
import ssl
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

WAIT_S = 30


class Refused(Exception):
    """The server said -ERR."""


def read_credentials(path: str) -> tuple:
    with open(path, encoding="ascii") as f:
        lines = f.read().splitlines()
    jwt = lines[lines.index("-----BEGIN NATS USER JWT-----") + 1]
    seed = lines[lines.index("-----BEGIN USER NKEY SEED-----") + 1]
    raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    return jwt, Ed25519PrivateKey.from_private_bytes(raw[2:34])


def life_left(path: str) -> float:
    """Seconds until the credentials in this file end."""
    claims = read_credentials(path)[0].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"] - time.time()


class Tls:
    """Over a socket that is read to its end: ssl's own is not once a write to it has failed."""

    def __init__(self, raw: socket.socket, ca: str):
        self.raw = raw
        self.came, self.goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = ssl.create_default_context(cafile=ca).wrap_bio(self.came, self.goes, server_hostname="localhost")
        self._with_more(self.tls.do_handshake)

    def _write(self) -> None:
        # A server that closes meanwhile has said why: whoever reads finds that, and the end behind it.
        with contextlib.suppress(ConnectionError):
            while self.goes.pending:
                self.raw.sendall(self.goes.read())

    def _with_more(self, act):
        while True:
            try:
                done = act()
                self._write()
                return done
            except ssl.SSLWantReadError:
                self._write()
                data = self.raw.recv(65536)
                self.came.write(data) if data else self.came.write_eof()

    def sendall(self, data: bytes) -> None:
        while data:
            data = data[self.tls.write(data):]
        self._write()

    def recv(self, size: int) -> bytes:
        with contextlib.suppress(ssl.SSLEOFError):
            return self._with_more(lambda: self.tls.read(size))
        return b""

    def pending(self) -> int:
        return self.tls.pending() + self.came.pending

    def fileno(self) -> int:
        return self.raw.fileno()

    def close(self) -> None:
        self.raw.close()


class Client:
    def __init__(self, credentials: str, port: int = 4222, ca: str = "", inbox: str = ""):
        self.buffer = b""
        self.messages = []
        self.errors = []
        self.inbox = inbox
        self.sids = 0
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        info = json.loads(self._line().split(b" ", 1)[1])
        if ca:
            self.socket = Tls(self.socket, ca)
        jwt, key = read_credentials(credentials)
        signature = base64.urlsafe_b64encode(key.sign(info["nonce"].encode())).rstrip(b"=").decode()
        options = {"verbose": False, "pedantic": False, "jwt": jwt, "sig": signature, "lang": "test", "version": "1", "protocol": 1,
                   "headers": True, "no_responders": True, "echo": True}
        self._send(b"CONNECT " + json.dumps(options).encode() + b"\r\n")
        self.flush()
        if self.errors:
            raise Refused(self.errors[0])
        if inbox:
            self.subscribe(inbox + ".>")

    def _send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def _more(self, timeout: float) -> bool:
        pending = self.socket.pending() if isinstance(self.socket, Tls) else 0
        if not pending and not select.select([self.socket], [], [], timeout)[0]:
            return False
        data = self.socket.recv(65536)
        if not data:
            raise Refused(self.errors[-1] if self.errors else "closed")
        self.buffer += data
        return True

    def _line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            if not self._more(WAIT_S):
                raise TimeoutError("the server says nothing")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def _take(self, size: int) -> bytes:
        while len(self.buffer) < size + 2:
            if not self._more(WAIT_S):
                raise TimeoutError("half a message")
        data, self.buffer = self.buffer[:size], self.buffer[size + 2:]
        return data

    def _one(self) -> str:
        """One thing of the server; its word."""
        line = self._line()
        word = line.split(b" ", 1)[0].upper().decode()
        parts = line.decode().split()
        if word == "MSG":
            self.messages.append({"subject": parts[1], "reply": parts[3] if len(parts) == 5 else "", "headers": b"", "data": self._take(int(parts[-1]))})
        elif word == "HMSG":
            head, total = int(parts[-2]), int(parts[-1])
            data = self._take(total)
            self.messages.append({"subject": parts[1], "reply": parts[3] if len(parts) == 6 else "", "headers": data[:head], "data": data[head:]})
        elif word == "PING":
            self._send(b"PONG\r\n")
        elif word == "-ERR":
            self.errors.append(line.decode())
        return word

    def flush(self) -> None:
        """All that was sent has been looked at by the server."""
        self._send(b"PING\r\n")
        try:
            while self._one() != "PONG":
                pass
        except (Refused, ConnectionError, ssl.SSLError) as error:
            if not self.errors:
                self.errors.append(str(error))

    def subscribe(self, subject: str, queue: str = "") -> None:
        self.sids += 1
        self._send(f"SUB {subject} {queue + ' ' if queue else ''}{self.sids}\r\n".encode())

    def publish(self, subject: str, data: bytes = b"", reply: str = "", headers: dict = {}) -> None:
        if headers:
            head = b"NATS/1.0\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in headers.items()) + b"\r\n"
            self._send(f"HPUB {subject} {reply + ' ' if reply else ''}{len(head)} {len(head) + len(data)}\r\n".encode() + head + data + b"\r\n")
        else:
            self._send(f"PUB {subject} {reply + ' ' if reply else ''}{len(data)}\r\n".encode() + data + b"\r\n")

    def next(self, timeout: float = WAIT_S, subject: str = "") -> dict:
        """The next message (of this subject), or None."""
        end = time.monotonic() + timeout
        while True:
            for message in self.messages:
                if not subject or message["subject"].startswith(subject):
                    self.messages.remove(message)
                    return message
            left = end - time.monotonic()
            if left <= 0:
                return None
            if b"\r\n" in self.buffer or self._more(left):
                self._one()

    def request(self, subject: str, data: bytes = b"", headers: dict = {}, timeout: float = WAIT_S):
        """The answer; None where there is none, or the server refuses the question."""
        self.sids += 1
        reply = f"{self.inbox}.{self.sids}"
        before = len(self.errors)
        self.publish(subject, data, reply, headers)
        self.flush()
        if len(self.errors) > before:
            return None
        return self.next(timeout, reply)

    def refused(self, act) -> bool:
        """Does the server refuse this?"""
        before = len(self.errors)
        act()
        self.flush()
        return any("Permissions Violation" in error for error in self.errors[before:])

    def close(self) -> None:
        self.socket.close()
