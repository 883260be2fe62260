# SPDX-License-Identifier: Apache-2.0
"""inside.py BUILD [--quick] [--strict]: the measurements, inside the bed. See README.md for what each figure means."""
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../tests/e2e"]
import bedlib  # noqa: E402
import table  # noqa: E402
import world  # noqa: E402

BUILD, QUICK, STRICT = sys.argv[1], "--quick" in sys.argv, "--strict" in sys.argv
SUDOS = 60 if QUICK else 300
SUBMITS = 400 if QUICK else 3000
CROWD = 100 if QUICK else 1250
EACH = 8               # connections of a user: his quota
APPROVED = 10 if QUICK else 50  # users whose EACH requests are approved
STOPPED = 40 if QUICK else 300
REAL = 5 if QUICK else 20

out = table.Table()


def part(title: str) -> None:
    print(f"{title} ...", flush=True)


def program(name: str, *words) -> object:
    done = subprocess.run([f"{world.PROGRAMS}/{name}", *map(str, words)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


class Pause:
    """bench_pause: a command, its answer."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([f"{world.PROGRAMS}/bench_pause", "bob"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def __call__(self, *words) -> dict:
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"bench: bench_pause ended at: {' '.join(map(str, words))}\n{bedlib.log('broker')[-2000:]}")
        return json.loads(answer)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def stopped(count: int):
    """One user's real su, stopped, for as long as this lasts."""
    process = subprocess.Popen([sys.executable, "-B", f"{HERE}/stopper.py", str(count)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, preexec_fn=lambda: bedlib.become("eve"),
                               env=bedlib.environment("eve"))
    _, held, started = process.stdout.readline().split()
    print(f"  {held} su of one user are stopped; {started} were started", flush=True)
    yield
    process.stdin.close()
    process.wait()


def memory() -> dict:
    """The broker's own memory and what it maps, in bytes."""
    sums = {}
    with open(f"/proc/{bedlib.broker.pid()}/smaps_rollup", encoding="ascii") as f:
        for name, size in re.findall(r"^(\w+):\s+(\d+) kB$", f.read(), re.M):
            sums[name] = int(size) * 1024
    return {"rss": sums["Rss"], "own": sums["Private_Clean"] + sums["Private_Dirty"]}


def sudo(asked, when: str = "") -> list:
    gated, plain, again = program("bench_sudo", SUDOS, "alice", "carol", "carol")
    out.ratio(f"sudo -n true, active grant / pam_permit alone{when}", asked, gated, plain)
    if asked is not None:
        out.ratio("  the same twice with pam_permit alone (noise)", None, again, plain)
    return gated


def submit(asked, when: str = "") -> list:
    times = program("bench_gate", "/run/jit/gate", world.ECHO, world.KNOWING, "alice", SUBMITS)
    out.ratio(f"Submit under an active grant / bare echo{when}", asked, times["gate"], times["echo"])
    if asked is not None:
        out.ratio("  the same / an echo that reads who asks from /proc", None, times["gate"], times["knowing"])
        out.add("  the echo alone, on a connection that stays open", None, table.median(times["echo_open"]) / 1e3, "us")
        out.add("  Bind, the second call of a program that is let through", None, table.median(times["bind"]) / 1e3, "us",
                table.spread(times["bind"]))
    return times["gate"]


def absent(name: str, limit: float) -> None:
    for words in "sudo -n true", "sudo true":
        begin = time.monotonic()
        with bedlib.Terminal("alice", words.split()) as denied:
            code = denied.wait(60)
        took = time.monotonic() - begin
        if code == 0:
            sys.exit(f"bench: {words} was let through: {name}")
        out.add(f"{name}: {words} is denied", limit, took, "s")


def broker_absent() -> None:
    bedlib.broker.sigstop()
    absent("broker stopped", 5)
    bedlib.broker.sigcont()
    bedlib.broker.kill()
    absent("socket there, broker gone", 5)
    bedlib.broker.close()
    absent("no socket", 5)
    bedlib.broker.listen()
    bedlib.broker.start()


def requester_gone() -> None:
    leave = {"kill -9": lambda sudo: sudo.signal(signal.SIGKILL), "Ctrl-C": lambda sudo: sudo.ctrl_c(),
             "terminal closed": lambda sudo: sudo.hang_up()}
    with bedlib.Inbox() as inbox:
        for name, go in leave.items():
            times = []
            for i in range(5):
                with bedlib.waiting("dave", ["sudo", "true", f"{name}{i}"]) as waits:
                    request = inbox.new("dave")["id"]
                    begin = time.monotonic()
                    go(waits)
                    inbox.state(request, "cancelled")
                    times.append(time.monotonic() - begin)
            out.add(f"requester gone ({name}): withdrawn, worst of {len(times)}", 2, max(times), "s")


def real_sudo(pause: Pause) -> None:
    """One that waits on a terminal, from the commit to the first thing its command does."""
    times = []
    with bedlib.Inbox() as inbox:
        for i in range(REAL):
            with bedlib.waiting("dave", ["sudo", "date", f"+%s%N-{i}"]) as waits:
                voted = pause("vote", inbox.new("dave")["id"])
                ran = int(waits.expect(rf"(\d{{19}})-{i}").group(1))
                times.append(ran - (time.time_ns() - time.monotonic_ns()) - voted["commit"])
                waits.wait()
            # While he is root here, no vote without a signature counts for him.
            grant = inbox.until("Grants", lambda g: g["state"] == "active" and g["subject"]["name"] == "dave")["id"]
            bedlib.run("root", ["jitctl", "revoke", grant, "-m", "next"])
    out.add("  a real sudo: commit -> its command runs, median", None, table.median(times) / 1e6, "ms", table.spread(times))


def approvals(pause: Pause, first: int, asked: bool, when: str) -> list:
    times = pause("approve", first, APPROVED, EACH)
    commit = times["commit"]
    out.add(f"commit -> paused program runs on{when}, median", 1 if asked else None, table.median(commit) / 1e6, "ms",
            table.spread(commit))
    out.add(f"commit -> paused program runs on{when}, p99", 5 if asked else None, table.p99(commit) / 1e6, "ms")
    out.add(f"  vote sent -> paused program runs on{when}, median", None, table.median(times["vote"]) / 1e6, "ms",
            table.spread(times["vote"]))
    return commit


def main() -> int:
    world.make(BUILD, CROWD + 3 * APPROVED)
    echo = world.echo()
    with open("/etc/jit/broker.toml", "a", encoding="utf-8") as config:
        config.write("[limits]\nrequests-per-hour = 16384\n")  # one user is measured more often than people ask
    bedlib.broker.restart()

    part("An idle broker")
    with bedlib.Inbox():
        idle = memory()
    out.add("idle broker, resident", 32, idle["rss"] / 2**20, "MiB", f"{idle['own'] / 2**20:.1f} MiB of its own")

    part("A program that is let through")
    sudo(1.25)
    uses = [grant["uses"] for grant in bedlib.jitctl("root", "grants", "--all")]
    if max(uses, default=0) < SUDOS:
        sys.exit(f"bench: sudo did not run under one active grant; uses of each: {uses}")
    submit(1.3)

    part("Nobody answers, nobody asks any more")
    broker_absent()
    requester_gone()

    bedlib.broker.restart()
    pause = Pause()
    approvals(pause, world.FIRST, False, ", nobody else paused")
    waiting = CROWD * EACH
    part(f"{waiting} programs paused")
    before = memory()
    took = pause("hold", world.FIRST + APPROVED, CROWD, EACH)["seconds"]
    after = memory()
    out.add(f"{waiting} programs are paused after", None, took, "s", f"{waiting / took:.0f} a second")
    out.add("a paused program in the broker's memory", 8, (after["own"] - before["own"]) / waiting / 1024, "KiB",
            f"{before['own'] / 2**20:.1f} -> {after['own'] / 2**20:.1f} MiB of its own, {after['rss'] / 2**20:.1f} resident")
    first = world.FIRST + APPROVED + CROWD
    commit = approvals(pause, first, True, f", {waiting} paused")
    real_sudo(pause)
    gate = submit(None, f", {waiting} paused")
    gated = sudo(None, f", {waiting} paused")

    part("One user stops his own su")
    with stopped(STOPPED):
        of = f" while {STOPPED} su are stopped / before"
        commit_then = approvals(pause, first + APPROVED, True, f", {STOPPED} su stopped")
        gate_then = submit(1.3, f", {STOPPED} su stopped")
        gated_then = sudo(1.25, f", {STOPPED} su stopped")
    out.ratio(f"commit -> runs on{of}", None, commit_then, commit)
    out.ratio(f"Submit under an active grant{of}", None, gate_then, gate)
    out.ratio(f"sudo -n true{of}", None, gated_then, gated)
    pause.close()
    echo.kill()
    out.print()
    return 1 if STRICT and out.missed else 0


sys.exit(main())
