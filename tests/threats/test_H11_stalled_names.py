# SPDX-License-Identifier: Apache-2.0
"""H11: a look-up of a name hangs for a minute, as a dead LDAP server makes it. Who is meant is denied in time; nobody else notices."""
# bed: --no-sshd
import functools
import glob
import os
import subprocess

import bedlib
from bedlib import broker, check, within

STALLED = [f"stall{i}" for i in range(60)]
FIRST_UID = 4000
SERVED_S, SERVED_MEANWHILE_S, SERVED_AFTERWARDS_S, DENIED_S = 1, 2, 3, 5  # a look-up that hangs costs its own asker two
GATE = "/tmp/nss-stall"  # a fifo: to open it for reading hangs until somebody opens it for writing
MODULE = r"""
#include <fcntl.h>
#include <nss.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>
extern char* program_invocation_short_name;
static enum nss_status look(int ours) {  /* in the broker only, and only for some: files knows them all */
  if (ours && strcmp(program_invocation_short_name, "jit-broker") == 0) close(open("/tmp/nss-stall", O_RDONLY | O_CLOEXEC));
  return NSS_STATUS_NOTFOUND;
}
enum nss_status _nss_slow_getpwnam_r(const char* name, struct passwd* p, char* b, size_t n, int* e) {
  return look(strncmp(name, "stall", 5) == 0);
}
enum nss_status _nss_slow_getpwuid_r(uid_t uid, struct passwd* p, char* b, size_t n, int* e) {
  return look(uid >= 4000 && uid < 4100);
}
"""


def stalled_source() -> None:
    folder = os.path.dirname(glob.glob("/usr/lib/*/libc.so.6")[0])
    subprocess.run(["gcc", "-shared", "-fPIC", "-w", "-o", f"{folder}/libnss_slow.so.2", "-D_GNU_SOURCE", "-x", "c", "-"], input=MODULE,
                   text=True, check=True)
    with open("/etc/nsswitch.conf", encoding="utf-8") as f:
        lines = [line for line in f if not line.startswith("passwd:")]
    with open("/etc/nsswitch.conf", "w", encoding="utf-8") as f:
        f.write("passwd: slow files\n" + "".join(lines))
    os.mkfifo(GATE)
    os.chmod(GATE, 0o644)


def is_served(user: str, when: str, watch) -> None:
    with watch:
        program = bedlib.run(user, ["sudo", "-n", "id"])
    check(program.code != 0 and "ask first" in program.text, f"{when}: {user}: {program.text}")


def is_denied(program: bedlib.Program) -> None:
    check(program.wait() != 0 and "uid=0" not in program.text, f"{program.user}: {program.text}")
    check("jit: " in program.text, f"{program.user}: {program.text}")


def everybody_else(when: str, watch) -> None:
    is_served("alice", when, watch)
    is_served("fresh", when, watch)  # whom nobody has looked up yet
    with watch:
        check(bedlib.jitctl("eve", "status")["state"] == "running", f"{when}: jitctl")
    bedlib.jitctl("root", "policy", "reload")  # forgets all names
    is_served("alice", f"{when}, after a reload", watch)
    with bedlib.Inbox() as inbox, bedlib.waiting("alice") as alice:
        bedlib.jitctl("bob", "approve", inbox.new("alice")["id"])
        check(alice.wait() == 0, f"{when}: an approval: {alice.text}")
    bedlib.run("root", ["jitctl", "revoke", "--all", "-m", "x"])


def stall(user: str, times: int, when: str, watch) -> None:
    """Each try stalls anew: it is meanwhile that everybody else is measured."""
    programs = [bedlib.Pipe(user, ["sudo", "-n", "id"]) for _ in range(times)]
    everybody_else(when, watch)
    for program in programs:
        is_denied(program)
        program.close()


def denied(user: str, _watch) -> None:
    with bedlib.Pipe(user, ["sudo", "-n", "id"]) as program:
        is_denied(program)


def test_one_that_stalls():
    within(SERVED_S, lambda watch: stall(STALLED[0], 1, "one stalls", watch))
    within(SERVED_S, lambda watch: everybody_else("one has stalled", watch))


def test_one_that_comes_again_and_again():
    within(SERVED_S, lambda watch: stall(STALLED[1], 8, "one stalls eight times", watch))


def test_who_is_meant_is_denied_in_time():
    for user in STALLED[:3]:
        within(DENIED_S, functools.partial(denied, user))


def many_stall(watch) -> None:
    programs = [bedlib.Pipe(user, ["sudo", "-n", "id"]) for user in STALLED[2:]]
    is_served("late", "many stall", watch)  # whom nobody has looked up yet
    everybody_else("many stall", watch)
    for program in programs:
        check(program.wait() != 0 and "uid=0" not in program.text, f"{program.user}: {program.text}")
        program.close()


def test_many_different_ones():
    within(SERVED_MEANWHILE_S, many_stall)
    within(SERVED_MEANWHILE_S, lambda watch: is_served("later", "many have stalled", watch))


def test_afterwards_all_is_as_before():
    with open(GATE, "w", encoding="ascii"):  # the server answers again
        os.unlink(GATE)
        with open(GATE, "w", encoding="ascii"):
            pass  # a plain file: nothing hangs now
        os.chmod(GATE, 0o644)
    bedlib.jitctl("root", "policy", "reload")
    for user in STALLED[0], STALLED[-1], "alice":
        within(SERVED_AFTERWARDS_S, lambda watch, user=user: is_served(user, "afterwards", watch))


broker.stop()
stalled_source()
for index, name in enumerate(STALLED):
    bedlib.add_user(name, FIRST_UID + index, ["sudo"])
for index, name in enumerate(("fresh", "late", "later")):
    bedlib.add_user(name, 4500 + index, ["sudo"])
broker.start()
bedlib.main(globals())
