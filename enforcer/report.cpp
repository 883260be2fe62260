// SPDX-License-Identifier: Apache-2.0
#include "enforcer/report.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>

#include "enforcer/cgroup.h"

namespace jit::enforcer {
namespace {

constexpr std::size_t kEntries = 4096;  // looked at in one folder

// Where what outlives a session is put down: by systemd-run, by units made meanwhile, by at and by cron.
constexpr auto kFolders = std::to_array<const char*>({
    "/run/systemd/transient", "/run/systemd/system", "/etc/systemd/system", "/var/spool/cron/atjobs",
    "/var/spool/cron/crontabs", "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly",
    "/etc/cron.yearly",
});
constexpr auto kFiles = std::to_array<const char*>({"/etc/crontab", "/etc/anacrontab"});  // a job is a line of them

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

std::uint64_t device_in(const struct statx& at) { return std::uint64_t{at.stx_dev_major} << 32U | at.stx_dev_minor; }

// Without asking whoever serves the file system that it is on: a user's may never answer.
bool look_at(int fd, const char* name, int flags, struct statx& out) {
  return ::statx(fd, name, flags | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_CTIME, &out) == 0;
}

// 0: not known.
std::uint64_t device_of(int fd) {
  struct statx at {};
  return look_at(fd, "", AT_EMPTY_PATH, at) ? device_in(at) : 0;
}

// In a folder of a user's own every name is his: no link of his is followed, and nothing that he mounted is entered. (openat2(2)
// does not get through RestrictSUIDSGID.)
Folder open_below(const std::string& folder, std::initializer_list<const char*> names) {
  Fd at(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  const std::uint64_t device = at ? device_of(at.get()) : 0;
  for (const char* name : names) {
    if (at) at = Fd(::openat(at.get(), name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!at || device_of(at.get()) != device) return {nullptr, ::closedir};
  }
  const int fd = ::openat(at.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const opened = fd < 0 ? nullptr : ::fdopendir(fd);
  if (fd >= 0 && opened == nullptr) ::close(fd);
  return {opened, ::closedir};
}

void add_later(std::string path, Report& report) {
  if (report.later.size() >= kMost) {
    ++report.left_out;
  } else {
    report.later.push_back(std::move(path));
  }
}

// The time of change: that of modification can be set by whoever owns it.
bool changed_since(std::int64_t since, const struct statx& file) { return file.stx_ctime.tv_sec >= since; }

void look(const Folder& folder, const std::string& path, std::int64_t since, bool units, Report& report) {
  if (!folder) return;
  const std::uint64_t device = device_of(::dirfd(folder.get()));
  std::size_t seen = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (++seen > kEntries) break;
    const std::string name = entry->d_name;
    struct statx file {};
    if (name.front() == '.' || !look_at(::dirfd(folder.get()), name.c_str(), 0, file)) continue;
    // What a user mounted on a name is not in the folder. (Elsewhere an overlay gives each layer a number of its own.)
    if (!units && device_in(file) != device) continue;
    if (S_ISDIR(file.stx_mode) || !changed_since(since, file)) continue;
    // What the enforcer and logind made themselves.
    if (units && (!id_of_unit(name).empty() || (name.starts_with("session-") && name.ends_with(".scope")))) continue;
    add_later(path + "/" + name, report);
  }
}

}  // namespace

void add(std::vector<Left>& list, Left left, Report& report) {
  if (list.size() >= kMost) {
    ++report.left_out;
  } else {
    list.push_back(std::move(left));
  }
}

void find_beyond(const Held& held, const std::function<bool(const std::string&)>& is_inside, Report& report) {
  if (held.audit_session == kNoNumber) return;
  const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  const std::uint64_t since = static_cast<std::uint64_t>(held.adopted) * ticks / 1000;
  for (const pid_t pid : all_pids()) {
    auto process = process_of(pid);
    if (!process || process->audit_session != held.audit_session || process->start < since) continue;
    if (is_inside(cgroup_of(pid))) continue;
    add(report.beyond, {pid, process->uid, std::move(process->name)}, report);
  }
}

void find_later(std::int64_t since, Report& report) {
  for (const char* folder : kFolders) look({::opendir(folder), ::closedir}, folder, since, true, report);
  for (const char* path : kFiles) {
    struct statx file {};
    if (look_at(AT_FDCWD, path, 0, file) && changed_since(since, file)) add_later(path, report);
  }
  // User managers have their own.
  const Folder users(::opendir("/run/user"), ::closedir);
  if (!users) return;
  std::size_t seen = 0;
  while (const dirent* entry = ::readdir(users.get())) {
    if (entry->d_name[0] == '.' || ++seen > kEntries) continue;
    const std::string own = std::string("/run/user/") + entry->d_name;
    look(open_below(own, {"systemd", "transient"}), own + "/systemd/transient", since, false, report);
  }
}

}  // namespace jit::enforcer
