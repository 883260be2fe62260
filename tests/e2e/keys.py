# SPDX-License-Identifier: Apache-2.0
"""Whose word a vote is: that of this host, of a key in a file, of a key in hardware, or of a browser's authenticator.
  keys.py SOFT_TOKEN   a FIDO token made of software, for ssh-keygen"""
import base64
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys

import bedlib
from bedlib import check, jitctl, run
from by_hand import PLAIN, SIGNED, asking, paste
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "verify"))
import second  # noqa: E402

HARDWARE = SIGNED.replace('"signed"', '"hardware"')
TOKEN = "/tmp/soft_token.so"
ON_THIS_HOST, IN_DOUBT = "on this host's word", "on the word of a host where the requester was root"
ORIGIN, PARTY = "https://login.example.org", "example.org"


def well(user: str, command: str) -> bedlib.Program:
    done = run(user, command)
    check(done.code == 0, f"{user}: {command}: {done.text}")
    return done


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def dumped(value) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def test_a_vote_by_uid_is_the_hosts_word():
    for word in ON_THIS_HOST, IN_DOUBT:
        with bedlib.Inbox() as inbox, bedlib.waiting("alice") as alice:
            request = inbox.new("alice")["id"]
            jitctl("carol", "approve", request)
            check(alice.wait() == 0, alice.text)
            grant = inbox.grant("active", request=request)
        shown, log, story = (run("root", ["jitctl", *words]) for words in (("show", request), ("audit", "log", "--request", request), ("audit", "show", request)))
        check([line for line in shown.out.splitlines() if line.startswith("vote:") and "carol" in line and word in line], shown.out)
        doubt = word == IN_DOUBT
        check(jitctl("root", "show", request)["votes"][0]["host_in_doubt"] is doubt, "in --json")
        voted = [entry for entry in bedlib.audit(type="vote.cast") if entry["request"] == request][-1]["fields"]
        check(voted["kind"] == "local" and voted.get("attested_by", "") == ("a host where the requester was root" if doubt else ""), f"{voted}")
        check(voted.get("attested_by", voted["kind"]) in log.out and word in story.out, log.out + story.out)
        jitctl("root", "revoke", grant["id"], "-m", "it is over")
    bedlib.clean_slate()


def test_the_log_of_one_person():
    mine = jitctl("root", "audit", "log", "--person", "alice")
    mine = mine if isinstance(mine, list) else mine["entries"]
    everything = bedlib.audit()
    check(mine and {entry["person"] for entry in mine} == {"alice"}, str({entry["person"] for entry in mine}))
    check(mine == [entry for entry in everything if entry["person"] == "alice"] and len(mine) < len(everything), "not all of it")


def test_a_key_in_hardware_signs_where_the_rule_wants_one():
    shutil.copy(sys.argv[1], TOKEN)
    os.chmod(TOKEN, 0o755)
    bedlib.enrol("bob")  # the soft one is the first, and in the agent
    well("bob", f"SSH_SK_PROVIDER={TOKEN} ssh-keygen -q -N '' -t ed25519-sk -f /home/bob/.ssh/id_ed25519_sk")
    well("root", "jitctl people add-key bob /home/bob/.ssh/id_ed25519_sk.pub && jitctl policy reload")
    print_of = {name: well("bob", f"ssh-keygen -lf /home/bob/.ssh/{name}.pub").out.split()[1] for name in ("id_ed25519", "id_ed25519_sk")}
    with_agent = "ssh-agent sh -c 'ssh-add -q /home/bob/.ssh/id_ed25519 && jitctl approve {} {}'"
    for rule, key in (SIGNED, "id_ed25519"), (HARDWARE, "id_ed25519_sk"):
        with bedlib.policy_with(PLAIN, rule), asking() as (alice, request):
            if rule == HARDWARE:
                soft = run("bob", with_agent.format(request, "--key /home/bob/.ssh/id_ed25519"))
                check(soft.code != 0 and "needs a hardware key" in soft.text and "--key FILE" in soft.text, soft.text)
            well("bob", f"SSH_SK_PROVIDER={TOKEN} " + with_agent.format(request, ""))
            check(alice.wait() == 0 and "root" in alice.text.split(), alice.text)
            check(jitctl("root", "show", request)["votes"][0]["key"] == print_of[key], f"{rule}: another key signed")
        bedlib.clean_slate()


class Authenticator:
    """A browser on the page of ORIGIN, and its ES256 key."""

    def __init__(self, credential: bytes) -> None:
        self.key, self.credential = ec.generate_private_key(ec.SECP256R1()), credential
        numbers = self.key.public_key().public_numbers()
        x, y = (value.to_bytes(32, "big") for value in (numbers.x, numbers.y))
        cose = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + x + b"\x22\x58\x20" + y
        self.line = f"{PARTY} {ORIGIN} es256 {encoded(credential)} {encoded(cose)}"
        self.id = "SHA256:" + encoded(hashlib.sha256(cose).digest()).rstrip("=")

    def answers(self, message: bytes) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(message).digest()).decode().rstrip("=")
        client = json.dumps({"type": "webauthn.get", "challenge": challenge, "origin": ORIGIN, "crossOrigin": False}).encode()
        data = hashlib.sha256(PARTY.encode()).digest() + struct.pack(">BI", 0x05, 1)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        parts = {"authenticatorData": data, "clientDataJSON": client, "credentialId": self.credential, "signature": signature}
        return encoded(dumped({name: encoded(value) for name, value in parts.items()}).encode())


def pae(kind: str, payload: bytes) -> bytes:
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def vote(request: str, person: str, signer: Authenticator, key: str) -> str:
    """As jit-people(5) has it."""
    asked = json.loads(run("alice", ["jitctl", "show", request, "--envelope"]).out.splitlines()[0])
    payload = base64.b64decode(asked["payload"])
    document = json.loads(payload)
    made = {"block_s": None, "boot": document["boot"], "decision": "approve", "digest": hashlib.sha256(pae(asked["payloadType"], payload)).hexdigest(),
            "duration_s": None, "host": document["host"]["id"], "key": key, "person": person, "reason": "fine", "request": request, "scope": "",
            "time_ms": 0, "typed": ""}
    kind = "application/vnd.pam-jit.vote.v1+json"
    told = dumped(made).encode()
    return dumped({"payload": encoded(told), "payloadType": kind, "signatures": [{"keyid": key, "kind": "webauthn", "sig": signer.answers(pae(kind, told))}]})


def test_an_assertion_of_a_browser():
    keys = {"bob": Authenticator(b"of bob"), "carol": Authenticator(b"of carol")}
    for person, key in keys.items():
        with open("/tmp/credential", "w", encoding="ascii") as f:
            f.write(key.line + "\n")
        well("root", f"jitctl people add-key {person} /tmp/credential --kind webauthn && jitctl policy reload")
    bob, carol = keys["bob"], keys["carol"]
    with bedlib.policy_with(PLAIN, HARDWARE), asking() as (alice, request):
        for words in ("bob", carol, carol.id), ("bob", carol, bob.id), ("carol", carol, bob.id):
            refused = paste(vote(request, *words))
            check(refused.code != 0 and "does not count" in refused.text, refused.text)
        taken = paste(vote(request, "bob", bob, bob.id))
        check(taken.code == 0 and "approved" in taken.text, taken.text)
        check(alice.wait() == 0 and "root" in alice.text.split(), alice.text)
        found = jitctl("root", "show", request)["votes"]
        check([(v["kind"], v["person"], v["key"]) for v in found] == [("webauthn", "bob", bob.id)], f"{found}")
        check(f"signed with {bob.id}" in run("root", ["jitctl", "show", request]).out, "whose key it was is not shown")
    proof = well("root", f"jitctl audit prove {request}").out
    for owner, good in ("bob", True), ("carol", False):
        signers = f"bob webauthn {keys[owner].line}\n"
        for name, text in ("proof", proof), ("signers", signers), ("host", jitctl("root", "status")["host"]["public_key"] + "\n"):
            with open(f"/tmp/{name}", "w", encoding="ascii") as f:
                f.write(text)
        done = subprocess.run(["jit-verify", "--host-key", "/tmp/host", "--allowed-signers", "/tmp/signers", "/tmp/proof"], capture_output=True, text=True, check=False)
        check((done.returncode == 0) == good and (not good or "1 vote checked with people's keys" in done.stdout), done.stdout + done.stderr)
        check((second.check(proof.encode(), "", second.read_signers(signers)) is None) == good, "the second verifier says something else")
    bedlib.clean_slate()


bedlib.main(globals())
