// SPDX-License-Identifier: Apache-2.0
#include "broker/store/place.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

bool Place::safe_file(const std::string& name, bool& exists, off_t& size) {
  const std::string shown = folder_ + "/" + name;
  struct stat st {};
  exists = ::fstatat(folder_fd_.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
  size = exists ? st.st_size : 0;
  if (!exists) {
    if (errno != ENOENT) problem_ = shown + ": " + std::strerror(errno);
    return errno == ENOENT;
  }
  if (S_ISLNK(st.st_mode)) {
    problem_ = shown + " is a symbolic link; put the file itself there";
  } else if (!S_ISREG(st.st_mode)) {
    problem_ = shown + " is not a regular file; move it away";
  } else if (st.st_nlink != 1) {
    problem_ = shown + " has another name (a hard link); remove that one";
  } else if (st.st_uid != ::geteuid()) {
    problem_ = shown + " belongs to uid " + std::to_string(st.st_uid) + "; type: chown " +
               std::to_string(::geteuid()) + " " + shown;
  } else if ((st.st_mode & 077) != 0) {
    problem_ = shown + " is open to others; look who had access, then type: chmod 0600 " + shown;
  } else {
    return true;
  }
  return false;
}

Place::Found Place::look() {
  if (name_.empty()) return refuse(path_ + " names no file");
  if (!open_folder()) return Found::kUnsafe;
  bool database = false;
  bool log = false;
  bool other = false;
  off_t size = 0;
  off_t log_size = 0;
  off_t other_size = 0;
  if (!safe_file(name_, database, size) || !safe_file(name_ + "-wal", log, log_size) ||
      !safe_file(name_ + "-shm", other, other_size) || !safe_file(name_ + "-journal", other, other_size)) {
    return Found::kUnsafe;
  }
  if (database && !is_pinned()) {
    return refuse(path_ + " was replaced while jit-broker runs; put the former back, or restart jit-broker to look at the new one");
  }
  if (!database) return log && log_size > 0 ? Found::kOrphaned : Found::kAbsent;
  return size == 0 ? Found::kEmpty : Found::kReady;
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
  struct stat st {};
  if (pinned_->inode == 0) return true;
  return ::fstatat(folder_fd_.get(), name_.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == pinned_->device &&
         st.st_ino == pinned_->inode;
}

void Place::pin_log() {
  const std::lock_guard lock(pinned_->mutex);
  struct stat st {};
  const bool there = ::fstatat(folder_fd_.get(), (name_ + "-wal").c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
  pinned_->log = there ? st.st_ino : 0;
}

bool Place::has_log() {
  const std::lock_guard lock(pinned_->mutex);
  struct stat st {};
  if (pinned_->log == 0) return true;
  return ::fstatat(folder_fd_.get(), (name_ + "-wal").c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == pinned_->log;
}

bool Place::is_deleted() {
  const std::lock_guard lock(pinned_->mutex);
  struct stat st {};
  return pinned_->file && ::fstat(pinned_->file.get(), &st) == 0 && st.st_nlink == 0;
}

Place::Mark Place::mark() {
  Mark mark;
  struct stat st {};
  if (::fstatat(folder_fd_.get(), name_.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) {
    mark.size = st.st_size;
    mark.written_s = st.st_mtim.tv_sec;
    mark.written_ns = st.st_mtim.tv_nsec;
    mark.changed_s = st.st_ctim.tv_sec;
    mark.changed_ns = st.st_ctim.tv_nsec;
  }
  if (::fstatat(folder_fd_.get(), (name_ + "-wal").c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) {
    mark.log_size = st.st_size;
    mark.log_written_s = st.st_mtim.tv_sec;
    mark.log_written_ns = st.st_mtim.tv_nsec;
    mark.log_changed_s = st.st_ctim.tv_sec;
    mark.log_changed_ns = st.st_ctim.tv_nsec;
  }
  return mark;
}

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
