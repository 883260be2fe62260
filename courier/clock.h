// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ctime>

namespace jit::courier {

using Ms = std::int64_t;

// CLOCK_BOOTTIME: what is waited for.
inline Ms boottime() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return Ms{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// Unix time: what documents say.
inline Ms unix_ms() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return Ms{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace jit::courier
