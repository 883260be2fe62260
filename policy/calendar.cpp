// SPDX-License-Identifier: Apache-2.0
#include "policy/calendar.h"

#include <libical/ical.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <utility>

#include "policy/calendar_text.h"

namespace jit::policy {
namespace {

constexpr std::size_t kMostText = 4 << 20;
constexpr std::int32_t kBack = 366, kAhead = 3 * 366;  // days
constexpr std::size_t kMostOfOne = 4000;    // occurrences of one event, within that range
constexpr std::size_t kMostSteps = 100000;  // occurrences of all, from each event's begin on
constexpr std::size_t kEmptyRule = 40000;   // what a rule that yields nothing counts: the library looks through centuries
constexpr std::int64_t kFirstNow = -62135596800, kLastNow = 253402300799 - 4 * kAhead * kDaySeconds;  // years 1 to 9999

struct FreeProperty { void operator()(icalproperty* p) const noexcept { icalproperty_free(p); } };
using Property = std::unique_ptr<icalproperty, FreeProperty>;
struct FreeIterator { void operator()(icalrecur_iterator* i) const noexcept { icalrecur_iterator_free(i); } };
using Iterator = std::unique_ptr<icalrecur_iterator, FreeIterator>;

struct Broken {
  std::uint32_t line;
  std::string why;
};

// A date, or a time in the event's zone.
struct Moment {
  std::int32_t day = 0;
  std::uint32_t second = 0;
  bool date = false;
  const Zone* zone = nullptr;  // null: a date

  auto key() const { return std::pair(day, second); }
};

struct Event {
  std::uint32_t line = 0;
  std::string uid;
  Moment start;
  std::optional<Moment> end;
  std::optional<icaldurationtype> duration;
  std::vector<std::pair<std::uint32_t, icalrecurrencetype>> rules;
  std::vector<Moment> more;
  struct Except { bool date; std::int32_t day; std::int64_t at; };
  std::vector<Except> except;
  std::optional<Except> replaces;
  bool cancelled = false;
};

const char* const kTimes[] = {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID", "STATUS", "UID"};

// Where the clock is set back, the first of both; in a gap, as long after it as the clock was behind.
std::int64_t instant(const Moment& m) {
  const std::int64_t wall = m.day * kDaySeconds + m.second;
  const auto offset = [&](std::int64_t at) {
    const LocalTime local = m.zone->local(at);
    return local.day * kDaySeconds + local.second - at;
  };
  const std::int64_t before = offset(wall - 2 * kDaySeconds), after = offset(wall + 2 * kDaySeconds);
  const std::int64_t first = wall - before, second = wall - after;
  if (first == second || offset(first) == before) return first;
  return offset(second) == after ? second : first;
}

Moment moment_of(std::int64_t at, const Zone& zone) {
  const LocalTime local = zone.local(at);
  return {local.day, local.second, false, &zone};
}

// A value of another kind, as VALUE= may make it, must not be asked for what it is not: the library would follow a text as
// if it pointed to a rule.
Property parse(const CalendarLine& line, const std::string& text, std::initializer_list<icalvalue_kind> kinds) {
  Property out(icalproperty_new_from_string(text.c_str()));
  const icalvalue* value = out ? icalproperty_get_value(out.get()) : nullptr;
  if (value == nullptr || std::ranges::find(kinds, icalvalue_isa(value)) == kinds.end()) {
    throw Broken{line.line, line.name + " cannot be read"};
  }
  return out;
}

class Expansion {
 public:
  Expansion(const Zone& zone, std::int64_t now)
      : zone_(zone), first_(zone.local(now).day - kBack), last_(zone.local(now).day + kAhead),
        touched_(static_cast<std::size_t>(last_ - first_) + 2, 0), utc_(Zone::find("UTC")) {}

  std::vector<std::int32_t> run(const std::vector<CalendarEvent>& texts) {
    std::vector<Event> events;
    events.reserve(texts.size());
    for (const CalendarEvent& text : texts) events.push_back(read(text));
    for (const Event& event : events) {
      if (event.replaces) replaced_[event.uid].push_back(*event.replaces);
    }
    for (const Event& event : events) {
      if (!event.cancelled) expand(event);
    }
    std::vector<std::int32_t> days;
    std::int64_t deep = 0;
    for (std::int32_t day = first_; day <= last_; ++day) {
      deep += touched_[static_cast<std::size_t>(day - first_)];
      if (deep > 0) days.push_back(day);
    }
    return days;
  }

 private:
  const Zone* zone_named(const char* name, std::uint32_t line) {
    const auto [at, added] = zones_.try_emplace(name);
    if (added) at->second = Zone::find(name);
    if (!at->second) throw Broken{line, "the system knows no time zone `" + std::string(name) + "`"};
    return at->second.get();
  }

  Moment moment(icalproperty* property, const icaltimetype& time, std::uint32_t line) {
    Moment out;
    out.day = day_of(time, line);
    out.date = time.is_date != 0;
    if (out.date) return out;
    const bool clock = time.hour >= 0 && time.hour < 24 && time.minute >= 0 && time.minute < 60 && time.second >= 0 && time.second <= 60;
    if (!clock) throw Broken{line, "no time of day"};
    out.second = static_cast<std::uint32_t>(time.hour * 3600 + time.minute * 60 + std::min(time.second, 59));
    icalparameter* named = icalproperty_get_first_parameter(property, ICAL_TZID_PARAMETER);
    out.zone = icaltime_is_utc(time) ? utc_.get() : named != nullptr ? zone_named(icalparameter_get_tzid(named), line) : &zone_;
    return out;
  }

  Moment one_moment(const CalendarLine& line, const std::string& text) {
    const Property property = parse(line, text, {ICAL_DATE_VALUE, ICAL_DATETIME_VALUE});
    const icalvalue* value = icalproperty_get_value(property.get());
    const bool date = icalvalue_isa(value) == ICAL_DATE_VALUE;
    return moment(property.get(), date ? icalvalue_get_date(value) : icalvalue_get_datetime(value), line.line);
  }

  // The values of a list, each as a moment.
  template <class Take>
  void moments(const CalendarLine& line, Take take) {
    // A parameter may hold a colon in quotes, a value of dates never.
    const std::size_t colon = line.text.rfind(':');
    if (colon == std::string::npos) throw Broken{line.line, line.name + " cannot be read"};
    const std::string head = line.text.substr(0, colon + 1);
    std::string_view rest = std::string_view(line.text).substr(colon + 1);
    for (bool more = true; more;) {
      const std::size_t comma = rest.find(',');
      more = comma != std::string_view::npos;
      step(line.line);
      take(one_moment(line, head + std::string(rest.substr(0, comma))));
      rest.remove_prefix(more ? comma + 1 : rest.size());
    }
  }

  static Event::Except except(const Moment& m) { return {m.date, m.day, m.date ? 0 : instant(m)}; }

  static std::span<const short> list(const short* values, std::size_t room) {
    return {values, static_cast<std::size_t>(std::find(values, values + room, ICAL_RECURRENCE_ARRAY_MAX) - values)};
  }

  // Is there a month that has such a day, and can a period hold as many days as BYSETPOS counts?
  static bool can_come(const icalrecurrencetype& rule) {
    const auto months = list(rule.by_month, ICAL_BY_MONTH_SIZE), month_days = list(rule.by_month_day, ICAL_BY_MONTHDAY_SIZE);
    const auto week_days = list(rule.by_day, ICAL_BY_DAY_SIZE), positions = list(rule.by_set_pos, ICAL_BY_SETPOS_SIZE);
    const auto length = [](int month) { return month == 2 ? 29 : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31; };
    const bool none = !months.empty() && !month_days.empty() && std::ranges::none_of(months, [&](int month) {
      return std::ranges::any_of(month_days, [&](int day) { return std::abs(day) <= length(month); });
    });
    const std::size_t weeks = rule.freq == ICAL_MONTHLY_RECURRENCE ? 5 : rule.freq == ICAL_YEARLY_RECURRENCE ? 53 : 1;
    const std::size_t most = month_days.empty() ? std::max<std::size_t>(week_days.size(), 1) * weeks : month_days.size() * 12;
    const bool far = std::ranges::none_of(positions, [&](int n) { return static_cast<std::size_t>(std::abs(n)) <= most; });
    return !none && (positions.empty() || !far || !list(rule.by_year_day, ICAL_BY_YEARDAY_SIZE).empty());
  }

  icalrecurrencetype rule(const CalendarLine& line, const Property& property) {
    const icalrecurrencetype out = icalproperty_get_rrule(property.get());
    const auto many = [](const short* list) { return list[0] != ICAL_RECURRENCE_ARRAY_MAX && list[1] != ICAL_RECURRENCE_ARRAY_MAX; };
    if (out.rscale != nullptr) throw Broken{line.line, "RSCALE is not supported; write the days as RDATE"};
    const bool days = out.freq == ICAL_DAILY_RECURRENCE || out.freq == ICAL_WEEKLY_RECURRENCE ||
                      out.freq == ICAL_MONTHLY_RECURRENCE || out.freq == ICAL_YEARLY_RECURRENCE;
    if (!days || many(out.by_hour) || many(out.by_minute) || many(out.by_second)) {
      throw Broken{line.line, "a calendar is of days: an event recurs at most once a day"};
    }
    // What can never be, like the 7th Friday of a month, the library seeks for centuries, and slowly.
    const auto any = [](const short* list) { return list[0] != ICAL_RECURRENCE_ARRAY_MAX; };
    const int most = out.freq == ICAL_YEARLY_RECURRENCE && !any(out.by_month) ? 53 : 5;
    if (!can_come(out)) throw Broken{line.line, "a recurrence on a day that never comes"};
    for (const short& day : out.by_day) {
      if (day == ICAL_RECURRENCE_ARRAY_MAX) break;
      const int position = icalrecurrencetype_day_position(day);
      if (position == 0) continue;
      if (position < -most || position > most) throw Broken{line.line, "a recurrence on a day that never comes"};
      if (any(out.by_set_pos) || any(out.by_month_day) || any(out.by_year_day) || any(out.by_week_no)) {
        throw Broken{line.line, "a numbered day (1MO) is not supported beside other parts of days; write the days as RDATE"};
      }
    }
    return out;
  }

  Event read(const CalendarEvent& text) {
    Event out;
    out.line = text.line;
    bool started = false;
    std::set<std::string_view> once;
    for (const CalendarLine& line : text.lines) {
      if (std::ranges::find(kTimes, line.name) == std::end(kTimes)) continue;
      const bool repeats = line.name == "RRULE" || line.name == "RDATE" || line.name == "EXDATE";
      if (!repeats && !once.insert(line.name).second) throw Broken{line.line, line.name + " stands twice in one event"};
      if (line.name == "EXRULE") throw Broken{line.line, "EXRULE is not supported; write EXDATE"};
      if (line.name == "UID") {
        out.uid = line.text;
      } else if (line.name == "STATUS") {
        out.cancelled = icalproperty_get_status(parse(line, line.text, {ICAL_STATUS_VALUE}).get()) == ICAL_STATUS_CANCELLED;
      } else if (line.name == "DTSTART") {
        out.start = one_moment(line, line.text);
        started = true;
      } else if (line.name == "DTEND") {
        out.end = one_moment(line, line.text);
      } else if (line.name == "DURATION") {
        out.duration = icalproperty_get_duration(parse(line, line.text, {ICAL_DURATION_VALUE}).get());
        if (out.duration->is_neg != 0) throw Broken{line.line, "an event cannot last less than nothing"};
      } else if (line.name == "RRULE") {
        out.rules.emplace_back(line.line, rule(line, parse(line, line.text, {ICAL_RECUR_VALUE})));
      } else if (line.name == "RDATE") {
        moments(line, [&](const Moment& m) { out.more.push_back(m); });
      } else if (line.name == "EXDATE") {
        moments(line, [&](const Moment& m) { out.except.push_back(except(m)); });
      } else {
        const Property property = parse(line, line.text, {ICAL_DATE_VALUE, ICAL_DATETIME_VALUE});
        if (icalproperty_get_first_parameter(property.get(), ICAL_RANGE_PARAMETER) != nullptr) {
          throw Broken{line.line, "RANGE is not supported; write an event of its own for each change"};
        }
        out.replaces = except(one_moment(line, line.text));
      }
    }
    if (out.replaces && out.uid.empty()) throw Broken{text.line, "RECURRENCE-ID without UID; it names the event that it changes"};
    if (!started) throw Broken{text.line, "an event without DTSTART"};
    if (out.end && out.duration) throw Broken{text.line, "an event has DTEND or DURATION, not both"};
    if (out.end && out.end->date != out.start.date) throw Broken{text.line, "DTSTART and DTEND must both be dates, or both times"};
    const bool backwards = out.end && (out.start.date ? out.end->day < out.start.day : instant(*out.end) < instant(out.start));
    if (backwards) throw Broken{text.line, "an event that ends before it begins"};
    return out;
  }

  void step(std::uint32_t line, std::size_t by = 1) {
    steps_ += by;
    if (steps_ > kMostSteps) throw Broken{line, "more than 100000 occurrences in all; begin the events later, or use fewer"};
  }

  void expand(const Event& event) {
    std::vector<Moment> all{event.start};
    step(event.line);
    for (const Moment& m : event.more) all.push_back(m);
    for (const auto& [line, rule] : event.rules) recur(event, line, rule, all);
    std::vector<Event::Except> without = event.except;
    if (!event.replaces && !event.uid.empty()) {
      if (const auto found = replaced_.find(event.uid); found != replaced_.end()) {
        step(event.line, found->second.size());
        without.insert(without.end(), found->second.begin(), found->second.end());
      }
    }
    std::set<std::int32_t> days;
    std::set<std::int64_t> instants;
    for (const Event::Except& e : without) {
      if (e.date || event.start.date) days.insert(e.day);
      else instants.insert(e.at);
    }
    std::size_t within = 0;
    for (const Moment& m : all) {
      if (days.contains(m.day) || (!m.date && instants.contains(instant(m)))) continue;
      within += touch(event, m) ? 1 : 0;
      if (within > kMostOfOne) throw Broken{event.line, "an event with more than 4000 occurrences"};
    }
  }

  static icaltimetype time_of(const Moment& m) {
    const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(m.day))};
    icaltimetype out = icaltime_null_time();
    out.year = static_cast<int>(date.year());
    out.month = static_cast<int>(static_cast<unsigned>(date.month()));
    out.day = static_cast<int>(static_cast<unsigned>(date.day()));
    out.is_date = m.date ? 1 : 0;
    if (m.date) return out;
    out.hour = static_cast<int>(m.second / 3600);
    out.minute = static_cast<int>(m.second / 60 % 60);
    out.second = static_cast<int>(m.second % 60);
    return out;
  }

  // Expanded by the clock of the event's own zone, which the library need not know for that.
  void recur(const Event& event, std::uint32_t line, icalrecurrencetype rule, std::vector<Moment>& all) {
    if (event.start.day > last_ + 1) return;
    Moment last{last_ + 2, 86399, event.start.date, event.start.zone};
    if (icaltime_is_null_time(rule.until) == 0) {
      Moment until = event.start;
      until.day = day_of(rule.until, line);
      until.second = 86399;  // a date is that day to its end
      if (rule.until.is_date == 0 && !event.start.date) {
        until.second = static_cast<std::uint32_t>(rule.until.hour * 3600 + rule.until.minute * 60 + rule.until.second);
        if (icaltime_is_utc(rule.until)) {
          until.zone = utc_.get();
          until = moment_of(instant(until), *event.start.zone);
        }
      }
      if (until.key() < last.key()) last = until;
    }
    rule.until = time_of(last);
    const Iterator iterator(icalrecur_iterator_new(rule, time_of(event.start)));
    if (!iterator) throw Broken{line, "a recurrence that the library cannot expand, or that never happens"};
    bool any = false;
    for (;;) {
      const icaltimetype next = icalrecur_iterator_next(iterator.get());
      if (icaltime_is_null_time(next) != 0) break;
      any = true;
      step(line);
      Moment m = event.start;
      m.day = day_of(next, line);
      if (!m.date) m.second = static_cast<std::uint32_t>(next.hour * 3600 + next.minute * 60 + std::min(next.second, 59));
      if (m.day > last_ + 1) break;
      if (m.key() != event.start.key()) all.push_back(m);
    }
    if (!any) step(line, kEmptyRule);
  }

  static std::int32_t day_of(const icaltimetype& time, std::uint32_t line) {
    const std::chrono::year_month_day date(std::chrono::year(time.year), std::chrono::month(static_cast<unsigned>(time.month)),
                                           std::chrono::day(static_cast<unsigned>(time.day)));
    if (time.year < 1 || time.year > 9999 || time.month < 1 || time.day < 1 || !date.ok()) {
      throw Broken{line, "no day of any calendar"};
    }
    return static_cast<std::int32_t>(std::chrono::sys_days(date).time_since_epoch().count());
  }

  // Marks the days of one occurrence; false where none is in range.
  bool touch(const Event& event, const Moment& begin) {
    std::int64_t from = begin.day, to = 0;
    const std::int64_t nominal = event.duration ? std::int64_t{event.duration->weeks} * 7 + event.duration->days : 0;
    if (begin.date) {
      std::int64_t length = event.start.date && event.end ? event.end->day - event.start.day : nominal;
      to = from + std::max<std::int64_t>(length, 1) - 1;
    } else {
      const std::int64_t at = instant(begin);
      std::int64_t end = at;
      if (!event.start.date && event.end) end = at + instant(*event.end) - instant(event.start);
      if (event.duration) {
        Moment later = begin;
        later.day = static_cast<std::int32_t>(std::min<std::int64_t>(begin.day + nominal, last_ + 2 > begin.day ? last_ + 2 : begin.day));
        end = instant(later) + std::int64_t{event.duration->hours} * 3600 + std::int64_t{event.duration->minutes} * 60 +
              event.duration->seconds;
      }
      from = zone_.local(at).day;
      to = zone_.local(std::max(at, end - 1)).day;
    }
    from = std::max<std::int64_t>(from, first_);
    to = std::min<std::int64_t>(to, last_);
    if (from > to) return false;
    ++touched_[static_cast<std::size_t>(from - first_)];
    --touched_[static_cast<std::size_t>(to - first_) + 1];
    return true;
  }

  const Zone& zone_;
  std::int32_t first_, last_;
  std::vector<std::int32_t> touched_;  // how many more occurrences hold a day than its day before
  std::shared_ptr<const Zone> utc_;
  std::map<std::string, std::shared_ptr<const Zone>, std::less<>> zones_;
  std::map<std::string, std::vector<Event::Except>> replaced_;  // by uid
  std::size_t steps_ = 0;
};

ParsedCalendar no(std::uint32_t line, std::string why) { return {std::nullopt, line, std::move(why)}; }

}  // namespace

bool Calendar::has(std::int32_t day) const { return std::ranges::binary_search(days, day); }

ParsedCalendar parse_calendar(std::string_view text, const Zone& zone, std::int64_t now) {
  if (text.size() > kMostText) return no(0, "more than 4 MiB");
  if (now < kFirstNow || now > kLastNow) return no(0, "the clock is out of range");
  // The library keeps errors and buffers for the whole process.
  static std::mutex library;
  const std::lock_guard lock(library);
  try {
    const CalendarText lines = read_calendar_text(text);
    if (!lines.why.empty()) return no(lines.line, lines.why);
    icalerror_set_errors_are_fatal(0);
    Expansion expansion(zone, now);
    ParsedCalendar out{Calendar{expansion.run(lines.events)}, 0, {}};
    icalmemory_free_ring();
    return out;
  } catch (const Broken& broken) {
    icalmemory_free_ring();
    return no(broken.line, broken.why);
  } catch (const std::exception& error) {
    icalmemory_free_ring();
    return no(0, error.what());
  }
}

}  // namespace jit::policy
