# SPDX-License-Identifier: Apache-2.0
"""B9: the remote host's name is a terminal's, a group's, "LOCAL", or very long. It is data to show; rules see the address."""
import json
import subprocess

import bedlib
from bedlib import check

NAMES = ("tty1", "LOCAL", "local", "group:sre", "console", ":0", "x" * 255)
LOCAL_ONLY = """schema = 1
[settings]
covers = ["ssh", "login"]
rescue = ["tty[0-9]*"]
[[permit]]
id   = "local"
who  = ["user:alice"]
door = ["ssh", "login"]
from = ["local"]
max  = "1h"
"""
NEAR = LOCAL_ONLY.replace('from = ["local"]', 'from = ["net:here"]') + '[net]\nhere = ["127.0.0.0/8"]\n'


def sshd_that_asks_for_names() -> None:
    """On port 2224; it believes /etc/hosts, which the attacker's reverse DNS stands for."""
    with open(f"{bedlib.BED}/sshd_config", encoding="ascii") as f:
        text = f.read().split("Match")[0].replace("Port 2222\nPort 2223\n", "Port 2224\nUseDNS yes\n")
    with open(f"{bedlib.BED}/sshd_config.dns", "w", encoding="ascii") as f:
        f.write(text)


def login_over_ssh(name: str, port: str = "2224") -> bedlib.Terminal:
    with open("/etc/hosts", "w", encoding="ascii") as f:
        f.write(f"127.0.0.1 {name} localhost\n")
    with bedlib.Terminal("alice", ["ssh", "-oStrictHostKeyChecking=no", "-p", port, "alice@127.0.0.1", "id", "-un"]) as client:
        client.wait()
        return client


def test_no_name_makes_a_login_local():
    bedlib.set_policy(LOCAL_ONLY)
    for name in NAMES:
        client = login_over_ssh(name)
        check(client.code == 255 and "not allowed" in client.text, f"{name}: exit {client.code}: {client.text}")
    for name in NAMES:
        with bedlib.Terminal("root", ["/bin/login", "-h", name, "alice"], login=False) as console:
            console.expect("Password: ")
            console.line("alice")
            console.expect("not allowed|denied|Login incorrect")


def test_the_address_of_the_socket_decides_whatever_name_it_has():
    bedlib.set_policy(NEAR)
    check(login_over_ssh("localhost", "2222").code == 0, "the address itself")
    for name in NAMES:  # with UseDNS sshd gives the name as PAM_RHOST; nobody matches that
        client = login_over_ssh(name)
        check(client.code == 0, f"{name}: exit {client.code}: {client.text}")
    bedlib.set_policy(NEAR.replace("127.0.0.0/8", "192.0.2.0/24"))
    for name in ("192.0.2.1", *NAMES):
        client = login_over_ssh(name)
        check(client.code == 255 and "not allowed" in client.text, f"{name}: exit {client.code}: {client.text}")


def test_the_log_has_the_address():
    entries = [e for e in bedlib.audit() if e["type"] in ("access.denied", "grant.created")]
    text = json.dumps(entries)
    check(entries and "tty1" not in text and "LOCAL" not in text, text)
    origins = [(e["type"], e["fields"].get("origin")) for e in entries if e["fields"]["door"] == "ssh"]
    for kind in "access.denied", "grant.created":
        check((kind, "127.0.0.1") in origins, f"no {kind} from the address: {origins}")
    check({origin for _, origin in origins} == {"127.0.0.1"}, f"{origins}")


sshd_that_asks_for_names()
sshd = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", f"{bedlib.BED}/sshd_config.dns"], stderr=subprocess.PIPE, text=True)
while "listening" not in sshd.stderr.readline():
    pass
bedlib.main(globals())
