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
// times is each local day of `zone` that it touches. TZID is a name of the system's tz data, no VTIMEZONE is read; a time
// without any is in `zone`. A RECURRENCE-ID stands for that occurrence of its UID; what is CANCELLED is no event.
// Refused: a text without VCALENDAR, a broken VEVENT, more than one recurrence a day (FREQ=HOURLY), EXRULE, RSCALE, RANGE
// and periods, more than 4,000 occurrences of one event within that time, 100,000 of all from their begins on, 4 MiB.
// Safe in any thread, one at a time.
ParsedCalendar parse_calendar(std::string_view text, const Zone& zone, std::int64_t now);

}  // namespace jit::policy
