#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every kind of audit entry as an event of OCSF: ocsf_test.py OCSF_SAMPLE. The schema is a pinned cut of OCSF's own (schema.json says
of which version). complaints() checks one event."""
import json
import pathlib
import re
import subprocess
import sys

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
CHECK = jsonschema.Draft202012Validator(json.loads((HERE / "schema.json").read_text(encoding="ascii")))
ID = "a" * 32
HOST = {"id": "b" * 32, "name": "web1"}


def complaints(event: dict) -> list:
    """What the schema, and what it cannot say, has against an event."""
    out = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in CHECK.iter_errors(event)]
    if not out and event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        out.append("type_uid is not class_uid * 100 + activity_id")
    if not out and (event["activity_id"] == 99 and "activity_name" not in event or event.get("status_id") == 99 and "status" not in event):
        out.append("99 (Other) without its name")
    return out


def entry(what: str, person="alice", uid=1000, request=ID, grant=None, **fields) -> dict:
    return {"sequence": 7, "time": "2026-11-29T01:02:03.045Z", "boot_id": "b0", "type": what, "request": request, "grant": grant,
            "person": person, "uid": uid, "fields": fields}


TARGET = {"target": {"name": "root", "uid": 0}, "door": "sudo"}
ENTRIES = [
    entry("request.created", kind="elevation", argv=["cat", "x"], reason="why", user="alice", **TARGET),
    *(entry(f"request.{s}", state=s, by="bob", why="not now") for s in ("attached", "detached", "approved", "denied", "expired", "cancelled")),
    entry("grant.enforced", request=None, grant=ID, cause="end", ended=3, beyond=[{"name": "sleep", "pid": 4711, "uid": 0}], later=["/etc/cron.d/x"]),
    entry("request.escalated", add="set:sre", after_s=60), entry("request.reviewed", by="bob", by_uid=1001, text="fine"),
    entry("vote.cast", voter="bob", voter_uid=1001, kind="local", approve=True, reason="ok"),
    entry("vote.cast", voter="bob", kind="code", approve=False, reason=""), entry("vote.refused", voter="bob", why="the code was wrong"),
    entry("vote.refused", person="", uid=None, request=None, voter="bob", why="for another host"),
    entry("people.away", request=None, user="alice", until_ms=1), entry("people.back", request=None, user="alice"),
    entry("people.accepted", request=None, file="people.toml 2 -> 1"),
    *(entry(f"grant.{s}", grant=ID, rule="root", lifetime_s=600, end="revoked", by="bob", **TARGET)
      for s in ("created", "claimed", "used", "extended", "ended")),
    entry("command.allowed", grant=ID, rule="root", argv=["/usr/bin/id"], path="/usr/bin/id", cwd="/", **TARGET),
    entry("access.denied", request=None, door="sudo", target="root", cause="policy", why="no rule"),
    entry("access.denied", request=None, door="sudo", cause="policy", repeated=12),
    entry("access.observed", request=None, door="ssh", target="alice", by="door", rule="root", would="deny"),
    entry("access.already-root", request=None, door="su", target="bob"), entry("network.seen", request=None, door="ssh", origin="192.0.2.1"),
    entry("notify.acknowledged", grant=ID, notify="ops"), entry("notify.unsent", grant=ID, notify="ops, pager"),
    entry("fact.set", request=None, fact="freeze", value=True), entry("fact.cleared", request=None, fact="freeze"),
    *(entry(k, person="", uid=None, request=None, **f) for k, f in (
        ("policy.loaded", {"policy": "f" * 64}), ("policy.refused", {"findings": "x"}), ("broker.started", {"boot": "b0"}),
        ("store.recovered", {"after": "no space"}), ("ends.lost", {"ended": "3"}), ("log.rolled-back", {"why": "behind its head"}), ("log.erased", {"removed": 3}), ("log.archived", {"first": 1, "last": 9}),
        ("something.new", {"a": 1}), ("", {}))),
]


def forgotten() -> list:
    """Kinds of entries that the broker has and no test here."""
    source = (HERE / "../../broker/core/events.h").read_text(encoding="utf-8")
    return sorted(set(re.findall(r'= "([a-z]+\.[a-z-]+)"', source)) - {e["type"] for e in ENTRIES})


def main() -> int:
    bare = [{**e, "person": "", "uid": None, "fields": {"erased": sorted(e["fields"])}} for e in ENTRIES]
    text = "".join(json.dumps(e) + "\n" for e in ENTRIES + bare)
    out = subprocess.run([sys.argv[1], json.dumps(HOST)], input=text, capture_output=True, text=True, check=True).stdout.splitlines()
    bad = 0 if len(out) == 2 * len(ENTRIES) else 1
    classes = {}
    for source, line in zip(ENTRIES + bare, out):
        event = json.loads(line)
        wrong = complaints(event)
        if event.get("time") != 1795914123045:
            wrong.append(f"time {event.get('time')}")
        if source["type"] != "something.new" and source["type"] and event["activity_id"] == 99:
            wrong.append("no class was chosen for it")
        classes.setdefault(event["class_uid"], set()).add(source["type"])
        if wrong:
            bad += 1
            print(source["type"], wrong, line)
    # The schema itself must be able to say no.
    event = json.loads(out[0])
    for name in ("activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid", "entity"):
        if not complaints({k: v for k, v in event.items() if k != name}):
            bad += 1
            print("an event without", name, "is accepted")
    if not complaints({**event, "made_up": 1}) or not complaints({**event, "class_uid": 3002}) or sorted(classes) != [3002, 3003, 3004, 3005]:
        bad += 1
        print("the schema takes what it should not", classes)
    bad += len(forgotten())
    print(*forgotten())
    print(f"{len(out)} events, {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
