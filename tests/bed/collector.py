# SPDX-License-Identifier: Apache-2.0
"""Collects what the bed logs: /dev/log to log/syslog (a line each), journal entries to log/journal (JSON, a line each).

Returns when the sockets are there; the collecting goes on in the background."""
import json
import os
import select
import socket


def parse(entry: bytes) -> dict:
    """systemd's native journal protocol: KEY=value lines, or KEY, a little-endian length and the bytes."""
    fields = {}
    while entry:
        line, _, entry = entry.partition(b"\n")
        key, equals, value = line.partition(b"=")
        if not equals and len(entry) >= 8:
            size = int.from_bytes(entry[:8], "little")
            value, entry = entry[8:8 + size], entry[9 + size:]
        if key:
            fields[key.decode("ascii", "replace")] = value.decode("utf-8", "backslashreplace")
    return fields


def main() -> None:
    bed = os.environ["BED"]
    sockets = {}
    for path, name in ("/dev/log", "syslog"), ("/run/systemd/journal/socket", "journal"):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(path)
        os.chmod(path, 0o666)
        sockets[s] = (name, open(f"{bed}/log/{name}", "a", encoding="utf-8", buffering=1))
    if os.fork():
        os._exit(0)
    os.setsid()
    while True:
        for s in select.select(list(sockets), [], [])[0]:
            name, out = sockets[s]
            data = s.recv(1 << 20)
            if name == "journal":
                out.write(json.dumps(parse(data)) + "\n")
            else:
                out.write(data.decode(errors="replace").rstrip("\0\n").replace("\n", "\\n") + "\n")


main()
