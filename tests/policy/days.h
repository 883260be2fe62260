// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace jit::policy::test {

// since 1970-01-01
inline std::int32_t day(int year, unsigned month, unsigned of_month) {
  const auto ymd = std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(of_month);
  return static_cast<std::int32_t>(std::chrono::sys_days(ymd).time_since_epoch().count());
}

inline std::int64_t utc(int year, unsigned month, unsigned of_month, int hour = 0, int minute = 0, int second = 0) {
  return day(year, month, of_month) * std::int64_t{86400} + hour * 3600 + minute * 60 + second;
}

}  // namespace jit::policy::test
