# SPDX-License-Identifier: Apache-2.0
"""C8: PAM sees sudo's words, not what they come to (CVE-2023-22809). What is decided by the command is decided by sudo_jit's word only."""
# bed: --no-sshd
import bedlib
import plugin
from bedlib import Inbox, Terminal, check

LOOK = plugin.permit("look", '["/usr/bin/{id|cat}", "**"]')


def asked(command: str, inbox, env=None) -> dict:
    with Terminal("alice", command, env=env) as alice:
        alice.expect("waiting")
        request = inbox.new("alice")
        alice.ctrl_c()
        alice.wait()
        return request


def test_pam_alone_says_that_it_is_not_verified():
    bedlib.clean_slate()
    with plugin.policy(plugin.ANY), Inbox() as inbox:
        for command in "sudo id", "sudo -s id", "sudo -i id", "sudo env id", "sudoedit /etc/hosts":
            request = asked(command, inbox)
            check(not request["command"]["verified"] and not request["target_verified"], f"{command}: {request['command']}")
            check("not verified" in bedlib.run("bob", ["jitctl", "show", request["id"]]).out, command)
    with plugin.policy(LOOK):
        for command in "sudo id", "sudo /usr/bin/id", "sudo cat /etc/shadow":
            program = bedlib.run("alice", command)
            check(program.code != 0 and not program.out, f"{command}: {program.text}")


def test_with_the_plugin_the_words_are_what_runs():
    bedlib.clean_slate()
    with plugin.loaded(), plugin.policy(plugin.ANY), Inbox() as inbox:
        for command, tail, path in (("sudo id", ["id"], "/usr/bin/id"), ("sudo -s id", ["/bin/bash", "-c", "id"], "/usr/bin/bash"),
                                    ("sudo -i id", ["-c", "id"], "/usr/bin/bash"), ("sudo env id", ["env", "id"], "/usr/bin/env")):
            request = asked(command, inbox)
            shown = request["command"]
            check(shown["verified"] and shown["argv"][-len(tail):] == tail and shown["path"] == path, f"{command}: {shown}")


def test_an_editor_is_shown_with_every_file_it_opens():
    """What edits is the caller's program, so no permit for a program matches; that it edits, and all its words, are shown."""
    bedlib.clean_slate()
    with plugin.loaded(), Inbox() as inbox:
        with plugin.policy(plugin.ANY):
            for editor in "cat", "cat -- /etc/shadow":
                with Terminal("alice", "sudoedit /etc/hosts", env={"EDITOR": editor}) as alice:
                    if editor != "cat":  # sudo itself refuses since 1.9.12p2
                        check(alice.wait() != 0 and "root:" not in alice.text, alice.text)
                        continue
                    alice.expect("waiting")
                    command = inbox.new("alice")["command"]
                    check(command["options"] == ["-e"] and command["path"] is None and "/etc/hosts" in command["argv"], str(command))
        with plugin.policy(LOOK):
            program = bedlib.run("alice", "sudoedit /etc/hosts", env={"EDITOR": "/usr/bin/cat"})
            check(program.code != 0 and "jit:" in program.err, program.text)


def test_a_command_permit_is_for_its_words():
    bedlib.clean_slate()
    with plugin.loaded(), plugin.policy(LOOK), Inbox() as inbox:
        shown, alice = plugin.approved("sudo id -u", inbox)
        check(alice.code == 0 and alice.text.endswith("0\n") and shown["offer"]["rule"] == "look", alice.text)
        for command in ("sudo -s id -u", "sudo -i id -u", "sudo env id -u", "sudo -p -l sh -c id", "sudo sh -c 'id -u'", "sudo LD_PRELOAD=x id -u",
                        "sudo -u carol id -u", "sudo -g sudo id -u"):
            program = bedlib.run("alice", command)
            check(program.code != 0 and "0\n" not in program.out, f"{command}: {program.text}")


def test_what_sudoers_skips_does_not_skip_the_question():
    """With `!pam_session` no session is refused either: sudo asks its plugins all the same."""
    bedlib.clean_slate()
    with plugin.loaded(), Inbox() as inbox:
        for line in "Defaults !pam_session", "Defaults !authenticate", "Defaults use_pty", "Defaults intercept":
            with plugin.sudoers(line):
                bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "next"])
                shown, alice = plugin.approved("sudo id -u", inbox)
                check(alice.code == 0 and shown["command"]["verified"], f"{line}: {alice.text}")


bedlib.main(globals())
