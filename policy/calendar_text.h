// SPDX-License-Identifier: Apache-2.0
// The lines of an iCalendar text that say when its events are (RFC 5545, 3.1), each with its place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jit::policy {

struct CalendarLine {
  std::uint32_t line = 0;  // 1-based
  std::string name;        // upper case
  std::string text;        // the whole, unfolded
};

struct CalendarEvent {
  std::uint32_t line = 0;  // of its BEGIN
  std::vector<CalendarLine> lines;  // its own, without those of components inside it (alarms)
};

struct CalendarText {
  std::vector<CalendarEvent> events;  // the VEVENTs right in a VCALENDAR, in order
  std::uint32_t line = 0;
  std::string why;  // empty: it is whole
};

CalendarText read_calendar_text(std::string_view text);

}  // namespace jit::policy
