#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""seeds.py FOLDER: writes the seeds that are no text: messages of the gate, and what the kernel keeps of a program."""
import pathlib
import struct
import sys

HELLO = b"\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"
SUDO = [("service", "s", "sudo"), ("phase", "s", "auth"), ("user", "ay", b"alice"), ("ruser", "ay", b"alice"),
        ("rhost", "ay", b""), ("tty", "ay", b"/dev/pts/1"), ("cwd", "ay", b"/home/alice"),
        ("argv", "aay", [b"sudo", b"-u", b"root", b"id"]), ("reason", "ay", "caf\u00e9 is full".encode()),
        ("reason-from", "s", "prompt"), ("ticket", "ay", b"OPS-1"), ("can-ask", "b", 1), ("budget-s", "u", 3600)]
SSH = [("service", "s", "sshd"), ("phase", "s", "account"), ("user", "ay", b"bob"), ("rhost", "ay", b"2001:db8::1"),
       ("ssh-auth", "ay", b"publickey ssh-ed25519 AAAA\n"), ("via", "s", "night-shift"), ("for-s", "u", 900),
       ("listing", "b", 0), ("can-ask", "b", 0), ("budget-s", "u", 0)]
BIND = [("service", "s", "sshd"), ("user", "ay", b"bob"), ("ssh-auth", "ay", b"x"), ("pidfd", "h", 0)]


def pad(out, to):
    out.extend(b"\0" * (-len(out) % to))


def array(out, to, items):
    """items write themselves; the length comes before."""
    pad(out, 4)
    at = len(out)
    out.extend(b"\0\0\0\0")
    pad(out, to)
    begin = len(out)
    for item in items:
        item()
    out[at:at + 4] = struct.pack("<I", len(out) - begin)


def put(out, kind, value):
    if kind in "ubh":
        pad(out, 4)
        out.extend(struct.pack("<I", value))
    elif kind in "so":
        pad(out, 4)
        data = value.encode()
        out.extend(struct.pack("<I", len(data)) + data + b"\0")
    elif kind == "g":
        out.extend(bytes([len(value)]) + value.encode() + b"\0")
    elif kind == "ay":
        array(out, 1, [lambda: out.extend(value)])
    elif kind == "aay":
        array(out, 4, [lambda word=word: put(out, "ay", word) for word in value])


def entry(out, key, kind, value):
    pad(out, 8)
    if isinstance(key, int):
        out.append(key)
    else:
        put(out, "s", key)
    put(out, "g", kind)
    put(out, kind, value)


def body(entries, descriptors):
    out = bytearray()
    array(out, 8, [lambda e=e: entry(out, *e) for e in entries])
    for number in range(descriptors):
        put(out, "h", number)
    return bytes(out)


def message(member, signature, data):
    out = bytearray(struct.pack("<cBBBII", b"l", 1, 0, 1, len(data), 1))
    fields = [(1, "o", "/org/pamjit/Gate1"), (2, "s", "org.pamjit.Gate1"), (3, "s", member)]
    if signature:
        fields += [(8, "g", signature), (9, "u", 3)]
    array(out, 8, [lambda f=f: entry(out, *f) for f in fields])
    pad(out, 8)
    return bytes(out) + data


def main(folder):
    submits = [body(SUDO, 3), body(SSH, 3), body(SUDO + SUDO[:1], 3), body(SUDO + [("no-such", "s", "x")], 3), body([], 3)]
    bind = body(BIND, 0)
    seeds = {"context": [b"S" + data for data in submits] + [b"B" + bind],
             "wire": [message("Submit", "a{sv}hhh", submits[0]), message("Bind", "a{sv}", bind), message("Detach", "", b"") * 2,
                      HELLO, HELLO + message("Withdraw", "", b""), HELLO[:20], b"GET / HTTP/1.1\r\n\r\n"],
             "guest": [b"PATH=/usr/bin\0JIT_REASON=disk full\0TERM=xterm\0", b"JIT_REASON=" + b"r" * 65 + b"\0", b"XJIT_REASON=x\0JIT_REASO=y",
                       b"budget=600\nobserve\ndebug\n"],
             # Dice: any bytes will do, and none at all.
             "oracle": [b""] + [bytes((first + n * n * 7) % 251 for n in range(1500)) for first in range(8)]}
    for name, items in seeds.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(items):
            (folder / name / str(number)).write_bytes(data)


main(pathlib.Path(sys.argv[1]))
