# SPDX-License-Identifier: Apache-2.0
"""Pages of docs/howto, typed as they stand. A line "# ..." is root's; "alice$ ..." is typed by alice at a terminal of her own, where she logged in
when the page first names her. "# exits N" behind a command says what its exit code is to be; ID is the request that waits."""
import contextlib
import pathlib
import re
import subprocess

import bedlib
import relaylib
from bedlib import check, run
from booted import logged_in, shell, until

PAGES = pathlib.Path(__file__).resolve().parents[2] / "docs/howto"
# What a command says when it has ended, when it wants something, and when it waits for people: the starter policies want signed votes, so
# there is a prompt in each wait.
ASKED = r"\bcode=(\d+)|[Rr]eason[^\n]*: ?$|Vote code, or Enter to wait|Press Enter[^\n]*: ?$|^asked: |[Pp]assword[^\n]*: ?$"


def lines(page: str, title: str = "") -> list:
    """Each line of the page, or of one section of it: who types it, the command, the exit code that it is to have."""
    text = (PAGES / page).read_text(encoding="utf-8")
    if title:
        text = text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    found = []
    for who, command in re.findall(r"^    (#|[a-z]+\$) (.+)$", text, re.M):
        exits = re.search(r"# exits (\d+)", command)
        found.append((who.rstrip("$"), re.sub(r"\s+# .*$", "", command), int(exits[1]) if exits else 0))
    check(found != [], f"{page}, {title}: no command")
    return found


def root(command: str, code: int = 0, folder: str = "/root") -> str:
    done = subprocess.run(["/bin/bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})
    check(done.returncode == code, f"{command}: exit code {done.returncode}, not {code}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout + done.stderr


def waiting() -> list:
    return [r["id"][:8] for r in bedlib.jitctl("root", "requests", "--all") if r["state"] in ("pending", "detached")]


class Desk:
    """One terminal of somebody's."""

    def __init__(self, terminal, reason: str, password: str) -> None:
        self.terminal, self.reason, self.password, self.code = terminal, reason, password, None

    def type(self, command: str, code: int) -> None:
        self.command, self.code, self.began = command, code, self.terminal.seen
        self.terminal.line(command + "; echo code=$?")

    def goes_on(self) -> bool:
        """Gives what is asked for, until the command has ended (False) or waits for people (True)."""
        while True:
            found = self.terminal.expect(ASKED)
            if found[1]:
                check(int(found[1]) == self.code, f"{self.command}: exit code {found[1]}, not {self.code}\n{self.terminal.text[self.began:]}")
                self.code = None
                return False
            if found[0].startswith(("Vote", "Press")):
                self.terminal.line("")
                return True
            if found[0].startswith("asked"):
                return True
            self.terminal.line(self.password if "assword" in found[0] else self.reason)

    def end(self) -> str:
        """Of the command that waited; what it said."""
        while self.code is not None:
            self.goes_on()
        return self.terminal.text[self.began:self.terminal.seen]


class Typing:
    """A page being typed. `at`: how somebody comes to a terminal, where that is not a login by ssh; `folder`: where root is."""

    def __init__(self, reason: str = "as agreed", folder: str = "/root", at: dict | None = None, password: str = "") -> None:
        self.reason, self.folder, self.at, self.password = reason, folder, at or {}, password
        self.stack, self.desks = contextlib.ExitStack(), {}

    def __enter__(self):
        return self

    def __exit__(self, *what):
        return self.stack.__exit__(*what)

    def desk(self, who: str) -> Desk:
        """A terminal of theirs at which nothing waits; the second one, where they wait at the first."""
        for desk in self.desks.setdefault(who, []):
            if desk.code is None:
                return desk
        terminal = self.stack.enter_context(self.at.get(who, logged_in)(who))
        self.desks[who].append(Desk(terminal, self.reason, self.password))
        return self.desks[who][-1]

    def waits(self, who: str) -> bool:
        return any(desk.code is not None for desk in self.desks.get(who, []))

    def settle(self) -> str:
        """What waits is waited for; what it said."""
        return "".join(desk.end() for desks in self.desks.values() for desk in desks if desk.code is not None)

    def type(self, these: list, more: bool = False) -> str:
        """What was said in answer. What still waits when root types, or when there is no more to type, is waited for."""
        said = ""
        for who, command, code in these:
            if re.search(r"\bID\b", command):
                command = re.sub(r"\bID\b", until("a request", waiting)[0], command)
            if who == "#":
                said += self.settle()
                said += root(command, code, self.folder)
                continue
            if self.waits(who) and not waiting():  # answered: it goes on by itself
                said += self.settle()
            desk = self.desk(who)
            desk.type(command, code)
            if not desk.goes_on():
                said += desk.end()
        return said if more else said + self.settle()


def admins(*users: str, others: tuple = ()) -> None:
    """As any host has them: keys, a password, the group sudo, sshd. `others` are no admins."""
    shell("test -e /root/key || ssh-keygen -q -N '' -t ed25519 -f /root/key; echo '%sudo ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/admins")
    for user in (*users, *others):
        if subprocess.run(["id", user], capture_output=True, check=False).returncode != 0:
            shell(f"useradd -m -s /bin/bash {user}")
        shell(f"echo {user}:{user} | chpasswd; install -d -m 700 -o {user} -g {user} /home/{user}/.ssh"
              f"; install -m 600 -o {user} -g {user} /root/key.pub /home/{user}/.ssh/authorized_keys")
        if user in users:
            shell(f"usermod -aG sudo {user}; test -e /home/{user}/.ssh/id_ed25519 || runuser -u {user} -- ssh-keygen -q -N '' -t ed25519 -f /home/{user}/.ssh/id_ed25519")
    pathlib.Path("/etc/ssh/sshd_config").write_text("Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n", encoding="ascii")
    shell("mkdir -p /run/sshd; ssh-keygen -A >/dev/null; systemctl restart ssh")


def people(*users: str) -> None:
    """Enrolled as first-host.md says."""
    these = [line for line in lines("first-host.md") if "people" in line[1]]
    for who, command, code in these[:2]:
        check(who == "#", command)
        root(command.replace("alice alice bob bob", " ".join(f"{user} {user}" for user in users)), code)
    for user in users:
        root(these[2][1].replace("alice", user))


def quiet(terminal) -> None:
    terminal.line("PS1='; '; stty -echo; echo begin=$$")
    terminal.expect(r"^begin=\d+")


@contextlib.contextmanager
def on_a_laptop(user: str):
    """A terminal of somebody's that is not on this host: no login here."""
    with bedlib.Terminal(user, ["bash", "--norc"], login=False) as terminal:
        quiet(terminal)
        yield terminal


def a_laptop(*hosts: str) -> None:
    """Somebody with root's key; these names lead here."""
    shell(f"id laptop >/dev/null 2>&1 || useradd -m -s /bin/bash laptop; install -d -m 700 -o laptop /home/laptop/.ssh; install -m 600 -o laptop /root/key /home/laptop/.ssh/id_ed25519"
          f"; printf 'StrictHostKeyChecking accept-new\n' >/home/laptop/.ssh/config; echo 127.0.0.1 {' '.join(hosts)} >>/etc/hosts")


def a_relay_server(config: str = "/root/relay/node-1.conf") -> None:
    """What is left to whoever runs relay.example.org."""
    relaylib.certificates("/var/lib/nats", "relay.example.org")
    shell(f"cat /var/lib/nats/ca.crt >>/etc/ssl/certs/ca-certificates.crt; systemd-run --quiet --unit=test-nats nats-server -c {config}")
    until("the relay's server", lambda: "is ready" in shell("journalctl -b -u test-nats --no-pager"))


def fresh() -> None:
    """A host on which the packages have just been installed."""
    shell("test ! -d /etc/jit/setup || jitctl setup --undo >/dev/null; systemctl stop jit-broker.socket jit-broker.service jit-enforcer.socket jit-enforcer.service"
          "; rm -rf /etc/jit /var/lib/jit /run/jit-broker /root/new /etc/ssh/sshd_config.d/jit.conf; systemctl daemon-reload; systemd-sysusers; systemd-tmpfiles --create 2>/dev/null || true"
          "; busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig >/dev/null; systemctl start jit-broker.socket jit-enforcer.socket jit-broker.service; systemctl reset-failed ssh 2>/dev/null || true; systemctl restart ssh")
    until("a broker", lambda: run("root", ["jitctl", "status"]).code == 0)
