# SPDX-License-Identifier: Apache-2.0
"""jitctl setup as an admin sees it: what changes, what it says where it cannot, and how it is taken back. No systemd here: see full.setup."""
import bedlib
import pam_files
import story


def gate(s):
    with pam_files.as_installed(fixed=True):
        s.did("root", "jitctl setup sudo --no-take-back")
        alice = s.terminal("alice", "sudo id -un")
        s.see(alice, "waiting")
        s.vote("bob", "approve", "alice")
        s.end(alice)
        s.did("root", "jitctl setup sudo --no-take-back")
        s.did("root", "jitctl setup --undo")
        s.did("alice", "sudo id -un")


def login(s):
    with pam_files.as_installed(fixed=True):
        s.did("root", "jitctl setup login --no-take-back")
        s.did("root", "jitctl setup --undo login")


def observe(s):
    with pam_files.as_installed(fixed=True):
        s.did("root", "jitctl setup su --observe")
        s.did("root", "jitctl setup su --no-take-back")
        s.did("root", "jitctl setup --undo")


def edited(s):
    with pam_files.as_installed(fixed=True):
        s.did("root", "jitctl setup su --no-take-back >/dev/null")
        s.note("an editor adds a line at the end of su, and an option to our account line")
        text = pam_files.read("su").replace("default=die] pam_jit.so", "default=die] pam_jit.so budget=30", 1)
        pam_files.write("su", text + "session optional pam_echo.so\n")
        s.did("root", "jitctl setup su --no-take-back")
        s.did("root", "jitctl setup --undo")
        s.did("root", "tail -n 2 /etc/pam.d/su; grep -c pam_jit /etc/pam.d/su")


def by_hand(s):
    with pam_files.as_installed(fixed=True):
        pam_files.write("sudo", "account required pam_jit.so\n" + pam_files.read("sudo"))
        s.did("root", "jitctl setup sudo --no-take-back")
        s.did("root", "jitctl setup --undo")


def refused(s):
    with pam_files.as_installed(fixed=True):
        for command in ("jitctl setup", "jitctl setup cron", "jitctl setup sudo --undo --confirm", "jitctl setup sudo", "jitctl setup polkit --no-take-back",
                        "jitctl setup --confirm", "jitctl setup --policy fort", "jitctl setup --policy server"):
            s.did("root", command)
        s.did("alice", "jitctl setup sudo")
        s.note("an editor leaves half a file")
        broken = "/etc/jit/policy.d/new.toml"
        with open(broken, "w", encoding="ascii") as f:
            f.write("schema = 1\n[[permit]]\nid = 7\n")
        for command in "jitctl setup sudo --no-take-back", "jitctl setup --policy server sudo --no-take-back", "grep -c pam_jit /etc/pam.d/sudo", f"rm {broken}":
            s.did("root", command)
        bedlib.broker.stop()
        s.note("the broker is stopped")
        s.did("root", "jitctl setup sudo --no-take-back")
        bedlib.broker.start()


story.main("setup", {"gate": gate, "login": login, "observe": observe, "edited": edited, "by-hand": by_hand, "refused": refused})
