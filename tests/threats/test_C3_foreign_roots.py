#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Threat C3 (sudo CVE-2025-32463): whoever asks from a root folder, a user or a mount namespace of his own. Policy, people and names
are read by the broker alone, in the host's files; root of a user namespace is nobody at the gate; a foreign namespace is told of."""
import contextlib
import os
import pathlib

import bedlib
import plugin
from bedlib import Inbox, Terminal, check, clean_slate, run

ROOT = "/tmp/foreign"
ASK = """
import socket
s = socket.socket(socket.AF_UNIX)
try:
    s.connect("/run/jit/gate")
    s.sendall(b"\\0AUTH EXTERNAL\\r\\nDATA\\r\\nBEGIN\\r\\n")
    print("answered" if s.recv(10) else "hung up")
except OSError as error:
    print(error.strerror)
"""


def make_root() -> None:
    """A root folder of hers, whose files say that she is root and may do all."""
    for folder in "etc/jit/policy.d", "etc/pam.d", "run", "proc", "dev", "usr/bin", "tmp":
        os.makedirs(f"{ROOT}/{folder}", exist_ok=True)
    for name, text in {"etc/passwd": "alice:x:0:0::/:/bin/sh\nroot:x:2001:2001::/:/bin/sh\n", "etc/nsswitch.conf": "passwd: files\n",
                       "etc/jit/policy.d/all.toml": 'schema = 1\n[settings]\ncovers = ["sudo"]\n[[permit]]\nid = "all"\nwho = ["*"]\nmax = "1d"\n',
                       "etc/pam.d/sudo": "account sufficient pam_permit.so\nauth sufficient pam_permit.so\nsession sufficient pam_permit.so\n"}.items():
        pathlib.Path(ROOT, name).write_text(text, encoding="ascii")
    run("root", f"cp /usr/bin/id {ROOT}/usr/bin; chown -R alice {ROOT}")


def test_root_of_a_user_namespace() -> None:
    clean_slate()
    make_root()
    for command in (f"unshare -rm python3 -c '{ASK}'", f"unshare -rmpf python3 -c '{ASK}'"):
        done = run("alice", command)
        check("answered" not in done.out, f"{command}: the gate talks to root of a user namespace: {done.text}")
    done = run("alice", f"unshare -rm sh -c 'mount --bind /usr {ROOT}/usr; mount --bind {ROOT}/etc /etc; sudo -n id'")
    check(done.code != 0 and "uid=0" not in done.out, done.text)
    done = run("alice", "unshare -rm sh -c 'id -u; exec sudo -n id -u'")
    check(done.out.split()[1:] != ["0"], f"sudo inside a user namespace: {done.text}")
    check(not bedlib.all_grants(), "a grant came of it")


def test_chroot_of_sudo() -> None:
    """sudo -R: a root folder that the caller names. It is part of what is shown, and no permit gives it by chance."""
    clean_slate()
    make_root()
    done = run("alice", f"sudo -n -R {ROOT} id")
    check(done.code != 0, done.text)
    check("uid=0" not in done.out, done.out)
    look = plugin.permit("look", '["/usr/bin/id", "**"]', 'unverified-ok = ["command"]').replace('approval = "by-sre"', "")
    with plugin.sudoers("Defaults runchroot=*"):
        for gates in contextlib.nullcontext(), plugin.loaded():
            with gates:
                with plugin.policy(look):
                    done = run("alice", "sudo -n /usr/bin/id -u")
                    check(done.out == "0\n", f"the permit gives nothing: {done.text}")
                    done = run("alice", "sudo -n -R / /usr/bin/id -u")
                    check(done.code != 0 and not done.out, f"a permit for the program gives it in another root folder: {done.text}")
                with plugin.policy(plugin.ANY), Inbox() as inbox, Terminal("alice", f"sudo -R {ROOT} /usr/bin/id") as alice:
                    alice.expect("waiting for approval")
                    shown = run("bob", ["jitctl", "show", inbox.new("alice")["id"]]).out
                    check(f"-R {ROOT}" in shown, f"bob is not shown the root folder: {shown}")
                    alice.ctrl_c()
                    alice.wait()


def told() -> bool:
    return "asks from another mount namespace" in bedlib.log("journal")


def test_a_foreign_mount_namespace_is_told_of() -> None:
    """Where a permit gives it, so nothing else refuses: from the host's own namespace nobody is told of, from another one he is."""
    clean_slate()
    namespace = os.stat("/proc/1/ns/mnt")  # written down as by the broker's unit, for the broker may not look
    pathlib.Path("/run/jit/mount-namespace").write_text(f"{namespace.st_dev}:{namespace.st_ino}\n", encoding="ascii")
    bedlib.broker.restart()
    as_alice = "setpriv --reuid alice --regid alice --init-groups sudo -n id -u"
    with plugin.policy(plugin.ANY.replace('approval = "by-sre"', "")):
        check(run("root", as_alice).out == "0\n" and not told(), "the host's own namespace is called another one")
        run("root", f"unshare --mount {as_alice}")
        check(told(), "a foreign mount namespace is not told of")


def test_policies_are_the_hosts() -> None:
    """The broker reads /etc/jit in its own mounts; what lies in the caller's namespace is no policy."""
    clean_slate()
    before = bedlib.jitctl("root", "status")["policy"]["hash"]
    done = run("root", f"unshare -m sh -c 'mount --bind {ROOT}/etc/jit /etc/jit && jitctl policy reload; runuser -u alice -- sudo -n id'")
    check("uid=0(root)" not in done.out, done.text)
    check(bedlib.jitctl("root", "status")["policy"]["hash"] == before, "another policy is in force")


bedlib.main(globals())
