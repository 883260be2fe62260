// SPDX-License-Identifier: Apache-2.0
#include "enforcer/terminals.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <map>

#include "enforcer/cgroup.h"
#include "enforcer/proc.h"

namespace jit::enforcer {
namespace {

constexpr unsigned kConsoleMajor = 4, kFirstPtsMajor = 136, kLastPtsMajor = 143;

// tty_nr as proc(5) has it: minor in bits 31-20 and 7-0, major in 15-8.
std::string path_of(std::uint32_t tty) {
  const unsigned major_number = (tty >> 8) & 0xff;
  const unsigned minor_number = (tty & 0xff) | ((tty >> 12) & 0xfff00);
  if (major_number >= kFirstPtsMajor && major_number <= kLastPtsMajor) {
    return "/dev/pts/" + std::to_string((major_number - kFirstPtsMajor) * 256 + minor_number);
  }
  if (major_number == kConsoleMajor && minor_number < 64) return "/dev/tty" + std::to_string(minor_number);
  if (major_number == kConsoleMajor) return "/dev/ttyS" + std::to_string(minor_number - 64);
  return {};
}

dev_t device_of(std::uint32_t tty) { return makedev((tty >> 8) & 0xff, (tty & 0xff) | ((tty >> 12) & 0xfff00)); }

// tty -> who may be its owner
void add(std::map<std::uint32_t, std::pair<uid_t, std::uint32_t>>& out, pid_t pid) {
  const auto process = process_of(pid);
  if (!process || process->tty == 0) return;
  out.emplace(process->tty, std::pair(process->real_uid, process->loginuid));
}

bool write_to(std::uint32_t tty, uid_t owner, std::uint32_t loginuid, const std::string& line) {
  const std::string path = path_of(tty);
  if (path.empty()) return false;
  // Not to wait for a terminal that was stopped with Ctrl-S.
  const Fd fd(::open(path.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  struct stat device {};
  if (!fd || ::fstat(fd.get(), &device) != 0 || !S_ISCHR(device.st_mode) || device.st_rdev != device_of(tty)) return false;
  if (device.st_uid != owner && device.st_uid != loginuid) return false;
  return ::isatty(fd.get()) == 1 && ::write(fd.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

}  // namespace

int warn(const std::vector<pid_t>& leaders, const std::vector<std::string>& cgroups, const std::string& line) {
  std::map<std::uint32_t, std::pair<uid_t, std::uint32_t>> found;
  for (const pid_t pid : leaders) add(found, pid);
  // Behind a pty of sudo's own the same person sits at the leader's terminal, and would read it twice.
  if (found.empty()) {
    for (const std::string& cgroup : cgroups) {
      for (const pid_t pid : pids_in(cgroup)) add(found, pid);
    }
  }
  int told = 0;
  for (const auto& [tty, owners] : found) told += write_to(tty, owners.first, owners.second, line) ? 1 : 0;
  return told;
}

std::string warning(const std::string& id, std::uint32_t minutes) {
  const std::string what = id.substr(0, 8);
  if (minutes == 0) return "\r\njit: this access has ended; what runs may finish, nothing new starts\r\n";
  return "\r\njit: this access ends in " + std::to_string(minutes) + (minutes == 1 ? " minute" : " minutes") +
         "; for more time: jitctl extend " + what + "\r\n";
}

}  // namespace jit::enforcer
