# SPDX-License-Identifier: Apache-2.0
"""B13: the module in a program that is not privileged, or in a service that is no door: denied."""
# bed: --no-sshd
import bedlib
from bedlib import check

SERVICE = "auth required pam_jit.so\naccount required pam_jit.so\nsession required pam_jit.so\n"
PERMIT = "".join(f"{kind} required pam_jit.so\n{kind} required pam_permit.so\n" for kind in ("auth", "account", "session"))


def test_programs_without_privileges_and_services_that_are_no_door():
    for service, text in ("sudo-like", SERVICE), ("screen-locker", PERMIT), ("cron", SERVICE):
        with open(f"/etc/pam.d/{service}", "w", encoding="ascii") as f:
            f.write(text)
    for service in "sudo-like", "screen-locker", "cron", "sudo", "su", "login", "sshd":
        for user in "alice", "nobody", "bob":
            for phase in "acct_mgmt", "open_session":
                program = bedlib.run(user, ["pamtester", service, "alice", phase])
                check(program.code != 0 and "success" not in program.text, f"{user} {service} {phase}: {program.text}")
    for service in "sudo-like", "screen-locker", "cron":
        for phase in "authenticate", "acct_mgmt", "open_session":
            program = bedlib.run("root", ["pamtester", service, "alice", phase])
            check(program.code != 0, f"root {service} {phase}: {program.text}")


bedlib.main(globals())
