# SPDX-License-Identifier: Apache-2.0
"""A6: every method and property, called by those who have no role; only what allowed_methods.txt lists may pass."""
# bed: --no-sshd
import os
import re
import time
import xml.etree.ElementTree as ElementTree

import bedlib
import wire
from bedlib import check

HERE = os.path.dirname(os.path.abspath(__file__))
NOBODY_HERE = "0123456789abcdef0123456789abcdef"
ARGUMENTS = {
    "Requests.List": ("a{sv}", [{}]), "Requests.Get": ("s", [NOBODY_HERE]),
    "Requests.Create": ("a{sv}", [{"door": ("s", "sudo"), "as": ("s", "root"), "reason": ("ay", b"x")}]),
    "Requests.Cancel": ("s", [NOBODY_HERE]), "Requests.Vote": ("sba{sv}", [NOBODY_HERE, True, {}]), "Requests.Watch": ("", []),
    "Requests.Envelope": ("s", [NOBODY_HERE]), "Requests.SubmitVote": ("ay", [b"x"]),
    "Requests.Review": ("say", [NOBODY_HERE, b"x"]), "Grants.Extend": ("sa{sv}", [NOBODY_HERE, {}]),
    "Requests.Away": ("x", [int(time.time() * 1000) + 3600_000]),
    "Grants.List": ("a{sv}", [{}]), "Grants.Get": ("s", [NOBODY_HERE]),
    "Grants.Revoke": ("a{sv}ay", [{"id": ("s", NOBODY_HERE)}, b"x"]), "Grants.End": ("s", [NOBODY_HERE]),
    "Policy.Reload": ("", []), "Policy.Status": ("", []), "Policy.AcceptPeople": ("", []),
    "Policy.Explain": ("a{sv}", [{"user": ("s", "root")}]), "Audit.Query": ("a{sv}", [{}]),
    "Audit.Checkpoint": ("", []), "Audit.Export": ("tt", [0, 1]), "Audit.Proof": ("s", [NOBODY_HERE]),
    "Audit.Erase": ("ay", [b"alice"]),
    "Courier.Open": ("s", [""]), "Courier.Next": ("t", [0]), "Courier.Done": ("t", [0]), "Courier.Acknowledged": ("tay", [1, b"ops"]), "Courier.Reachable": ("bay", [True, b""]),
    "Facts.Set": ("svu", ["nobodys-fact", ("b", True), 60]), "Facts.Clear": ("s", ["nobodys-fact"]), "Facts.List": ("", []),
}


def allowed() -> dict:
    with open(f"{HERE}/allowed_methods.txt", encoding="ascii") as f:
        return dict(line.split() for line in f if line.strip() and not line.startswith("#"))


def introspected() -> ElementTree.Element:
    bus = wire.Connection()
    return ElementTree.fromstring(bus.call(wire.NAME, wire.PATH, "org.freedesktop.DBus.Introspectable", "Introspect")[0])


def ours(tree: ElementTree.Element) -> list:
    return [i for i in tree.iter("interface") if i.get("name").startswith(wire.NAME)]


def test_the_list_is_complete_and_equals_the_xml():
    methods = {f"{i.get('name').rsplit('.', 1)[1]}.{m.get('name')}" for i in ours(introspected()) for m in i.iter("method")}
    with open(f"{HERE}/../../dbus/org.pamjit.Broker1.xml", encoding="utf-8") as f:
        xml = ElementTree.fromstring(f.read().split("?>", 1)[1])
    declared = {f"{i.get('name').rsplit('.', 1)[1]}.{m.get('name')}" for i in ours(xml) for m in i.iter("method")}
    check(methods == declared == set(allowed()) == set(ARGUMENTS), f"{methods ^ set(allowed())} {methods ^ declared}")


def test_each_method_answers_as_listed():
    def calls():
        answers = {}
        for method, (signature, values) in ARGUMENTS.items():
            interface, member = method.split(".")
            try:
                wire.Connection().broker(interface, member, signature, *values)
                answers[method] = "ok"
            except wire.Error as error:
                answers[method] = error.name.rsplit(".", 1)[-1]
        return answers

    for user in "nobody", "eve", "messagebus", "daemon":
        answers = bedlib.as_user(user, calls)
        check(answers == allowed(), f"{user}: " + ", ".join(f"{m} {a}, not {allowed()[m]}" for m, a in answers.items()
                                                              if a != allowed()[m]))


def test_lists_of_a_stranger_are_empty():
    with bedlib.waiting("alice"):
        def lists():
            bus = wire.Connection()
            return [bytes(bus.broker(i, "List", "a{sv}", {"all": ("b", True)})[0]).decode() for i in ("Requests", "Grants")]

        nothing = [f'{{"{name}":[],"left_out":{{"living":0,"ended":false}}}}' for name in ("requests", "grants")]
        check(bedlib.as_user("nobody", lists) == nothing, "nobody sees something")


def test_no_property_can_be_set():
    tree = introspected()
    for interface in tree.iter("interface"):
        for prop in interface.iter("property"):
            check(prop.get("access") == "read", f"{interface.get('name')}.{prop.get('name')} can be written")

    def set_one():
        try:
            wire.Connection().call(wire.NAME, wire.PATH, "org.freedesktop.DBus.Properties", "Set", "ssv",
                                   [f"{wire.NAME}.Policy", "Status", ("s", "x")])
        except wire.Error as error:
            return error.name
        return "set"

    check(re.search(r"Error", bedlib.as_user("nobody", set_one)), "a property was set")


bedlib.main(globals())
