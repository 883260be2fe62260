# SPDX-License-Identifier: Apache-2.0
"""B17: programs that authenticate and never ask account. Our line in auth denies by itself; doctor names what it cannot reach."""
# bed: --no-sshd
import bedlib
from bedlib import check, run


def stack(service: str, *lines: str) -> None:
    with open(f"/etc/pam.d/{service}", "w", encoding="ascii") as f:
        f.write("".join(line + "\n" for line in lines))


def phases(service: str, *names: str):
    return run("root", ["pamtester", service, "alice", *names])


def test_auth_alone_asks_and_denies():
    """su is a door whose real uid here is root's; polkit is one where whoever asks is gated. Nobody approves."""
    for control in "required", "[success=ok default=die]":
        stack("polkit-1", f"auth {control} pam_jit.so", "auth required pam_permit.so", "account required pam_permit.so")
        for names in ("authenticate",), ("authenticate", "acct_mgmt"):
            done = phases("polkit-1", *names)
            check(done.code != 0 and "successfully authenticated" not in done.text, f"{control} {names}: {done.text}")
    bedlib.broker.stop()
    done = phases("polkit-1", "authenticate")
    check(done.code != 0, f"without a broker: {done.text}")
    bedlib.broker.start()


def test_auth_alone_lets_in_who_was_approved():
    with bedlib.policy_with('covers   = ["sudo", "su", "ssh", "login"]', 'covers   = ["sudo", "su", "ssh", "login", "polkit"]'):
        with open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
            text = f.read()
        bedlib.set_policy(text + '[[permit]]\nid = "polkit"\nwho = ["user:alice"]\ndoor = ["polkit"]\nas = ["user:root"]\nmax = "5m"\n')
        stack("polkit-1", "auth required pam_jit.so", "account required pam_permit.so")
        check(phases("polkit-1", "authenticate").code == 0, phases("polkit-1", "authenticate").text)
        bedlib.set_policy(text)
        check(phases("polkit-1", "authenticate").code != 0, "the permit is gone")


def test_account_alone_misses_such_a_program_and_doctor_names_it():
    with open("/etc/pam.d/su", encoding="ascii") as f:
        before = f.read()
    stack("su", "auth required pam_permit.so", "account [success=ok default=die] pam_jit.so", "session [success=ok default=die] pam_jit.so")
    try:
        check(phases("su", "authenticate").code == 0, "this is what the note is about")
        done = run("root", ["jitctl", "doctor", "--door", "su"])
        check(done.code == 0 and "only authenticates (pam_authenticate) and never asks account" in done.text and "in its auth" in done.text, done.text)
        stack("su", "auth required pam_jit.so", "session [success=ok default=die] pam_jit.so")
        done = run("root", ["jitctl", "doctor", "--door", "su"])
        check(done.code == 1 and "auth alone" in done.text, done.text)
    finally:
        with open("/etc/pam.d/su", "w", encoding="ascii") as f:
            f.write(before)


bedlib.main(globals())
