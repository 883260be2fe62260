// SPDX-License-Identifier: Apache-2.0
#include "broker/config/safety.h"

#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace jit::config {
namespace {

constexpr std::size_t kAclMax = 64UL * 1024;  // XATTR_SIZE_MAX

std::uint32_t little(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i > 0; --i) value = (value << 8U) | static_cast<std::uint8_t>(bytes[at + i - 1]);
  return value;
}

std::optional<std::string> unsafe_acl(int fd) {
  std::string value(kAclMax, '\0');
  const ssize_t size = ::fgetxattr(fd, "system.posix_acl_access", value.data(), value.size());
  if (size < 0) {
    if (errno == ENODATA || errno == EOPNOTSUPP) return std::nullopt;
    return std::string("its ACL cannot be read: ") + std::strerror(errno);
  }
  value.resize(static_cast<std::size_t>(size));
  if (!acl_lets_others_write(value)) return std::nullopt;
  return "an ACL lets others write it; look who, then take it away with setfacl -b";
}

}  // namespace

bool acl_lets_others_write(std::string_view value) {
  constexpr std::size_t kHead = 4;
  constexpr std::size_t kEntry = 8;
  if (value.size() < kHead || (value.size() - kHead) % kEntry != 0 || little(value, 0, 4) != 2) return true;
  for (std::size_t at = kHead; at < value.size(); at += kEntry) {
    const std::uint32_t tag = little(value, at, 2);
    const bool write = (little(value, at + 2, 2) & 2U) != 0;
    const std::uint32_t id = little(value, at + 4, 4);
    switch (tag) {
      case 0x01:  // owner: root, checked apart
      case 0x10:  // mask: counted closed where an entry has more, so a later chmod opens nothing
        break;
      case 0x02:  // user
        if (write && id != 0) return true;
        break;
      case 0x04:  // owning group
      case 0x08:  // group
      case 0x20:  // other
        if (write) return true;
        break;
      default:
        return true;
    }
  }
  return false;
}

std::optional<std::string> unsafe(int fd, const struct stat& st, Kind kind, bool check_owner) {
  if (kind == Kind::kFolder && !S_ISDIR(st.st_mode)) return "is not a folder";
  if (kind == Kind::kFile && !S_ISREG(st.st_mode)) return "is not a regular file; move it away";
  if (!check_owner) return std::nullopt;
  if (st.st_uid != 0) return "belongs to uid " + std::to_string(st.st_uid) + "; look at it, then type: chown root";
  if ((st.st_mode & S_IWOTH) != 0) return "can be written by everyone; look at it, then type: chmod go-w";
  if ((st.st_mode & S_IWGRP) != 0) return "can be written by its group; look at it, then type: chmod go-w";
  if (kind == Kind::kFile && st.st_nlink != 1) return "has another name (a hard link); put a copy in its place";
  return unsafe_acl(fd);
}

}  // namespace jit::config
