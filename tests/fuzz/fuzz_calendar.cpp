// SPDX-License-Identifier: Apache-2.0
// Any text as a calendar, in one of two zones: sorted days in range, or a reason with a line of the text.
#include <algorithm>

#include "policy/calendar.h"
#include "policy/zone_rule.h"
#include "tests/fuzz/fuzz.h"

using namespace jit;
using namespace jit::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto utc = policy::Zone::find("UTC"), prague = policy::Zone::find("Europe/Prague");
  require(utc && prague);
  constexpr std::int64_t kNow = 1'796'083'200;
  const std::string_view text = text_of(data, size);
  const auto lines = static_cast<std::uint32_t>(1 + std::ranges::count(text, '\n'));
  const policy::Zone& zone = size % 2 == 0 ? *prague : *utc;
  const policy::ParsedCalendar parsed = policy::parse_calendar(text, zone, kNow);
  require(parsed.calendar.has_value() == parsed.why.empty() && parsed.line <= lines);
  if (parsed.calendar) {
    const auto& days = parsed.calendar->days;
    require(std::ranges::adjacent_find(days, std::greater_equal()) == days.end());
    const std::int32_t today = zone.local(kNow).day;
    require(days.empty() || (days.front() >= today - 366 && days.back() <= today + 3 * 366));
    for (const std::int32_t day : days) require(parsed.calendar->has(day));
  }
  if (const auto rule = policy::ZoneRule::parse(text)) {
    std::vector<policy::Transition> out;
    for (const int year : {1970, 2028, 9999}) rule->transitions(year, out);
    require(out.size() == 6);
  }
  return 0;
}
