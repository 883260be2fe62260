// SPDX-License-Identifier: Apache-2.0
#include "policy/zone_rule.h"

#include <algorithm>
#include <chrono>

namespace jit::policy {
namespace {

namespace chrono = std::chrono;

bool decimal(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

bool number(std::string_view& text, std::int32_t least, std::int32_t most, std::int32_t& out) {
  if (text.empty() || !decimal(text.front())) return false;
  out = 0;
  while (!text.empty() && decimal(text.front())) {
    out = out * 10 + (text.front() - '0');
    if (out > most) return false;
    text.remove_prefix(1);
  }
  return out >= least;
}

// "CET" or "<+0330>"
bool skip_name(std::string_view& text) {
  const bool quoted = take(text, '<');
  const auto inside = [&](char c) { return letter(c) || (quoted && (decimal(c) || c == '+' || c == '-')); };
  const auto end = std::ranges::find_if_not(text, inside);
  const auto length = static_cast<std::size_t>(end - text.begin());
  text.remove_prefix(length);
  return length >= 3 && (!quoted || take(text, '>'));
}

// [+-]h[:mm[:ss]]
bool clock(std::string_view& text, std::int32_t& seconds) {
  const bool minus = take(text, '-');
  if (!minus) take(text, '+');
  std::int32_t hours = 0, minutes = 0, rest = 0;
  if (!number(text, 0, 167, hours)) return false;
  if (take(text, ':') && (!number(text, 0, 59, minutes) || (take(text, ':') && !number(text, 0, 59, rest)))) return false;
  seconds = hours * 3600 + minutes * 60 + rest;
  if (minus) seconds = -seconds;
  return true;
}

}  // namespace

bool ZoneRule::read_date(std::string_view& text, Date& out) {
  if (!take(text, ',')) return false;
  if (take(text, 'M')) {
    if (!number(text, 1, 12, out.month) || !take(text, '.') || !number(text, 1, 5, out.week) || !take(text, '.') ||
        !number(text, 0, 6, out.day)) {
      return false;
    }
  } else {
    out.kind = take(text, 'J') ? Date::Kind::kJulian : Date::Kind::kDay;
    if (!number(text, out.kind == Date::Kind::kJulian ? 1 : 0, 365, out.day)) return false;
  }
  return !take(text, '/') || clock(text, out.second);
}

std::optional<ZoneRule> ZoneRule::parse(std::string_view text) {
  ZoneRule out;
  if (!skip_name(text) || !clock(text, out.standard_) || !skip_name(text)) return std::nullopt;
  out.standard_ = -out.standard_;  // POSIX counts them west
  out.summer_ = out.standard_ + 3600;
  if (!text.starts_with(',')) {
    if (!clock(text, out.summer_)) return std::nullopt;
    out.summer_ = -out.summer_;
  }
  if (!read_date(text, out.begin_) || !read_date(text, out.end_) || !text.empty()) return std::nullopt;
  return out;
}

std::int64_t ZoneRule::local_second(const Date& date, int year) {
  const chrono::year y(year);
  chrono::sys_days day = chrono::sys_days(y / chrono::January / 1);
  if (date.kind == Date::Kind::kWeekday) {
    const chrono::month month(static_cast<unsigned>(date.month));
    const chrono::weekday weekday(static_cast<unsigned>(date.day));
    day = date.week == 5 ? chrono::sys_days(y / month / weekday[chrono::last])
                         : chrono::sys_days(y / month / weekday[static_cast<unsigned>(date.week)]);
  } else if (date.kind == Date::Kind::kJulian) {
    // February 29 has no number here.
    day += chrono::days(date.day - 1 + (y.is_leap() && date.day >= 60 ? 1 : 0));
  } else {
    day += chrono::days(date.day);
  }
  return std::int64_t{day.time_since_epoch().count()} * 86400 + date.second;
}

void ZoneRule::transitions(int year, std::vector<Transition>& out) const {
  const Transition begin{local_second(begin_, year) - standard_, summer_};
  const Transition end{local_second(end_, year) - summer_, standard_};
  out.push_back(begin.at < end.at ? begin : end);
  out.push_back(begin.at < end.at ? end : begin);
}

}  // namespace jit::policy
