# SPDX-License-Identifier: Apache-2.0
"""sudo with sudo_jit: what sudo will run is what is asked for, shown, matched and written down."""
import base64
import os
import re
import subprocess
import time

import bedlib
import plugin
from bedlib import Inbox, Terminal, check

TOOL = "/usr/local/lib/bed/tool"
DENIED_S = 6


def each(test):
    """With the plugin in sudo.conf, and nothing left of the test before."""
    def run():
        bedlib.clean_slate()
        with plugin.loaded(), Inbox() as inbox:
            test(inbox)
    return run


@each
def test_the_resolved_command_is_asked_and_logged(inbox):
    shown, alice = plugin.approved("sudo id -un", inbox)
    check(alice.code == 0 and alice.text.endswith("root\n"), alice.text)
    command = shown["command"]
    check(command["verified"] and shown["target_verified"] and not command["changeable"], str(command))
    check(command["argv"] == ["id", "-un"] and command["path"] == "/usr/bin/id", str(command))
    check(command["sha256"] == plugin.sha256("/usr/bin/id"), str(command))
    used = bedlib.audit(type="grant.claimed")[-1]["fields"]
    check(used["argv"] == ["id", "-un"] and used["path"] == "/usr/bin/id" and used["sha256"] == command["sha256"], str(used))
    text = bedlib.run("bob", ["jitctl", "show", shown["id"]]).out
    check("what sudo will run" in text and command["sha256"] in text, text)


@each
def test_the_signed_document_holds_the_digest(inbox):
    shown, _ = plugin.approved("sudo id -un", inbox)
    proof = bedlib.run("root", ["jitctl", "audit", "prove", shown["id"]])
    check(proof.code == 0, proof.text)
    payloads = [base64.b64decode(p) for p in re.findall(r'"payload": ?"([A-Za-z0-9+/=]+)"', proof.out.replace('\\"', '"'))]
    check(any(plugin.sha256("/usr/bin/id").encode() in p for p in payloads), proof.out[:2000])


@each
def test_other_forms_are_shown_whole(inbox):
    forms = {
        "cd /usr/bin; sudo ./id -un": (["./id", "-un"], "/usr/bin/id", "/usr/bin"),
        "cd /bin; sudo ../bin/id -un": (["../bin/id", "-un"], "/usr/bin/id", "/usr/bin"),
        "sudo -s id -un": (["sudo", "-s", "/bin/bash", "-c", "id -un"], "/usr/bin/bash", "/home/alice"),
        "sudo -u root -g sudo id -un": (["sudo", "-u", "root", "-g", "sudo", "id", "-un"], "/usr/bin/id", "/home/alice"),
    }
    with plugin.sudoers("Defaults runcwd=*"), plugin.policy(plugin.ANY):
        forms["sudo -D /usr/bin id -un"] = (["sudo", "-D", "/usr/bin", "id", "-un"], "/usr/bin/id", "/usr/bin")
        for line, (argv, path, cwd) in forms.items():
            bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "next"])
            shown, alice = plugin.approved(line, inbox)
            command = shown["command"]
            check(command["verified"] and command["argv"] == argv and command["path"] == path, f"{line}: {command}\n{alice.text}")
            check(os.path.realpath(shown["cwd"]) == cwd, f"{line}: {shown['cwd']}")
            check(shown["target"].get("group") == ("sudo" if "-g" in argv else None), f"{line}: {shown['target']}")


@each
def test_a_permit_for_a_program_matches_it_alone(inbox):
    with plugin.policy(plugin.permit("look", '["/usr/bin/id", "-un"]', "digest = true")):
        shown, alice = plugin.approved("sudo id -un", inbox)
        check(alice.code == 0 and shown["offer"]["rule"] == "look" and shown["offer"]["scope"] == "command", str(shown))
        for other in "sudo id -u", "sudo whoami", "sudo -s id -un", "sudo PATH=/tmp id -un":
            program = bedlib.run("alice", other)
            check(program.code != 0 and "jit:" in program.text, f"{other}: {program.text}")


def test_without_the_plugin_a_claim_matches_no_such_permit():
    bedlib.clean_slate()
    with plugin.policy(plugin.permit("look", '["/usr/bin/id", "-un"]')):
        program = bedlib.run("alice", "sudo id -un")
        check(program.code != 0 and "root" not in program.out, program.text)
    with plugin.policy(plugin.ANY), Inbox() as inbox:
        shown, _ = plugin.approved("sudo id -un", inbox)
        check(not shown["command"]["verified"] and shown["command"]["sha256"] is None, str(shown["command"]))


@each
def test_a_denial_runs_nothing(inbox):
    plugin.program(TOOL, "echo ran >/run/bed/ran")
    with Terminal("alice", f"sudo {TOOL}") as alice:
        alice.expect("waiting")
        bedlib.jitctl("carol", "deny", inbox.new("alice")["id"], "-m", "not today")
        check(alice.wait() != 0 and "not today" in alice.text, alice.text)
    check(not os.path.exists("/run/bed/ran"), "it ran")


@each
def test_ctrl_c_withdraws(inbox):
    with Terminal("alice", "sudo id -un") as alice:
        alice.expect("waiting")
        request = inbox.new("alice")["id"]
        began = time.monotonic()
        alice.ctrl_c()
        check(alice.wait() != 0 and "root" not in alice.text.splitlines(), alice.text)
        inbox.state(request, "cancelled")
        check(time.monotonic() - began < 2, "it took longer than 2 s")


@each
def test_a_reason_is_asked_for(inbox):
    with plugin.policy(plugin.ANY + 'require = ["reason:5"]\n'):
        with Terminal("alice", "sudo id -un") as alice:
            alice.expect("Reason")
            alice.line("disk is full")
            alice.expect("waiting")
            request = inbox.new("alice")
            check(request["reason"] == "disk is full", str(request))
            bedlib.jitctl("bob", "approve", request["id"], "-m", "go on")
            check(alice.wait() == 0, alice.text)


@each
def test_a_helper_gives_no_reason(inbox):
    """The helper of -A prints the password. The prompt of -p is for PAM alone."""
    plugin.program("/tmp/helper", "touch /tmp/helped\necho the password")
    with plugin.policy(plugin.ANY + 'require = ["reason:5"]\n'):
        with Terminal("alice", "SUDO_ASKPASS=/tmp/helper sudo -A id -un") as alice:
            check(alice.wait() != 0 and "cannot be asked here" in alice.text, alice.text)
        check(not os.path.exists("/tmp/helped"), "the helper was asked")
        with Terminal("alice", "JIT_REASON='disk is full' SUDO_ASKPASS=/tmp/helper sudo -A id -un") as alice:
            alice.expect("waiting")
            bedlib.jitctl("bob", "approve", inbox.new("alice")["id"], "-m", "go on")
            check(alice.wait() == 0, alice.text)
        with Terminal("alice", "sudo -p 'Password: ' id -gn") as alice:
            alice.expect("Reason")
            alice.line("disk is full")
            alice.expect("waiting")
            alice.ctrl_c()
            alice.wait()


@each
def test_a_grant_is_used_without_asking_again(inbox):
    with plugin.policy(plugin.ANY + 'scope = "tty"\n'):
        with Terminal("alice", "sudo id -un; sudo -n id -gn; sudo -n -u carol id -un") as alice:
            alice.expect("waiting")
            bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
            check(alice.wait() != 0 and alice.text.count("waiting") == 1, alice.text)
            check(alice.text.splitlines().count("root") == 2 and "carol" not in alice.text.splitlines(), alice.text)


@each
def test_nobody_waits_without_a_terminal(inbox):
    began = time.monotonic()
    for line in "sudo id -un", "sudo -n id -un", "sudo -S id -un":
        program = bedlib.run("alice", line)
        check(program.code != 0 and "jitctl request" in program.err and not program.out, f"{line}: {program.text}")
    check(time.monotonic() - began < 3 * DENIED_S, "it took too long")


@each
def test_root_and_listings_ask_nobody(inbox):
    check(bedlib.run("root", "sudo id -un").out == "root\n", "root's own sudo")
    for line in "sudo -l", "sudo -v", "sudo -l id":
        with Terminal("alice", line) as alice:
            check(alice.wait() == 0, f"{line}: {alice.text}")
    check(all(r["id"] in inbox.known for r in inbox.requests()), "somebody was asked")


def test_the_plugin_alone_gates():
    """Our lines out of PAM: the plugin asks all the same, and denies where nobody answers."""
    bedlib.clean_slate()
    with open("/etc/pam.d/sudo", encoding="utf-8") as f:
        without = "".join(line for line in f if "pam_jit" not in line)
    with plugin.file_with("/etc/pam.d/sudo", without), plugin.loaded():
        with Inbox() as inbox:
            shown, alice = plugin.approved("sudo id -un", inbox)
            check(alice.code == 0 and shown["command"]["verified"], alice.text)
        bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "next"])
        bedlib.broker.kill()
        began = time.monotonic()
        with Terminal("alice", "sudo id -un") as alice:
            check(alice.wait() != 0 and "cannot be reached" in alice.text, alice.text)
        check(time.monotonic() - began < DENIED_S, "a dead broker was waited for")
        bedlib.broker.start()


@each
def test_a_dead_broker_denies(_inbox):
    bedlib.broker.kill()
    with Terminal("alice", "sudo id -un") as alice:
        check(alice.wait() != 0 and "cannot be reached" in alice.text, alice.text)
    bedlib.broker.start()


@each
def test_bad_options_deny(_inbox):
    for options in "observe", "budget=x", "colour":
        with plugin.loaded(options):
            program = bedlib.run("alice", "sudo id -un")
            check(program.code != 0 and not program.out, f"{options}: {program.text}")


@each
def test_what_a_program_starts_is_answered_at_once(inbox):
    rules = plugin.POLICY + """
[command]
shell = [["/usr/bin/sh", "-c", "*"]]
who = [["/usr/bin/id", "**"]]
free = [["/usr/bin/groups", "**"]]
"""
    for name, approval in (("shell", 'approval = "by-sre"'), ("who", 'approval = "by-sre"'), ("free", "")):
        rules += f'[[permit]]\nid = "{name}"\nwho = ["group:sudo"]\ndoor = ["sudo"]\nas = ["user:root"]\nrun = ["command:{name}"]\nmax = "1h"\n{approval}\n'
    with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
        before = f.read()
    bedlib.set_policy(rules)
    try:
        with plugin.sudoers("Defaults intercept"), Terminal("alice", "sudo sh -c '/usr/bin/groups; /usr/bin/id -un; /usr/bin/whoami; echo over'") as alice:
            alice.expect("waiting")
            bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
            began = time.monotonic()
            alice.wait()
            check(time.monotonic() - began < 4 * DENIED_S, "a child was waited for")
            lines = alice.text.splitlines()
            check("over" in lines and any(line.startswith("root") for line in lines), alice.text)  # groups ran
            check(lines.count("root") == 1, alice.text)  # by groups: neither id nor whoami ran
            check("/usr/bin/whoami is not covered" in alice.text and "/usr/bin/id is not covered" in alice.text, alice.text)
        check(all(r["id"] in inbox.known for r in inbox.requests()), "a child made a request")
        allowed = bedlib.audit(type="command.allowed")
        check(allowed and allowed[-1]["fields"]["path"] == "/usr/bin/groups", str(allowed))
    finally:
        bedlib.set_policy(before)


@each
def test_a_tty_grant_covers_what_its_permit_matches(inbox):
    with plugin.policy(plugin.ANY + 'scope = "tty"\n'), plugin.sudoers("Defaults intercept"):
        with Terminal("alice", "sudo sh -c '/usr/bin/id -un'") as alice:
            alice.expect("waiting")
            bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
            check(alice.wait() == 0 and alice.text.splitlines()[-1] == "root", alice.text)
    entry = bedlib.audit(type="command.allowed")[-1]
    check(entry["fields"]["path"] == "/usr/bin/id" and entry["grant"], str(entry))


@each
def test_a_wait_is_redrawn_in_its_line(inbox):
    two = plugin.POLICY.replace("count = 1", "count = 2") + plugin.ANY
    with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
        before = f.read()
    bedlib.set_policy(two)
    try:
        with Terminal("alice", "script -qfec 'sudo id -un' /tmp/screen") as alice:
            alice.expect("waiting")
            request = inbox.new("alice")["id"]
            bedlib.jitctl("bob", "approve", request)
            alice.expect("bob")
            bedlib.jitctl("carol", "approve", request)
            check(alice.wait() == 0, alice.text)
    finally:
        bedlib.set_policy(before)
    with open("/tmp/screen", "rb") as f:
        screen = f.read()
    os.unlink("/tmp/screen")
    check(re.search(rb"\n\rjit: [^\r\n]*bob[^\r\n]*\r\njit: approved", screen), repr(screen))


@each
def test_what_was_approved_ahead_of_time_is_used(inbox):
    with plugin.policy(plugin.ANY):
        asked = bedlib.run("alice", "jitctl request --door sudo --as root --reason nightly -- id -un")
        check(asked.code == 0, asked.text)
        bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
        check(bedlib.run("alice", "sudo -n id -un").out == "root\n", "the same words")


def test_a_plugin_from_elsewhere_checks_what_pam_was_told():
    """It is not recognised, so PAM asks for the claim; the plugin takes the answer where the claim turns out true."""
    bedlib.clean_slate()
    bedlib.run("root", "mkdir -p /opt/bed && cp /usr/libexec/sudo/sudo_jit.so /opt/bed/sudo_jit.so")
    rule = plugin.ANY + 'scope = "command"\n'
    tools = [plugin.program(f"/usr/local/{name}/bed-tool", f"echo ran {name}") for name in ("bin", "lib/bed")]
    with plugin.file_with("/etc/sudo.conf", "Plugin sudo_jit /opt/bed/sudo_jit.so\n"), plugin.policy(rule), Inbox() as inbox:
        shown, alice = plugin.approved("sudo bed-tool", inbox)
        check(alice.code == 0 and not shown["command"]["verified"] and alice.text.count("waiting") == 1, alice.text)
        check(bedlib.audit(type="grant.claimed")[-1]["fields"]["path"] == tools[0], "what it turned out to be is logged")
        bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "next"])
        with open("/etc/sudoers", encoding="ascii") as f:
            other = f.read().replace('secure_path="', 'secure_path="/usr/local/lib/bed:')
        with plugin.file_with("/etc/sudoers", other, 0o440), Terminal("alice", "sudo bed-tool") as alice:
            alice.expect("waiting")
            first = inbox.new("alice")
            check(first["command"]["path"] == tools[0], str(first["command"]))
            bedlib.jitctl("bob", "approve", first["id"])
            alice.expect("waiting")
            second = inbox.new("alice")
            check(second["command"]["verified"] and second["command"]["path"] == tools[1], str(second["command"]))
            bedlib.jitctl("bob", "deny", second["id"], "-m", "another program")
            check(alice.wait() != 0 and "ran" not in alice.text.split(), alice.text)


RECORD = plugin.ANY + 'scope = "tty"\nrequire = ["record"]\n'
IOLOG = "Defaults log_output, iolog_dir=/run/bed/io, iolog_flush"


@each
def test_record_is_honoured_by_the_io_log(inbox):
    with plugin.policy(RECORD), plugin.sudoers(IOLOG):
        shown, alice = plugin.approved("sudo id -un", inbox)
        check(alice.code == 0 and "record" in shown["offer"]["require"], alice.text)
    recording = bedlib.audit(type="grant.claimed")[-1]["fields"]["recording"]
    check(recording.startswith("/run/bed/io/") and os.path.isdir(recording), recording)
    replay = subprocess.run(["sudoreplay", "-d", "/run/bed/io", "-s", "1000", recording.removeprefix("/run/bed/io/").replace("/", "")],
                            capture_output=True, text=True, check=False)
    check("root" in replay.stdout, replay.stdout + replay.stderr)


@each
def test_a_restarted_broker_is_joined_again(inbox):
    """Also what sudo told of its recording is there again, or the use would be refused."""
    with plugin.policy(RECORD), plugin.sudoers(IOLOG), Terminal("alice", "sudo id -un") as alice:
        alice.expect("waiting")
        request = inbox.new("alice")["id"]
        bedlib.broker.restart()
        with Inbox() as again:
            again.state(request, "pending")
        bedlib.jitctl("bob", "approve", request)
        check(alice.wait() == 0 and alice.text.splitlines()[-1] == "root", alice.text)


@each
def test_record_that_cannot_be_had_closes(inbox):
    with plugin.policy(RECORD):
        program = bedlib.run("alice", "sudo id -un")
        check(program.code != 0 and "record" in program.text and not program.out, program.text)
        # sudoers names a log, and nobody writes it.
        with plugin.sudoers(IOLOG), plugin.loaded(more="Plugin sudoers_policy sudoers.so\n"):
            program = bedlib.run("alice", "sudo id -un")
            check(program.code != 0 and "record" in program.text and not program.out, program.text)
        # Given for a call that was recorded, used for one that is not.
        with plugin.sudoers(IOLOG + '\nDefaults!/usr/bin/whoami !log_output'), Terminal("alice", "sudo id -un; sudo -n whoami") as alice:
            alice.expect("waiting")
            bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
            check(alice.wait() != 0 and alice.text.splitlines().count("root") == 1, alice.text)
    with plugin.policy(RECORD), plugin.sudoers(IOLOG), plugin.file_with("/etc/sudo.conf", ""):
        program = bedlib.run("alice", "sudo id -un")
        check(program.code != 0 and not program.out, program.text)


if __name__ == "__main__":
    bedlib.main(globals())
