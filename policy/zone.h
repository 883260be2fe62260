// SPDX-License-Identifier: Apache-2.0
// Time zones from the system's tz data. A zone is read once and then answers from memory: no file, lock or allocation.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace jit::policy {

inline constexpr std::int64_t kDaySeconds = 86400;

struct LocalTime {
  std::int32_t day = 0;      // days since 1970-01-01, of the local calendar
  std::uint32_t second = 0;  // since local midnight by the clock on the wall, 0 to 86399
  std::uint32_t weekday() const;  // 0 is Monday
  std::uint32_t minute_of_week() const { return weekday() * 1440 + second / 60; }
};

class Zone {
 public:
  // Null: the system knows no zone of that name ("Europe/Prague"). "UTC" needs no tz data. Any thread.
  static std::shared_ptr<const Zone> find(std::string_view name);
  virtual ~Zone() = default;

  // Exact for every instant: two instants of a fold give the same LocalTime, nothing gives one inside a gap.
  virtual LocalTime local(std::int64_t unix_s) const = 0;
  // The first instant of a local day (its midnight, or what follows a gap there).
  virtual std::int64_t day_start(std::int32_t day) const = 0;
  // Does this local time of day exist on that day? (False inside a DST gap.)
  virtual bool exists(std::int32_t day, std::uint32_t second) const = 0;
};

}  // namespace jit::policy
