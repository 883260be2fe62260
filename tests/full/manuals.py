#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The EXAMPLES of every manual: files put where they belong, commands typed in the order in which they stand. Those of jit-policy(5) are policies,
which component.manual checks."""
import pathlib
import re
import signal
import sys

import bedlib
import booted
import typed
from bedlib import Terminal, check, run
from booted import logged_in, permit, shell, until
from typed import Typing

PAGES = {path.name: path for folder in ("man1", "man5", "man8") for path in pathlib.Path("/usr/share/man", folder).glob("*")
         if re.match(r"(jit[-c]|pam_jit|sudo_jit)", path.name)}
POLICY = (permit("root", "alice", "sudo su", "root", 'approval = "bob"', 'max = "2h"', 'give = "30m"')
          + permit("in", "alice", "ssh login", "alice", 'max = "1d"') + permit("bob-in", "bob", "ssh login", "bob", 'max = "1d"') + permit("dora", "dora", "sudo", "root", 'approval = "bob"', 'max = "1h"')
          + permit("db", "alice", "sudo", "postgres", 'approval = "bob"', 'require = ["ticket:CHG-######"]', 'unverified-ok = ["as"]', 'max = "1h"')
          + permit("emergency", "alice", "sudo", "root", 'require = ["reason", "review:24h"]', "break-glass = true", 'max = "1h"')
          + '[fact.freeze]\ntype = "bool"\nfresh = "10m"\ninitial = false\nby = ["freeze", "uid:0"]\n'
          + '[fact.patched]\ntype = "bool"\nfresh = "10m"\ninitial = false\nby = ["patched"]\n')


def examples(page: str) -> list:
    """Each block: the file that it is (or nothing, where it is commands), and its text."""
    text = PAGES[page].read_text(encoding="ascii")
    found = re.search(r"^\.SH EXAMPLES\n(.*?)(?=^\.SH |\Z)", text, re.M | re.S)
    check(found, f"{page} has no EXAMPLES")
    out = []
    for path, block in re.findall(r"(?:^\.IR? ([/~]\S+)(?: ,)?\n(?:[^.\n][^\n]*\n)*\.PP\n)?^\.(?:nf|EX)\n(.*?)^\.(?:fi|EE)", found[1], re.M | re.S):
        for troff, plain in (r"\-", "-"), (r"\(dq", '"'), (r"\e", "\\"):
            block = block.replace(troff, plain)
        out.append((path, block))
    check(out != [], f"{page}: nothing in its EXAMPLES")
    return out


def commands(page: str) -> list:
    return [line for path, block in examples(page) for line in block.strip().split("\n") if not path]


def put(path: str, text: str, group: str = "_jit", mode: str = "640") -> None:
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(text, encoding="utf-8")
    shell(f"chgrp {group} {path}; chmod {mode} {path}")


def test_every_page_has_examples_that_are_run_here() -> None:
    for page in PAGES:
        examples(page)
        name = "test_" + re.sub(r"\W", "_", page)
        check(name in globals() or page == "jit-policy.5", f"{page}: nobody runs its EXAMPLES")


def test_jitctl_1() -> None:
    shell("mkdir -p /root/new-etc-jit; cp -a /etc/jit/. /root/new-etc-jit/; rm -rf /root/new-etc-jit/setup; id postgres >/dev/null 2>&1 || useradd -r postgres")
    pathlib.Path("/root/web1.pub").write_text(bedlib.jitctl("root", "status")["host"]["public_key"] + "\n", encoding="ascii")
    put("/etc/jit/facts.d/patched.toml", 'command = ["/bin/echo", "true"]\nfor = "10m"\n', mode="644")
    lines = commands("jitctl.1")
    bob = ("jitctl requests", "jitctl show", "jitctl approve", "jitctl deny", "jitctl review", "jitctl away")
    alice = ("jitctl request ", "jitctl extend", "sudo ")
    with Typing() as page:
        for line in lines:
            who = "alice" if line.startswith(alice) else "bob" if line.startswith(bob) else "#"
            if line.startswith("jitctl deny"):
                check(run("dora", ["jitctl", "request", "--as", "root"]).code == 0, "dora cannot ask")
            if line.startswith("jitctl extend"):
                page.type([("alice", "sudo /usr/bin/apt-get clean", 0)])
                line = line.replace("77c0", booted.grant_of("alice", "sudo")["id"])
            if line == "jitctl requests --owed":
                asked = run("alice", ["jitctl", "request", "--as", "root", "--via", "emergency", "-m", "the disk is full"])
                check(asked.code == 0, asked.text)
                owed = asked.out.split()[0]
                page.type([("alice", "sudo /usr/bin/id", 0)])
            line = line.replace("9b02", owed) if "9b02" in line else line
            if line == "jitctl watch":
                with Terminal("bob", line) as watch:
                    watch.expect("postgresql.service")
                    watch.ctrl_c()
                    check(watch.wait() in (0, -signal.SIGINT), watch.text)
                check(run("alice", ["jitctl", "cancel", typed.waiting()[0]]).code == 0, "not cancelled")
                continue
            if line.startswith("jitctl setup --policy"):
                shell("sed -i '/pam_jit/d' /etc/pam.d/*; mv /etc/jit/policy.d/test.toml /root/")
            code = 1 if line.startswith("jitctl policy replay") else 0
            page.type([(who, re.sub(r"\b3fa1\b", "ID", line), code)], more=True)
            if line.startswith(("jitctl extend", "sudo jitctl")):
                page.type([("bob", "jitctl approve ID -m fine", 0)])
            if line.startswith("jitctl revoke"):
                page.desks.pop("alice")  # her login ended, too
            if line.startswith("jitctl away"):
                check(run("bob", ["jitctl", "away", "--until", "now"]).code == 0, "bob is not back")
    shell("jitctl setup --undo; rm /etc/jit/policy.d/server.toml; mv /root/test.toml /etc/jit/policy.d/; jitctl policy reload; systemctl disable --now jit-fact@patched.timer")
    for service in "sudo", "sudo-i", "su", "sshd", "login":
        booted.gate(service)


def test_jit_verify_1() -> None:
    with Typing() as page:
        page.type([("#", line, 0) for line in commands("jit-verify.1")])


def test_jit_broker_8() -> None:
    with Typing() as page:
        said = page.type([("#", line.replace("status ", "status --no-pager "), 0) for line in commands("jit-broker.8")])
    check("grant.created" in said and "active (running)" in said, said)


def test_jit_enforcer_8() -> None:
    with Typing() as page, logged_in("alice") as alice:
        alice.line("sudo -s")
        alice.expect("Vote code, or Enter to wait")
        alice.line("")
        check(run("bob", ["jitctl", "approve", until("a request", typed.waiting)[0]]).code == 0, "not approved")
        alice.expect(r"[#$] $")
        said = page.type([("#", line.replace("status ", "status --no-pager "), 0) for line in commands("jit-enforcer.8")])
    check(".scope" in said and "grant" in said, said)


def test_jit_broker_toml_5() -> None:
    put("/usr/local/bin/release-freeze", "#!/bin/sh\necho true\n")
    shell("chmod 755 /usr/local/bin/release-freeze")
    for path, text in examples("jit-broker.toml.5"):
        if path:
            put(path, text, mode="644")
    with Typing() as page:
        said = page.type([("#", line, 0) for line in commands("jit-broker.toml.5")])
        until("the fact", lambda: re.search(r"freeze.*true", run("root", ["jitctl", "fact", "list"]).out))
    check("freeze" in said and bedlib.jitctl("root", "status")["host"]["name"] == "web1", said)


def test_jit_people_5() -> None:
    shell("mkdir /root/kept; mv /etc/jit/policy.d /etc/jit/people.d /root/kept/; mkdir -m 750 /etc/jit/policy.d /etc/jit/people.d")
    try:
        for path, text in examples("jit-people.5"):
            if path:
                put(path, text)
        with Typing() as page:
            said = page.type([("#", line, 0) for line in commands("jit-people.5")])
        check("ok: 2 people" in said and "ok: 1 rule" in said and "alice-adm" in said, said)
    finally:
        shell("rm -rf /etc/jit/policy.d /etc/jit/people.d /etc/jit/rosters /etc/jit/calendars; mv /root/kept/* /etc/jit/; rmdir /root/kept")


def test_pam_jit_8() -> None:
    """Where the page says, and doctor finds the doors gated and the rescue line good."""
    shell("sed -i '/pam_jit/d' /etc/pam.d/*")
    (sudo, lines), (login, rescue) = examples("pam_jit.8")
    check((sudo, login) == ("/etc/pam.d/sudo", "/etc/pam.d/login"), f"{sudo} {login}")
    account, session = lines.splitlines()
    for path in sudo, sudo + "-i":
        text = pathlib.Path(path).read_text(encoding="ascii")
        pathlib.Path(path).write_text(text.replace("@include common-account", account + "\n@include common-account", 1).rstrip("\n") + "\n" + session + "\n", encoding="ascii")
    text = pathlib.Path(login).read_text(encoding="ascii")
    text = text.replace("@include common-account", rescue + "@include common-account", 1)
    pathlib.Path(login).write_text(text.replace("@include common-session", rescue.replace("account", "session") + "@include common-session", 1), encoding="ascii")
    for door in "sudo", "login":
        doctor = run("root", ["jitctl", "doctor", "--door", door])
        check(f"{door}\tgated" in doctor.out and "0 holes" in doctor.out and "rescue line" not in doctor.out, doctor.text)


def test_sudo_jit_8() -> None:
    shell("groupadd -f sre; groupadd -f ops; usermod -aG sre bob; usermod -aG ops alice; printf '[Service]\nType=oneshot\nExecStart=/bin/true\n' >/etc/systemd/system/nginx.service; systemctl daemon-reload")
    booted.set_policy("[[permit]]".join(["", *POLICY.split("[[permit]]")[2:]]))  # without "root", which would do for it
    path = pathlib.Path("/etc/jit/policy.d/test.toml")
    path.write_text(path.read_text(encoding="utf-8").replace("[approval]\n", '[approval]\nby-sre = { need = [{ from = "group:sre" }], votes = "signed" }\n'), encoding="utf-8")
    for path, text in examples("sudo_jit.8"):
        if path:
            put(path, text)
    shell("chmod 644 /etc/sudo.conf; chgrp root /etc/sudo.conf")
    try:
        reload, sudo = commands("sudo_jit.8")
        with Typing() as page:
            said = page.type([("#", reload, 0), ("alice", sudo, 0), ("bob", "jitctl show ID", 0), ("bob", "jitctl approve ID -m fine", 0)])
        check("what sudo will run" in said and "sha256:" in said and "group:sre" in said, said)
    finally:
        shell("rm /etc/sudo.conf /etc/jit/policy.d/ops.toml")


def test_jit_notify_8() -> None:
    put("/usr/local/bin/page", "#!/bin/sh\necho \"$1\" >>/var/lib/jit-notify/paged\ncat >>/var/lib/jit-notify/paged\n")
    shell("chmod 755 /usr/local/bin/page")
    (path, text), *_rest = examples("jit-notify.8")
    put(path, text, "_jit-notify")
    restart, test, status = commands("jit-notify.8")
    with Typing() as page:
        page.type([("#", restart, 0)])
        until("the notifier", lambda: run("root", ["jitctl", "notify", "status"]).code == 0)
        said = page.type([("#", test, 0), ("#", status, 0)])
    paged = pathlib.Path("/var/lib/jit-notify/paged").read_text(encoding="utf-8")
    check("pager" in said and paged.startswith("--urgent\n") and "test" in paged, said + paged)


def test_jit_relay_8() -> None:
    host = bedlib.jitctl("root", "status")["host"]
    init, *rest = commands("jit-relay.8")
    typed.a_laptop("relay.example.org")
    with Typing() as page:
        page.type([("#", init, 0)])
        typed.a_relay_server()
        page.type([("#", re.sub(r"[0-9a-f]{32}", host["id"], line), 0 if "status" not in line else 0) for line in rest])


def test_jit_relay_toml_5() -> None:
    put("/etc/jit/relay.creds", pathlib.Path("/root/web1.creds").read_text(encoding="ascii"), "_jit-relay")
    put(*examples("jit-relay.toml.5")[0], "_jit-relay")
    restart, status = commands("jit-relay.toml.5")
    with Typing() as page:
        page.type([("#", restart, 0)])
        until("the relay", lambda: run("root", ["jitctl", "relay", "status"]).code == 0)
        page.type([("#", status, 0)])


def test_jit_approver_toml_5() -> None:
    """alice's request, seen by bob on his machine."""
    (path, text), (_none, command) = examples("jit-approver.toml.5")
    check(path == "~/.config/jit/approver.toml", path)
    text = re.sub(r'key = "ssh-.*"', f'key = "{bedlib.jitctl("root", "status")["host"]["public_key"]}"', text)
    put("/home/bob/.config/jit/approver.toml", text, "bob")
    put("/home/bob/.config/jit/relay.creds", pathlib.Path("/root/bob.creds").read_text(encoding="ascii"), "bob")
    shell("chown -R bob /home/bob/.config; chmod 600 /home/bob/.config/jit/*")
    listed = run("bob", ["/bin/sh", "-c", command])
    check(listed.code == 0 and "not shown" not in listed.text, listed.text)


booted.HEAD = booted.HEAD.replace('[{ from = "user:bob" }]', '[{ from = "user:bob" }], votes = "signed"')
booted.set_up(POLICY)
typed.admins("alice", "bob")
bedlib.main({name: test for name, test in globals().items() if not sys.argv[1:] or name[5:] in sys.argv[1:]})
