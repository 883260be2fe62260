// SPDX-License-Identifier: Apache-2.0
// What every file of the guest needs: handles that close themselves, and the time. Nothing here throws, and nothing
// needs libstdc++, since this is loaded into sshd and sudo.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

namespace jit::pam {

using Ms = std::int64_t;  // CLOCK_BOOTTIME, milliseconds

// Milliseconds since boot, suspend included. A clock that fails reads as the end of time: every deadline has passed.
Ms now_ms();
Ms after(Ms ms);  // that long from now; where the clock fails, a deadline that has passed

struct FreeMem {
  void operator()(void* p) const noexcept { std::free(p); }
};
using Bytes = std::unique_ptr<char, FreeMem>;  // from malloc

// Owns a descriptor. Those that this program opens are close-on-exec and never 0, 1 or 2 (see above_stdio).
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }
  void reset();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Moves a fresh descriptor out of the way of stdin, stdout and stderr, which the host program may have closed: what it
// later writes to "stderr" must not reach the gate. Empty where fd is negative or no descriptor is left.
Fd above_stdio(int fd);
Fd open_above_stdio(const char* path, int flags);  // O_CLOEXEC is added

// string_view's own starts_with() refers to an exception of libstdc++.
inline bool starts_with(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::string_view(text.data(), prefix.size()) == prefix;
}

// A descriptor that stands for this very process. (glibc 2.36 declares pidfd_open() without extern "C".)
Fd own_pidfd();

// Printable ASCII, at most max bytes: what may be shown to a person as it is.
bool printable(std::string_view text, std::size_t max);

}  // namespace jit::pam
