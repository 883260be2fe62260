// SPDX-License-Identifier: Apache-2.0
// The last line of a tz file (RFC 9636, "CET-1CEST,M3.5.0,M10.5.0/3"): what holds after its last transition.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace jit::policy {

struct Transition {
  std::int64_t at = 0;       // Unix, seconds
  std::int32_t offset = 0;   // seconds east of UTC, from then on
};

class ZoneRule {
 public:
  // Nothing where the text is none, and where it has no summer time.
  static std::optional<ZoneRule> parse(std::string_view text);
  // Appends the transitions of a year from 1970 to 9999, in order.
  void transitions(int year, std::vector<Transition>& out) const;

 private:
  struct Date {
    enum class Kind : std::uint8_t { kWeekday, kJulian, kDay } kind = Kind::kWeekday;
    std::int32_t month = 0, week = 0, day = 0;  // kJulian and kDay: `day` alone
    std::int32_t second = 7200;                 // of local time before it; may lie on another day
  };
  static bool read_date(std::string_view& text, Date& out);
  static std::int64_t local_second(const Date& date, int year);

  std::int32_t standard_ = 0, summer_ = 0;  // seconds east of UTC
  Date begin_, end_;                        // of summer time
};

}  // namespace jit::policy
