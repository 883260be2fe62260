// SPDX-License-Identifier: Apache-2.0
// The ways to root that no line of ours stands at.
#include <fcntl.h>
#include <fnmatch.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "cli/doctor.h"
#include "cli/sshd_facts.h"
#include "evidence/text.h"
#include "host/names.h"

namespace jit::cli {

namespace {

using policy::Door;
using setup::Level;

// Who is in one of these is root, when he wants to be.
constexpr std::array kRootGroups = {"docker", "lxd", "incus-admin", "libvirt", "podman", "disk", "shadow", "kmem"};

// Setuid programs of Debian that give nobody a root shell, and those that are named by themselves; a file of the same name elsewhere is
// another one.
constexpr std::array kKnown = {
    "/usr/bin/sudo", "/usr/bin/su", "/usr/bin/sudo-rs", "/usr/bin/su-rs", "/usr/lib/cargo/bin/sudo", "/usr/lib/cargo/bin/su", "/usr/bin/pkexec",
    "/usr/bin/passwd", "/usr/bin/chsh", "/usr/bin/chfn", "/usr/bin/gpasswd", "/usr/bin/newgrp", "/usr/bin/newuidmap", "/usr/bin/newgidmap",
    "/usr/bin/chage", "/usr/bin/expiry", "/usr/sbin/unix_chkpwd", "/usr/bin/mount", "/usr/bin/umount", "/usr/bin/fusermount", "/usr/bin/fusermount3",
    "/usr/sbin/mount.nfs", "/usr/sbin/mount.cifs", "/usr/bin/ntfs-3g", "/usr/sbin/pppd", "/usr/bin/ping", "/usr/bin/crontab", "/usr/bin/at",
    "/usr/lib/openssh/ssh-keysign", "/usr/lib/dbus-1.0/dbus-daemon-launch-helper", "/usr/lib/polkit-1/polkit-agent-helper-1",
    "/usr/lib/policykit-1/polkit-agent-helper-1", "/usr/libexec/polkit-agent-helper-1", "/usr/lib/*/utempter/utempter", "/usr/libexec/utempter/utempter",
    "/usr/lib/xorg/Xorg.wrap", "/usr/lib/snapd/snap-confine", "/usr/lib/chromium/chrome-sandbox", "/opt/google/chrome/chrome-sandbox"};

bool is_known(const std::string& path) {
  return std::ranges::any_of(kKnown, [&](const char* one) { return fnmatch(one, path.c_str(), FNM_PATHNAME) == 0; });
}

bool is_there(const char* path) { return access(path, F_OK) == 0; }

struct Members {
  std::vector<std::string> listed, own;  // own: whose first group it is, of /etc/passwd alone: to list a directory's people may take minutes
};

Members members_of(const char* name) {
  Members out;
  const group* const entry = getgrnam(name);
  if (entry == nullptr) return out;
  for (char** one = entry->gr_mem; *one != nullptr; ++one) out.listed.emplace_back(*one);
  out.own = host::names_of_group(entry->gr_gid);
  return out;
}

std::string names_told(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& one : names) out += (out.empty() ? "" : ", ") + evidence::escape_to(one, 64);
  return out;
}

// Programs of root's with the setuid bit, in the folders of programs.
std::vector<std::string> setuid_programs() {
  std::vector<std::string> out;
  std::set<std::pair<dev_t, ino_t>> seen;
  for (const char* const folder : {"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/libexec", "/usr/local", "/opt", "/bin", "/sbin"}) {
    std::error_code error;
    const auto options = std::filesystem::directory_options::skip_permission_denied;
    for (std::filesystem::recursive_directory_iterator it(folder, options, error), end; !error && it != end; it.increment(error)) {
      struct stat st {};
      if (lstat(it->path().c_str(), &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & S_ISUID) == 0) continue;
      if (seen.emplace(st.st_dev, st.st_ino).second && !is_known(it->path().string())) out.push_back(it->path().string());
    }
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

void Doctor::ungated() {
  const auto open = [this](std::string where, std::string what, std::string todo) { add(Level::kOpen, std::move(where), std::move(what), std::move(todo)); };
  const auto by_door = [&](Door door, const std::string& what) {
    const DoorState* const state = state_of(door);
    if (state != nullptr && state->state == "open") {
      const std::string name(policy::name_of(door));
      open(name, what, "cover it: add \"" + name + "\" to covers, then jitctl setup " + name + "; or leave it, knowingly");
    }
  };
  by_door(Door::kSudo, "sudo is not gated: who may use it is root without asking");
  if (host::has_password("root").value_or(true)) by_door(Door::kSu, "su is not gated: who knows root's password, or another's, goes by it");
  by_door(Door::kLogin, "login at a console is not gated");
  const bool polkit = is_gated(Door::kPolkit);
  if (is_there("/usr/bin/pkexec") && !polkit) open("pkexec", "pkexec makes root of who gives an admin's password, and polkit is not gated", "jitctl setup polkit; or take pkexec away");
  if (is_there("/usr/bin/run0") && !polkit) open("run0", "run0 asks polkit, which is not gated", "jitctl setup polkit");
  if (is_there("/usr/bin/systemd-run") && !polkit && is_there("/usr/lib/polkit-1/polkitd")) open("systemd-run", "systemd-run and machinectl shell ask polkit, which is not gated", "jitctl setup polkit");
  const SshdFacts sshd = sshd_facts();
  if (sshd.there && !is_gated(Door::kSsh)) {
    const std::string root = sshd.get("permitrootlogin");
    if (root != "no") open("ssh", "ssh as root is let in (PermitRootLogin " + evidence::escape_to(root, 40) + "), and ssh is not gated", "PermitRootLogin no in sshd_config; or jitctl setup ssh");
    for (const SshdMatch& one : sshd.matches) {
      if (one.name != "permitrootlogin" || one.value == "no") continue;
      open(evidence::escape_to(one.where, 160), "a Match block lets root in by ssh (PermitRootLogin " + evidence::escape_to(one.value, 40) + "), and ssh is not gated",
           "PermitRootLogin no there; or jitctl setup ssh");
    }
    by_door(Door::kSsh, "logins by ssh are not gated");
  }
  for (const char* const name : kRootGroups) {
    const auto members = members_of(name);
    const std::string where = "group " + std::string(name);
    if (!members.listed.empty()) open(where, names_told(members.listed) + ": who is in it becomes root without asking", "take them out: gpasswd -d USER " + std::string(name));
    if (!members.own.empty()) open(where, names_told(members.own) + ": whose first group it is becomes root without asking", "give them another one: usermod -g GROUP USER");
  }
  if (is_there("/usr/bin/doas")) open("doas", "doas makes root of people, and no line of ours stands there", "take it away, or its permits out of /etc/doas.conf");
  for (const std::string& path : setuid_programs()) open(evidence::escape_to(path, 160), "a setuid program of root's that is not known here", "find out what it is; else: chmod u-s");
  for (const std::string& name : host::names_of_root()) open("/etc/passwd", evidence::escape_to(name, 64) + " has uid 0 beside root", "take the account away");
}

}  // namespace jit::cli
