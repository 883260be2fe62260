# SPDX-License-Identifier: Apache-2.0
"""C2: sudo -h, another host name, another UTS namespace. The host is its key; its name is only shown, and matches nothing."""
# bed: --no-sshd
import socket

import bedlib
from bedlib import Inbox, broker, check

TAGGED = """schema = 1
[settings]
covers = ["sudo"]
[[permit]]
id    = "elsewhere"
who   = ["user:alice"]
door  = ["sudo"]
as    = ["user:root"]
hosts = ["tag:db"]
max   = "5m"
"""


def host_of_a_request() -> dict:
    with Inbox() as inbox, bedlib.waiting("alice") as alice:
        request = inbox.new("alice")
        alice.ctrl_c()
        alice.wait()
        return request["host"]


def test_the_id_stays_when_the_name_changes():
    before = host_of_a_request()
    name = socket.gethostname()
    socket.sethostname("db-production-1")
    try:
        check(host_of_a_request() == before, "the host changed with its name")
        broker.restart()
        check(host_of_a_request()["id"] == before["id"], "the id changed with the name")
    finally:
        socket.sethostname(name)


def test_no_name_fits_a_rule_for_another_host():
    bedlib.set_policy(TAGGED)
    commands = ("sudo -n id -u", "sudo -n -h db id -u", "sudo -n -h db-production-1 id -u", "sudo --host=db -n id -u")
    for name in "bed", "db", "tag:db":
        socket.sethostname(name)
        broker.restart()
        for command in commands:
            program = bedlib.run("alice", command)
            check(program.code != 0 and program.out.strip() != "0", f"{command} at {name}: {program.text}")
    socket.sethostname("bed")


bedlib.main(globals())
