# SPDX-License-Identifier: Apache-2.0
"""H5: the broker is restarted, killed or frozen while people wait at every door. They go on, or are denied; none hangs."""
import contextlib

import bedlib
import wire
from bedlib import Inbox, broker, check

DOORS = {
    "sudo": ["sudo", "id", "-un"], "su": ["su", "-c", "id -un"],
    "ssh": ["ssh", "-p", "2223", "alice@127.0.0.1", "id", "-un"],
    "ssh by key": ["ssh", "-p", "2222", "alice@127.0.0.1", "id", "-un"],  # that waits, for the admin says so below
    "login": [],
}


@contextlib.contextmanager
def start(door: str):
    if door == "login":
        with bedlib.console("alice") as terminal:
            terminal.expect("waiting")
            terminal.line("exec id -un")  # for the shell, once there is one
            yield terminal
        return
    with bedlib.Terminal("alice", DOORS[door]) as terminal:
        if door == "su":
            terminal.expect("Password: ")
            terminal.line("root")
        if door == "ssh":
            terminal.expect("Enter")
            terminal.line()
        yield terminal


def run_with(restart) -> None:
    for door in DOORS:
        with Inbox() as inbox, start(door) as terminal:
            request = inbox.new("alice")["id"]
            restart()
            bedlib.jitctl("bob", "approve", request)
            check(terminal.wait() == 0 and terminal.text.split()[-1] in ("root", "alice"), f"{door}: {terminal.text}")
        bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "next"])


def test_restarts_are_survived():
    run_with(broker.restart)


def test_kills_are_survived():
    def kill():
        broker.kill()
        broker.start()

    run_with(kill)


def test_freezes_are_survived():
    def freeze():
        broker.sigstop()
        asks = bedlib.Pipe("dave", "sudo -n id")  # somebody wants something of it meanwhile
        broker.sigcont()
        check(asks.wait() != 0, asks.text)

    run_with(freeze)


def test_many_restarts():
    def often():
        for _ in range(5):
            broker.restart()

    run_with(often)


def test_a_wrong_secret_resumes_nothing():
    with Inbox() as inbox, start("sudo") as terminal:
        request = inbox.new("alice")["id"]
        broker.kill()
        broker.start()
        for secret in "0" * 32, "", "x" * 32, "f" * 64:
            gate = wire.Connection(wire.GATE, hello=False)
            try:
                answer = gate.gate("Resume", "ss", request, secret)[0]
            except wire.Error as error:
                answer = error.name
            check(answer != "pending" and answer != "allow", f"secret {secret!r}: {answer}")
            gate.close()
        bedlib.jitctl("bob", "approve", request)
        check(terminal.wait() == 0, terminal.text)


bedlib.pam_options("sshd", "account", "budget=60")
bedlib.main(globals())
