// SPDX-License-Identifier: Apache-2.0
// What the kernel says of a process. Everything here may be gone or another process at the next look: whoever acts on it holds
// a pidfd of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace jit::enforcer {

inline constexpr std::uint32_t kNoNumber = 0xffffffff;  // of loginuid and audit session: unset

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  std::uint64_t start = 0;   // clock ticks since boot
  std::uint32_t tty = 0;     // tty_nr of proc(5); 0: none
  uid_t uid = 0;             // effective
  uid_t real_uid = 0;        // of sudo and su it is the caller's
  std::uint32_t loginuid = kNoNumber;
  std::uint32_t audit_session = kNoNumber;
  std::string name;          // comm: whatever the process wants to be called
};

std::optional<std::string> read_file(const std::string& path, std::size_t most = 65536);
std::optional<Process> process_of(pid_t pid);
std::vector<pid_t> all_pids();
Fd pidfd_of(pid_t pid);                   // empty: there is none of that number
std::optional<pid_t> pid_of(int pidfd);   // nothing: it is no pidfd, or the process has been waited for
bool is_alive(int pidfd);
bool send(int pidfd, int signal);
std::int64_t boot_ms();                   // CLOCK_BOOTTIME

}  // namespace jit::enforcer
