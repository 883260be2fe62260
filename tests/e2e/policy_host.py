# SPDX-License-Identifier: Apache-2.0
"""What this host tells the checks of a policy: owners of programs, NSS, PAM files and the broker's log. A rescue line that went
away refuses a reload and changes nothing of what is in force."""
import contextlib
import json
import os
import sqlite3
import time

import bedlib
from bedlib import broker, check
from programs import run

FILE, PAM, DB = "/etc/jit/policy.d/bed.toml", "/etc/pam.d", "/var/lib/jit/jit.db"
DAY = 86_400
DRAFT = "/home/draft.toml"
HEAD = 'schema = 1\n[settings]\ncovers = ["sudo"]\nvotes = "signed"\n'
PERMIT = '[[permit]]\nid = "p"\nwho = ["user:alice"]\nas = ["user:carol"]\nmax = "5m"\n'


def put(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path, 0o644)


def rules() -> str:
    with open(FILE, encoding="ascii") as f:
        return f.read()


@contextlib.contextmanager
def pam_file(service: str, change):
    path = f"{PAM}/{service}"
    with open(path, encoding="ascii") as f:
        before = f.read()
    after = "".join(change(line) for line in before.splitlines(keepends=True))
    check(after != before, f"{path} is as it was")
    put(path, after)
    try:
        yield path
    finally:
        put(path, before)


def without_rescue(line: str) -> str:
    return "" if "pam_succeed_if" in line and "tty" in line else line


def findings(user: str, *files: str, code: str = "") -> list:
    found = bedlib.jitctl(user, "policy", "check", *files, check=False)["findings"]
    return [f for f in found if f["code"] == code or not code]


def test_a_program_that_others_may_replace():
    os.makedirs("/opt/tool")
    put("/opt/tool/run", "#!/bin/sh\n")
    os.symlink("/opt/tool/run", "/usr/local/bin/tool")
    os.mkdir("/opt/links")
    os.chmod("/opt/links", 0o777)
    os.symlink("/opt/tool", "/opt/links/tools")
    table = (  # path, mode of the folder, owner of the program, who may
        ("/opt/tool/run", 0o755, 0, ""), ("/opt/tool/run", 0o777, 0, "everybody"), ("/opt/tool/run", 0o755, 2001, "user alice"),
        ("/opt/links/tools/run", 0o755, 0, "everybody"), ("/usr/local/bin/tool", 0o755, 2001, "user alice"), ("/usr/local/bin/tool", 0o777, 0, "everybody"))
    for path, mode, owner, who in table:
        os.chmod("/opt/tool", mode)
        os.chown("/opt/tool/run", owner, 0)
        put(DRAFT, f'{HEAD}[command]\ntool = [["{path}"]]\n{PERMIT}run = ["command:tool"]\nunverified-ok = ["command"]\n')
        for user in "root", "carol":
            found = findings(user, DRAFT, code="W06")
            texts = [f["message"] for f in found]
            check(len(found) == bool(who) and all(t.startswith(f"{who} may replace") for t in texts), f"{path} {mode:o} {owner}: {user}: {found}")
            check(all((f["line"], f["column"]) == (6, 1) for f in found), str(found))


def test_names_that_nobody_has():
    put(DRAFT, HEAD + PERMIT.replace('"user:alice"', '"user:alice", "user:alcie", "group:sre", "group:srx"'))
    for user in "root", "carol":
        texts = [f["message"].split(" now")[0] for f in findings(user, DRAFT, code="W07")]
        check(texts == ["this host knows no user `alcie`", "this host knows no group `srx`"], f"{user}: {texts}")


def nobody_is_free():
    """The bed's policy where no group, which root might be in, logs in without being asked for."""
    return bedlib.policy_with('who  = ["group:sre"]', 'who  = ["user:bob"]')


def test_a_rescue_line_that_is_gone_refuses_a_reload_and_changes_nothing():
    with nobody_is_free():
        check(run("root", ["jitctl", "policy", "check"]).code == 0, "the policy is good, and the lines are there")
        put(DRAFT, rules())
        before = bedlib.jitctl("root", "status")["policy"]["hash"]
        with pam_file("login", without_rescue) as path:
            for user, *files in ("root",), ("root", DRAFT), ("carol", DRAFT):
                told = run(user, ["jitctl", "policy", "check", *files])
                check(told.code == 1 and f"E10 `rescue` is declared, but the PAM files hold no such line ({path}:" in told.out, f"{user}: {told.text}")
            for restart in (lambda: None), broker.restart:
                restart()
                reload = run("root", ["jitctl", "policy", "reload"])
                check(reload.code == 1 and "E10" in reload.text, reload.text)
                status = bedlib.jitctl("root", "status")
                check(status["policy"]["hash"] == before and "E10" in str(status["policy"]["errors"]), str(status))
                check("ask first" in run("alice", "sudo -n id").text, "the last good set is not in force")
        check(run("root", ["jitctl", "policy", "reload"]).code == 0, "the lines are there again")


def test_a_reload_takes_the_limits_and_the_name_of_the_host():
    path = "/etc/jit/broker.toml"
    with open(path, encoding="ascii") as f:
        before = f.read()

    def ask(place: str) -> int:
        return run("alice", ["jitctl", "request", "--reason", "x", "--", "/bin/echo", place]).code

    def host() -> str:
        return bedlib.jitctl("root", "status")["host"]["name"]

    def cancel_all() -> None:
        for request in bedlib.jitctl("alice", "requests", "--state", "detached"):
            bedlib.jitctl("alice", "cancel", request["id"])

    try:
        put(path, '[host]\nname = "other"\n[limits]\npending-per-uid = 1\nconnections-per-uid = 1\n')
        check(ask("0") == 0 and ask("1") == 0 and host() == "bed", "before a reload")
        with bedlib.waiting("alice"):
            check(run("root", ["jitctl", "policy", "reload"]).code == 0, "the reload")
            check(host() == "other" and bedlib.jitctl("alice", "requests")[0]["host"]["name"] == "other", "its name")
            check(ask("2") == 1, "a request past the limit")
            told = run("alice", "sudo -n id")
            check("too many" in told.text, f"a connection past the limit: {told.text}")
        put(path, before + "[limits]\npending-per-uid = 0\n")  # refused, so nothing of it holds
        check(run("root", ["jitctl", "policy", "reload"]).code == 1, "a bad one is refused")
        check(host() == "other", "a bad one changed something")
    finally:
        put(path, before)
        bedlib.jitctl("root", "policy", "reload")
        cancel_all()
    check(host() == "bed" and ask("3") == 0 and ask("4") == 0, "as before")
    cancel_all()


def test_a_broken_broker_file_changes_nothing_after_a_restart():
    """Its tags, its limits and what it keeps private are of the set that stays in force."""
    path = "/etc/jit/broker.toml"
    with open(path, encoding="ascii") as f:
        before = f.read()
    whole = before.replace("[host]\n", '[host]\ntags = ["production"]\n') + '[limits]\npending-per-uid = 2\n[privacy]\nprivate = ["argv"]\n'
    guard = '[[guard]]\nid = "in-production"\nas = ["user:root"]\nhosts = ["tag:production"]\ndeny = "not in production"\n'

    def holds(when: str) -> None:
        check("not in production" in run("alice", "sudo -n id").text, f"{when}: the guard of its tag")
        request = bedlib.jitctl("alice", "request", "--reason", "x", "--as", "carol", "--", "/bin/echo", when)["id"]
        with contextlib.closing(sqlite3.connect(DB)) as db:
            payload = json.loads(db.execute("SELECT payload FROM requests WHERE hex(id) = ?", [request.upper()]).fetchone()[0])
        bedlib.jitctl("alice", "cancel", request)
        check("command" in payload.get("private", {}), f"{when}: what is private: {payload}")

    with bedlib.policy_with("[approval]\n", f"{guard}[approval]\n"):
        try:
            put(path, whole)
            check(run("root", ["jitctl", "policy", "reload"]).code == 0, "the reload")
            status = bedlib.jitctl("root", "status")
            holds("from the files")
            for broken in whole + "[limit\n", whole:
                put(path, broken)
                os.chmod(path, 0o664 if broken == whole else 0o644)
                broker.restart()
                now = bedlib.jitctl("root", "status")
                check(now["policy"]["hash"] == status["policy"]["hash"] and now["host"] == status["host"], str(now))
                holds("after a restart")
                check(run("root", ["jitctl", "policy", "reload"]).code == 1, "a reload is refused")
                holds("after a reload")
            put(path, before)
            broker.restart()
            check("ask first" in run("alice", "sudo -n id").text, "what the files say now is not in force")
        finally:
            put(path, before)


def test_a_host_with_nothing_kept_is_not_locked_by_it():
    with nobody_is_free(), pam_file("login", without_rescue):
        broker.stop()
        for entry in os.listdir("/var/lib/jit"):
            os.unlink(f"/var/lib/jit/{entry}")
        broker.start()
        for again in False, True:
            if again:
                check(run("root", ["jitctl", "policy", "reload"]).code == 1, "a reload is refused as ever")
            status = bedlib.jitctl("root", "status")
            policy = status["policy"]
            check(status["state"] == "degraded" and policy["in_force"] == "the files, without a rescue route" and "E10" in str(policy["errors"]), str(status))
            check("ask first" in run("alice", "sudo -n id").text, "the policy is not in force")
    check(bedlib.jitctl("root", "status")["policy"]["in_force"] == "the files", "the lines are there again")


def test_a_pam_file_that_cannot_be_read_is_not_known():
    with nobody_is_free(), pam_file("login", without_rescue), pam_file("login", lambda line: line + "@include none\n"):
        check(run("root", ["jitctl", "policy", "check"]).code == 0, "what is not known blocked")
        check(run("root", ["jitctl", "policy", "reload"]).code == 0, "what is not known blocked a reload")


def test_a_door_that_has_only_observed():
    def observing(line: str) -> str:
        return line.replace("required pam_jit.so", "optional pam_jit.so observe")

    put(DRAFT, HEAD + PERMIT)
    with pam_file("sudo", observing) as sudo, pam_file("sudo-i", observing) as sudo_i:
        for days, fires in (29, 0), (31, 1):
            for path in sudo, sudo_i:
                os.utime(path, (time.time() - days * DAY,) * 2)
            found = [f["message"] for f in findings("carol", DRAFT, code="W15")]
            check(len(found) == fires and all(f"sudo has only observed for {days} days" in t for t in found), f"{days} days: {found}")


def test_rules_that_the_log_does_not_know():
    def unused(user: str = "root") -> set:
        return {f["message"].split("`")[1] for f in findings(user, code="W13")}

    check("ask first" in run("alice", "sudo -n id").text, "alice must ask")
    check(unused() == set(), f"the log is young: {unused()}")
    broker.stop()
    with contextlib.closing(sqlite3.connect(DB)) as db:
        trigger = db.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_never_changes'").fetchone()[0]
        db.execute("DROP TRIGGER audit_never_changes")
        for sequence, leaf in db.execute("SELECT sequence, leaf FROM audit").fetchall():
            earlier = json.loads(leaf)
            earlier["time"] -= 100 * DAY * 1000
            db.execute("UPDATE audit SET wall = wall - ?, leaf = ? WHERE sequence = ?",
                       [100 * DAY * 1000, json.dumps(earlier, separators=(",", ":"), sort_keys=True), sequence])
        db.execute(trigger)
        db.commit()
    broker.start()
    check(unused() == set(), f"the file was written today: {unused()}")
    os.utime(FILE, (time.time() - 200 * DAY,) * 2)
    all_rules = {"root", "as-carol", "alice-login", "dave-login", "login"}
    check(unused() == all_rules, f"not used for 100 days: {unused()}")
    check("ask first" in run("alice", "sudo -n id").text, "alice must ask")
    check(unused() == all_rules - {"root"}, f"root is used: {unused()}")
    put(DRAFT, rules())
    os.utime(DRAFT, (time.time() - 200 * DAY,) * 2)
    check(not findings("carol", DRAFT, code="W13"), "the whole log is not for carol")
    broker.stop()
    check(unused() == set(), "without a broker nothing is known")
    broker.start()


bedlib.main(globals())
