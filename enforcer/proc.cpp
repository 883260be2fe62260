// SPDX-License-Identifier: Apache-2.0
#include "enforcer/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace jit::enforcer {
namespace {

std::uint32_t number_in(const std::string& path) {
  const auto text = read_file(path, 64);
  std::uint32_t value = kNoNumber;
  if (!text) return kNoNumber;
  std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

// The fields of stat after the name, which may itself hold blanks and parentheses; 3 is the state.
std::optional<std::uint64_t> field(std::string_view stat, int wanted) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  std::string_view rest = stat.substr(name_end + 1);
  for (int at = 2; !rest.empty();) {
    const std::size_t begin = rest.find_first_not_of(" \n");
    if (begin == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(begin);
    const std::size_t end = std::min(rest.find_first_of(" \n"), rest.size());
    if (++at == wanted) {
      std::int64_t value = 0;
      const auto read = std::from_chars(rest.data(), rest.data() + end, value);
      if (read.ec != std::errc() || value < 0) return std::nullopt;
      return static_cast<std::uint64_t>(value);
    }
    rest.remove_prefix(end);
  }
  return std::nullopt;
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<std::string> read_file(const std::string& path, std::size_t most) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return std::nullopt;
  std::string out;
  char chunk[4096];
  for (;;) {
    const ssize_t got = ::read(fd.get(), chunk, sizeof chunk);
    if (got < 0) return std::nullopt;
    if (got == 0) return out;
    if (out.size() + static_cast<std::size_t>(got) > most) return std::nullopt;
    out.append(chunk, static_cast<std::size_t>(got));
  }
}

std::optional<Process> process_of(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const auto stat = read_file(folder + "/stat");
  struct stat owner {};
  if (!stat || ::stat(folder.c_str(), &owner) != 0) return std::nullopt;
  const auto start = field(*stat, 22);
  const auto tty = field(*stat, 7);
  const std::size_t open = stat->find('(');
  const std::size_t close = stat->rfind(')');
  if (!start || open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  Process out;
  out.pid = pid;
  out.parent = static_cast<pid_t>(field(*stat, 4).value_or(0));
  out.start = *start;
  out.tty = static_cast<std::uint32_t>(tty.value_or(0));
  out.uid = owner.st_uid;
  out.real_uid = owner.st_uid;
  if (const auto status = read_file(folder + "/status")) {
    const std::size_t at = status->find("\nUid:");
    if (at != std::string::npos) out.real_uid = static_cast<uid_t>(std::strtoul(status->c_str() + at + 5, nullptr, 10));
  }
  out.loginuid = number_in(folder + "/loginuid");
  out.audit_session = number_in(folder + "/sessionid");
  out.name = stat->substr(open + 1, close - open - 1);
  return out;
}

std::vector<pid_t> all_pids() {
  std::vector<pid_t> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), ::closedir);
  if (!folder) return out;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (read.ec == std::errc() && read.ptr == name.data() + name.size()) out.push_back(pid);
  }
  return out;
}

Fd pidfd_of(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

std::optional<pid_t> pid_of(int pidfd) {
  const auto info = read_file("/proc/self/fdinfo/" + std::to_string(pidfd), 4096);
  if (!info) return std::nullopt;
  const std::size_t at = info->find("\nPid:");
  if (at == std::string::npos) return std::nullopt;
  const std::size_t begin = info->find_first_not_of(" \t", at + 5);
  pid_t pid = 0;
  if (begin == std::string::npos) return std::nullopt;
  const auto read = std::from_chars(info->data() + begin, info->data() + info->size(), pid);
  if (read.ec != std::errc() || pid <= 0) return std::nullopt;
  return pid;
}

bool is_alive(int pidfd) {
  pollfd look{pidfd, POLLIN, 0};
  return ::poll(&look, 1, 0) == 0;
}

bool send(int pidfd, int signal) { return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0; }

std::int64_t boot_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace jit::enforcer
