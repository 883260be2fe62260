// SPDX-License-Identifier: Apache-2.0
#include "broker/host.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>

namespace jit::broker {

namespace {

std::int64_t milliseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

core::BootMs SystemClock::boottime() const { return milliseconds(CLOCK_BOOTTIME); }
core::WallMs SystemClock::wall() const { return milliseconds(CLOCK_REALTIME); }

core::Id SystemRandom::id() {
  core::Id id;
  // 16 bytes come whole or not at all; an id that can be guessed would be worse than no broker.
  if (getrandom(id.bytes.data(), id.bytes.size(), 0) != static_cast<ssize_t>(id.bytes.size())) std::abort();
  return id;
}

std::optional<double> load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? std::optional(load) : std::nullopt;
}

std::string boot_id() {
  const int fd = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::array<char, 64> text{};
  const ssize_t size = ::read(fd, text.data(), text.size());
  ::close(fd);
  std::string out;
  for (ssize_t i = 0; i < size; ++i) {
    const char c = text[static_cast<std::size_t>(i)];
    if (c != '-' && c != '\n') out.push_back(c);
  }
  return out.size() == 32 ? out : std::string();
}

}  // namespace jit::broker
