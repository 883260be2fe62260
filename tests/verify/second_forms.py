#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The forms that the second verifier reads, each from its standard: canonical JSON, RFC 6962, DSSE; who signed it says second_keys.py.
Without any code of the project."""
import json
import re

import second_keys
from second_bad import Bad, need
from second_keys import sha256

MOST = 1 << 53
LINE_MAX, LEAF_MAX, ENVELOPE_MAX = 4 << 20, 256 << 10, 256 << 10
HEX = re.compile(r"[0-9a-f]*\Z")
TYPE = "application/vnd.pam-jit.%s.v1+json"


def dump(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def depth(value):
    if isinstance(value, dict):
        return 1 + max([depth(v) for v in value.values()], default=0)
    if isinstance(value, list):
        return 1 + max([depth(v) for v in value], default=0)
    return 0


def canonical(text, most):
    need(text and len(text) <= most and all(0x20 <= ord(c) < 0x7f for c in text))

    def no_fraction(_):
        raise Bad("fraction")
    try:
        value = json.loads(text, parse_float=no_fraction, parse_constant=no_fraction)
    except (ValueError, RecursionError) as error:
        raise Bad("no JSON") from error
    need(isinstance(value, dict) and depth(value) <= 8 and dump(value) == text)
    return value


def members(value, *names):
    need(isinstance(value, dict) and sorted(value) == sorted(names))


def text(value, most):
    need(isinstance(value, str) and len(value) <= most)
    return value


def number(value, least, most):
    need(isinstance(value, int) and not isinstance(value, bool) and least <= value <= most)
    return value


def digits(value, size):
    need(isinstance(value, str) and len(value) == 2 * size and HEX.match(value))
    return value


def unbase64(value, most):
    need(isinstance(value, str))
    out = second_keys.unbase64(value)
    need(len(out) <= most)
    return out


def node(left, right):
    return sha256(b"\1" + left + right)


def parts(size):
    """The sizes of the whole subtrees of a log, the largest first."""
    return [1 << bit for bit in reversed(range(64)) if size >> bit & 1]


class Tree:
    def __init__(self, size=0, roots=()):
        need(len(roots) == len(parts(size)), "frontier")
        self.size, self.roots = size, list(roots)

    def add(self, leaf):
        sizes = parts(self.size) + [1]
        self.roots.append(leaf)
        while len(sizes) > 1 and sizes[-1] == sizes[-2]:
            right = self.roots.pop()
            self.roots[-1] = node(self.roots[-1], right)
            sizes[-2:] = [sizes[-1] * 2]
        self.size += 1

    def root(self):
        if not self.roots:
            return sha256(b"")
        out = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            out = node(left, out)
        return out


def root_by_path(index, size, leaf, path):
    """RFC 6962, 2.1.1, from the definition: the root that this path of leaf `index` of `size` makes."""
    if size == 1:
        need(not path)
        return leaf
    need(path)
    half = 1 << ((size - 1).bit_length() - 1)
    if index < half:
        return node(root_by_path(index, half, leaf, path[:-1]), path[-1])
    return node(path[-1], root_by_path(index - half, size - half, leaf, path[:-1]))


class Envelope:
    def __init__(self, value):
        text_form = dump(value)
        need(len(text_form) <= ENVELOPE_MAX)
        canonical(text_form, ENVELOPE_MAX)
        members(value, "payload", "payloadType", "signatures")
        self.type = text(value["payloadType"], 128)
        self.payload = unbase64(value["payload"], ENVELOPE_MAX)
        need(self.type and isinstance(value["signatures"], list) and 0 < len(value["signatures"]) <= 16)
        self.signatures = []
        for one in value["signatures"]:
            members(one, "keyid", "kind", "sig")
            text(one["keyid"], 256)
            sig = unbase64(one["sig"], 8192)
            need(one["keyid"] and sig and one["kind"] in ("sshsig", "webauthn") and one["keyid"] not in [s[0] for s in self.signatures])
            self.signatures.append((one["keyid"], one["kind"], sig))
        self.pae = b"DSSEv1 %d %s %d %s" % (len(self.type), self.type.encode(), len(self.payload), self.payload)
        self.digest = sha256(self.pae).hex()

    def of(self, line, purpose):
        if len(self.signatures) != 1 or self.signatures[0][0] != second_keys.fingerprint(line):
            return False
        return second_keys.signed(line, purpose, self.pae, *self.signatures[0][1:])

    def document(self, kind):
        need(self.type == TYPE % kind)
        return canonical(self.payload.decode("latin-1"), ENVELOPE_MAX)


def fits(value, level=0):
    if isinstance(value, (dict, list)):
        return level < 5 and all(fits(v, level + 1) for v in value) and (isinstance(value, list) or all(fits(v, level + 1) for v in value.values()))
    return not isinstance(value, str) or all(0x20 <= ord(c) < 0x7f for c in value)


class Leaf:
    def __init__(self, leaf, personal):
        value = canonical(leaf, LEAF_MAX)
        members(value, "boot", "boottime", "fields", "grant", "personal", "request", "sequence", "time", "type", "v")
        self.boot = text(value["boot"], 64)
        number(value["boottime"], 0, MOST)
        for name in "grant", "request":
            need(value[name] is None or digits(value[name], 16))
        self.sequence = number(value["sequence"], 1, MOST)
        self.time = number(value["time"], -MOST, MOST)
        self.type = text(value["type"], 64)
        need(self.type and value["v"] == 1 and value["v"] is not True and isinstance(value["fields"], dict) and isinstance(value["personal"], dict))
        need(fits(value["boot"]) and fits(self.type) and all(fits(name) for part in ("fields", "personal") for name in value[part]))
        need(all(fits(field) for field in value["fields"].values()))
        self.request, self.grant = value["request"] or "", value["grant"] or ""
        self.fields = dict(value["fields"])
        self.erased = set(value["personal"]) - set(personal)
        need(set(personal) <= set(value["personal"]) and not set(value["fields"]) & set(value["personal"]))
        for name, committed in value["personal"].items():
            digits(committed, 32)
            if name in personal:
                members(personal[name], "salt", "value")
                salt = bytes.fromhex(digits(personal[name]["salt"], 16))
                need(fits(personal[name]["value"]) and sha256(salt + dump(personal[name]["value"]).encode()).hex() == committed)
                self.fields[name] = personal[name]["value"]

    def text(self, name):
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def narrows(self, approve, duration, scope, block):
        made = {"approve": approve, "block_s": block, "duration_s": duration if approve else None, "scope": scope if approve else None}
        return all(self.fields.get(name) == value and type(self.fields.get(name)) is type(value) for name, value in made.items())

    def agrees(self, **plain):
        return all(self.fields.get(name, value) == value for name, value in plain.items())
