# SPDX-License-Identifier: Apache-2.0
"""A D-Bus client in a page, for what the polite ones refuse to send. Little endian; values by signature, variants as (sig, value)."""
import array
import os
import select
import socket
import struct
import time

SYSTEM_BUS = "/run/dbus/system_bus_socket"
GATE = "/run/jit/gate"
BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
NAME, PATH = "org.pamjit.Broker1", "/org/pamjit/Broker1"
FIXED = {"y": "B", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d", "b": "I", "h": "I"}
ALIGN = {**{k: struct.calcsize(v) for k, v in FIXED.items()}, "s": 4, "o": 4, "g": 1, "a": 4, "v": 1, "(": 8, "{": 8}


class Error(Exception):
    """An error reply: name and message."""

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message = name, message


def split(signature: str) -> list:
    """The complete types of a signature."""
    out, i = [], 0
    while i < len(signature):
        start = i
        while signature[i] == "a":
            i += 1
        depth = 0
        while True:
            depth += (signature[i] in "({") - (signature[i] in ")}")
            i += 1
            if depth == 0:
                break
        out.append(signature[start:i])
    return out


def pack(out: bytearray, signature: str, values) -> bytearray:
    for kind, value in zip(split(signature), values, strict=True):
        out += bytes(-len(out) % ALIGN[kind[0]])
        if kind in FIXED:
            out += struct.pack("<" + FIXED[kind], value)
        elif kind in ("s", "o"):
            data = value if isinstance(value, bytes) else value.encode()
            out += struct.pack("<I", len(data)) + data + b"\0"
        elif kind == "g":
            out += bytes([len(value)]) + value.encode() + b"\0"
        elif kind == "v":
            pack(out, "g", [value[0]])
            pack(out, value[0], [value[1]])
        elif kind[0] in "({":
            pack(out, kind[1:-1], value)
        elif kind == "ay":
            data = value if isinstance(value, (bytes, bytearray)) else value.encode()
            out += struct.pack("<I", len(data)) + data
        else:
            at = len(out)
            out += b"\0\0\0\0"
            out += bytes(-len(out) % ALIGN[kind[1]])
            start = len(out)
            for item in value.items() if isinstance(value, dict) else value:
                pack(out, kind[1:], [item])
            struct.pack_into("<I", out, at, len(out) - start)
    return out


def unpack(data: bytes, at: int, signature: str):
    values = []
    for kind in split(signature):
        at += -at % ALIGN[kind[0]]
        if kind in FIXED:
            values.append(struct.unpack_from("<" + FIXED[kind], data, at)[0])
            at += ALIGN[kind]
        elif kind in ("s", "o"):
            size = struct.unpack_from("<I", data, at)[0]
            values.append(data[at + 4:at + 4 + size].decode("utf-8", "backslashreplace"))
            at += 5 + size
        elif kind == "g":
            values.append(data[at + 1:at + 1 + data[at]].decode())
            at += 2 + data[at]
        elif kind == "v":
            (inner,), at = unpack(data, at, "g")
            (value,), at = unpack(data, at, inner)
            values.append((inner, value))
        elif kind[0] in "({":
            value, at = unpack(data, at, kind[1:-1])
            values.append(value)
        else:
            size = struct.unpack_from("<I", data, at)[0]
            at += 4
            at += -at % ALIGN[kind[1]]
            if kind == "ay":
                values.append(data[at:at + size])
                at += size
                continue
            end, items = at + size, []
            while at < end:
                (item,), at = unpack(data, at, kind[1:])
                items.append(item)
            values.append(dict(items) if kind[1] == "{" else items)
    return values, at


class Connection:
    """One connection, authenticated as the uid of this process. A bus wants hello=True; the gate is peer to peer."""

    def __init__(self, address: str = SYSTEM_BUS, hello: bool = True, timeout: float = 30) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.timeout, self.serial, self.buffer, self.fds, self.signals = timeout, 0, b"", [], []
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        # At once, as sd-bus does.
        uid = str(os.geteuid()).encode().hex().encode()
        self.socket.sendall(b"\0AUTH EXTERNAL " + uid + b"\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n")
        if not self._line().startswith(b"OK"):
            raise Error("auth", "refused")
        self._line()
        self.name = self.call(*BUS, "Hello")[0] if hello else ""

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                raise Error("closed", "during authentication")
            line += byte
        return line

    def message(self, kind: int, fields: dict, signature: str = "", values=(), fds=(), flags: int = 0) -> bytes:
        self.serial += 1
        body = bytes(pack(bytearray(), signature, values))
        header = [(code, value) for code, value in fields.items()]
        if signature:
            header.append((8, ("g", signature)))
        if fds:
            header.append((9, ("u", len(fds))))
        out = pack(bytearray(), "yyyyuua(yv)", [ord("l"), kind, flags, 1, len(body), self.serial, header])
        return bytes(out + bytes(-len(out) % 8)) + body

    def send(self, data: bytes, fds=()) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        sent = self.socket.sendmsg([data], rights)
        if sent < len(data):  # else it may be answered and closed already
            self.socket.sendall(data[sent:])

    def _more(self, end: float) -> None:
        left = end - time.monotonic()
        if left <= 0 or not select.select([self.socket], [], [], left)[0]:
            raise Error("timeout", "no answer in time")
        data, rights, _, _ = self.socket.recvmsg(1 << 16, socket.CMSG_SPACE(64))
        for _, _, fds in rights:
            self.fds += array.array("i", fds[:len(fds) // 4 * 4])
        if not data:
            raise Error("closed", "by the other side")
        self.buffer += data

    def receive(self, timeout=None):
        """The next message: (type, fields, values)."""
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            if len(self.buffer) >= 16:
                size, _, fields = struct.unpack_from("<III", self.buffer, 4)
                total = 16 + fields + -fields % 8 + size
                if len(self.buffer) >= total:
                    data, self.buffer = self.buffer[:total], self.buffer[total:]
                    header, at = unpack(data, 12, "a(yv)")
                    fields = {code: value[1] for code, value in header[0]}
                    fields["serial"] = struct.unpack_from("<I", data, 8)[0]
                    return data[1], fields, unpack(data, at + -at % 8, fields.get(8, ""))[0]
            self._more(end)

    def reply(self, serial: int, timeout=None) -> list:
        while True:
            kind, fields, values = self.receive(timeout)
            if kind == 4:
                self.signals.append((fields.get(3), values))
            elif fields.get(5) == serial:
                if kind == 3:
                    raise Error(fields.get(4, ""), str(values[0]) if values else "")
                return values

    def call(self, destination, path, interface, member, signature="", values=(), fds=(), timeout=None) -> list:
        fields = {1: ("o", path), 3: ("s", member)}
        if interface:
            fields[2] = ("s", interface)
        if destination:
            fields[6] = ("s", destination)
        data = self.message(1, fields, signature, values, fds)
        self.send(data, fds)
        return self.reply(self.serial, timeout)

    def broker(self, interface: str, member: str, signature: str = "", *values, timeout=None) -> list:
        return self.call(NAME, PATH, f"{NAME}.{interface}", member, signature, values, timeout=timeout)

    def gate(self, member: str, signature: str = "", *values, fds=(), timeout=None) -> list:
        return self.call(None, "/org/pamjit/Gate1", "org.pamjit.Gate1", member, signature, values, fds, timeout)

    def close(self) -> None:
        self.socket.close()
        for fd in self.fds:
            os.close(fd)
        self.fds = []
