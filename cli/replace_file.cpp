// SPDX-License-Identifier: Apache-2.0
#include "cli/replace_file.h"

#include <fcntl.h>
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

std::string replace_file(const std::string& path, std::string_view text) {
  struct stat old {};
  if (lstat(path.c_str(), &old) != 0) return std::strerror(errno);
  if (!S_ISREG(old.st_mode)) return "is a link; name the file itself";
  const std::string fresh = path + ".jit-new";  // not *.toml: no loader reads it
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return std::strerror(errno);
  const bool wrote = write_all(fd, text) && fchown(fd, old.st_uid, old.st_gid) == 0 && fchmod(fd, old.st_mode & 07777) == 0 && fsync(fd) == 0;
  std::string wrong = wrote ? "" : std::strerror(errno);
  close(fd);
  if (wrote && std::rename(fresh.c_str(), path.c_str()) == 0) return {};
  if (wrong.empty()) wrong = std::strerror(errno);
  unlink(fresh.c_str());
  return wrong;
}

}  // namespace jit::cli
