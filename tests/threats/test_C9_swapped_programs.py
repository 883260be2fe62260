# SPDX-License-Identifier: Apache-2.0
"""C9: what was approved and what runs. A digest binds only what root alone can change; the rest is shown as the requester's to change."""
# bed: --no-sshd
import os

import bedlib
import plugin
from bedlib import Inbox, Terminal, check

TOOL = "/usr/local/lib/bed/tool"
OURS = 'digest = true\nunverified-ok = ["command"]'  # a claim may do for the rest; never for the digest


def rules(*paths: str) -> str:
    return plugin.permit("tool", '["{' + "|".join(paths) + '}"]' if len(paths) > 1 else f'["{paths[0]}"]', OURS)


def asks_again(inbox, command: str, **keys) -> dict:
    with Terminal("alice", command, **keys) as alice:
        alice.expect("waiting")
        request = inbox.new("alice")
        alice.ctrl_c()
        alice.wait()
        return request


def refused(command: str) -> str:
    program = bedlib.run("alice", command)
    check(program.code != 0 and "ran" not in program.out and "jit:" in program.err, f"{command}: {program.text}")
    return program.text


def own(path: str, user: str = "alice") -> None:
    bedlib.run("root", f"chown -h {user} {path}")


def test_a_program_that_changed_is_another_one():
    """Given for these bytes: a use with others is a new question, of a grant and of an approval that waits to be used."""
    bedlib.clean_slate()
    plugin.program(TOOL)
    with plugin.loaded(), plugin.policy(rules(TOOL)), Inbox() as inbox:
        first, alice = plugin.approved(f"sudo {TOOL}", inbox)
        check(alice.code == 0 and "ran" in alice.text.splitlines(), alice.text)
        check(first["command"]["sha256"] == plugin.sha256(TOOL) and not first["command"]["changeable"], str(first))
        check("ran" in bedlib.run("alice", f"sudo -n {TOOL}").out, "the same bytes again")
        plugin.program(TOOL, "echo ran; echo more")
        second = asks_again(inbox, f"sudo {TOOL}")
        check(second["command"]["sha256"] == plugin.sha256(TOOL) != first["command"]["sha256"], str(second))
        refused(f"sudo -n {TOOL}")
        plugin.program(TOOL)
        check("ran" in bedlib.run("alice", f"sudo -n {TOOL}").out, "the first bytes again")


def test_a_program_that_changes_while_it_is_asked():
    """Approved, not used: the attempt had left. The next one has other bytes, so it is not what was approved."""
    bedlib.clean_slate()
    plugin.program(TOOL)
    with plugin.loaded("budget=1"), plugin.policy(rules(TOOL)), Inbox() as inbox:
        with Terminal("alice", f"sudo {TOOL}") as alice:
            request = inbox.new("alice")
            check(alice.wait() != 0, alice.text)
        inbox.state(request["id"], "detached")
        bedlib.jitctl("bob", "approve", request["id"])
        plugin.program(TOOL, "echo ran otherwise")
        refused(f"sudo -n {TOOL}")
        plugin.program(TOOL)
        check("ran" in bedlib.run("alice", f"sudo -n {TOOL}").out, "what was approved")


def test_what_others_can_change_is_never_bound():
    bedlib.clean_slate()
    os.makedirs("/opt/bed", exist_ok=True)
    places = {}
    places["his own"] = plugin.program("/home/alice/tool")
    own("/home/alice/tool")
    places["root's in a folder of his"] = plugin.program("/home/alice/bin/tool")
    own("/home/alice/bin")
    places["below a folder of his"] = plugin.program("/home/alice/bin/deep/tool")
    places["in a folder that all may write"] = plugin.program("/opt/bed/open/tool")
    os.chmod("/opt/bed/open", 0o1777)
    places["that its group may write"] = plugin.program("/opt/bed/group/tool", mode=0o775)
    places["that somebody else owns"] = plugin.program("/opt/bed/bob/tool")
    own("/opt/bed/bob/tool", "bob")
    plugin.program(TOOL)
    places["by a link of his"] = "/home/alice/link"
    bedlib.run("root", f"ln -sf {TOOL} /home/alice/link; chown -h alice /home/alice/link")
    places["by a link in an open folder"] = "/opt/bed/open/link"
    bedlib.run("root", f"ln -sf {TOOL} /opt/bed/open/link")
    with plugin.loaded(), Inbox() as inbox:
        with plugin.policy(rules(*places.values())):
            for what, path in places.items():
                refused(f"sudo {path}")
        with plugin.policy(plugin.ANY):
            for what, path in places.items():
                command = bedlib.jitctl("bob", "show", asks_again(inbox, f"sudo {path}")["id"])["command"]
                check(command["verified"] and command["sha256"] is None and command["changeable"], f"{what}: {command}")


def test_the_approver_reads_that_it_can_be_changed():
    bedlib.clean_slate()
    plugin.program("/home/alice/tool")
    own("/home/alice/tool")
    with plugin.loaded(), plugin.policy(plugin.ANY), Inbox() as inbox, Terminal("alice", "sudo ./tool") as alice:
        alice.expect("waiting")
        request = inbox.new("alice")
        check(request["command"]["path"] == "/home/alice/tool", str(request["command"]))
        shown = bedlib.run("bob", ["jitctl", "show", request["id"]]).out
        check("requester can change this" in shown, shown)


def test_a_link_that_is_turned_is_another_program():
    """Root's link, root's folders: its name is the path, its target the bytes."""
    bedlib.clean_slate()
    one, two = plugin.program("/usr/local/lib/bed/one", "echo ran one"), plugin.program("/usr/local/lib/bed/two", "echo ran two")
    link = "/usr/local/lib/bed/link"
    bedlib.run("root", f"ln -sfn {one} {link}")
    with plugin.loaded(), plugin.policy(rules(link)), Inbox() as inbox:
        first, alice = plugin.approved(f"sudo {link}", inbox)
        check("ran one" in alice.text and first["command"]["sha256"] == plugin.sha256(one), alice.text)
        bedlib.run("root", f"ln -sfn {two} {link}")
        refused(f"sudo -n {link}")
        check(asks_again(inbox, f"sudo {link}")["command"]["sha256"] == plugin.sha256(two), "another digest")


def test_another_folder_or_path_is_another_command():
    """PATH and the folder change which program a word means: the path that sudo found decides."""
    bedlib.clean_slate()
    plugin.program("/usr/local/lib/bed/a/tool", "echo ran a")
    plugin.program("/usr/local/lib/bed/b/tool", "echo ran b")
    with plugin.loaded(), plugin.policy(rules("/usr/local/lib/bed/a/tool")), Inbox() as inbox:
        _, alice = plugin.approved("cd /usr/local/lib/bed/a && sudo ./tool", inbox)
        check("ran a" in alice.text, alice.text)
        refused("cd /usr/local/lib/bed/b && sudo ./tool")
        with open("/etc/sudoers", encoding="ascii") as f:
            here = f.read().replace('secure_path="', 'secure_path="/usr/local/lib/bed/b:')
        with plugin.file_with("/etc/sudoers", here, 0o440):
            refused("cd /usr/local/lib/bed/a && sudo tool")
        # sudo looks for a relative program here and runs it there.
        plugin.program("/home/alice/tool", "echo ran his")
        with plugin.sudoers("Defaults runcwd=*"):
            refused("cd /usr/local/lib/bed/a && sudo -D /home/alice ./tool")
        with plugin.sudoers("Defaults runcwd=*"), plugin.policy(plugin.ANY):
            command = asks_again(inbox, "cd /usr/local/lib/bed/a && sudo -D /home/alice ./tool")["command"]
            check(command["path"] == "/home/alice/tool" and command["sha256"] is None, str(command))


bedlib.main(globals())
