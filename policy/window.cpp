// SPDX-License-Identifier: Apache-2.0
#include "policy/window.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "policy/ticked.h"
#include "policy/suggest.h"

namespace jit::policy {
namespace {

constexpr std::uint32_t kDayMinutes = 1440;
constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

struct Span {
  std::uint32_t begin = 0;   // minute of the day
  std::uint32_t length = 0;  // 1 to 1440
};

// "HH:MM" up to 24:00
std::optional<std::uint32_t> clock_time(std::string_view text) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) return std::nullopt;
  const auto two = [&](std::size_t i) { return static_cast<std::uint32_t>((text[i] - '0') * 10 + (text[i + 1] - '0')); };
  const std::uint32_t hour = two(0), minute = two(3);
  if (minute > 59 || hour > 24 || (hour == 24 && minute > 0)) return std::nullopt;
  return hour * 60 + minute;
}

std::optional<Span> parse_span(std::string_view text, std::string& why) {
  const std::size_t dash = text.find('-');
  const auto begin = clock_time(text.substr(0, dash));
  const auto end = dash == std::string_view::npos ? std::nullopt : clock_time(text.substr(dash + 1));
  if (!begin || !end) {
    why = ticked(text) + " is no span of time; write two times of day as HH:MM-HH:MM, like 08:00-18:00";
    return std::nullopt;
  }
  if (*begin == kDayMinutes) {
    why = "24:00 may only end a span; one that begins at midnight begins at 00:00 of the next day";
    return std::nullopt;
  }
  return Span{*begin, *end > *begin ? *end - *begin : *end + kDayMinutes - *begin};
}

std::optional<std::size_t> day_named(std::string_view name, std::string& why) {
  const auto found = std::ranges::find(kDays, name);
  if (found != kDays.end()) return static_cast<std::size_t>(found - kDays.begin());
  why = ticked(name) + " is no day; write Mon, Tue, Wed, Thu, Fri, Sat or Sun" +
        did_you_mean(name, {kDays.begin(), kDays.end()});
  return std::nullopt;
}

// "Mon", "Mon-Fri", "Sat,Sun", "Mon-Wed,Fri"
std::optional<std::bitset<7>> parse_days(std::string_view text, std::string& why) {
  std::bitset<7> out;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    more = comma != std::string_view::npos;
    const std::string_view item = text.substr(0, comma);
    text = more ? text.substr(comma + 1) : std::string_view();
    const std::size_t dash = item.find('-');
    const auto first = day_named(item.substr(0, dash), why);
    const auto last = !first || dash == std::string_view::npos ? first : day_named(item.substr(dash + 1), why);
    if (!first || !last) return std::nullopt;
    if (dash != std::string_view::npos && *first == *last) {
      why = ticked(item) + " is no range; write one day alone, or Mon-Sun for all";
      return std::nullopt;
    }
    for (std::size_t day = *first;; day = (day + 1) % 7) {
      if (out[day]) {
        why = std::string(kDays[day]) + " stands twice; name each day once";
        return std::nullopt;
      }
      out.set(day);
      if (day == *last) break;
    }
  }
  return out;
}

void add(const Span& span, std::size_t day, Window& window) {
  for (std::uint32_t i = 0; i < span.length; ++i) {
    window.minutes.set((day * kDayMinutes + span.begin + i) % kMinutesOfWeek);
  }
}

}  // namespace

bool add_daily(std::string_view text, Window& window, std::string& why) {
  const auto span = parse_span(text, why);
  if (!span) return false;
  for (std::size_t day = 0; day < 7; ++day) add(*span, day, window);
  return true;
}

bool add_weekly(std::string_view text, Window& window, std::string& why) {
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) {
    why = ticked(text) + " needs days and a span, like Mon-Fri 08:00-18:00";
    return false;
  }
  const auto days = parse_days(text.substr(0, blank), why);
  if (!days) return false;
  const auto span = parse_span(text.substr(blank + 1), why);
  if (!span) return false;
  for (std::size_t day = 0; day < 7; ++day) {
    if ((*days)[day]) add(*span, day, window);
  }
  return true;
}

bool Window::contains(std::int64_t unix_s) const {
  if (!zone) return false;
  const LocalTime now = zone->local(unix_s);
  return minutes[now.minute_of_week()] && !std::ranges::binary_search(except, now.day);
}

std::int64_t Window::next_change(std::int64_t unix_s) const {
  constexpr std::int64_t kSearch = 366 * kDaySeconds;
  // Nothing is told of times that a calendar cannot name.
  constexpr std::int64_t kMost = std::int64_t{std::numeric_limits<std::int32_t>::max()} * 1000;
  if (!zone || unix_s < -kMost || unix_s > kMost) return 0;
  // How far the wall clock is from UTC; it changes only where the zone does.
  const auto offset = [&](std::int64_t at) {
    const LocalTime local = zone->local(at);
    return local.day * kDaySeconds + local.second - at;
  };
  const bool inside = contains(unix_s);
  for (std::int64_t at = unix_s; at <= unix_s + kSearch;) {
    const LocalTime local = zone->local(at);
    const std::uint32_t minute = local.second / 60;
    const std::size_t midnight = std::size_t{local.weekday()} * kDayMinutes;
    std::uint32_t end = kDayMinutes;  // of what is as this minute is, within its day
    if (!std::ranges::binary_search(except, local.day)) {
      for (end = minute + 1; end < kDayMinutes && minutes[midnight + end] == minutes[midnight + minute];) ++end;
    }
    std::int64_t next = at + std::int64_t{end} * 60 - local.second;
    if (offset(next) != offset(at)) {
      std::int64_t same = at;  // the last instant known to be before the zone's transition
      while (next - same > 1) {
        const std::int64_t middle = same + (next - same) / 2;
        (offset(middle) == offset(at) ? same : next) = middle;
      }
    }
    if (contains(next) != inside) return next <= unix_s + kSearch ? next : 0;
    at = next;
  }
  return 0;
}

}  // namespace jit::policy
