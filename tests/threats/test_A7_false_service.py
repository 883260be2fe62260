# SPDX-License-Identifier: Apache-2.0
"""A7: somebody else takes the broker's place, on the bus or at the gate. Nobody believes him."""
# bed: --no-sshd
import functools
import os
import socket

import bedlib
import wire
from bedlib import broker, check, within

DENIED_S = 5


def test_the_name_cannot_be_owned_by_others():
    broker.stop()

    def own():
        try:
            return wire.Connection().call(*wire.BUS, "RequestName", "su", [wire.NAME, 4])
        except wire.Error as error:
            return error.name

    for user in "alice", "nobody", "daemon":
        answer = bedlib.as_user(user, own)
        check(str(answer).endswith("AccessDenied"), f"{user} asked for the name: {answer}")
    broker.start()


def test_jitctl_checks_who_owns_the_name():
    broker.stop()
    loose = "/usr/share/dbus-1/system.d/org.pamjit.loose.conf"
    with open(loose, "w", encoding="ascii") as f:
        f.write(f'<busconfig><policy context="mandatory"><allow own="{wire.NAME}"/><allow send_destination="{wire.NAME}"/>'
                "</policy></busconfig>")
    wire.Connection().call(*wire.BUS, "ReloadConfig")
    ready, go = os.pipe()
    child = os.fork()
    if child == 0:  # alice's own "broker", which says yes to everything
        bedlib.become("alice")
        bus = wire.Connection()
        bus.call(*wire.BUS, "RequestName", "su", [wire.NAME, 4])
        os.write(go, b"!")
        while True:
            kind, fields, _ = bus.receive(60)
            if kind == 1:
                answer = {5: ("u", fields["serial"]), 6: ("s", fields[7])}
                bus.send(bus.message(2, answer, "ay", [b'{"state":"approved","id":"00000000000000000000000000000000"}']))
    check(os.read(ready, 1) == b"!", "the false broker is not there")
    try:
        for words in ["status"], ["requests"], ["approve", "00000000"], ["request", "--reason", "x"]:
            program = within(DENIED_S, lambda _, words=words: bedlib.run("bob", ["jitctl", *words]))
            check(program.code == 4 and program.err.count("\n") == 1, f"jitctl {words}: exit {program.code}: {program.text}")
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.unlink(loose)
        wire.Connection().call(*wire.BUS, "ReloadConfig")
        broker.start()


def denied_behind(listener: str, _watch) -> None:
    with bedlib.Terminal("alice", "sudo id -un") as alice:
        code = alice.wait()
    check(code == 1 and "root" not in alice.text.split(), f"{listener} behind the gate: exit {code}: {alice.text}")


def test_the_module_wants_root_behind_the_gate():
    broker.stop()
    broker.close()
    open_to_all = "/run/open"  # the same file system as the gate
    os.mkdir(open_to_all)
    os.chmod(open_to_all, 0o1777)
    for listener in "alice", "_jit":
        path = f"{open_to_all}/gate-{listener}"
        ready, go = os.pipe()
        child = os.fork()
        if child == 0:
            bedlib.become(listener, login=False)
            s = socket.socket(socket.AF_UNIX)
            s.bind(path)
            os.chmod(path, 0o666)
            s.listen(8)
            os.write(go, b"!")
            while True:
                peer, _ = s.accept()
                peer.recv(4096)
        os.read(ready, 1)
        os.rename(path, wire.GATE)
        try:
            within(DENIED_S, functools.partial(denied_behind, listener))
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)
            os.unlink(wire.GATE)
    broker.listen()
    broker.start()


bedlib.main(globals())
