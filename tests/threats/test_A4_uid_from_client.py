# SPDX-License-Identifier: Apache-2.0
"""A4: who calls is what the bus and the kernel say; nothing that a caller writes about himself is read."""
# bed: --no-sshd
import os

import bedlib
import wire
from bedlib import Inbox, check, refused

CLAIMS = {"uid": ("u", 0), "user": ("s", "root"), "pid": ("u", 1), "session": ("s", "1"), "name": ("s", "root"),
          "subject": ("s", "root"), "loginuid": ("u", 0)}


def test_a_claim_in_any_dictionary_is_an_unknown_key():
    def calls():
        bus = wire.Connection()
        ask = {"door": ("s", "sudo"), "as": ("s", "root")}
        for key, value in CLAIMS.items():
            for interface, member, signature, arguments in (
                    ("Requests", "List", "a{sv}", [{key: value}]),
                    ("Requests", "Create", "a{sv}", [{**ask, key: value}]),
                    ("Requests", "Vote", "sba{sv}", ["0" * 32, True, {key: value}]),
                    ("Grants", "List", "a{sv}", [{key: value}])):
                refused(lambda: bus.broker(interface, member, signature, *arguments), "BadInput")
        return True

    for user in "alice", "bob", "eve":
        check(bedlib.as_user(user, calls), "calls")


def test_nobody_touches_what_is_not_his():
    with Inbox() as inbox, bedlib.waiting("alice"):
        request = inbox.new("alice")["id"]

        def as_eve():
            bus = wire.Connection()
            there = [refused(lambda: bus.broker("Requests", "Get", "s", request), "NotFound"),
                     refused(lambda: bus.broker("Requests", "Cancel", "s", request), "NotFound"),
                     refused(lambda: bus.broker("Requests", "Vote", "sba{sv}", request, True, {}), "NotFound")]
            absent = [refused(lambda: bus.broker("Requests", "Get", "s", "f" * 32), "NotFound"),
                      refused(lambda: bus.broker("Requests", "Cancel", "s", "f" * 32), "NotFound"),
                      refused(lambda: bus.broker("Requests", "Vote", "sba{sv}", "f" * 32, True, {}), "NotFound")]
            return [[e.message.replace(request, "ID") for e in there], [e.message.replace("f" * 32, "ID") for e in absent]]

        there, absent = bedlib.as_user("eve", as_eve)
        check(there == absent, f"not yours and not there differ: {there} {absent}")
        check(inbox.until("Requests", lambda r: r["id"] == request)["state"] == "pending", "it still waits")


def test_the_gate_is_for_root():
    def connect():
        try:
            wire.Connection(wire.GATE, hello=False)
        except OSError as error:
            return type(error).__name__
        return "connected"

    check(bedlib.as_user("alice", connect) == "PermissionError", "alice reached the gate")
    os.chmod(wire.GATE, 0o666)  # even where the file's mode does not keep her out

    def submit():
        try:
            gate = wire.Connection(wire.GATE, hello=False)
            fds = [os.pidfd_open(os.getpid()), os.open("/usr/bin/sudo", os.O_PATH), os.open("/proc/self/ns/mnt", os.O_RDONLY)]
            context = {"service": ("s", "sudo"), "phase": ("s", "account"), "user": ("ay", b"alice")}
            return str(gate.gate("Submit", "a{sv}hhh", context, 0, 1, 2, fds=fds)[0])
        except (wire.Error, OSError) as error:
            return f"refused: {error}"

    answer = bedlib.as_user("alice", submit)
    os.chmod(wire.GATE, 0o600)
    check(answer.startswith("refused"), f"alice's Submit: {answer}")


bedlib.main(globals())
