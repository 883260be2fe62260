// SPDX-License-Identifier: Apache-2.0
#include "host/access_list.h"

#include <sys/xattr.h>

#include <array>

namespace jit::host {
namespace {

constexpr std::size_t kHead = 4, kEntry = 8;  // bytes: a version; tag, permissions, id; all little-endian
constexpr std::uint32_t kVersion = 2, kWrite = 2;
constexpr std::uint32_t kUser = 0x02, kOwningGroup = 0x04, kGroup = 0x08, kMask = 0x10;

std::uint32_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t out = 0;
  for (std::size_t i = size; i > 0; --i) out = (out << 8U) | static_cast<unsigned char>(bytes[at + i - 1]);
  return out;
}

}  // namespace

std::optional<AccessList> parse_access_list(std::string_view bytes) {
  if (bytes.size() < kHead || (bytes.size() - kHead) % kEntry != 0 || number(bytes, 0, 4) != kVersion) return std::nullopt;
  std::uint32_t mask = ~0U;
  for (std::size_t at = kHead; at < bytes.size(); at += kEntry) {
    if (number(bytes, at, 2) == kMask) mask = number(bytes, at + 2, 2);
  }
  AccessList out;
  for (std::size_t at = kHead; at < bytes.size(); at += kEntry) {
    if ((number(bytes, at + 2, 2) & mask & kWrite) == 0) continue;
    switch (number(bytes, at, 2)) {
      case kUser: out.writing_users.push_back(number(bytes, at + 4, 4)); break;
      case kGroup: out.writing_groups.push_back(number(bytes, at + 4, 4)); break;
      case kOwningGroup: out.owning_group_writes = true; break;
      default: break;
    }
  }
  return out;
}

std::optional<AccessList> access_list_of(const std::string& path) {
  std::array<char, 65536> bytes{};  // the most that the kernel gives
  const ssize_t size = lgetxattr(path.c_str(), "system.posix_acl_access", bytes.data(), bytes.size());
  return size < 0 ? std::nullopt : parse_access_list({bytes.data(), static_cast<std::size_t>(size)});
}

}  // namespace jit::host
