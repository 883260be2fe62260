#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# full bed --packages
"""What the README says, typed as it stands, from the installation to the first approved sudo; docs/howto/first-host.md, which says the same, has
the way back."""
import pathlib
import time

import bedlib
import typed
from bedlib import check, run
from booted import shell
from typed import Typing, lines

README = "../../README.md", "On a host of yours"


def pam_files() -> dict:
    return {path.name: path.read_bytes() for path in pathlib.Path("/etc/pam.d").iterdir()}


def parts() -> tuple:
    """The README up to where it is confirmed, and what it looks at then; the way back, of the page."""
    these, page = lines(*README), lines("first-host.md")
    check(len(page) == 15 and these == page[:len(these)], f"the README does not say what the page does: {these}\n{page}")
    commands = [command for _who, command, _code in page]
    look, back = commands.index("sudo jitctl setup --confirm") + 1, commands.index("jitctl setup --undo")
    check(commands.index("jitctl doctor") == len(these) - 1, f"the README ends with {commands[len(these) - 1]}")
    return these[:look], page[look:back], page[back:]


def test_the_page() -> None:
    before, began = pam_files(), time.monotonic()
    to_confirm, look, back = parts()
    with Typing(reason="the first of all", folder="/root/packages") as page:
        said = page.type(to_confirm[:-1])
        check("approved by bob" in said and "code=0" in said, said)
        print(f"     {time.monotonic() - began:.0f} s from apt-get install to the first approved sudo", flush=True)
        check(time.monotonic() - began < 300, "that took more than five minutes")
        said = page.type(to_confirm[-1:])
        check("confirmed: sudo, su stay gated" in said and "waiting" not in said, said)
        said = page.type(look)
        check("0 holes, 0 faults" in said and "alice" in said and "bob" in said, said)
        check(pam_files() != before, "nothing is gated")
        page.type(back)
    check(pam_files() == before, "a PAM file is not as it was")
    check(run("alice", ["sudo", "-n", "id", "-u"]).out.strip() == "0", "alice's sudo is not as it was before")


shell("userdel _jit 2>/dev/null || true; rm -rf /etc/jit /var/lib/jit")
typed.admins("alice", "bob")
bedlib.main(globals())
