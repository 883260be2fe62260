#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The forms that the second verifier reads, each from its standard: canonical JSON, RFC 6962, DSSE, SSHSIG (Ed25519 and ECDSA P-256).
Without any code of the project."""
import base64
import hashlib
import json
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

MOST = 1 << 53
LINE_MAX, LEAF_MAX, ENVELOPE_MAX = 4 << 20, 256 << 10, 256 << 10
HEX = re.compile(r"[0-9a-f]*\Z")
TYPE = "application/vnd.pam-jit.%s.v1+json"


class Bad(Exception):
    """What is wrong with a line; where, the caller says."""


def need(truth, what="form"):
    if not truth:
        raise Bad(what)


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
    try:
        out = base64.b64decode(value, validate=True)
    except ValueError as error:
        raise Bad("base64") from error
    need(len(out) <= most and base64.b64encode(out).decode() == value)
    return out


def sha256(data):
    return hashlib.sha256(data).digest()


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


def strings(blob):
    out = []
    while blob:
        need(len(blob) >= 4)
        length = int.from_bytes(blob[:4], "big")
        need(len(blob) >= 4 + length)
        out.append(blob[4:4 + length])
        blob = blob[4 + length:]
    return out


def key_blob(line):
    words = line.split(" ")
    need(len(words) >= 2)
    blob = unbase64(words[1], 4096)
    need(strings(blob)[0].decode(errors="replace") == words[0])
    return blob


def fingerprint(line):
    return "SHA256:" + base64.b64encode(sha256(key_blob(line))).decode().rstrip("=")


def host_id(line):
    return sha256(key_blob(line)).hex()[:32]


def string(value):
    return len(value).to_bytes(4, "big") + value


def verifies(line, purpose, message, sshsig):
    """SSHSIG, version 1."""
    try:
        need(sshsig[:10] == b"SSHSIG\0\0\0\1")
        public, namespace, reserved, hash_name, signature = strings(sshsig[10:])
        need(public == key_blob(line) and namespace == purpose.encode() and reserved == b"" and hash_name in (b"sha256", b"sha512"))
        hashed = hashlib.new(hash_name.decode(), message).digest()
        signed = b"SSHSIG" + string(namespace) + string(reserved) + string(hash_name) + string(hashed)
        kind, *body = strings(signature)
        key_kind, *key = strings(public)
        need(kind == key_kind)
        if kind == b"ssh-ed25519":
            need(len(key) == 1 and len(body) == 1)
            ed25519.Ed25519PublicKey.from_public_bytes(key[0]).verify(body[0], signed)
        elif kind == b"ecdsa-sha2-nistp256":
            r, s = (int.from_bytes(v, "big", signed=True) for v in strings(body[0]))
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key[1])
            point.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
        else:
            raise NotImplementedError(kind)
        return True
    except (Bad, ValueError, InvalidSignature):
        return False


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
        return len(self.signatures) == 1 and self.signatures[0][:2] == (fingerprint(line), "sshsig") and verifies(line, purpose, self.pae, self.signatures[0][2])

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
        text(value["boot"], 64)
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
