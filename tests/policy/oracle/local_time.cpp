// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <ctime>

#include "tests/policy/oracle/oracle.h"

namespace jit::policy::oracle {
namespace {


// "day ranges wrap"
bool names_day(const Days& days, unsigned weekday) {
  for (unsigned day = days.first;; day = (day + 1) % 7) {
    if (day == weekday) return true;
    if (day == days.last) return false;
  }
}

bool on_day(const Span& span, unsigned weekday) {
  if (span.daily) return true;
  for (const Days& days : span.days) {
    if (names_day(days, weekday)) return true;
  }
  return false;
}

// "spans are half-open local wall-clock time, an end not after its start is the next day's, `24:00` may end one"
bool in_span(const Span& span, const Local& local) {
  if (span.to > span.from) return on_day(span, local.weekday) && local.minute >= span.from && local.minute < span.to;
  const unsigned yesterday = (local.weekday + 6) % 7;
  return (on_day(span, local.weekday) && local.minute >= span.from) || (on_day(span, yesterday) && local.minute < span.to);
}

// An all-day event is that day in every zone; one with times is each local day that it touches.
bool touches(const Event& event, const std::string& zone, std::int64_t day) {
  for (unsigned n = 0; n < event.times; ++n) {
    const std::int64_t later = std::int64_t{event.every_days} * n;
    if (event.all_day) {
      if (day >= event.first + later && day < event.end + later) return true;
    } else if (day >= local_time(zone, event.first + later * kDay).day && day <= local_time(zone, event.end - 1 + later * kDay).day) {
      return true;
    }
  }
  return false;
}

}  // namespace

Local local_time(const std::string& zone, std::int64_t unix_s) {
  static std::string now;
  if (now != zone) {
    (void)::setenv("TZ", (":" + zone).c_str(), 1);
    ::tzset();
    now = zone;
  }
  const std::time_t at = unix_s;
  std::tm tm{};
  (void)::localtime_r(&at, &tm);
  std::tm midnight{};
  midnight.tm_year = tm.tm_year;
  midnight.tm_mon = tm.tm_mon;
  midnight.tm_mday = tm.tm_mday;
  Local out;
  out.day = ::timegm(&midnight) / kDay;
  out.minute = static_cast<unsigned>(tm.tm_hour * 60 + tm.tm_min);
  out.weekday = static_cast<unsigned>((tm.tm_wday + 6) % 7);
  return out;
}

// "`daily` and `weekly` unite", "`except` removes whole local days", "a time in a DST fold is inside twice"
bool inside(const Model& model, const Window& window, std::int64_t unix_s) {
  const Local local = local_time(model.timezone, unix_s);
  bool in = false;
  for (const Span& span : window.spans) in = in || in_span(span, local);
  if (!in) return false;
  for (const std::string& name : window.except) {
    for (const Calendar& calendar : model.calendars) {
      if (calendar.name != name) continue;
      for (const Event& event : calendar.events) {
        if (touches(event, model.timezone, local.day)) return false;
      }
    }
  }
  return true;
}

}  // namespace jit::policy::oracle
