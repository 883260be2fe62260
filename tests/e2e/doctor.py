# SPDX-License-Identifier: Apache-2.0
"""jitctl doctor: proves that doors gate, and names what does not, with what to do. No request is made, nobody is asked."""
import contextlib
import ctypes
import os
import re
import time

import bedlib
import pam_files
import wire
from bedlib import broker, check, run


def doctor(*words: str) -> dict:
    done = run("root", ["jitctl", "doctor", "--json", *words])
    document = bedlib.json.loads(done.out)
    check((done.code == 0) == document["ok"] and done.code in (0, 1), done.text)
    check(all(f["what"] and f["do"] and "\n" not in f["what"] + f["do"] for f in document["findings"]), done.text)
    return document


def found(document: dict, level: str, *words: str) -> list:
    return [f for f in document["findings"] if f["level"] == level and all(w in f["where"] + " " + f["what"] for w in words)]


def named(document: dict, level: str, *words: str) -> None:
    check(found(document, level, *words), f"no {level} with {words}: {document}")
    check(level != "hole" or (not document["ok"] and document["holes"] > 0), str(document))


def state(document: dict, door: str) -> str:
    return next(d["state"] for d in document["doors"] if d["door"] == door)


@contextlib.contextmanager
def changed(path: str, change):
    with open(path, encoding="utf-8") as f:
        before = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(change(before))
    try:
        yield
    finally:
        with open(path, "w", encoding="utf-8") as f:
            f.write(before)


def pam(service: str, change):
    return changed(f"/etc/pam.d/{service}", change)


@contextlib.contextmanager
def set_up():
    with pam_files.as_installed():
        done = run("root", "jitctl setup sudo su login ssh --no-take-back")
        check(done.code == 0, done.text)
        yield


def test_gated_doors_are_proven_and_nobody_is_asked():
    with set_up(), bedlib.Inbox() as inbox:
        document = doctor()
        check(document["ok"] and not document["holes"], str(document))
        check([state(document, d) for d in ("sudo", "su", "ssh", "login", "polkit")] == ["gated"] * 4 + ["open"], str(document["doors"]))
        named(document, "note", "only authenticates")
        check([r for r in inbox.requests() if r["id"] not in inbox.known] == [], "a probe made a request")
        check(not [e for e in bedlib.audit() if e["type"].startswith("request") and e.get("person") in ("root", "uid:0")], "a probe is in the log")
        text = run("root", ["jitctl", "doctor"])
        check(text.code == 0 and "sudo\tgated\tcovers it" in text.out and "  do: " in text.out, text.text)
        check(run("alice", ["jitctl", "doctor"]).code == 3 and run("root", ["jitctl", "doctor", "--door", "cron"]).code == 2, "who, and which")


def test_a_proc_that_hides_processes():
    """As hardening guides have it: _jit sees no process of root then, and every door denies."""
    with set_up():
        check(not found(doctor(), "fault", "/proc"), "it hides nobody yet")
        check(run("root", "mount -o remount,hidepid=2 /proc").code == 0, "mount")
        try:
            named(doctor(), "fault", "/proc", "hidepid=", "nothing is opened")
        finally:
            check(run("root", "mount -o remount,hidepid=0 /proc").code == 0, "mount")
        check(not found(doctor(), "fault", "/proc"), "it hides nobody any more")


def test_lines_that_do_not_gate():
    ours = "[success=ok default=die] pam_jit.so"
    table = (  # how our account line of sudo is changed, state, level, words
        (lambda t: t.replace(ours, "sufficient pam_jit.so", 1), "hole", "hole", "a no of ours is ignored (sufficient)"),
        (lambda t: t.replace(ours, "optional pam_jit.so", 1), "hole", "hole", "optional without the option observe"),
        (lambda t: t.replace(ours, "[success=ok default=ignore] pam_jit.so", 1), "hole", "hole", "default=ignore"),
        (lambda t: "account sufficient pam_permit.so\n" + t, "hole", "hole", "pam_permit.so may let people pass"),
        (lambda t: "account [success=1 default=ignore] pam_permit.so\n" + t, "hole", "hole", "success=1"),
        (lambda t: t.replace(f"account {ours}", "", 1), "hole", "fault", "session alone"),
        (lambda t: "".join(line for line in t.splitlines(True) if "pam_jit" not in line), "hole", "hole", "no line of ours stands here"),
        (lambda t: t.replace(f"{ours}", "optional pam_jit.so observe"), "observes", "open", "ONLY OBSERVES"),
        (lambda t: t + "account required\n", "closed", "fault", "cannot be read as PAM reads it"),
    )
    with set_up():
        for change, wanted, level, words in table:
            with pam("sudo", change):
                document = doctor("--door", "sudo")
                named(document, level, words)
                check(state(document, "sudo") == wanted or (wanted == "closed" and state(document, "sudo") == "gated"), f"{words}: {document['doors']}")
        check(doctor("--door", "sudo")["ok"], "as before")


def test_a_file_that_is_not_there():
    """PAM takes the one for all others then."""
    with set_up():
        for door, service in ("su", "su-l"), ("sudo", "sudo-i"), ("sudo", "sudo"), ("ssh", "sshd"):
            path = f"/etc/pam.d/{service}"
            os.rename(path, "/root/away")
            try:
                document = doctor("--door", door)
                named(document, "hole", path, "PAM takes /etc/pam.d/other")
                check(state(document, door) == "hole", str(document["doors"]))
                with changed("/etc/pam.d/other", lambda t: "account required pam_deny.so\n"):
                    check(not found(doctor("--door", door), "hole", path), f"{service}: nobody gets through")
                    check(run("root", ["jitctl", "setup", door, "--no-take-back"]).code == (0 if service in ("su-l", "sudo-i") else 3), "setup")
                    check(not os.path.exists(path), f"{path} is made, where nobody got through without it")
                if service in ("su-l", "sudo-i"):
                    done = run("root", ["jitctl", "setup", door, "--no-take-back"])
                    check(done.code == 0 and pam_files.read(service) == f"@include /etc/pam.d/{door}  # jitctl setup\n", done.text)
                    check(doctor("--door", door)["ok"], "gated")
                    check(run("root", ["jitctl", "setup", "--undo", door]).code == 0 and not os.path.exists(path), "undo")
                    check(run("root", ["jitctl", "setup", door, "--no-take-back"]).code == 0, "setup")
            finally:
                os.rename("/root/away", path)
    with set_up(), bedlib.policy_with('covers   = ["sudo", "su", "ssh", "login"]', 'covers   = ["sudo", "ssh", "login"]'):
        os.rename("/etc/pam.d/su-l", "/root/away")
        check(not found(doctor("--door", "su"), "hole"), "nobody means to gate su")
        os.rename("/root/away", "/etc/pam.d/su-l")


def test_the_rescue_line_must_be_ours():
    with set_up():
        for change in (lambda t: t.replace("user = root tty =~ *tty[0-9]*", "user = root"), lambda t: t.replace("tty =~ *tty[0-9]*", "tty =~ *"),
                       lambda t: t.replace("quiet user = root", "quiet user ingroup sudo")):
            with pam("login", change):
                named(doctor("--door", "login"), "hole", "not the rescue line")
        with pam("login", lambda t: "".join(line for line in t.splitlines(True) if "tty =~" not in line)):
            named(doctor("--door", "login"), "fault", "no rescue line")


def test_what_sudo_is_told():
    with set_up():
        for line, level, words in (("Defaults !pam_acct_mgmt", "hole", "sudo does not ask us"), ("Defaults !pam_session", "hole", "nothing ends"),
                                   ("Defaults pam_service=other", "hole", "pam_service=other"), ("Defaults exempt_group=dba", "note", "exempt_group=dba"),
                                   ("Defaults passprompt_override", "fault", "a password would be taken as the reason"), ("Defaults:alice passprompt_override", "fault", "passprompt_override"), ("%", "fault", "cannot be read")):
            with changed("/etc/sudoers", lambda t, line=line: f"{line}\n{t}"):
                named(doctor("--door", "sudo"), level, "sudoers", words)
        for line in "plugin sudo_jit sudo_jit.so", "PLUGIN \\\n  sudo_jit sudo_jit.so":  # sudo takes them so
            with changed("/etc/sudo.conf", lambda t, line=line: f"{t}{line}\n"):
                check(not found(doctor("--door", "sudo"), "note", "sudo_jit is not loaded"), f"the plugin is loaded: {line}")
        with changed("/etc/sudo.conf", lambda t: t + "Plugin sudo_jit sudo_jit.so\n"):
            with changed("/etc/sudoers", lambda t: f"Defaults passprompt_override\n{t}"):
                check(not found(doctor("--door", "sudo"), "fault", "passprompt_override"), "sudo_jit asks by itself")
            check(not found(doctor("--door", "sudo"), "note", "sudo_jit is not loaded"), "the plugin is loaded")
            os.chmod("/usr/libexec/sudo/sudo_jit.so", 0o666)
            try:
                named(doctor("--door", "sudo"), "hole", "sudo_jit.so", "everybody may replace it")
            finally:
                os.chmod("/usr/libexec/sudo/sudo_jit.so", 0o644)


def test_sudo_rs_goes_by_the_same_files():
    """Known by where it lies: beside sudo, and in its place by a link, as alternatives make it."""
    with pam_files.as_installed():
        there = os.path.exists("/usr/bin/sudo-rs")
        if not there:
            os.link("/usr/bin/sudo", "/usr/bin/sudo-rs")
        try:
            named(doctor("--door", "sudo"), "hole", "/usr/bin/sudo-rs", "root without asking")
            with bedlib.policy_with('covers   = ["sudo", "su", "ssh", "login"]', 'covers   = ["su", "ssh", "login"]'):
                named(doctor("--door", "sudo"), "open", "/usr/bin/sudo-rs", "root without asking")
            with set_up():
                document = doctor()
                check(document["ok"], str(document))
                named(document, "note", "/usr/bin/sudo-rs", "which are gated")
                named(document, "note", "sudo.conf", "sudo_jit is not loaded")
                check(not found(document, "open", "sudo-rs", "setuid"), "sudo-rs is not known")
                with pam("sudo", lambda t: t.replace("[success=ok default=die] pam_jit.so", "optional pam_jit.so observe")):
                    named(doctor("--door", "sudo"), "open", "/usr/bin/sudo-rs", "only observe")
                os.rename("/usr/bin/sudo", "/usr/bin/sudo.ws")
                os.symlink("/usr/bin/sudo-rs", "/usr/bin/sudo")
                try:
                    document = doctor("--door", "sudo")
                    named(document, "note", "/usr/bin/sudo", "which are gated")
                    check(not found(document, "note", "sudo.conf"), "sudo-rs has no plugins to load")
                    with changed("/etc/sudoers", lambda t: f"Defaults !pam_acct_mgmt\n{t}"):
                        named(doctor("--door", "sudo"), "hole", "sudoers", "sudo does not ask us")
                finally:
                    os.rename("/usr/bin/sudo.ws", "/usr/bin/sudo")
        finally:
            if not there:
                os.unlink("/usr/bin/sudo-rs")


def test_what_sshd_is_told():
    with pam_files.as_installed():
        with changed("/etc/ssh/sshd_config", lambda t: "AuthenticationMethods publickey,keyboard-interactive:pam\nKbdInteractiveAuthentication yes\nUsePAM yes\n" + t):
            done = run("root", "jitctl setup ssh --no-take-back")
            check(done.code == 0 and "+auth [success=ok default=die] pam_jit.so" in done.text, done.text)
            document = doctor("--door", "ssh")
            check(document["ok"] and state(document, "ssh") == "gated", str(document))
            for line, words in (("LoginGraceTime 30", "LoginGraceTime is 30 s"), ("MaxStartups 2:30:100", "MaxStartups is 2:30:100")):
                with changed("/etc/ssh/sshd_config", lambda t, line=line: f"{line}\n{t}"):
                    named(doctor("--door", "ssh"), "fault", words)
        with changed("/etc/ssh/sshd_config", lambda t: "UsePAM no\n" + t):
            named(doctor("--door", "ssh"), "hole", "UsePAM is no")
        with changed("/etc/ssh/sshd_config", lambda t: "UsePAM yes\nPasswordAuthentication yes\n" + t):
            named(doctor("--door", "ssh"), "fault", "our auth line refuses")


def test_what_sshd_is_told_in_a_match_block():
    """sshd -T does not tell it."""
    general = "AuthenticationMethods publickey,keyboard-interactive:pam\nKbdInteractiveAuthentication yes\nUsePAM yes\nPermitRootLogin no\n"
    path = "/etc/ssh/sshd_config"
    with pam_files.as_installed():
        with changed(path, lambda t: f"{general}{t}\nMatch Address 10.0.0.0/8\n  permitrootlogin=yes\n"), bedlib.policy_with('covers   = ["sudo", "su", "ssh", "login"]', 'covers   = ["sudo"]'):
            named(doctor(), "open", path, "a Match block lets root in by ssh (PermitRootLogin yes)")
        for methods, talks in ("keyboard-interactive:pam", True), ("publickey publickey,keyboard-interactive", False):
            with changed(path, lambda t, methods=methods: f"{general}{t}\nMatch Address 10.0.0.0/8\n  AuthenticationMethods {methods}\n"):
                done = run("root", "jitctl setup ssh --no-take-back")
                check(done.code == 0 and ("no line is written into auth" in done.text) == talks and ("+auth" in done.text) != talks, done.text)
                document = doctor("--door", "ssh")
                check(document["ok"] and not found(document, "note", "lets people be asked"), str(document))
                with pam("sshd", lambda t: t.replace("account [success", "auth required pam_jit.so\naccount [success", 1)):
                    check(bool(found(doctor("--door", "ssh"), "fault", path, "our auth line refuses")) == talks, methods)
                check(run("root", "jitctl setup --undo").code == 0, "undo")


def test_sshd_goes_by_another_service():
    """PAMServiceName, which this host's sshd may not know: as a newer one would say it, and in a Match block."""
    sshd, config = "/usr/sbin/sshd", "/etc/ssh/sshd_config"
    with set_up():
        os.rename(sshd, sshd + ".kept")
        try:
            for general, match, words in (("sshd-vpn", "", ("sshd", "PAMServiceName is sshd-vpn")), ("sshd", "Match User eve\n  PAMServiceName other\n", (config, "PAMServiceName is other"))):
                with open(sshd, "w", encoding="ascii") as f:
                    f.write(f"#!/bin/sh\n{sshd}.kept -f /run/sshd_config \"$@\" | grep -v ^pamservicename\necho pamservicename {general}\n")
                os.chmod(sshd, 0o755)
                with open(config, encoding="utf-8") as f, open("/run/sshd_config", "w", encoding="utf-8") as kept:
                    kept.write(f.read())
                check(not found(doctor("--door", "ssh"), "hole", "PAMServiceName") or general != "sshd", "a hole that is none")
                with changed(config, lambda t, match=match: f"{t}\n{match}"):
                    named(doctor("--door", "ssh"), "hole", *words)
                    done = run("root", "jitctl setup ssh --no-take-back")
                    check(done.code == 1 and words[1] in done.text and "nothing was changed" in done.text, done.text)
        finally:
            os.rename(sshd + ".kept", sshd)


def test_files_that_others_may_write():
    with set_up():
        for path, mode, words in (("/etc/jit/policy.d/bed.toml", 0o666, "bed.toml"), ("/run/jit/gate", 0o666, "/run/jit/gate"), ("/var/lib/jit", 0o755, "/var/lib/jit"),
                                  ("/etc/pam.d/su", 0o666, "/etc/pam.d/su"), ("/usr/bin/jitctl", 0o777, "/usr/bin/jitctl")):
            before = os.stat(path).st_mode & 0o7777
            os.chmod(path, mode)
            try:
                named(doctor(), "hole", words)
            finally:
                os.chmod(path, before)


def test_providers_that_cannot_run():
    os.makedirs("/etc/jit/facts.d", mode=0o755, exist_ok=True)
    with open("/etc/jit/facts.d/freeze.toml", "w", encoding="ascii") as f:
        f.write('command = ["/bin/true"]\nfor = "5m"\n')
    os.chmod("/etc/jit/facts.d/freeze.toml", 0o640)
    with set_up():
        document = doctor()
        named(document, "fault", "freeze.toml", "cannot read it")
        named(document, "note", "freeze.toml", "no user jit-fact-freeze")
        os.chmod("/etc/jit/facts.d/freeze.toml", 0o644)
        bedlib.add_user("jit-fact-freeze", 2901)
        check(not [f for f in doctor()["findings"] if "freeze" in f["where"]], "it can run")
    os.unlink("/etc/jit/facts.d/freeze.toml")


def test_ways_that_nobody_gates():
    with pam_files.as_installed(), bedlib.policy_with('covers   = ["sudo", "su", "ssh", "login"]', 'covers   = ["sudo"]'):
        done = run("root", "jitctl setup sudo --no-take-back")
        check(done.code == 0, done.text)
        with open("/etc/group", "a", encoding="ascii") as f:
            f.write("docker:x:2900:eve\n")
        with open("/etc/passwd", "a", encoding="ascii") as f:
            f.write("mallory:x:2902:2900::/tmp:/bin/bash\n")
        # A name that is known excuses nothing but the program that Debian has by it.
        programs = ["/usr/local/bin/helper", "/usr/local/bin/ping", "/opt/su", "/usr/lib/ping"]
        for path in programs:
            with open(path, "w", encoding="ascii") as f:
                f.write("#!/bin/sh\n")
            os.chmod(path, 0o4755)
        document = doctor()
        check(sorted(f["where"] for f in found(document, "open", "setuid program")) == sorted(programs), str(document))
        for words in ("su is not gated",), ("login at a console",), ("group docker", "eve"), ("group docker", "mallory", "whose first group"), ("/usr/local/bin/helper", "setuid"), ("ssh as root",):
            named(document, "open", *words)
        check(document["ok"], f"what nobody means to gate is no hole: {document}")
        for path in programs:
            os.unlink(path)


@contextlib.contextmanager
def stubs(*paths: str):
    """Programs that this host may not have, for a while."""
    made = [path for path in paths if not os.path.exists(path)]
    for path in made:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\n")
        os.chmod(path, 0o755)
    try:
        yield
    finally:
        for path in made:
            os.unlink(path)


def test_other_ways_to_root():
    asks_polkit = ("pkexec", "run0", "systemd-run")
    groups = ("lxd", "incus-admin", "libvirt", "podman")
    with pam_files.as_installed(), stubs("/usr/lib/polkit-1/polkitd", "/usr/bin/doas", *(f"/usr/bin/{name}" for name in asks_polkit)):
        with changed("/etc/passwd", lambda t: t + "toor:x:0:0::/root:/bin/sh\n"), changed("/etc/group", lambda t: t + "".join(f"{g}:x:{2910 + n}:eve\n" for n, g in enumerate(groups))):
            document = doctor()
            for name in (*asks_polkit, "doas", *(f"group {g}" for g in groups)):
                check([f["where"] for f in found(document, "open") if f["where"] == name] == [name], f"{name}: {document}")
            named(document, "open", "/etc/passwd", "toor has uid 0 beside root")
        with bedlib.policy_with('"sudo", "su"', '"polkit", "sudo", "su"'):
            done = run("root", "jitctl setup polkit --no-take-back")
            check(done.code == 0, done.text)
            document = doctor()
            check(state(document, "polkit") == "gated" and not [f for f in document["findings"] if f["where"] in asks_polkit], str(document))
            named(document, "open", "doas")


def test_rules_of_the_bus():
    """Wherever they stand: who else may own the broker's name keeps the broker from it."""
    name, ours = wire.NAME, "/usr/share/dbus-1/system.d/org.pamjit.Broker1.conf"
    rules = {
        "/usr/share/dbus-1/system.d/org.pamjit.loose.conf": (["fault"], f'<policy context="mandatory"><allow own="{name}"/><allow send_destination="{name}"/></policy>'),
        "/usr/share/dbus-1/system.d/prefix.conf": (["fault"], "<policy\n group = 'sudo' >\n<allow\n own_prefix='org.pamjit' />\n</policy>"),
        "/etc/dbus-1/system-local.conf": (["fault"], '<policy user="_jit"></policy><policy context="default"><allow own="*"/></policy>'),
        "/etc/dbus-1/system.d/calls.conf": (["note"], f'<policy user="eve"><allow send_destination="{name}"/></policy>'),
        "/etc/dbus-1/system.d/same.conf": (["note"], f'<policy user="_jit"><allow own="{name}"/></policy>'),
        "/etc/dbus-1/system.d/others.conf": ([], f'<!-- <allow own="{name}"/> --><policy user="eve"><deny own="*"/><allow own="{name}x"/><allow own_prefix="org.pam"/></policy>'),
    }
    try:
        for path, (_levels, text) in rules.items():
            with open(path, "w", encoding="ascii") as f:
                f.write(f"<busconfig>\n{text}\n</busconfig>\n")
        document = doctor()
        for path, (levels, _text) in rules.items():
            check([f["level"] for f in document["findings"] if f["where"] == path] == levels, f"{path}: {document}")
    finally:
        for path in rules:
            os.unlink(path)
    os.rename(ours, ours + ".away")
    document = doctor()
    os.rename(ours + ".away", ours)
    wire.Connection().call(*wire.BUS, "ReloadConfig")
    named(document, "fault", "D-Bus", "org.pamjit.Broker1.conf is not installed")
    check(not [f for f in document["findings"] if "dbus-1" in f["where"]], f"a rule that is none: {document}")


def test_keys_and_clock():
    def key(who: str, left: float) -> str:
        public = " ".join(run("root", ["cat", f"{bedlib.BED}/id_{who}.pub"]).out.split()[:2])
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + left * 86400))
        return f'[[person.key]]\nid = "k"\nkind = "ssh"\npublic = "{public}"\nnot-after = {until}\n'

    def keys(**days: float):
        return changed("/etc/jit/people.d/bed.toml", lambda t: re.sub(r'users = \["(\w+)"\]\n', lambda m: m[0] + (key(m[1], days[m[1]]) if m[1] in days else ""), t))

    with keys(alice=-1):
        document = doctor()
    named(document, "fault", "alice's key k has expired")
    named(document, "note", "nobody has a key")
    with keys(alice=-1, bob=7, carol=30):
        document = doctor()
    named(document, "note", "bob's key k expires within two weeks")
    check(not found(document, "note", "nobody has a key") and "carol's" not in str(document), str(document))
    clock = (ctypes.c_long * 64)()  # struct timex, whose status follows five longs
    apart = ctypes.CDLL(None).adjtimex(clock) == 5 or (clock[5] & 0x40) != 0
    check(bool(found(document, "note", "clock", "not synchronised")) == apart, f"adjtimex: {clock[5]}")


def test_a_broker_that_is_not_well():
    """No room, no inodes, a key that is open to others, a policy that was spoilt since."""
    home = "/var/lib/jit"
    jit = os.stat(home)
    with pam_files.as_installed():
        broker.stop()
        for options, words in ("size=8m", "8 MiB are left"), ("size=80m,nr_inodes=50", "no inodes are left"):
            check(run("root", f"mount -t tmpfs -o {options},mode=700,uid={jit.st_uid},gid={jit.st_gid} small {home}").code == 0, "mount")
            document = doctor()
            check(run("root", f"umount {home}").code == 0, "umount")
            named(document, "fault", home, words)
        os.chmod(f"{home}/host.key", 0o644)
        broker.start()
        document = doctor()
        named(document, "fault", f"{home}/host.key", "there is no host key")
        named(document, "fault", home, "the database is", "nothing new is granted")
        broker.stop()
        os.chmod(f"{home}/host.key", 0o600)
        broker.start()
        with open("/etc/jit/policy.d/new.toml", "w", encoding="ascii") as f:
            f.write("schema = 1\n[[permit]]\nid = 7\n")
        check(run("root", ["jitctl", "policy", "reload"]).code == 1, "a broken policy was taken")
        document = doctor()
        os.unlink("/etc/jit/policy.d/new.toml")
        named(document, "fault", "policy", "new.toml:3:6")
        named(document, "fault", "policy", "in force: the last good")
        bedlib.jitctl("root", "policy", "reload")
        check(not found(doctor(), "fault", home) and not found(doctor(), "fault", "policy"), "as before")


def test_a_door_that_the_policy_does_not_cover():
    with set_up(), bedlib.policy_with('covers   = ["sudo", "su", "ssh", "login"]', 'covers   = ["su", "ssh", "login"]'):
        document = doctor("--door", "sudo")
        named(document, "fault", "does not cover sudo")
        check(state(document, "sudo") == "closed", str(document))


def test_without_a_broker_doors_are_closed_and_no_hole():
    with set_up():
        broker.stop()
        try:
            document = doctor()
            named(document, "fault", "does not answer")
            check(document["holes"] == 0 and state(document, "sudo") == "closed", str(document))
        finally:
            broker.start()


def test_a_relay_that_does_not_run():
    path = "/etc/jit/relay.toml"
    try:
        for text, level in ('transport = "none"\n', "note"), ('transport = "nats"\n', "fault"), ('servers = ["tls://relay:4222"]\ncredentials = "/gone"\n', "fault"):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            document = doctor()
            named(document, level, "relay")
            check((level == "fault") == bool(found(document, "fault", "jit-relay", "people elsewhere are not asked")), str(document))
    finally:
        os.unlink(path)


bedlib.main(globals())
