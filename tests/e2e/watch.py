# SPDX-License-Identifier: Apache-2.0
"""`jitctl watch` in a real terminal (tmux): what stands on bob's screen as people ask, and what his keys do."""
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time

import bedlib
import story
from bedlib import WAIT_S, Failed, Terminal, check
from polkit import start_polkit

CONF = "/tmp/watch.tmux"
TMUX = ["tmux", "-L", "watch", "-f", CONF]
ENTER, ESCAPE, DOWN = "\r", "\x1b", "\x1b[B"
LEFT = r"(?:\d+m)?(?:\d+s)?(?<=[ms])"
story.MASKS = (*story.MASKS, (r'"[a-z]+ [a-z]+"', '"<two words>"'))
MASKS = (
    (rf"(?m)^([> ] [0-9a-f]{{8}} .*? )({LEFT})(?: +|$)", r"\1<left> "),  # a row's time, with its padding
    (r"LEFT +COMMAND", "LEFT COMMAND"),
    (r"code: [a-z]+ [a-z]+", "code: <two words>"),
    (r"login uid: \w+", "login uid: <uid>"),  # where the kernel lets one be set
    (r"risk: .*", "risk: <card>"),
)


class Pane:
    """A tmux of one person, with a program in it. Never sleeps: what changes on it wakes us."""

    def __init__(self, s, command, width=80, height=24):
        with open(CONF, "w", encoding="utf-8") as f:
            f.write("set -g status off\nset -g escape-time 10\nset -g default-terminal screen\n")
        self.s = s
        shell = f"echo before; {command}; echo left with $?; stty -a | grep -ow -e '-*icanon' -e '-*echo' | xargs; exec cat"
        self.tmux = Terminal("bob", [*TMUX, "new-session", shell], env={"TERM": "xterm"})
        s.programs.append(self.tmux)
        self.resize(width, height)

    def ready(self):
        """Whoever asks from now on is news."""
        self.expect("nobody waits")
        return self

    def resize(self, width, height):
        fcntl.ioctl(self.tmux.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def screen(self, *options):
        return bedlib.run("bob", [*TMUX, "capture-pane", "-p", *options]).out

    def expect(self, *whats, options=(), seconds=WAIT_S):
        """Waits until each of these stands on the screen; gives all of it."""
        end = time.monotonic() + seconds
        while True:
            screen = self.screen(*options)
            if all(re.search(what, screen, re.M) for what in whats):
                return screen
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.tmux.master], [], [], left)[0]:
                raise Failed(f"{whats} did not come; the screen:\n{screen}")
            self.tmux._read(0)

    def type(self, text, shown=""):
        self.s.lines.append(f"-- bob types {shown or text}")
        self.tmux.type(text)

    def see(self, *whats):
        """The same, and the screen goes into the transcript."""
        screen = self.expect(*whats)
        for pattern, stands_for in MASKS:
            screen = re.sub(pattern, stands_for, screen)
        screen = re.sub("  +", "  ", story.masked(screen)).rstrip("\n")
        # What stands on the last lines stands there because of the empty ones.
        screen = re.sub(r"\n(\n{3,})", lambda empty: f"\n({len(empty[1])} empty lines)\n", screen)
        self.s.lines += [f"bob| {line}".rstrip() for line in screen.split("\n")]

    def give(self, password, answer):
        """Types the password that is asked for; pkttyagent may throw away what comes before it stops the echo: then once more."""
        self.expect("^Password:")
        self.s.lines.append("-- bob types a password")
        for _ in range(10):
            self.tmux.type(password + ENTER)
            try:
                return self.expect(answer, seconds=5)
            except Failed:
                check("Password:" in self.screen(), self.screen())
        raise Failed(self.screen())

    def child(self):
        """The process id of jitctl."""
        return int(bedlib.run("root", ["pgrep", "-n", "-x", "-u", "bob", "jitctl"]).out)

    def left(self, code=0, said=""):
        """The program has ended so, and the terminal is as it was."""
        screen = self.expect("^left with", "icanon|echo")
        check(screen.strip() == f"before\n{said}left with {code}\nicanon echo", f"after the end:\n{screen}")


def deny(s):
    bob = Pane(s, "jitctl watch")
    bob.see("nobody waits")
    alice = s.terminal("alice", "sudo id -un")
    s.see(alice, "waiting")
    bob.see("new: .* of alice", "1 request waits")
    bob.type(ENTER, "enter")
    bob.see("^request: [0-9a-f]{32}$", r"^deadline: ")
    bob.type("d")
    bob.expect("^deny [0-9a-f]{8}, why:$")
    bob.type(ENTER, "enter")
    bob.expect("^say why")
    bob.type("not during the release")
    bob.expect("why: not during the release$")
    bob.type(ENTER, "enter")
    bob.see("^reason: not during the release$", "y sends")
    bob.type("y")
    s.end(alice)
    bob.expect("^state: denied")
    bob.type(ESCAPE, "escape")
    bob.see("^decided: 1$", "denied by bob: not during the release$", "q leave")
    bob.type("q")
    bob.left()


def approve(s):
    bob = Pane(s, "jitctl watch").ready()
    alice = s.terminal("alice", "sudo id -un")
    s.see(alice, "waiting")
    bob.expect("1 request waits")
    bob.type("a")
    bob.expect("^approve [0-9a-f]{8}, why .or enter.:$")
    bob.type(ESCAPE, "escape")
    bob.expect("^nothing was sent$")
    bob.type("a")
    bob.expect("^approve ")
    bob.type("caf\u00e9 disk")
    bob.expect("caf\u00e9 disk$")
    bob.type(ENTER, "enter")
    bob.see("^reason: caf\u00e9 disk$", "y sends")
    bob.type("y")
    s.end(alice)
    bob.see("^approved: alice may", "approved by bob")
    # Another approver takes it back: that is news, with who and why.
    s.did("carol", "jitctl revoke --user alice -m 'laptop stolen'")
    bob.see("taken back by carol: laptop stolen$")
    bob.type("\x03", "^C")
    bob.left()


def code(s):
    """The rule wants the code that only alice's terminal shows."""
    with bedlib.policy_with('by-sre   = { need', "by-sre   = { match = true, need"):
        bob = Pane(s, "jitctl watch").ready()
        alice = s.terminal("alice", "sudo id -un")
        typed = alice.expect(r"by voice: (\d+ \d+)")[1]
        bob.expect("1 request waits")
        bob.type("a")
        bob.expect("^approve [0-9a-f]{8}, their code:$")
        bob.type("000000" if typed != "000 000" else "111111", "a wrong code")
        bob.type(ENTER, "enter")
        bob.expect("why .or enter.:$")
        bob.type(ENTER + "y", "enter, y")
        bob.expect("their code: ", "code")
        bob.type("\x15" + typed + ENTER, "^U and the code, enter")
        bob.expect("why .or enter.:$")
        bob.type(ENTER, "enter")
        bob.expect("y sends")
        bob.type("y")
        alice.expect("^root$")
        check(alice.wait() == 0, alice.text)
        bob.expect("approved: alice may")
        check(typed not in bob.screen() and typed.replace(" ", "") not in bob.screen(), "the code is on bob's screen")
        bob.type("q")
        bob.left()


def password(s):
    """Where polkit is, a yes asks for bob's password on the terminal as it was; a no does not."""
    polkit = start_polkit()
    try:
        bob = Pane(s, "jitctl watch").ready()
        alice = s.terminal("alice", "sudo id -un")
        s.see(alice, "waiting")
        bob.expect("1 request waits")
        bob.type("aok" + ENTER, "aok, enter")
        bob.expect("y sends")
        bob.type("y")
        bob.give("not it", "^approve [0-9a-f]{8}, why")
        bob.see("^approve [0-9a-f]{8}, why .or enter.: ok$", "password")
        bob.type(ENTER, "enter")
        bob.expect("y sends")
        bob.type("y")
        bob.give("bob", "approved: alice may")
        s.end(alice)
        bob.see("^decided: 1$", "^approved: alice may")
        bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "done"])  # alice is root no more: a vote by uid counts
        second = s.terminal("alice", "sudo -k id -un")
        s.see(second, "waiting")
        bob.type("q")
        bob.expect("^left with 0", "^icanon echo$")
        # Nobody types one: the key that ends the program ends the agent too.
        bob = Pane(s, "jitctl watch")
        bob.expect("1 request waits")
        bob.type("a" + ENTER + "y", "a, enter, y")
        bob.expect("^Password:")
        bob.type("\x03", "^C")
        bob.expect("^left with 0", "^icanon echo$")
        again = Pane(s, "jitctl watch")
        again.expect("1 request waits")
        again.type("dno" + ENTER + "y", "dno, enter, y")
        s.end(second)
        again.see("denied by bob: no$")
        again.type("q")
        again.left()
    finally:
        polkit.terminate()
        polkit.wait()


def sizes(s):
    """Any size of the window, with and without colour."""
    bob = Pane(s, "NO_COLOR=1 jitctl watch").ready()
    alice = s.terminal("alice", "sudo id -un")
    s.see(alice, "waiting")
    bob.expect("^> [0-9a-f]{8} alice")
    bob.resize(44, 10)
    bob.see("^enter details  a/d approve/deny  q leave\n*$")
    bob.resize(39, 10)
    bob.see("^make the window larger\n*$")
    bob.resize(200, 50)
    bob.see("^up/down choose .* q leave\n*$")
    bob.resize(80, 24)
    bob.expect("^up/down choose .* q leave\n*$")
    painted = bob.expect("> [0-9a-f]{8} alice", options=["-e"])
    codes = {code for one in re.findall(r"\x1b\[([0-9;]*)m", painted) for code in one.split(";")}
    check("7" in codes and codes <= {"", "0", "7", "27", "39", "49"}, f"painted with {codes}: {painted!r}")
    bob.type("q")
    bob.left()
    coloured = Pane(s, "jitctl watch")
    coloured.expect("1 request waits")
    coloured.type("dno" + ENTER, "dno, enter")
    coloured.expect("y sends")
    coloured.type("y")
    coloured.expect("^decided: 1$", "denied by bob: no$")
    s.end(alice)
    coloured.type(DOWN, "down")
    check("\x1b[1m" in coloured.screen("-e"), "headings are bold where colour is wanted")
    os.kill(coloured.child(), signal.SIGTERM)
    coloured.left()


def away(s):
    """The broker goes and comes back: said, and what was decided meanwhile is found out."""
    bob = Pane(s, "jitctl watch").ready()
    alice = s.terminal("alice", "sudo id -un")
    s.see(alice, "waiting")
    bob.expect("1 request waits")
    bedlib.broker.kill()
    s.note("the broker is killed")
    bob.expect("^the broker has left; waiting for it to come back$")
    bedlib.broker.start()
    bob.see("^the broker is back$", "1 request waits")
    bob.type("dnot today" + ENTER, "dnot today, enter")
    bob.expect("y sends")
    bob.type("y")
    s.end(alice)
    bob.type("q")
    bob.left()


def hang_up(s):
    """The terminal's window is closed: nothing is left running."""
    bob = Pane(s, "jitctl watch").ready()
    pidfd = os.pidfd_open(bob.child())
    bedlib.run("bob", [*TMUX, "kill-session"])
    check(select.select([pidfd], [], [], WAIT_S)[0], "jitctl runs on without a terminal")
    s.note("the window was closed: nothing runs on")
    os.close(pidfd)


def bus_gone(s):
    """An error is said on the terminal as it was before."""
    bob = Pane(s, "jitctl watch").ready()
    with open(f"{bedlib.BED}/dbus.pid", encoding="ascii") as f:
        os.kill(int(f.read().split()[0]), signal.SIGKILL)
    bob.left(4, "jitctl: the system bus has gone: start jitctl again when it is back\n")
    s.note("the bus went away: said where the inbox was")
    subprocess.run(["dbus-daemon", "--system", "--fork", "--nopidfile", "--nosyslog"], check=True)
    bedlib.broker.restart()


def plain(s):
    """Where nothing can be drawn, or nobody reads keys, it is lines."""
    alice = s.terminal("alice", "sudo id -un")
    s.see(alice, "waiting")
    line = "Z [0-9a-f]{8} pending alice.* sudo as root.*: id -un"
    for terminal, command in ("dumb", "jitctl watch"), ("no-such-terminal", "jitctl watch"), ("xterm", "jitctl watch </dev/null"), \
            ("xterm", "jitctl watch | cat"), ("xterm", "jitctl watch --json"), ("xterm", "bash -ic 'jitctl watch & wait'"):
        with Terminal("bob", command, env={"TERM": terminal}) as bob:
            bob.expect('^{"id".*"state":"pending"' if "--json" in command else line)
            s.note(f"TERM={terminal} {command}: a line")
            check("\x1b[H" not in bob.text and "\x1b[2J" not in bob.text, f"{terminal}: {command} drew: {bob.text!r}")


story.main("watch", {"deny": deny, "approve": approve, "code": code, "password": password, "sizes": sizes, "away": away, "hang-up": hang_up,
                     "plain": plain, "bus-gone": bus_gone})
