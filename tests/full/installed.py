# SPDX-License-Identifier: Apache-2.0
"""For autopkgtest (debian/tests): docs/howto/first-host.md from where the packages are installed to where all is taken back. They stay."""
import pathlib

import bedlib
import typed
from bedlib import check, run
from booted import until
from typed import Typing, lines


def pam_files() -> dict:
    return {path.name: path.read_bytes() for path in pathlib.Path("/etc/pam.d").iterdir()}


def test_set_up_approved_and_taken_back() -> None:
    before = pam_files()
    these = lines("first-host.md")
    undo = next(i for i, line in enumerate(these) if line[1] == "jitctl setup --undo")
    until("a broker", lambda: run("root", ["jitctl", "status"]).code == 0)
    with Typing(reason="the first of all") as page:
        said = page.type(these[1:undo])
        for wanted in "approved by bob", "confirmed: sudo, su stay gated", "0 holes, 0 faults":
            check(wanted in said, f"not said: {wanted}\n{said}")
        check(pam_files() != before, "nothing is gated")
        check(run("bob", ["sudo", "-n", "true"]).code != 0, "bob is root without being asked about")
        page.type(these[undo:undo + 1])
    check(pam_files() == before, "a PAM file is not as it was")
    check(run("bob", ["sudo", "-n", "id", "-u"]).out.strip() == "0", "bob's sudo is not as it was before")


typed.admins("alice", "bob")
bedlib.main(globals())
