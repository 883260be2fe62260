# SPDX-License-Identifier: Apache-2.0
"""For autopkgtest (debian/tests): the life of a gated host on the installed packages. sudo, ssh and login set up and confirmed through the gate, a
login and a sudo that somebody approves, the end of a grant, an upgrade, a new boot, the removal. After each, root gets in at a text console."""
import contextlib
import os
import pathlib
import shutil

import bedlib
import booted
import packages
import typed
from bedlib import check, run
from booted import boot_ms, permit, root_shell, shell, until
from packages import root_gets_in

GIVEN_MS = 8000
POLICY = (permit("in", "alice", "ssh login", "alice", 'approval = "bob"', 'max = "1d"')
          + permit("root", "alice", "sudo", "root", 'approval = "bob"', f'give = "{GIVEN_MS // 1000}s"', 'max = "10m"'))
BARE = pathlib.Path("/root/pam.d.before")  # it outlives the boot
OURS = [name for name in packages.NAMES if packages.is_here(name)]


def approve() -> None:
    request = until("a request", typed.waiting)[0]
    done = run("bob", ["jitctl", "approve", request, "-m", "as agreed"])
    check(done.code == 0, done.text)


def ssh() -> bedlib.Terminal:
    """As sshd asks for the password behind the key."""
    terminal = booted.ssh("alice", "-tt")
    terminal.expect("[Pp]assword: ?$")
    terminal.line("alice")
    return terminal


@contextlib.contextmanager
def let_in(terminal, at_ssh: bool = True):
    """A shell behind this login, which waits for bob's yes."""
    with terminal:
        terminal.expect("waiting for approval")
        if at_ssh:  # it shows nothing but what it asks
            terminal.expect("Press Enter to wait[^\n]*: ")
            terminal.line()
        approve()
        terminal.expect(r"\$ $")
        typed.quiet(terminal)
        yield terminal


def confirm_in(terminal) -> str:
    """Its sudo waits for a yes of its own."""
    terminal.line("sudo jitctl setup --confirm; echo code=$?")
    approve()
    terminal.expect("^code=0")
    return terminal.text


def gated(before: dict) -> None:
    check(packages.pam_files() == before, "a PAM file is not as it was")
    check(run("alice", ["sudo", "-n", "true"]).code != 0, "alice is root without being asked about")
    with let_in(ssh()):
        pass
    root_gets_in()


def test_sudo_and_ssh() -> None:
    shutil.copytree("/etc/pam.d", BARE)
    done = run("root", ["jitctl", "setup", "sudo", "ssh"])
    check(done.code == 0 and "In 10 minutes" in done.text, done.text)
    root_gets_in()
    with let_in(ssh()) as alice:
        check("confirmed: sudo, ssh stay gated" in confirm_in(alice), alice.text)
        began, grant = boot_ms(), booted.grant_of("alice", "sudo")["id"]
        took = root_shell(alice).ended(GIVEN_MS / 1000 + 10) - began  # under the same grant, at the same terminal
        check(took <= GIVEN_MS + 3000 and booted.entries("grant.ended", grant)[0]["fields"]["end"] == "expired", f"root for {took} ms")
        alice.line("echo alive=$((6*7))")
        alice.expect("alive=42")
    root_gets_in()


def test_login_too() -> None:
    """Confirmed from a login at a console."""
    done = run("root", ["jitctl", "setup", "login"])
    check(done.code == 0 and "tty =~" in pathlib.Path("/etc/pam.d/login").read_text(encoding="utf-8"), done.text)
    with bedlib.console("alice", "/dev/tty2") as console, let_in(console, at_ssh=False) as alice:
        check("confirmed: login stays gated" in confirm_in(alice), alice.text)
    root_gets_in()


def test_an_upgrade() -> None:
    before = packages.pam_files()
    packages.another(packages.FIRST, packages.NEXT)
    packages.done(packages.apt("install", *(path for path in packages.files(packages.NEXT) if pathlib.Path(path).name.split("_")[0] in OURS)))
    check({packages.version_of(name) for name in OURS} == {packages.NEXT}, "not upgraded")
    until("a broker that runs", lambda: run("root", ["jitctl", "status"]).code == 0)
    gated(before)


def a_new_boot() -> None:
    before = packages.pam_files()
    until("a broker that runs", lambda: run("root", ["jitctl", "status"]).code == 0)
    order = shell("systemctl show -p ActiveEnterTimestampMonotonic --value jit-broker.service systemd-user-sessions.service").split()
    check(0 < int(order[0]) <= int(order[1]), f"logins were let in before the broker was there: {order}")
    check("pam_jit" in pathlib.Path("/etc/pam.d/sshd").read_text(encoding="utf-8"), "ssh is gated no longer")
    check(all(g["state"] == "ended" for g in bedlib.all_grants()), "a grant outlived the boot")
    gated(before)


def removed() -> None:
    packages.done(packages.apt("remove", *OURS))
    check(packages.pam_files() == packages.pam_files(BARE), "a PAM file is not as it was before the setup")
    with ssh() as alice:
        alice.expect(r"\$ $")
        alice.line("sudo -n id -u")
        alice.expect("^0$")
    root_gets_in()


if os.environ.get("AUTOPKGTEST_REBOOT_MARK"):
    bedlib.main({"test_a_new_boot": a_new_boot, "test_removed": removed})
typed.admins("alice", "bob")
shell("echo root:root | chpasswd; systemctl --quiet enable ssh")
typed.fresh()
_guard, *sshd = typed.lines("bastion.md")[:4]  # a login by key alone could not wait
for _who, command, code in sshd:
    typed.root(command, code)
typed.people("alice", "bob")
booted.set_policy(POLICY)
shell("jitctl policy reload")
try:
    bedlib.main(globals())
except SystemExit as end:
    if end.code:
        raise
os.execv("/tmp/autopkgtest-reboot", ["autopkgtest-reboot", "gated"])
