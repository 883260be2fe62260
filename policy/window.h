// SPDX-License-Identifier: Apache-2.0
// Windows: half-open spans of local wall-clock time, minus whole local days.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/calendar.h"
#include "policy/zone.h"

namespace jit::policy {

inline constexpr std::size_t kMinutesOfWeek = 7 * 1440;

struct Window {
  std::bitset<kMinutesOfWeek> minutes;       // `daily` and `weekly` united; minute 0 is Monday 00:00
  std::vector<std::int32_t> except;          // local days, sorted, unique
  std::shared_ptr<const Zone> zone;          // never null once loaded

  bool contains(std::int64_t unix_s) const;  // no allocation
  // The first instant from `unix_s` on at which contains() changes, within 366 days; 0: it does not.
  std::int64_t next_change(std::int64_t unix_s) const;
};

// "00:00-06:00": an end that is not after its start is the next day's; "24:00" may end a span. False, and `why` for
// people, where it is none.
bool add_daily(std::string_view text, Window& window, std::string& why);
// "Mon-Fri 08:00-18:00", "Tue 20:00-23:00", "Sat,Sun 00:00-24:00"; ranges of days wrap (Sat-Mon).
bool add_weekly(std::string_view text, Window& window, std::string& why);

}  // namespace jit::policy
