// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace jit::pam {
namespace {

// Bytes read, 0 at the end, negative on failure.
ssize_t read_some(int fd, std::span<char> out) {
  ssize_t n = 0;
  do {
    n = read(fd, out.data(), out.size());
  } while (n < 0 && errno == EINTR);
  return n;
}

}  // namespace

Read read_argv(Bytes& words, std::size_t& size) {
  const Fd fd = open_above_stdio("/proc/self/cmdline", O_RDONLY);
  Bytes buffer(static_cast<char*>(std::malloc(kArgvMax + 1)));
  if (!fd || !buffer) return Read::kFailed;
  std::size_t have = 0;
  for (;;) {
    const ssize_t n = read_some(fd.get(), {buffer.get() + have, kArgvMax + 1 - have});
    if (n < 0) return Read::kFailed;
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
    if (have > kArgvMax) return Read::kTooLong;
  }
  if (have == 0) return Read::kAbsent;
  words = std::move(buffer);
  size = have;
  return Read::kFound;
}

Read read_environ(std::string_view prefix, std::span<char> value, std::size_t& size) {
  const Fd fd = open_above_stdio("/proc/self/environ", O_RDONLY);
  if (!fd) return Read::kFailed;
  std::array<char, 4096> chunk;
  std::size_t at = 0;     // in this entry
  bool matches = true;    // so far
  size = 0;
  for (;;) {
    const ssize_t n = read_some(fd.get(), chunk);
    if (n < 0) return Read::kFailed;
    if (n == 0) return matches && at >= prefix.size() ? Read::kFound : Read::kAbsent;
    for (const char c : std::span(chunk).first(static_cast<std::size_t>(n))) {
      if (c == '\0') {
        if (matches && at >= prefix.size()) return Read::kFound;
        at = 0;
        matches = true;
        continue;
      }
      if (matches && at < prefix.size()) {
        matches = prefix[at] == c;
      } else if (matches) {
        if (size == value.size()) return Read::kTooLong;
        value[size++] = c;
      }
      ++at;
    }
  }
}

}  // namespace jit::pam
