# SPDX-License-Identifier: Apache-2.0
"""Keys and what they sign, for the second verifier: SSHSIG (OpenSSH, PROTOCOL.sshsig and PROTOCOL.u2f; RFC 4253, 5656, 8332, 8709) and
WebAuthn (level 2, 6.1 and 7.2; COSE, RFC 9053). Without any code of the project."""
import base64
import hashlib
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from second_bad import Bad, need

TOUCHED, MORE_DATA = 0x01, 0xc0  # of an authenticator's flags
HASHES = {"SHA256": hashes.SHA256, "SHA512": hashes.SHA512}


def sha256(data):
    return hashlib.sha256(data).digest()


def unbase64(text):
    try:
        out = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Bad("base64") from error
    need(base64.b64encode(out).decode() == text)
    return out


def take(blob, count):
    need(len(blob) >= count)
    return blob[:count], blob[count:]


def string_in(blob):
    length, rest = take(blob, 4)
    return take(rest, int.from_bytes(length, "big"))


def strings(blob):
    out = []
    while blob:
        one, blob = string_in(blob)
        out.append(one)
    return out


def string(value):
    return len(value).to_bytes(4, "big") + value


def mpint(value):
    """A number above zero, in its shortest form (RFC 4251, 5)."""
    number = int.from_bytes(value, "big", signed=True)
    need(number > 0 and value == number.to_bytes(number.bit_length() // 8 + 1, "big"))
    return number


def is_webauthn(line):
    return line.startswith("webauthn ")


def key_blob(line):
    """What the key's fingerprint is of."""
    words = line.split(" ")
    if is_webauthn(line):
        need(len(words) == 6)
        return unbase64(words[5])
    need(len(words) >= 2)
    blob = unbase64(words[1])
    need(strings(blob)[0].decode(errors="replace") == words[0])
    return blob


def fingerprint(line):
    return "SHA256:" + base64.b64encode(sha256(key_blob(line))).decode().rstrip("=")


def host_id(line):
    return sha256(key_blob(line)).hex()[:32]


def ed25519_signed(point, message, signature):
    need(len(point) == 32 and len(signature) == 64)
    ed25519.Ed25519PublicKey.from_public_bytes(point).verify(signature, message)


def p256_signed(point, message, der):
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point).verify(der, message, ec.ECDSA(hashes.SHA256()))


def rsa_signed(exponent, modulus, message, signature, hash_name):
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    need(len(signature) == (key.key_size + 7) // 8)
    key.verify(signature, message, padding.PKCS1v15(), HASHES[hash_name]())


def ssh_signed(public, signature, message):
    """The signature field of a key's own form over these bytes."""
    kind, *key = strings(public)
    name, rest = string_in(signature)
    raw, rest = string_in(rest)
    if kind == b"ssh-rsa":
        need(name in (b"rsa-sha2-256", b"rsa-sha2-512") and not rest and len(key) == 2)
        return rsa_signed(mpint(key[0]), mpint(key[1]), message, raw, "SHA" + name[-3:].decode())
    need(name == kind)
    if kind.startswith(b"sk-"):
        application = key.pop()
        behind, rest = take(rest, 5)  # flags, counter
        need(behind[0] & TOUCHED, "nobody touched it")
        message = sha256(application) + behind + sha256(message)
    need(not rest)
    if kind in (b"ssh-ed25519", b"sk-ssh-ed25519@openssh.com"):
        need(len(key) == 1)
        return ed25519_signed(key[0], message, raw)
    need(kind in (b"ecdsa-sha2-nistp256", b"sk-ecdsa-sha2-nistp256@openssh.com") and len(key) == 2 and key[0] == b"nistp256")
    r, s = (mpint(value) for value in strings(raw))
    return p256_signed(key[1], message, utils.encode_dss_signature(r, s))


def sshsig_signed(line, purpose, message, sshsig):
    need(sshsig[:10] == b"SSHSIG\0\0\0\1")
    public, namespace, reserved, hash_name, signature = strings(sshsig[10:])
    need(public == key_blob(line) and namespace == purpose.encode() and reserved == b"" and hash_name in (b"sha256", b"sha512"))
    hashed = hashlib.new(hash_name.decode(), message).digest()
    ssh_signed(public, signature, b"SSHSIG" + string(namespace) + string(reserved) + string(hash_name) + string(hashed))


def once(pairs):
    need(len(dict(pairs)) == len(pairs), "a member twice")
    return dict(pairs)


def json_in(data):
    need(data[:1] == b"{")

    def no_constant(_):
        raise Bad("no JSON")
    try:
        return json.loads(data.decode(), object_pairs_hook=once, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise Bad("no JSON") from error


def cose_signed(algorithm, key, message, signature):
    """A COSE_Key in the one form that CTAP 2 (6, canonical CBOR) leaves to its algorithm."""
    def parts(*constants_and_sizes):
        rest = key
        for constant, size in constants_and_sizes:
            found, rest = take(rest, len(constant))
            need(found == constant)
            part, rest = take(rest, size)
            yield part
        need(not rest)
    if algorithm == "es256":
        x, y = parts((b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", 32), (b"\x22\x58\x20", 32))
        return p256_signed(b"\4" + x + y, message, signature)
    if algorithm == "eddsa":
        [point] = parts((b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20", 32))
        return ed25519_signed(point, message, signature)
    need(algorithm == "rs256")
    modulus, exponent = parts((b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00", 256), (b"\x21\x43", 3))
    return rsa_signed(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big"), message, signature, "SHA256")


def assertion_signed(line, message, assertion):
    """The challenge is the SHA-256 of what was voted on."""
    _, party, origin, algorithm, credential, key = line.split(" ")
    made = json_in(assertion)
    need(sorted(made) == ["authenticatorData", "clientDataJSON", "credentialId", "signature"] and all(isinstance(v, str) for v in made.values()))
    need(json.dumps(made, sort_keys=True, separators=(",", ":")).encode() == assertion)
    data, told, used, signature = (unbase64(made[name]) for name in ("authenticatorData", "clientDataJSON", "credentialId", "signature"))
    client = json_in(told)
    need(used == unbase64(credential) and client.get("type") == "webauthn.get" and client.get("origin") == origin)
    need(client.get("challenge") == base64.urlsafe_b64encode(sha256(message)).decode().rstrip("="))
    need(client.get("crossOrigin", False) is False and "topOrigin" not in client)
    need(len(data) == 37 and data[:32] == sha256(party.encode()) and data[32] & TOUCHED and not data[32] & MORE_DATA)
    cose_signed(algorithm, unbase64(key), data + sha256(told), signature)


def signed(line, purpose, message, kind, signature):
    """Did the key of this line sign these bytes for this purpose?"""
    try:
        if is_webauthn(line):
            need(kind == "webauthn" and purpose == "vote@pam-jit.v1")
            assertion_signed(line, message, signature)
        else:
            need(kind == "sshsig")
            sshsig_signed(line, purpose, message, signature)
        return True
    except (Bad, ValueError, InvalidSignature):
        return False
