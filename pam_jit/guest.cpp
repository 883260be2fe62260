// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/guest.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>
extern "C" {
#include <sys/pidfd.h>
}

#include <limits>

namespace jit::pam {

Ms now_ms() {
  timespec t{};
  if (clock_gettime(CLOCK_BOOTTIME, &t) != 0) return std::numeric_limits<Ms>::max();
  return static_cast<Ms>(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

Ms after(Ms ms) {
  const Ms now = now_ms();
  return now == std::numeric_limits<Ms>::max() ? 0 : now + ms;
}

void Fd::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Fd above_stdio(int fd) {
  Fd low(fd);
  if (fd < 0 || fd > STDERR_FILENO) return low;
  return Fd(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

Fd open_above_stdio(const char* path, int flags) { return above_stdio(open(path, flags | O_CLOEXEC)); }

Fd own_pidfd() { return above_stdio(pidfd_open(getpid(), 0)); }

bool printable(std::string_view text, std::size_t max) {
  if (text.size() > max) return false;
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

}  // namespace jit::pam
