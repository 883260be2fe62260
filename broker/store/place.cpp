// SPDX-License-Identifier: Apache-2.0
#include "broker/store/place.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace jit::store {
namespace {

int open_folder_at(const std::string& folder) {
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, folder.c_str(), &how, sizeof how));
}

Place::Times times_of(const std::optional<struct statx>& seen) {
  if (!seen) return {};
  return {static_cast<std::int64_t>(seen->stx_size), seen->stx_mtime.tv_sec, seen->stx_mtime.tv_nsec, seen->stx_ctime.tv_sec, seen->stx_ctime.tv_nsec};
}

Place::Times size_alone(const std::optional<struct statx>& seen) {
  Place::Times out;
  if (seen) out.size = static_cast<std::int64_t>(seen->stx_size);
  return out;
}

bool others_can_write(const struct stat& st) { return (st.st_mode & (S_IWGRP | S_IWOTH)) != 0; }

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Place::Place(std::string path) : path_(std::move(path)) {
  const std::size_t slash = path_.rfind('/');
  folder_ = slash == std::string::npos ? "." : path_.substr(0, slash == 0 ? 1 : slash);
  name_ = slash == std::string::npos ? path_ : path_.substr(slash + 1);
}

Place::Place(const Place& other)
    : path_(other.path_), folder_(other.folder_), name_(other.name_), pinned_(other.pinned_) {}

Place::Found Place::refuse(const std::string& what) {
  problem_ = what;
  return Found::kUnsafe;
}

bool Place::open_folder() {
  const int fd = open_folder_at(folder_);
  if (fd < 0) {
    problem_ = errno == ELOOP ? folder_ + " is reached through a symbolic link; name the real folder"
                              : folder_ + ": " + std::strerror(errno);
    return false;
  }
  folder_fd_.reset(fd);
  struct stat st {};
  if (::fstat(fd, &st) != 0) {
    problem_ = folder_ + ": " + std::strerror(errno);
    return false;
  }
  if ((st.st_uid != ::geteuid() && st.st_uid != 0) || others_can_write(st)) {
    problem_ = folder_ + " can be written by others; type: chown " + std::to_string(::geteuid()) + " " + folder_ +
               " && chmod go-w " + folder_;
    return false;
  }
  return true;
}

Place::Seen Place::stat_of(const char* end, bool times, int* error) const {
  const std::string name = name_ + end;
  constexpr unsigned kTimes = STATX_MTIME | STATX_CTIME;
  struct statx st {};
  if (::statx(folder_fd_.get(), name.c_str(), AT_SYMLINK_NOFOLLOW, times ? STATX_BASIC_STATS : STATX_BASIC_STATS & ~kTimes, &st) == 0) return st;
  if (error != nullptr) *error = errno;  // at once: malloc() may set it though it finds room
  return std::nullopt;
}

bool Place::safe_file(const char* end, Seen& found, bool times) {
  int error = 0;
  found = stat_of(end, times, &error);
  if (found && S_ISREG(found->stx_mode) && found->stx_nlink == 1 && found->stx_uid == ::geteuid() && (found->stx_mode & 077) == 0) return true;
  const std::string shown = folder_ + "/" + name_ + end;
  if (!found) {
    if (error != ENOENT) problem_ = shown + ": " + std::strerror(error);
    return error == ENOENT;
  }
  const struct statx& st = *found;
  if (S_ISLNK(st.stx_mode)) {
    problem_ = shown + " is a symbolic link; put the file itself there";
  } else if (!S_ISREG(st.stx_mode)) {
    problem_ = shown + " is not a regular file; move it away";
  } else if (st.stx_nlink != 1) {
    problem_ = shown + " has another name (a hard link); remove that one";
  } else if (st.stx_uid != ::geteuid()) {
    problem_ = shown + " belongs to uid " + std::to_string(st.stx_uid) + "; type: chown " +
               std::to_string(::geteuid()) + " " + shown;
  } else {
    problem_ = shown + " is open to others; look who had access, then type: chmod 0600 " + shown;
  }
  return false;
}

Place::Found Place::look(bool times_of_log) {
  if (name_.empty()) return refuse(path_ + " names no file");
  if (!open_folder()) return Found::kUnsafe;
  times_of_log_ = times_of_log;
  Seen other;
  if (!safe_file("", database_) || !safe_file("-wal", log_, times_of_log) || !safe_file("-shm", other) || !safe_file("-journal", other)) return Found::kUnsafe;
  if (database_ && !is_pinned()) {
    return refuse(path_ + " was replaced while jit-broker runs; put the former back, or restart jit-broker to look at the new one");
  }
  if (!database_) return log_ && log_->stx_size > 0 ? Found::kOrphaned : Found::kAbsent;
  return database_->stx_size == 0 ? Found::kEmpty : Found::kReady;
}

void Place::pin() {
  const std::lock_guard lock(pinned_->mutex);
  pinned_->file.reset(::openat(folder_fd_.get(), name_.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat st {};
  if (!pinned_->file || ::fstat(pinned_->file.get(), &st) != 0) return;
  pinned_->device = st.st_dev;
  pinned_->inode = st.st_ino;
}

bool Place::is_pinned() const {
  const std::lock_guard lock(pinned_->mutex);
  return pinned_->inode == 0 || (database_ && makedev(database_->stx_dev_major, database_->stx_dev_minor) == pinned_->device && database_->stx_ino == pinned_->inode);
}

void Place::pin_log() {
  const std::lock_guard lock(pinned_->mutex);
  const auto log = stat_of("-wal");
  pinned_->log = log ? log->stx_ino : 0;
}

bool Place::has_log() const {
  const std::lock_guard lock(pinned_->mutex);
  return pinned_->log == 0 || (log_ && log_->stx_ino == pinned_->log);
}

bool Place::is_deleted() {
  const std::lock_guard lock(pinned_->mutex);
  struct stat st {};
  return pinned_->file && ::fstat(pinned_->file.get(), &st) == 0 && st.st_nlink == 0;
}

Place::Mark Place::seen() const { return {times_of(database_), times_of_log_ ? times_of(log_) : size_alone(log_)}; }

Place::Mark Place::mark() const { return {times_of(stat_of("")), times_of(stat_of("-wal"))}; }

Place::Times Place::size_of_log() const { return size_alone(stat_of("-wal", false)); }

void Place::renewed() {
  for (const char* end : {"-wal", "-shm", "-journal"}) ::unlinkat(folder_fd_.get(), (name_ + end).c_str(), 0);
  pin();
  log_renewed();
}

void Place::log_renewed() {
  const std::lock_guard lock(pinned_->mutex);
  pinned_->log = 0;
  ++pinned_->generation;
}

void Place::drop_new() {
  for (const char* end : {"", "-journal", "-wal", "-shm"}) {
    ::unlinkat(folder_fd_.get(), (name_ + kNew + end).c_str(), 0);
  }
}

bool Place::begin_new() {
  drop_new();
  const Fd fd(::openat(folder_fd_.get(), (name_ + kNew).c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       0600));
  return fd && ::fchmod(fd.get(), 0600) == 0;
}

bool Place::finish_new() {
  const Fd folder(::openat(folder_fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder &&
         ::renameat2(folder.get(), (name_ + kNew).c_str(), folder.get(), name_.c_str(), RENAME_NOREPLACE) == 0 &&
         ::fsync(folder.get()) == 0;
}

}  // namespace jit::store
