// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/origin_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace jit::gate {
namespace {

constexpr off_t kMostBytes = 16 * 1024 * 1024;  // more than Origins ever writes

bool ours(int fd, off_t& size) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return false;
  size = st.st_size;
  return S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_uid == ::geteuid() && (st.st_mode & 077) == 0 && size <= kMostBytes;
}

bool read_exactly(int fd, std::string& text) {
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t n = ::read(fd, text.data() + got, text.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    got += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

std::optional<std::string> OriginFile::load() const {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  off_t size = 0;
  std::string text;
  bool whole = ours(fd, size);
  if (whole) {
    text.resize(static_cast<std::size_t>(size));
    whole = read_exactly(fd, text);
  }
  ::close(fd);
  if (!whole || !text.starts_with(header()) || !text.ends_with('\n')) return std::nullopt;
  return text.substr(header().size());
}

bool OriginFile::add(std::string_view line) const {
  return write(::open(path_.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), line);
}

bool OriginFile::replace(std::string_view lines) const {
  const std::string fresh = path_ + ".new";
  ::unlink(fresh.c_str());
  if (!write(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), header() + std::string(lines))) return false;
  if (::rename(fresh.c_str(), path_.c_str()) == 0) return true;
  ::unlink(path_.c_str());
  return false;
}

bool OriginFile::write(int fd, std::string_view text) const {
  while (fd >= 0 && !text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) break;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  if (fd >= 0) ::close(fd);
  if (fd >= 0 && text.empty()) return true;
  ::unlink(path_.c_str());
  return false;
}

}  // namespace jit::gate
