# SPDX-License-Identifier: Apache-2.0
"""G9: a source of names says what it likes: of group sudo, of uid 0, of the broker's uid, of uids that belong to the machine. The
machine's own files win, and the broker's uid never asks for anything."""
# bed: --no-sshd
import contextlib
import glob
import os
import pwd
import subprocess

import bedlib
from bedlib import broker, check
from journal import Lines

JIT = pwd.getpwnam("_jit").pw_uid
# Lines "user NAME UID GID", "group NAME GID", "member NAME GID". The broker reads its own, so that it may be told other lies.
MODULE = r"""
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
extern char* program_invocation_short_name;
static FILE* told(void) {
  return fopen(strcmp(program_invocation_short_name, "jit-broker") == 0 ? "/tmp/nss-broker" : "/tmp/nss-others", "re");
}
static int find(const char* kind, const char* name, long id, char* is, long* number, long* primary) {
  FILE* f = told();
  char line[256], word[16];
  int found = 0;
  if (f == NULL) return 0;
  while (!found && fgets(line, sizeof line, f) != NULL) {
    *primary = 0;
    found = sscanf(line, "%15s %63s %ld %ld", word, is, number, primary) >= 3 && strcmp(word, kind) == 0 &&
            (name != NULL ? strcmp(is, name) == 0 : *number == id);
  }
  fclose(f);
  return found;
}
static enum nss_status user(const char* name, long id, struct passwd* p, char* b, size_t n, int* e) {
  char is[64];
  long uid, gid;
  if (!find("user", name, id, is, &uid, &gid)) return NSS_STATUS_NOTFOUND;
  if (n < 256) { *e = ERANGE; return NSS_STATUS_TRYAGAIN; }
  p->pw_name = strcpy(b, is);
  p->pw_passwd = strcpy(b + 64, "x");
  p->pw_gecos = strcpy(b + 70, "");
  p->pw_dir = strcpy(b + 80, "/tmp");
  p->pw_shell = strcpy(b + 90, "/bin/bash");
  p->pw_uid = uid;
  p->pw_gid = gid;
  return NSS_STATUS_SUCCESS;
}
static enum nss_status group(const char* name, long id, struct group* g, char* b, size_t n, int* e) {
  char is[64];
  long gid, none;
  if (!find("group", name, id, is, &gid, &none)) return NSS_STATUS_NOTFOUND;
  if (n < 256) { *e = ERANGE; return NSS_STATUS_TRYAGAIN; }
  g->gr_name = strcpy(b, is);
  g->gr_passwd = strcpy(b + 64, "x");
  g->gr_gid = gid;
  g->gr_mem = (char**)(b + 128 + (16 - (unsigned long)b % 16) % 16);
  g->gr_mem[0] = NULL;
  return NSS_STATUS_SUCCESS;
}
enum nss_status _nss_evil_getpwnam_r(const char* name, struct passwd* p, char* b, size_t n, int* e) { return user(name, 0, p, b, n, e); }
enum nss_status _nss_evil_getpwuid_r(uid_t uid, struct passwd* p, char* b, size_t n, int* e) { return user(NULL, uid, p, b, n, e); }
enum nss_status _nss_evil_getgrnam_r(const char* name, struct group* g, char* b, size_t n, int* e) { return group(name, 0, g, b, n, e); }
enum nss_status _nss_evil_getgrgid_r(gid_t gid, struct group* g, char* b, size_t n, int* e) { return group(NULL, gid, g, b, n, e); }
enum nss_status _nss_evil_initgroups_dyn(const char* name, gid_t skip, long* start, long* size, gid_t** groups, long limit, int* e) {
  FILE* f = told();
  char line[256], word[16], is[64];
  long gid;
  if (f == NULL) return NSS_STATUS_NOTFOUND;
  while (fgets(line, sizeof line, f) != NULL) {
    if (sscanf(line, "%15s %63s %ld", word, is, &gid) < 3 || strcmp(word, "member") != 0 || strcmp(is, name) != 0) continue;
    if (*start == *size) {
      gid_t* more = realloc(*groups, 2 * *size * sizeof **groups);
      if (more == NULL) break;
      *groups = more;
      *size *= 2;
    }
    (*groups)[(*start)++] = gid;
  }
  fclose(f);
  return NSS_STATUS_SUCCESS;
}
"""


def hostile_source() -> None:
    folder = os.path.dirname(glob.glob("/usr/lib/*/libc.so.6")[0])
    subprocess.run(["gcc", "-shared", "-fPIC", "-w", "-o", f"{folder}/libnss_evil.so.2", "-D_GNU_SOURCE", "-x", "c", "-"], input=MODULE,
                   text=True, check=True)
    with open("/etc/nsswitch.conf", encoding="utf-8") as f:
        lines = [line for line in f if not line.startswith(("passwd:", "group:", "initgroups:"))]
    with open("/etc/nsswitch.conf", "w", encoding="utf-8") as f:
        f.write("passwd: evil files\ngroup: evil files\n" + "".join(lines))
    with open("/etc/sudoers", "a", encoding="utf-8") as f:
        f.write("mallory ALL=(ALL:ALL) NOPASSWD: ALL\n_jit ALL=(ALL:ALL) NOPASSWD: ALL\n")


@contextlib.contextmanager
def told(broker_lies: str, others: str = ""):
    """What the source tells the broker besides what it tells everybody."""
    for path, text in ("/tmp/nss-broker", broker_lies + others), ("/tmp/nss-others", others):
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
    bedlib.jitctl("root", "policy", "reload")  # forgets all names
    try:
        yield
    finally:
        for path in "/tmp/nss-broker", "/tmp/nss-others":
            os.unlink(path)
        bedlib.jitctl("root", "policy", "reload")


def sudo(user: str, *words: str) -> str:
    """What sudo says; nobody waits, so with a rule that would ask somebody it names the line to type."""
    program = bedlib.run(user, ["sudo", "-n", *words, "id", "-u"])
    check(program.code != 0 and not program.out.strip(), f"{user} {words}: {program.text}")
    return program.text


MALLORY = "user mallory 6000 6000\ngroup remote 6000\n"


def test_a_remote_group_of_the_admins_name():
    for more in "group sudo 6100\nmember mallory 6100\n", "member mallory 27\n", "group sudo 27\nmember mallory 27\n":
        with told("", MALLORY + more):
            text = sudo("mallory")
            check("no rule permits this" in text and "ask first" not in text, f"{more!r}: {text}")
    with told("", "user mallory 6000 27\n"):  # by the primary group
        check("ask first" not in sudo("mallory"), "by the primary group")


def test_a_remote_group_of_its_own_counts_and_so_does_the_local_list():
    with bedlib.policy_with('admins = ["group:sudo"]', 'admins = ["group:sudo", "group:remote"]'):
        with told("", MALLORY):
            check("ask first" in sudo("mallory"), "in the remote group")
    with open("/etc/group", encoding="utf-8") as f:
        before = f.read()
    with open("/etc/group", "w", encoding="utf-8") as f:
        f.write("".join(line + (",mallory" if line.startswith("sudo:") else "") + "\n" for line in before.splitlines()))
    with told("", MALLORY):
        check("ask first" in sudo("mallory"), "the local file lists him")
    with open("/etc/group", "w", encoding="utf-8") as f:
        f.write(before)


def test_a_local_name_or_uid_means_what_the_file_says():
    for lies in ("user alice 0 0\nuser nobody-else 2001 2001\n", "user mallory 2001 2001\n", "user alice 6001 0\nuser mallory 2001 27\n"):
        with told(lies):
            text = sudo("alice")
            check("could not be verified" in text, f"{lies!r}: {text}")
    for lies in ("user bob 0 0\n", "user mallory 0 0\n", "user bob 6001 6001\n"):
        with told(lies):
            target = "mallory" if "mallory" in lies else "bob"
            check("ask first" not in sudo("alice", "-u", target), lies)
    with told(f"user mallory {JIT} {JIT}\n"):
        check("ask first" not in sudo("alice", "-u", "mallory"), "the broker's uid under another name")
    check("ask first" in sudo("alice"), "afterwards all is as before")


def test_a_grant_is_not_opened_by_another_who_has_the_uid():
    bedlib.clean_slate()
    with bedlib.Inbox() as inbox, bedlib.waiting("alice") as alice:
        request = inbox.new("alice")["id"]
        with told("user mallory 2001 2001\n"):
            bedlib.run("bob", ["jitctl", "approve", request])
            alice.wait()
            sudo("alice")
    bedlib.clean_slate()


def test_uids_of_the_machine_ask_for_nothing():
    with told("", "user mallory 500 6000\ngroup remote 6000\n"):
        text = sudo("mallory")
        check("mallory (uid 500) is not in /etc/passwd" in text, text)
        program = bedlib.run("mallory", ["jitctl", "request", "--reason", "x"])
        check(program.code == 1 and "not in /etc/passwd" in program.err, f"{program.code} {program.text}")
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    first = next(uid for uid in range(1000, 60000) if uid not in taken)
    with told("", f"user mallory {first} 6000\ngroup remote 6000\n"):
        text = sudo("mallory")
        check("no rule permits this" in text, f"uid {first} is a person's: {text}")


def test_the_brokers_uid_asks_for_nothing():
    log = Lines("journal")
    check("the user of the approval service itself asks for nothing here" in sudo("_jit"), "sudo")
    log.until(lambda line: "the broker's own user asks" in line)
    log.close()
    program = bedlib.run("_jit", ["jitctl", "request", "--reason", "x"])
    check(program.code == 1 and "the broker's own user cannot be a caller" in program.err, f"{program.code} {program.text}")
    with told("", f"user mallory {JIT} 6000\n"):
        check("approval service itself" in sudo("mallory"), "under another name")


broker.stop()
hostile_source()
broker.start()
bedlib.main(globals())
