// SPDX-License-Identifier: Apache-2.0
#include "cli/setup_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "cli/client.h"
#include "cli/documents.h"
#include "cli/replace_file.h"
#include "setup/edit.h"
#include "setup/inspect.h"
#include "setup/probe/probe.h"

namespace jit::cli {

namespace {

constexpr std::size_t kFileMost = 1024UL * 1024;
constexpr std::size_t kProgramMost = 64 * kFileMost;

// Kept beside each other, each a second name of the file itself where that can be: to put it back then needs no room on the disk, and
// brings back its owner, mode and all else.
std::string first_of(const setup::Service& service) { return std::string(kSetupFolder) + "/first." + std::string(service.name); }
std::string before_of(const setup::Service& service) { return std::string(kSetupFolder) + "/before." + std::string(service.name); }
std::string none_of(const std::string& kept) { return kept + ".none"; }
std::string pending_path() { return std::string(kSetupFolder) + "/unconfirmed"; }

Failure failed(const std::string& path, int error, const std::string& next) {
  return {Exit::kNo, path + ": " + std::strerror(error) + ": " + next};
}

bool exists(const std::string& path) {
  struct stat st {};
  return lstat(path.c_str(), &st) == 0;
}

void sync_folder(std::string_view path) {
  const int fd = open(std::string(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

// A regular file, no link followed. False: errno; 0: it is too large, or no regular file.
bool read_plain(const std::string& path, std::string& text, struct stat* status = nullptr, std::size_t most = kFileMost) {
  const int fd = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return false;
  struct stat st {};
  bool good = fstat(fd, &st) == 0;
  if (good && !S_ISREG(st.st_mode)) errno = 0, good = false;
  std::array<char, 16384> chunk{};
  ssize_t got = 0;
  text.clear();
  while (good && (got = ::read(fd, chunk.data(), chunk.size())) > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > most) errno = 0, good = false;
  }
  const int error = errno;
  close(fd);
  errno = error;
  if (status != nullptr) *status = st;
  return good && got == 0;
}

// A new file at `path` at once, with this owner and mode; what is wrong, or 0.
int put(const std::string& path, std::string_view text, const struct stat* like) {
  const std::string fresh = path + ".jit-new";
  unlink(fresh.c_str());  // of one that was killed: the lock is ours
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  const bool owned = like == nullptr || fchown(fd, like->st_uid, like->st_gid) == 0;
  const bool wrote = write_all(fd, text) && owned && fchmod(fd, like == nullptr ? 0600 : like->st_mode & 07777U) == 0 && fsync(fd) == 0;
  int error = wrote ? 0 : errno;
  close(fd);
  if (wrote && std::rename(fresh.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) unlink(fresh.c_str());
  sync_folder(path.substr(0, path.rfind('/')));
  return error;
}

// Keeps the file under another name; what is wrong, or 0. `text`: to be kept instead of the file's own.
int keep_as(const PamFile& file, const std::string& kept, const std::string* text) {
  unlink(none_of(kept).c_str());
  if (!file.there) return put(none_of(kept), "", nullptr);
  struct stat st {};
  if (lstat(file.path.c_str(), &st) != 0) return errno;
  unlink(kept.c_str());
  if (text == nullptr && link(file.path.c_str(), kept.c_str()) == 0) return sync_folder(kSetupFolder), 0;
  return put(kept, text == nullptr ? file.text : *text, &st);
}

void forget(const std::string& kept) {
  unlink(kept.c_str());
  unlink(none_of(kept).c_str());
}

}  // namespace

std::string boot_id() {
  std::string text;
  if (!read_plain("/proc/sys/kernel/random/boot_id", text)) return {};
  return text.substr(0, text.find('\n'));
}

std::uint64_t boottime_ms() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

Result<SetupFiles> SetupFiles::open(bool make) {
  const std::string folder(kSetupFolder);
  if (make && mkdir("/etc/jit", 0755) != 0 && errno != EEXIST) return failed("/etc/jit", errno, "nothing was changed");
  if (make && mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return failed(folder, errno, "nothing was changed");
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT && !make) return SetupFiles(-1);
  if (fd < 0) return failed(folder, errno, "nothing was changed");
  SetupFiles out(fd);
  struct stat st {};
  if (fstat(fd, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & 077U) != 0) {
    return Failure{Exit::kNo, folder + ": others than root may write or read it: type: chown root: " + folder + " && chmod 700 " + folder};
  }
  while (flock(fd, LOCK_EX) != 0) {
    if (errno != EINTR) return failed(folder, errno, "nothing was changed");
  }
  return out;
}

SetupFiles::~SetupFiles() {
  if (lock_ >= 0) close(lock_);
}

Result<PamFile> SetupFiles::read(const setup::Service& service) {
  PamFile out;
  out.path = std::string(kPamFolder) + '/' + std::string(service.name);
  if (read_plain(out.path, out.text)) return out.there = true, out;
  if (errno == 0 || errno == ELOOP) return Failure{Exit::kNo, out.path + ": is a link, or no file of text: put the file itself there"};
  if (errno != ENOENT) return failed(out.path, errno, "nothing was changed");
  for (const std::string& folder : host::PamFolders{}.paths) {
    const std::string other = folder + '/' + std::string(service.name);
    if (other != out.path && exists(other)) return out.other = other, out;
  }
  return out;
}

Result<Nothing> SetupFiles::keep(const setup::Service& service, const PamFile& file, std::string_view original) {
  const bool ours = file.text != original;
  int error = 0;
  const std::string first = first_of(service);
  if (!ours) {
    error = keep_as(file, first, nullptr);
  } else if (!exists(first) && !exists(none_of(first))) {
    const std::string text(original);
    error = keep_as(file, first, &text);
  }
  const std::string before = before_of(service);
  const bool waits = unconfirmed() && std::ranges::find(unconfirmed()->services, service.name) != unconfirmed()->services.end();
  if (error == 0 && !(waits && (exists(before) || exists(none_of(before))))) error = keep_as(file, before, nullptr);
  if (error != 0) return failed(std::string(kSetupFolder), error, "nothing was changed");
  return Nothing{};
}

Result<Nothing> SetupFiles::replace(const PamFile& file, std::string_view text) {
  struct stat st {};
  st.st_mode = 0644;
  if (file.there && lstat(file.path.c_str(), &st) != 0) return failed(file.path, errno, "it stays as it is");
  if (const int error = put(file.path, text, &st); error != 0) return failed(file.path, error, "it stays as it is");
  return Nothing{};
}

bool SetupFiles::knows(const setup::Service& service) const { return exists(first_of(service)) || exists(none_of(first_of(service))); }

Result<Restored> SetupFiles::restore(const setup::Service& service, bool only_unconfirmed) {
  const auto file = read(service);
  if (!file) return file.failure();
  Restored out;
  out.path = file->path;
  unlink((out.path + ".jit-new").c_str());  // of a setup that was killed
  const std::string kept = only_unconfirmed ? before_of(service) : first_of(service);
  if (only_unconfirmed && !exists(kept) && !exists(none_of(kept))) return out;  // nothing of it waits: what stands there was confirmed
  const auto done = [&](Restored::How how) {
    forget(before_of(service));
    if (!only_unconfirmed || how == Restored::How::kLinesTaken) forget(first_of(service));
    return out.how = how, out;
  };
  if (!file->there) return done(Restored::How::kNothing);  // removed by hand: what else PAM takes then is not ours
  const setup::Left left = setup::without_lines(file->text);
  out.left = left.by_hand;
  if (exists(none_of(kept))) {
    // Ours from the first line to the last, but for what was written into it since.
    if (left.text.empty()) {
      if (unlink(file->path.c_str()) != 0) return failed(file->path, errno, "it stays as it is");
      sync_folder(kPamFolder);
      return done(Restored::How::kRemoved);
    }
  }
  std::string was;
  struct stat st {};
  const bool known = read_plain(kept, was, &st);
  const std::string bare = setup::without_lines(was).text;
  if (known && (left.text == bare || left.text == bare + '\n')) {
    if (was == file->text) return done(Restored::How::kNothing);
    bool back = std::rename(kept.c_str(), file->path.c_str()) == 0;
    if (!back && errno == EXDEV) back = put(file->path, was, &st) == 0;
    if (!back) return failed(file->path, errno, "it stays as it is");
    sync_folder(kPamFolder);
    return done(Restored::How::kAsItWas);
  }
  if (left.taken.empty()) return done(Restored::How::kNothing);
  std::string text = left.text;
  if (exists(none_of(kept))) {  // without it the rest would be all that PAM has
    const auto include = std::ranges::find_if(left.taken, [](const std::string& line) { return line.starts_with("@include "); });
    if (include != left.taken.end()) text = include->substr(0, include->find(setup::kMark)) + '\n' + text;
  }
  for (const std::string& line : left.taken) {
    if (!setup::is_own_line(line)) out.changed.push_back(line);
  }
  const auto wrote = replace(*file, text);
  if (!wrote) return wrote.failure();
  out.by_hand = known ? std::max<std::uint32_t>(1, setup::first_difference(bare, left.text)) : 0;
  return done(Restored::How::kLinesTaken);
}

bool is_asked_for(const setup::Service& service) {
  if (service.name != "remote") return true;
  std::string program;
  std::error_code error;
  const auto real = std::filesystem::canonical("/usr/bin/login", error);
  const bool known = !error && read_plain(real, program, nullptr, kProgramMost) && program.starts_with("\x7f" "ELF");
  return !known || program.find(std::string("\0remote", 7) + '\0') != std::string::npos;
}

bool needs_no_line(const setup::Service& service, const host::PamService& read) {
  if (service.main || std::ranges::find(read.lines, setup::kModule, &host::PamLine::module) != read.lines.end()) return false;
  return !is_asked_for(service) || (setup::lets_nobody_through(read) && !setup::probe::try_door(std::string(service.name)).passed);
}

std::optional<Unconfirmed> SetupFiles::unconfirmed() const {
  std::string text;
  if (!read_plain(pending_path(), text)) return std::nullopt;
  Unconfirmed out;
  const Json json = Json::parse(text, nullptr, false);
  out.boot = text_of(json, "boot");
  out.since_ms = number_of(json, "since_ms");
  for (const setup::Service& service : setup::services()) {
    if (exists(before_of(service)) || exists(none_of(before_of(service)))) out.services.emplace_back(service.name);
  }
  return out;
}

Result<Nothing> SetupFiles::note_unconfirmed(const Unconfirmed& what) {
  const Json json{{"boot", what.boot}, {"since_ms", what.since_ms}};
  const int error = put(pending_path(), json.dump() + "\n", nullptr);
  if (error != 0) return failed(pending_path(), error, "nothing was changed");
  return Nothing{};
}

void SetupFiles::settle(const setup::Service& service) { forget(before_of(service)); }

void SetupFiles::confirm() {
  unlink(pending_path().c_str());
  for (const setup::Service& service : setup::services()) forget(before_of(service));
  sync_folder(kSetupFolder);
}

}  // namespace jit::cli
