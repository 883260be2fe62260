# SPDX-License-Identifier: Apache-2.0
"""The escapes in which texts of people are shown, read back by other code than the product's."""
import json
import re

ESCAPE = re.compile(rb"\\(?:([\\ntr])|x([0-9a-f]{2})|u\{([0-9a-f]+)\})|(\\)")


def unescaped(text: str) -> bytes:
    """The bytes that were shown so; a text that cannot have come of them is an error."""

    def one(match) -> bytes:
        simple, byte, point, lone = match.groups()
        if lone:
            raise ValueError(f"a lone backslash in {text!r}")
        if simple:
            return {b"\\": b"\\", b"n": b"\n", b"t": b"\t", b"r": b"\r"}[simple]
        return bytes([int(byte, 16)]) if byte else chr(int(point, 16)).encode()

    return ESCAPE.sub(one, text.encode("ascii"))


def log_line(line: str) -> dict:
    """One line of `jitctl audit log`: time, number, type, then name=value, where a value that people may have a hand in is JSON."""
    time, number, kind, rest = re.fullmatch(r"(\S+) (\d+) (\S+)(.*)", line).groups()
    out = {"time": time, "sequence": int(number), "type": kind}
    for name in "person", "uid", "request", "grant":
        found = re.match(rf" {name}=(\S+)", rest)
        if found:
            out[name], rest = found[1], rest[found.end():]
    fields = out["fields"] = {}
    while rest:
        name = re.match(r" ([a-z_]+)=", rest)
        if not name or name[1] in fields:
            raise ValueError(f"not a field: {rest!r} of {line!r}")
        fields[name[1]], end = json.JSONDecoder().raw_decode(rest, name.end())
        rest = rest[end:]
    return out
