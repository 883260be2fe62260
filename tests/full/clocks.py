#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clocks and live sessions: another time zone, a wall clock that jumps, a host that slept, a host that was started again. A grant lasts
as long as was given, by the time since boot, and ends with the boot."""
import os
import pathlib
import signal
import sys

import bedlib
import booted
from bedlib import check, run
from booted import boot_ms, entries, grant_of, logged_in, permit, root_shell, shell, until

SLEPT = """[Service]
ExecStart=
ExecStart=/usr/bin/nsenter --time=/srv/slept /usr/libexec/jit/jit-enforcer
CapabilityBoundingSet=CAP_SYS_ADMIN
RestrictNamespaces=no
SystemCallFilter=
"""
LATER = pathlib.Path("/var/tmp/first-boot")


def rules(give: str) -> None:
    run("root", ["jitctl", "revoke", "--all", "-m", "the next test begins"])
    booted.set_policy(permit("login", "alice", "ssh", "alice", 'max = "1d"') + permit("root", "alice", "sudo", "root", f'give = "{give}"', 'max = "2h"'))
    check(run("root", ["jitctl", "policy", "reload"]).code == 0, "reload")


def drop_in(unit: str, text: str) -> None:
    folder = pathlib.Path(f"/run/systemd/system/{unit}.d")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clock.conf").write_text(text, encoding="ascii")
    shell("systemctl daemon-reload")


def no_drop_in(unit: str) -> None:
    shell(f"rm -rf /run/systemd/system/{unit}.d; systemctl daemon-reload")


def test_another_time_zone() -> None:
    rules("5s")
    with logged_in() as alice:
        began = boot_ms()
        root = root_shell(alice)
        for zone in "Pacific/Kiritimati", "America/Los_Angeles":
            shell(f"ln -sf /usr/share/zoneinfo/{zone} /etc/localtime; systemctl try-restart jit-broker")
        took = root.ended(30) - began
        check(4800 <= took <= 8000, f"ended after {took} ms, 5 s were given")
    shell("ln -sf /usr/share/zoneinfo/UTC /etc/localtime; systemctl restart jit-broker")


def test_a_wall_clock_that_jumps() -> None:
    """The broker comes back with its wall clock a day ahead, or behind; the session goes on, and ends at its time."""
    shell("install -m 755 /root/tests/full/clock_shift.so /usr/lib/clock_shift.so")  # the broker's sandbox hides /root
    for jump in 86_400, -86_400:
        rules("8s")
        with logged_in() as alice:
            began = boot_ms()
            root = root_shell(alice)
            drop_in("jit-broker.service", f"[Service]\nEnvironment=LD_PRELOAD=/usr/lib/clock_shift.so WALL_CLOCK_S={jump}\n")
            shell("systemctl restart jit-broker")
            until("the broker is back", lambda: run("root", ["jitctl", "status"]).code == 0)
            check(root.lives(), f"{jump}: it was ended at once")
            took = root.ended(30) - began
            check(7800 <= took <= 11_000, f"{jump}: ended after {took} ms, 8 s were given")
        no_drop_in("jit-broker.service")
        shell("systemctl restart jit-broker")
        until("the broker is back", lambda: run("root", ["jitctl", "status"]).code == 0)


def test_a_host_that_slept() -> None:
    """Two hours of sleep are time since boot, and no monotonic time: what should have ended meanwhile ends at once. The enforcer comes
    back in a time namespace whose time since boot is two hours later, which its sandbox must allow."""
    rules("1h")
    with logged_in() as alice:
        root = root_shell(alice)
        grant = grant_of("alice", "sudo")["id"]
        drop_in("jit-enforcer.service", SLEPT)
        os.kill(booted.main_pid("jit-enforcer"), signal.SIGKILL)
        began = until("the enforcer wakes", lambda: booted.pids_of("^/usr/libexec/jit/jit-enforcer") and boot_ms())
        try:
            took = root.ended(10) - began
        except bedlib.Failed as error:
            raise bedlib.Failed(str(error) + shell("journalctl -b -u jit-enforcer --no-pager -n 12")) from None
        check(took <= 2000, f"ended {took} ms after it woke")
        check(booted.report_on(grant)["fields"]["cause"] == "end", "not by its time")
    no_drop_in("jit-enforcer.service")
    shell("systemctl restart jit-enforcer.service || true")


def test_a_restart_is_coming() -> None:
    """Seen after it: see test_a_new_boot."""
    rules("1h")
    with logged_in() as alice:
        root_shell(alice)
        LATER.write_text(grant_of("alice", "sudo")["id"], encoding="ascii")


def a_new_boot() -> None:
    grant = LATER.read_text(encoding="ascii")
    shell("systemctl start jit-broker.socket jit-enforcer.socket jit-broker.service ssh")
    ended = until("it is void", lambda: entries("grant.ended", grant))[-1]["fields"]
    # In a container the unit sees the boot id of the host, which goes on: there the lost /run says that all is void.
    check(ended["end"] == "void" and ("restarted" in ended["why"] or "lost" in ended["why"]), str(ended))
    check(not [g for g in bedlib.all_grants() if g["state"] == "active"], "a grant lives on")
    # A void grant may be kept out (ID.ended) as soon as the enforcer hears of it; held is what has a record.
    held = shell("ls /run/jit-enforcer 2>/dev/null | grep -xE '[0-9a-f]{32}' || true")
    check(held == "", f"still held: {held}")
    print("ok   a_new_boot", flush=True)


if sys.argv[1:] == ["rebooted"]:
    a_new_boot()
    raise SystemExit(0)
booted.set_up("")
try:
    bedlib.main(globals())
except SystemExit as done:
    raise SystemExit(77 if not done.code else done.code) from None  # 77: start it again
