// SPDX-License-Identifier: Apache-2.0
// Calendars (RFC 5545): the days that their VEVENTs touch. Recurrences are expanded by libical.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/zone.h"

namespace jit::policy {

struct Calendar {
  std::vector<std::int32_t> days;  // local days (LocalTime::day), sorted, unique
  bool has(std::int32_t day) const;
};

struct ParsedCalendar {
  std::optional<Calendar> calendar;
  std::uint32_t line = 0;  // where there is none: 1-based, 0 for the whole
  std::string why;
};

// From one year before `now` (Unix, seconds) to three after it. An all-day event is that day in every zone; one with
// times is each local day of `zone` that it touches. A text without VCALENDAR, with a broken VEVENT, a recurrence of more
// than 4,000 days, or over 4 MiB is refused.
ParsedCalendar parse_calendar(std::string_view text, const Zone& zone, std::int64_t now);

}  // namespace jit::policy
