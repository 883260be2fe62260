#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A second verifier of exports, written from the manual of jit-verify and the standards it names, without any code of the project.
check() answers None where all is verified, else (first, last): the entries one of which is wrong, (0, 0) where it is not of an entry."""
import argparse
import base64
import json
import re
import sys

from second_bad import Bad, need
from second_forms import LEAF_MAX, LINE_MAX, MOST, Envelope, Leaf, Tree, canonical, digits, dump, members, number, root_by_path, text
from second_keys import fingerprint, host_id, is_webauthn, key_blob, sha256, signed, string
from second_terms import Ends, Terms, repeats, says


class Head:
    def __init__(self, envelope, host):
        need(envelope.of(host["key"], "checkpoint@pam-jit.v1"))
        value = envelope.document("checkpoint")
        members(value, "boot", "boottime", "epoch", "host", "people", "policy", "root", "size", "time")
        need(value["host"] == host["id"])
        self.size, self.root, self.epoch = number(value["size"], 0, MOST), bytes.fromhex(digits(value["root"], 32)), number(value["epoch"], 1, MOST)


def whole_number(value):
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


class Story:
    """What must hold between entries."""

    def __init__(self, reach, host, signers):
        self.reach, self.host, self.signers = reach, host, signers
        self.asks, self.grants, self.more, self.spent = {}, set(), {}, set()
        self.ends = Ends(reach == "whole")
        self.last, self.settled = None, True

    def ask(self, leaf):
        if leaf.request not in self.asks:
            need(self.reach == "late", "no entry of its request")
            self.asks[leaf.request] = {"known": False, "needed": 0, "person": "", "digest": leaf.text("digest"), "extends": "", "voters": [],
                                       "votes": set(), "votes_known": True, "self": False, "asks": "", "approved": False, "over": False, "used": False,
                                       "terms": Terms()}
        return self.asks[leaf.request]

    def entry(self, leaf):
        self.last, self.settled = leaf, False
        step = {"request.created": self.created, "vote.cast": self.vote, "request.approved": self.approved, "request.denied": self.over,
                "request.expired": self.over, "request.cancelled": self.over, "grant.created": self.granted, "grant.extended": self.extended,
                "grant.claimed": self.used, "grant.used": self.used}.get(leaf.type)
        if step:
            step(leaf)

    def created(self, leaf):
        need(leaf.request and leaf.request not in self.asks)
        if "needed" in leaf.fields:
            needed = whole_number(leaf.fields["needed"])
        else:
            seats = leaf.fields.get("seats")
            needed = sum(whole_number(s.get("count")) for s in seats if isinstance(s, dict)) if isinstance(seats, list) else 0
        self.asks[leaf.request] = {"known": True, "needed": needed, "person": leaf.text("person"), "digest": leaf.text("digest"),
                                   "extends": leaf.text("extends"), "voters": [], "votes": set(), "votes_known": True, "self": False, "asks": "",
                                   "approved": False, "over": False, "used": False, "terms": Terms(leaf)}

    def vote(self, leaf):
        ask, digest = self.ask(leaf), leaf.text("vote")
        need(leaf.text("digest") == ask["digest"])
        if digest:
            need(digest not in self.spent)
            self.spent.add(digest)
        if leaf.fields.get("approve") is not True:
            ask["over"] |= not ask["used"]
            return
        need(not ask["approved"] and not ask["over"])
        need(leaf.text("kind") != "local" or ask["asks"] not in ("signed", "hardware"))
        voter = leaf.text("voter")
        own = voter == ask["person"]
        need(not voter or ((not own or (ask["self"] and leaf.text("kind") != "local")) and voter not in ask["voters"]))
        ask["voters"].append(voter)
        if digest:
            ask["votes"].add(digest)
        elif leaf.text("kind") != "local":
            ask["votes_known"] = False
        ask["terms"].narrow(leaf)

    def approved(self, leaf):
        ask = self.ask(leaf)
        need(not ask["over"] and not ask["approved"] and (not ask["known"] or len(ask["voters"]) >= ask["needed"]))
        ask["approved"] = True
        if not ask["known"] or ask["extends"]:
            need(not ask["extends"] or ask["extends"] == leaf.grant)
            self.more[leaf.grant] = ask["terms"].give
        if ask["extends"]:
            ask["used"], ask["voters"], ask["votes"] = True, [], set()  # a denial that comes later ends the grant

    def over(self, leaf):
        ask = self.ask(leaf)
        ask["over"] |= not ask["used"]

    def granted(self, leaf):
        need(leaf.grant and leaf.grant not in self.grants)
        self.grants.add(leaf.grant)
        self.ends.granted(leaf)
        if not leaf.request:
            decision = leaf.fields.get("decision")
            terms = decision.get("terms") if isinstance(decision, dict) else None
            need(not (isinstance(terms, dict) and isinstance(terms.get("seats"), list) and terms["seats"]))
            return
        ask, digest = self.ask(leaf), leaf.text("request_digest")
        need(digest == (ask["digest"] or digest) and not ask["used"] and not ask["over"])
        ask["digest"] = digest
        need(not ask["known"] or not ask["needed"] or ask["approved"])
        need(not leaf.text("person") or not ask["person"] or leaf.text("person") == ask["person"])
        ask["terms"].cover(leaf)
        ask["used"], ask["voters"] = True, []

    def extended(self, leaf):
        need(self.reach != "whole" or (leaf.grant in self.grants and leaf.grant in self.more))
        self.ends.extended(leaf, self.more.pop(leaf.grant, None))

    def used(self, leaf):
        need(self.reach == "late" or leaf.grant in self.grants)
        self.ends.used(leaf)

    FIELD = {"request.created": "digest", "grant.created": "grant_digest", "vote.cast": "vote"}

    def settle(self):
        if self.last and not self.settled:
            field = self.FIELD.get(self.last.type)
            need(field in (None, "digest") or not self.last.text(field) or self.last.erased, "its document is missing")
            need(field != "vote" or self.last.text("vote") or self.last.text("kind") == "local" or "vote" in self.last.erased, "signed with nothing")
            self.settled = True

    def document(self, line):
        leaf = self.last
        digest = leaf.text(self.FIELD.get(leaf.type, ""))
        need(digest and not self.settled, "a document that it does not name")
        self.settled = True
        if "code" in line:
            return self.code(leaf, line["code"], digest)
        envelope = Envelope(line["envelope"])
        need(envelope.digest == digest)
        if leaf.type == "vote.cast":
            return self.signed_vote(leaf, envelope)
        kind = "request" if leaf.type == "request.created" else "grant"
        need(envelope.of(self.host["key"], kind + "@pam-jit.v1"))
        value = envelope.document(kind)
        ask = self.asks.get(leaf.request)
        if kind == "request":
            needed = sum(seat["count"] for seat in value["offer"]["seats"])
            need(value["id"] == leaf.request and value["host"]["id"] == self.host["id"] and ask and ask["needed"] == needed)
            repeats(leaf, value)
            ask["self"], ask["asks"], ask["terms"].document = value["offer"]["self"], value["offer"]["votes"], value
            return None
        need(value["id"] == leaf.grant and (value["request"] or "") == leaf.request and value["host"] == self.host["id"])
        need(leaf.agrees(request_digest=value["request_digest"] or "", person=value["subject"]["person"], door=value["door"], rule=value["rule"],
                         scope=value["scope"], policy=value["policy"]))
        need(value["boot"] == leaf.boot)
        says(leaf, lifetime_s=value["lifetime_s"], uid=value["subject"]["uid"], target=value["target"])
        if ask and ask["known"]:
            ask["terms"].bear(value)
        need(not ask or not ask["known"] or not ask["votes_known"] or value["votes"] == sorted(ask["votes"]))
        return None

    def keys(self, person, purpose):
        return [key for who, purposes, key in self.signers if who == person and (not purposes or purpose in purposes or "*" in purposes)]

    def counting(self, leaf, keys):
        """The requester answers with a key in hardware, or not at all; and so does everybody where the permit says so."""
        ask = self.asks.get(leaf.request)
        hardware = ask and (ask["person"] and ask["person"] == leaf.text("voter") or ask["asks"] == "hardware" and leaf.fields.get("approve") is True)
        return [key for key in keys if not hardware or key.startswith(("sk-", "webauthn"))]

    def signed_vote(self, leaf, envelope):
        value = envelope.document("vote")
        need(len(envelope.signatures) == 1 and envelope.signatures[0][0] == value["key"] and value["request"] == leaf.request and value["host"] == self.host["id"])
        need(leaf.agrees(digest=value["digest"], voter=value["person"], key=value["key"], reason=value["reason"]))
        need(leaf.narrows(value["decision"] == "approve", value["duration_s"], value["scope"] or None, value["block_s"]))
        ask = self.asks.get(leaf.request)
        need(not ask or not ask["terms"].boot or ask["terms"].boot == value["boot"])
        keys = self.keys(value["person"], "vote@pam-jit.v1")
        need(not keys or any(envelope.of(key, "vote@pam-jit.v1") for key in self.counting(leaf, keys)))

    def code(self, leaf, code, digest):
        need(leaf.type == "vote.cast" and isinstance(code, str) and code.startswith("jc1") and len(code) <= 500)
        raw = base64.urlsafe_b64decode(code[3:] + "=" * (-len(code[3:]) % 4))
        need(base64.urlsafe_b64encode(raw).decode().rstrip("=") == code[3:])
        length = 1 + 1 + 32 + 4 + 4 + 1 + 8 + 4
        need(len(raw) > length + 1)
        body = raw[:length + 1 + raw[length]]
        need(len(raw) > len(body) + 1 and raw[0] == 1 and raw[1] < 32 and raw[len(body)] < 2)
        need(sha256(body).hex() == digest and body[2:34].hex() == leaf.text("digest"))
        hash_name, signature = (b"sha256", b"sha512")[raw[len(body)]], raw[len(body) + 1:]
        purpose = "vote-code@pam-jit.v1"
        keys = self.keys(leaf.text("voter"), purpose)
        good = []
        for key in self.counting(leaf, keys):
            if is_webauthn(key) or key.startswith("ssh-rsa "):
                continue  # what they sign is no code
            public = key_blob(key)
            sshsig = b"SSHSIG\0\0\0\1" + string(public) + string(purpose.encode()) + string(b"") + string(hash_name) + string(signature)
            if sha256(public)[:8] == body[43:51] and signed(key, purpose, body, "sshsig", sshsig):
                good.append(key)
                need(leaf.narrows(bool(raw[1] & 1), int.from_bytes(raw[34:38], "big") if raw[1] & 2 else None,
                                  ("command", "tty", "session", "login")[raw[42]] if raw[1] & 8 else None, int.from_bytes(raw[38:42], "big") if raw[1] & 4 else None))
                need(leaf.agrees(reason=body[length + 1:].decode("latin-1")))
        need(not keys or good)


class Check:
    def __init__(self, host_key, signers, heads):
        self.host_key, self.signers, self.heads = host_key, signers, heads
        self.form, self.host, self.tree, self.proven, self.next, self.first, self.last = None, None, None, 0, 1, 0, 0
        self.head, self.ended, self.entries, self.where = None, False, 0, (0, 0)

    def begin(self, line):
        members(line["host"], "id", "key", "name")
        self.host = line["host"]
        text(self.host["key"], 1024), text(self.host["name"], 1024), digits(self.host["id"], 16)
        need(self.host["key"].startswith("ssh-ed25519 ") and host_id(self.host["key"]) == self.host["id"])
        need(not self.host_key or fingerprint(self.host["key"]) == (self.host_key if self.host_key.startswith("SHA256:") else fingerprint(self.host_key)))
        for kept in self.heads:
            if kept[2]:
                Head(kept[2], self.host)

    def one(self, raw):
        self.where = (self.next, self.next) if self.form == "log" else (0, 0)
        if self.ended:
            self.where = (0, 0)
        line = canonical(raw, LINE_MAX)
        need(not self.ended or line.get("kind") == "log", "behind the end")
        kind = line.get("kind")
        known = {"log": self.log, "proof": self.proof, "entry": self.entry, "evidence": self.evidence, "checkpoint": self.checkpoint, "end": self.end}
        need(isinstance(kind, str) and kind in known)
        known[kind](line)

    def hashes(self, value):
        need(isinstance(value, list) and len(value) <= 64)
        return [bytes.fromhex(digits(v, 32)) for v in value]

    def log(self, line):
        members(line, "first", "frontier", "host", "kind", "v")
        need(line["v"] == 1 and line["v"] is not True)
        first = number(line["first"], 1, MOST)
        tree = Tree(first - 1, self.hashes(line["frontier"]))
        members(line["host"], "id", "key", "name")
        text(line["host"]["key"], 1024), text(line["host"]["name"], 1024), digits(line["host"]["id"], 16)
        if self.ended:
            self.where = (self.next, self.next) if self.form == "log" else (0, 0)
            need(self.form == "log" and {**line["host"], "name": ""} == {**self.host, "name": ""})
            need(first == self.next and tree.roots == self.tree.roots)
            self.ended = False
            return
        need(self.form is None)
        self.where = (0, 0)
        self.form, self.tree, self.next, self.first, self.last, self.proven = "log", tree, first, first, first - 1, first - 1
        self.begin(line)
        self.story = Story("whole" if first == 1 else "late", self.host, self.signers)
        self.kept()

    def proof(self, line):
        members(line, "envelope", "host", "kind", "of", "v")
        need(line["v"] == 1 and line["v"] is not True and digits(line["of"], 16))
        self.where = (0, 0)
        need(self.form is None)
        self.form, self.of = "proof", line["of"]
        envelope = Envelope(line["envelope"])
        self.begin(line)
        self.story = Story("proof", self.host, self.signers)
        self.head = Head(envelope, self.host)
        need(all(kept[0] != self.head.size or kept[1] == self.head.root for kept in self.heads))

    def settle(self):
        where, self.where = self.where, (self.last, self.last)
        self.story.settle()
        self.where = where

    def entry(self, line):
        members(line, "hash", "kind", "leaf", "personal", *(["path"] if "path" in line else []))
        path = self.hashes(line["path"]) if "path" in line else None
        hashed = bytes.fromhex(digits(line["hash"], 32))
        text(line["leaf"], LEAF_MAX)
        need(isinstance(line["personal"], dict) and len(line["personal"]) <= 256 and self.form)
        self.settle()
        need(sha256(b"\0" + line["leaf"].encode()) == hashed)
        leaf = Leaf(line["leaf"], line["personal"])
        if self.form == "log":
            need(path is None and leaf.sequence == self.next)
            self.tree.add(hashed)
            self.next += 1
        else:
            self.where = (leaf.sequence, leaf.sequence)
            need(leaf.sequence > self.last and path is not None and leaf.sequence <= self.head.size)
            need(root_by_path(leaf.sequence - 1, self.head.size, hashed, path) == self.head.root)
            need(self.of in (leaf.request, leaf.grant))
        self.entries += 1
        self.last = leaf.sequence
        self.story.entry(leaf)
        if self.form == "log":
            self.kept()

    def evidence(self, line):
        members(line, "kind", "code" if "code" in line else "envelope")
        if "code" in line:
            need(text(line["code"], 1024))
        else:
            Envelope(line["envelope"])
        if not self.form or not self.entries:
            self.where = (0, 0)
            raise Bad("in front of all entries")
        self.where = (self.last, self.last)
        self.story.document(line)

    def checkpoint(self, line):
        members(line, "envelope", "kind")
        envelope = Envelope(line["envelope"])
        if self.form != "log":
            self.where = (0, 0)
            raise Bad("no place for a head")
        self.settle()
        self.where = (self.last, self.last)
        head = Head(envelope, self.host)
        if head.size > self.tree.size:
            self.where = (self.next, self.next)
            raise Bad("fewer entries than signed")
        if head.size < self.tree.size:
            self.where = (head.size + 1, self.last)
            raise Bad("an old head")
        need(not self.head or head.epoch >= self.head.epoch)
        if head.root != self.tree.root():
            self.where = (min(self.proven + 1, self.last), self.last)
            raise Bad("another root")
        self.proven, self.head = head.size, head

    def kept(self):
        for size, root, _ in self.heads:
            if size == self.tree.size and root != self.tree.root():
                self.where = (min(self.proven + 1, self.last), self.last)
                raise Bad("another root than kept elsewhere")

    def end(self, line):
        members(line, "kind", "size")
        size = number(line["size"], 0, MOST)
        need(self.form)
        self.settle()
        self.ended = True
        if self.form == "proof":
            self.where = (0, 0)
            need(size == self.entries)
        need(self.form == "proof" or size == self.last)

    def finish(self):
        self.where = (0, 0)
        need(self.form)
        if not self.ended:
            self.where = (self.next, self.next) if self.form == "log" else (0, 0)
            raise Bad("cut")
        if self.form == "proof":
            return need(self.entries)
        if not self.head:
            self.where = (self.first if self.first <= self.last else 0, self.last)
            raise Bad("no head")
        if self.proven < self.last:
            self.where = (self.proven + 1, self.last)
            raise Bad("no head behind")
        for size, _, _ in self.heads:
            if size > self.last:
                self.where = (self.next, size)
                raise Bad("shorter than kept elsewhere")
        return None


def check(data, host_key="", signers=(), heads=()):
    this = Check(host_key, signers, heads)
    try:
        lines = data.decode("latin-1").split("\n")
        for line in lines[:-1] if lines[-1] == "" else lines:
            this.one(line)
        this.finish()
    except (Bad, KeyError, TypeError):  # a document without one of its members, or with another kind of it
        return this.where[0], max(this.where)
    return None


def read_signers(lines):
    """PERSONS [OPTIONS] TYPE BASE64 [COMMENT]; of the options namespaces="..." only."""
    out = []
    for line in lines.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        purposes = re.match(r'namespaces="([^"]*)"\Z', words[1])
        key = words[2 if purposes else 1:]
        out += [(who, purposes.group(1).split(",") if purposes else [], " ".join(key)) for who in words[0].split(",")]
    return out


def read_head(line):
    if not line.startswith("{"):
        size, root = line.split(":")
        return int(size), bytes.fromhex(root), None
    envelope = Envelope(json.loads(line))
    value = json.loads(envelope.payload)
    return value["size"], bytes.fromhex(value["root"]), envelope


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host-key", default="")
    parser.add_argument("--allowed-signers")
    parser.add_argument("--head", action="append", default=[])
    parser.add_argument("export")
    given = parser.parse_args()
    signers = read_signers(open(given.allowed_signers, encoding="ascii").read()) if given.allowed_signers else []
    key = open(given.host_key, encoding="ascii").read().strip() if given.host_key else ""
    with open(given.export, "rb") as file:
        wrong = check(file.read(), key, signers, [read_head(head) for head in given.head])
    print("verified" if wrong is None else f"NOT verified: entries {wrong[0]} to {wrong[1]}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
