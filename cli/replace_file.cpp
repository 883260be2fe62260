// SPDX-License-Identifier: Apache-2.0
#include "cli/replace_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace jit::cli {

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

FileLock::FileLock(std::string path) : path_(std::move(path)) {
  for (;;) {
    fd_ = open(path_.c_str(), O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);  // over NFS only what may be written can be locked
    if (fd_ < 0) fd_ = open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int done = fd_ < 0 ? -1 : flock(fd_, LOCK_EX);
    while (done != 0 && errno == EINTR && fd_ >= 0) done = flock(fd_, LOCK_EX);
    struct stat held {};
    struct stat there {};
    if (done != 0 || fstat(fd_, &held) != 0 || stat(path_.c_str(), &there) != 0) {
      wrong_ = std::strerror(errno);
      return;
    }
    if (held.st_dev == there.st_dev && held.st_ino == there.st_ino) return;
    close(fd_);  // another one took its place while we waited
  }
}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

std::string FileLock::replace(std::string_view text) const {
  if (!wrong_.empty()) return wrong_;
  struct stat old {};
  if (lstat(path_.c_str(), &old) != 0) return std::strerror(errno);
  if (!S_ISREG(old.st_mode)) return "is a link; name the file itself";
  const std::string fresh = path_ + ".jit-new";  // not *.toml: no loader reads it
  unlink(fresh.c_str());  // of one that was killed: the lock is ours
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return fresh + ": " + std::strerror(errno);
  const bool wrote = write_all(fd, text) && fchown(fd, old.st_uid, old.st_gid) == 0 && fchmod(fd, old.st_mode & 07777) == 0 && fsync(fd) == 0;
  std::string wrong = wrote ? "" : std::strerror(errno);
  close(fd);
  if (wrote && std::rename(fresh.c_str(), path_.c_str()) == 0) return {};
  if (wrong.empty()) wrong = std::strerror(errno);
  unlink(fresh.c_str());
  return wrong;
}

std::string replace_file(const std::string& path, std::string_view text) { return FileLock(path).replace(text); }

}  // namespace jit::cli
