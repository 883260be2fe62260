# SPDX-License-Identifier: Apache-2.0
"""A8: messages that no polite client sends, on the bus and at the gate, and very many of them. Each call gets a named error,
the broker stays the same process, and its memory stays small."""
# bed: --no-sshd
import os
import random
import struct

import bedlib
import wire
from bedlib import check

TIMES = int(os.environ.get("FLOOD_TIMES", "1"))
FLOOD_BUS, FLOOD_GATE, AT_ONCE = 42_000 * TIMES, 8_000 * TIMES, 100
MOST_KIB = 64 * 1024
NAMED = ("org.pamjit.Error.", "org.freedesktop.DBus.Error.")
LOST = ("NoReply", "Timeout", "TimedOut", "Disconnected", "ServiceUnknown", "NameHasNoOwner")
METHODS = {"Requests": ["List", "Get", "Create", "Cancel", "Vote", "Watch"], "Grants": ["List", "Get", "Revoke", "End"],
           "Policy": ["Reload", "Status"], "Audit": ["Query", "Checkpoint", "Export", "Proof"], "Facts": ["Set", "Clear", "List"]}
TRUE = {"Requests.List": "a{sv}", "Requests.Get": "s", "Requests.Create": "a{sv}", "Requests.Cancel": "s", "Requests.Vote": "sba{sv}",
        "Requests.Watch": "", "Grants.List": "a{sv}", "Grants.Get": "s", "Grants.Revoke": "a{sv}ay", "Grants.End": "s",
        "Policy.Reload": "", "Policy.Status": "", "Audit.Query": "a{sv}", "Audit.Checkpoint": "", "Audit.Export": "tt", "Audit.Proof": "s", "Facts.Set": "svu", "Facts.Clear": "s", "Facts.List": ""}
PID = bedlib.broker.pid()


def memory(key: str) -> int:
    with open(f"/proc/{PID}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(key))


def is_well(after: str) -> None:
    check(bedlib.broker.pid() == PID, f"{after}: another broker\n{bedlib.log('broker')[-2000:]}")
    check(bedlib.jitctl("eve", "status")["state"] == "running", f"{after}: it does not serve")
    check("ask first" in bedlib.run("alice", "sudo -n id").text, f"{after}: the gate does not serve")
    check(memory("VmHWM") < MOST_KIB, f"{after}: {memory('VmHWM')} KiB at its highest")


def nested(depth: int):
    """A variant in a variant ..., so many containers in all."""
    value = ("y", 1)
    for _ in range(depth - 1):
        value = ("v", value)
    return value


def nested_arrays(depth: int) -> tuple:
    value = b""
    for _ in range(depth - 1):
        value = [value]
    return "a" * depth + "y", value


# ------------------------------------------------------------------------------------------------ the bus
BODIES = [
    ("", []), ("y", [0]), ("s", [""]), ("s", ["\x01" * 400]), ("s", ["x" * 70_000]), ("s", ["%s%n{}$(id)"]), ("o", ["/"]), ("g", [""]),
    ("g", ["a{sv}" * 40]), ("ss", ["", ""]), ("sba{sv}", ["", True, {}]), ("sba{sv}", ["f" * 32, False, {"": ("s", "")}]),
    ("a{sv}", [{}]), ("a{sv}", [{"": ("v", ("y", 0))}]), ("a{sv}", [{"all": ("s", "yes")}]), ("a{sv}", [{"all": ("as", [])}]),
    ("a{sv}", [{"limit": ("t", 2**64 - 1), "after": ("x", -1), "since": ("d", float("nan"))}]),
    ("a{sv}", [{f"k{i}": ("b", True) for i in range(5000)}]), ("a{sv}", [{"all": nested(60)}]), ("v", [nested(63)]),
    ("a{ss}", [{"a": "b"}]), ("(a{sv})", [[{}]]), ("a{sv}ay", [{"all": ("b", True)}, b"\xff" * 4000]),
    ("a{sv}ay", [{"id": ("s", "\x7f")}, b""]), ("as", [[""] * 20_000]), ("ay", [bytes(900_000)]), ("d", [float("inf")]),
]
BODIES += [(signature, [value]) for signature, value in (nested_arrays(n) for n in (2, 16, 32))]


def answer(bus: wire.Connection, *call, **keys) -> str:
    try:
        bus.call(*call, **keys)
    except wire.Error as error:
        return error.name
    return ""


def is_named(name: str, what: str) -> None:
    check(name.startswith(NAMED) and not name.endswith(LOST), f"{what}: {name}")


def every_body_to_every_method():
    bus = wire.Connection()
    for interface, members in METHODS.items():
        for member in members:
            for signature, values in BODIES:
                name = answer(bus, wire.NAME, wire.PATH, f"{wire.NAME}.{interface}", member, signature, values)
                what = f"{interface}.{member}({signature[:40]})"
                if name or signature != TRUE[f"{interface}.{member}"]:
                    is_named(name, what)
    return True


def test_wrong_arguments_get_a_named_error():
    for user in "nobody", "eve":
        bedlib.as_user(user, every_body_to_every_method)
    is_well("wrong arguments")


def test_wrong_places_get_a_named_error():
    def ask():
        bus = wire.Connection()
        for path in "/", "/org", "/org/pamjit/Broker1/x", "/org/pamjit/Gate1", "/a" * 2000, "/_", "/org/pamjit/Broker1/" + "z" * 60_000:
            for interface in None, "", f"{wire.NAME}.Requests", f"{wire.NAME}.Nothing", "a.b", "org.freedesktop.DBus.Properties":
                if interface == "":
                    continue
                for member in "List", "Get", "L" * 255, "_":
                    is_named(answer(bus, wire.NAME, path, interface, member), f"{path[:30]} {interface} {member[:10]}")
        return True

    bedlib.as_user("nobody", ask)
    is_well("wrong places")


def test_large_messages():
    def send():
        bus = wire.Connection()
        for signature, values in (("ay", [bytes(30 << 20)]), ("s", ["x" * (4 << 20)]), ("as", [["y" * 1000] * 4000]),
                                  ("a{sv}", [{"reason": ("ay", bytes(8 << 20))}])):
            for member in "List", "Create", "Nothing":
                is_named(answer(bus, wire.NAME, wire.PATH, f"{wire.NAME}.Requests", member, signature, values), f"{member}({signature})")
        return True

    bedlib.as_user("eve", send)
    check(memory("VmRSS") < MOST_KIB, f"{memory('VmRSS')} KiB after large messages")
    bedlib.jitctl("eve", "status")


def test_what_the_bus_itself_refuses_does_not_reach_us():
    """A depth of 65, a path that is none, an array longer than its message: the bus hangs up on the sender."""
    def send():
        for fields, signature, values in (
                ({1: ("o", "//"), 2: ("s", f"{wire.NAME}.Requests"), 3: ("s", "List"), 6: ("s", wire.NAME)}, "", []),
                ({1: ("o", wire.PATH), 3: ("s", ""), 6: ("s", wire.NAME)}, "", []),
                ({1: ("o", wire.PATH), 3: ("s", "List"), 6: ("s", wire.NAME)}, "v", [nested(70)])):
            bus = wire.Connection()
            bus.send(bus.message(1, fields, signature, values))
            try:
                bus.reply(bus.serial, 5)
                return f"{fields} was taken"
            except (wire.Error, ConnectionError, UnicodeError):
                pass
        return ""

    check(bedlib.as_user("nobody", send) == "", "the bus took it")
    is_well("what the bus refuses")


def flood(count: int) -> bool:
    bus = wire.Connection()
    chance = random.Random(8)
    small = [b for b in BODIES if len(wire.pack(bytearray(), *b)) < 2000]
    templates = []
    for interface, members in METHODS.items():
        for member in members:
            for signature, values in chance.sample(small, 6):
                if signature != TRUE[f"{interface}.{member}"]:
                    fields = {1: ("o", wire.PATH), 2: ("s", f"{wire.NAME}.{interface}"), 3: ("s", member), 6: ("s", wire.NAME)}
                    templates.append(bytearray(bus.message(1, fields, signature, values)))
    for _ in range(count // AT_ONCE):
        out = bytearray()
        for _ in range(AT_ONCE):
            data = chance.choice(templates)
            bus.serial += 1
            struct.pack_into("<I", data, 8, bus.serial)
            out += data
        bus.send(bytes(out))
        for _ in range(AT_ONCE):
            kind, fields, _ = bus.receive()
            while kind == 4:
                kind, fields, _ = bus.receive()
            check(kind == 3, "a call of the flood was not refused")
            is_named(fields[4], "the flood")
    return True


def test_a_flood_on_the_bus():
    bedlib.as_user("nobody", flood, FLOOD_BUS)
    is_well("the flood")


# ------------------------------------------------------------------------------------------------ the gate
PATH, GATE1 = "/org/pamjit/Gate1", "org.pamjit.Gate1"


def gate_call(member: str, signature: str = "", values=(), path: str = PATH, interface: str = GATE1, **keys):
    return lambda c: c.message(1, {1: ("o", path), 2: ("s", interface), 3: ("s", member)}, signature, values, **keys)


def raw(data: bytes):
    return lambda c: data


def cut(make, at: int, byte: int):
    """The message with one byte of its header replaced."""
    def made(connection):
        data = bytearray(make(connection))
        data[at] = byte
        return bytes(data)
    return made


CONTEXT = {"service": ("s", "sudo"), "phase": ("s", "account"), "user": ("ay", b"alice")}
GOOD = gate_call("Submit", "a{sv}", [CONTEXT])
TYPED = {  # well-formed calls: answered with a name
    "no such method": gate_call("Nothing"), "wrong path": gate_call("Submit", path="/x"), "wrong interface": gate_call("Submit", interface="a.b"),
    "no arguments": gate_call("Submit"), "no descriptors": GOOD, "one string": gate_call("Submit", "s", [""]),
    "array of strings": gate_call("Submit", "as", [[""] * 1000]), "depth 64": gate_call("Submit", "a{sv}", [{"service": nested(60)}]),
    "empty key": gate_call("Submit", "a{sv}", [{"": ("s", "")}]),
    "bind": gate_call("Bind", "a{sv}", [{}]), "bind nothing": gate_call("Bind"), "resume": gate_call("Resume", "s", [""]),
    "resume bytes": gate_call("Resume", "ayay", [b"", b""]), "many keys": gate_call("Submit", "a{sv}", [{f"k{i}": ("y", 0) for i in range(9000)}]),
    "detach before": gate_call("Detach"), "withdraw with": gate_call("Withdraw", "ay", [bytes(100_000)]),
    "deep arrays": gate_call("Submit", nested_arrays(32)[0], [nested_arrays(32)[1]]),
}
BROKEN = {  # no message at all: the connection is closed
    "garbage": raw(os.urandom(4096)), "zeros": raw(bytes(4096)), "version 9": cut(GOOD, 3, 9), "big endian": cut(GOOD, 0, ord("B")),
    "endian x": cut(GOOD, 0, ord("x")), "type 0": cut(GOOD, 1, 0), "serial 0": cut(cut(GOOD, 8, 0), 9, 0),
    "128 MiB body": raw(struct.pack("<cBBBIII", b"l", 1, 0, 1, 128 << 20, 1, 8) + bytes(64)),
    "128 MiB fields": raw(struct.pack("<cBBBIII", b"l", 1, 0, 1, 8, 1, 128 << 20) + bytes(64)),
    "4 GiB": raw(struct.pack("<cBBBIII", b"l", 1, 0, 1, 0xffffffff, 1, 0xffffffff) + bytes(64)),
    "path that is none": lambda c: c.message(1, {1: ("o", "x//"), 3: ("s", "Submit")}), "empty member": lambda c: c.message(1, {1: ("o", PATH), 3: ("s", "")}),
    "no path": lambda c: c.message(1, {3: ("s", "Submit")}), "path as number": lambda c: c.message(1, {1: ("u", 7), 3: ("s", "Submit")}),
    "array past the end": lambda c: GOOD(c)[:-60] + b"\xff\xff\xff\x7f" + GOOD(c)[-56:],
    "descriptors that are not there": gate_call("Submit", "a{sv}hhh", [CONTEXT, 7, 8, 9]), "depth 70": gate_call("Submit", "a{sv}", [{"service": nested(70)}]),
}


def at_the_gate(make) -> str:
    """What the gate answers: an error's name, or how it ended."""
    gate = wire.Connection(wire.GATE, hello=False)
    try:
        gate.send(make(gate))
        kind, fields, values = gate.receive(5)
        return fields.get(4, "") if kind == 3 else f"type {kind}: {values}"
    except wire.Error as error:
        return error.name
    except ConnectionError:
        return "closed"
    finally:
        gate.close()


def test_the_gate_names_what_is_wrong():
    for name, make in TYPED.items():
        got = at_the_gate(make)
        check(got.startswith("org.pamjit.Error."), f"{name}: {got}")
    is_well("wrong calls at the gate")


def test_the_gate_hangs_up_on_what_is_no_message():
    for name, make in BROKEN.items():
        got = at_the_gate(make)
        check(got == "closed" or got.startswith("org.pamjit.Error."), f"{name}: {got}")
    is_well("broken messages at the gate")


def test_a_flood_at_the_gate():
    chance = random.Random(64)
    makers = [m for n, m in (TYPED | BROKEN).items() if n not in ("many keys", "withdraw with")]
    for i in range(FLOOD_GATE):
        got = at_the_gate(makers[i] if i < len(makers) else chance.choice(makers))
        check(got == "closed" or got.startswith("org.pamjit.Error."), got)
    is_well("the flood at the gate")


bedlib.main(globals())
