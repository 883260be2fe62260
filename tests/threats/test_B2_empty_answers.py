# SPDX-License-Identifier: Apache-2.0
"""B2: an empty answer, an end of input, Ctrl-C again and again at a prompt or in a wait: denied each time, nothing is asked."""
# bed: --no-sshd
import functools
import os

import bedlib
from bedlib import Inbox, check, within

WITHDRAWN_S = 2


def ended(terminal, answer: str) -> int:
    """sudo itself loses a signal that comes between its prompt and its read: then the key is pressed again."""
    while answer in ("\x03", "\x1c"):
        try:
            return terminal.wait(5)
        except bedlib.Failed:
            terminal.type(answer)
            if terminal.text.count("^") > 6:
                break
    return terminal.wait()


def test_answers_that_are_none():
    bedlib.set_policy(REASON)
    for name, answer in ("Enter", "\n"), ("blanks", "   \n"), ("end of input", "\x04"), ("Ctrl-C", "\x03"), ("Ctrl-\\", "\x1c"):
        with Inbox() as inbox, bedlib.Terminal("alice", ["sudo", "id", "-un"]) as alice:
            alice.expect("(?i)reason.*: ?")
            alice.type(answer)
            code = ended(alice, answer)
            check(code != 0 and "root" not in alice.text.split(), f"{name}: exit {code}: {alice.text}")
            check(not [r for r in inbox.requests() if r["id"] not in inbox.known], f"{name} made a request")


def interrupted(count: int, watch) -> None:
    with Inbox() as inbox, bedlib.waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        with watch:
            alice.type("\x03" * count)
            code = alice.wait()
            inbox.state(request, "cancelled")
        check(code != 0 and "root" not in alice.text.split(), f"{count} x Ctrl-C: exit {code}: {alice.text}")


def test_ctrl_c_in_a_wait_any_number_of_times():
    bedlib.set_policy(PLAIN)
    for count in 1, 3, 20:
        within(WITHDRAWN_S, functools.partial(interrupted, count))


def test_su_whose_input_has_ended():
    """su answers a prompt at the end of input with success and no text."""
    bedlib.set_policy(REASON)
    program = bedlib.run("alice", "su -c 'id -un'", stdin=b"root\n")
    check(program.code != 0 and "root" not in program.out, program.text)


def test_the_shipped_lines_under_every_code():
    """Each code of PAM in place of the module's answer, then a module that says yes: only success passes."""
    snippets = f"{os.path.dirname(os.path.abspath(__file__))}/../../pam_jit/snippets"
    for service in sorted(os.listdir(snippets)):
        with open(f"{snippets}/{service}", encoding="utf-8") as f:
            lines = [line for line in f.read().splitlines() if not line.startswith("#")]
        ours = [line for line in lines if line.endswith(" pam_jit.so")]
        check([line.split()[0] for line in ours] == ["account", "session"], f"{service}: {lines}")
        for line in ours:
            check(line.split(maxsplit=1)[1] == "[success=ok default=die] pam_jit.so", f"{service}: {line}")
        for code in CODES:
            stack = "\n".join(line.replace("pam_jit.so", f"pam_debug.so acct={code} open_session={code}") for line in lines)
            with open("/etc/pam.d/jit-lines", "w", encoding="utf-8") as f:
                f.write(f"auth required pam_permit.so\n{stack}\naccount required pam_permit.so\nsession required pam_permit.so\n")
            for phase in "acct_mgmt", "open_session":
                program = bedlib.run("root", ["pamtester", "jit-lines", "alice", phase])
                check((program.code == 0) == (code == "success"), f"{service} {phase}: {code} gave {program.code}: {program.text}")


# What pam_debug(8) can return.
CODES = ("success open_err symbol_err service_err system_err buf_err perm_denied auth_err cred_insufficient authinfo_unavail "
         "user_unknown maxtries new_authtok_reqd acct_expired session_err cred_unavail cred_expired cred_err no_module_data "
         "conv_err authtok_err authtok_recover_err authtok_lock_busy authtok_disable_aging try_again ignore abort "
         "authtok_expired module_unknown").split()
with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as policy:
    PLAIN = policy.read()
REASON = PLAIN.replace('id       = "root"', 'id       = "root"\nrequire  = ["reason"]')
bedlib.main(globals())
