# SPDX-License-Identifier: Apache-2.0
"""What was asked, offered and given, and what came of it."""
import base64

from second_bad import need
from second_forms import dump

SCOPES = "command", "tty", "session", "login"  # the narrowest first
ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def escape(raw):
    out = ""
    for c in raw.decode(errors="surrogateescape"):
        value = ord(c)
        if c in ESCAPES:
            out += ESCAPES[c]
        elif 0x20 <= value < 0x7f:
            out += c
        elif value < 0x80 or 0xdc80 <= value <= 0xdcff:
            out += f"\\x{value & 0xff:02x}"
        else:
            out += f"\\u{{{value:x}}}"
    return out


def says(leaf, **values):
    """Whatever it says and was not erased."""
    for name, value in values.items():
        need(name not in leaf.fields or dump(leaf.fields[name]) == dump(value), f"{name} is another one in the document")


def repeats(leaf, request):
    subject, offer, target, hidden = request["subject"], request["offer"], dict(request["target"]), request.get("private") or {}
    verified = target.pop("verified")
    need(request["boot"] == leaf.boot)
    says(leaf, kind=request["kind"], door=request["door"], service=request["service"], person=subject["person"], user=subject["name"], uid=subject["uid"],
         login_user=subject["login_name"] or "", origin=subject["origin"], tty=subject["tty"], target=target, target_verified=verified,
         reason_from=request["reason_from"] or "", ticket=request["ticket"], urgency=request["urgency"], rule=offer["rule"], seats=offer["seats"],
         give_s=offer["give_s"], max_s=offer["max_s"], wait_s=offer["wait_s"], scope=offer["scope"], policy=request["policy"], extends=request["extends"] or "",
         not_before_ms=request["not_before_ms"])
    if subject["loginuid"] is not None:
        says(leaf, loginuid=subject["loginuid"])
    if not hidden.get("command"):
        says(leaf, argv=[escape(base64.b64decode(word)) for word in request["command"]["argv"]])
    for name in "cwd", "reason":
        if not hidden.get(name):
            says(leaf, **{name: request[name]})


def account(target):
    return {name: value for name, value in target.items() if name != "group"} if isinstance(target, dict) else target


def least(kept, value):
    return value if kept is None else min(kept, value)


def seconds(value):
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


class Terms:
    """What a grant must repeat, and how much it may give at most; nothing of what is not known."""

    def __init__(self, created=None):
        self.boot, self.user, self.repeated, self.give, self.scope, self.document = None, "", {}, None, None, None
        if created:
            self.boot, self.user = created.boot, created.text("user")
            self.repeated = {name: created.fields[name] for name in ("argv", "door", "rule", "target", "uid") if name in created.fields}
            if "give_s" in created.fields:
                self.give = seconds(created.fields["give_s"])
            self.widest(created)

    def widest(self, leaf):
        if "scope" in leaf.fields:
            self.scope = least(self.scope, SCOPES.index(leaf.fields["scope"]) if leaf.fields["scope"] in SCOPES else 0)

    def narrow(self, vote):
        if "duration_s" in vote.fields:
            self.give = least(self.give, seconds(vote.fields["duration_s"]))
        self.widest(vote)

    def cover(self, grant):
        need(self.boot is None or self.boot == grant.boot)
        for name, asked in self.repeated.items():
            need(name not in grant.fields or dump(account(grant.fields[name])) == dump(account(asked)), f"another {name}")
        if self.give is not None and "lifetime_s" in grant.fields:
            given = grant.fields["lifetime_s"]
            need(isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= self.give, "longer than was given")
        if self.scope is not None and "scope" in grant.fields:
            need(grant.fields["scope"] in SCOPES and SCOPES.index(grant.fields["scope"]) <= self.scope, "wider than was given")

    def bear(self, grant):
        need(not self.user or self.user == grant["subject"]["name"])
        if self.document:
            offer = self.document["offer"]
            need(grant["max_s"] <= offer["max_s"] and grant["epoch"] == self.document["epoch"])
            need(grant["claim_until_ms"] - max(grant["created_ms"], grant["not_before_ms"]) <= offer["claim_s"] * 1000)
