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


ALWAYS = "argv", "door", "give_s", "max_s", "rule", "scope", "target", "uid", "user"
CLOCK_STEPS = 3_600_000  # ms
MOST_SECONDS = 4294967295


def says(leaf, **values):
    """Whatever it says and was not erased."""
    for name, value in values.items():
        need(name not in leaf.fields or dump(leaf.fields[name]) == dump(value), f"{name} is another one in the document")


def end_in(leaf):
    end = leaf.fields.get("expires_ms")
    return end if isinstance(end, int) and not isinstance(end, bool) and abs(end) <= 1 << 53 else None


def repeats(leaf, request):
    subject, offer, target, hidden = request["subject"], request["offer"], dict(request["target"]), request.get("private") or {}
    verified = target.pop("verified")
    need(request["boot"] == leaf.boot)
    need(all(name in leaf.fields or name in leaf.erased for name in ALWAYS), "it does not say all")
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

    def gives(self, lifetime, scope):
        need(self.give is None or lifetime <= self.give, "longer than was given")
        need(self.scope is None or (scope in SCOPES and SCOPES.index(scope) <= self.scope), "wider than was given")

    def cover(self, grant):
        need(not self.boot or self.boot == grant.boot)
        for name, asked in self.repeated.items():
            if name not in grant.erased:
                need(name in grant.fields and dump(account(grant.fields[name])) == dump(account(asked)), f"another {name}")
        lifetime, scope = grant.fields.get("lifetime_s"), grant.fields.get("scope")
        if self.give is not None:
            need(isinstance(lifetime, int) and not isinstance(lifetime, bool) and 0 <= lifetime <= self.give, "longer than was given")
        if self.scope is not None:
            need(scope in SCOPES and SCOPES.index(scope) <= self.scope, "wider than was given")

    def bear(self, grant):
        self.gives(grant["lifetime_s"], grant["scope"])
        need(not self.user or self.user == grant["subject"]["name"])
        if self.document:
            offer, target = self.document["offer"], self.document["target"]
            need(grant["target"] == {"name": target["name"], "uid": target["uid"]})
            need(grant["max_s"] <= offer["max_s"] and grant["epoch"] == self.document["epoch"])
            need(grant["claim_until_ms"] - max(grant["created_ms"], grant["not_before_ms"]) <= offer["claim_s"] * 1000)


class Ends:
    """When each grant ends: as its first use says, and more time moves it."""

    def __init__(self, whole):
        self.whole, self.lifetimes, self.ends = whole, {}, {}

    def granted(self, grant):
        if "lifetime_s" in grant.fields:
            self.lifetimes[grant.grant] = seconds(grant.fields["lifetime_s"])

    def used(self, leaf):
        end = end_in(leaf)
        if leaf.grant in self.ends:
            need(end is None or end <= self.ends[leaf.grant], "later than before")
            return
        lifetime = self.lifetimes.pop(leaf.grant, None)
        need(end is not None or lifetime is None or not self.whole, "no end")
        if end is not None:
            self.ends[leaf.grant] = end
            need(lifetime is None or end <= leaf.time + min(lifetime, MOST_SECONDS) * 1000 + CLOCK_STEPS, "later than it may")

    def extended(self, leaf, most):
        end, known = end_in(leaf), self.ends.get(leaf.grant)
        need(end is not None and (known is not None or not self.whole))
        need(known is None or most is None or end - known <= min(most, MOST_SECONDS) * 1000, "more time than was approved")
        self.ends[leaf.grant] = end
