// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace jit::pam {

[[gnu::weak]] extern const char kModule[] = "pam_jit";

namespace {

constexpr char kLog[] = "/dev/log";
constexpr Ms kPatience = 500;

// "<pri>Mon dd hh:mm:ss module[pid]: ", RFC 3164. In UTC: local time would make libc read and keep the zone; journald and
// rsyslog take the time of arrival.
int head(char* out, std::size_t size, int priority) {
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t now = time(nullptr);
  tm t{};
  if (gmtime_r(&now, &t) == nullptr) return -1;
  return snprintf(out, size, "<%d>%s %2d %02d:%02d:%02d %s[%d]: ", LOG_AUTHPRIV | priority, kMonths[t.tm_mon], t.tm_mday,
                  t.tm_hour, t.tm_min, t.tm_sec, kModule, static_cast<int>(getpid()));
}

}  // namespace

void log_line(int priority, const char* format, ...) {
  std::array<char, 512> line;
  const int start = head(line.data(), line.size(), priority);
  if (start < 0) return;
  va_list args;
  va_start(args, format);
  const int body = vsnprintf(line.data() + start, line.size() - static_cast<std::size_t>(start), format, args);
  va_end(args);
  if (body < 0) return;
  const std::size_t length = std::min(line.size() - 1, static_cast<std::size_t>(start) + static_cast<std::size_t>(body));

  const Fd fd = above_stdio(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(std::begin(kLog), std::end(kLog), address.sun_path);
  if (!fd || connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
  // Room may be taken by somebody else between poll() and send().
  for (const Ms until = after(kPatience); send(fd.get(), line.data(), length, MSG_NOSIGNAL) < 0 && errno == EAGAIN;) {
    const Ms left = until - now_ms();
    pollfd room{fd.get(), POLLOUT, 0};
    if (left <= 0 || poll(&room, 1, static_cast<int>(left)) < 0) return;
  }
}

}  // namespace jit::pam
