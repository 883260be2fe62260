// SPDX-License-Identifier: Apache-2.0
#include "policy/calendar.h"

#include "tests/catch.h"
#include <chrono>
#include <thread>

using namespace jit::policy;

namespace {

constexpr std::int64_t kNow = 1'796'083'200;  // 2026-12-01T00:00:00Z

std::string date_text(std::int32_t day) {
  const std::chrono::year_month_day ymd{std::chrono::sys_days(std::chrono::days(day))};
  const auto two = [](unsigned n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return std::to_string(static_cast<int>(ymd.year())) + two(static_cast<unsigned>(ymd.month())) + two(static_cast<unsigned>(ymd.day()));
}

std::string event(const std::string& lines) { return "BEGIN:VEVENT\n" + lines + "END:VEVENT\n"; }
std::string calendar(const std::string& events) { return "BEGIN:VCALENDAR\nVERSION:2.0\n" + events + "END:VCALENDAR\n"; }

ParsedCalendar parse(const std::string& text, const char* zone = "Europe/Prague") {
  return parse_calendar(text, *Zone::find(zone), kNow);
}

// The days, each as "20261224 ".
std::string days(const std::string& events, const char* zone = "Europe/Prague") {
  const ParsedCalendar parsed = parse(calendar(events), zone);
  INFO(parsed.line << ": " << parsed.why);
  REQUIRE(parsed.calendar);
  std::string out;
  for (const std::int32_t day : parsed.calendar->days) out += date_text(day) + ' ';
  return out;
}

}  // namespace

TEST_CASE("the days that an event touches") {
  struct Case {
    std::string lines;
    std::string days;
    const char* zone = "Europe/Prague";
  };
  const Case cases[] = {
      {"DTSTART;VALUE=DATE:20261224\n", "20261224 "},
      {"DTSTART;VALUE=DATE:20261224\n", "20261224 ", "Pacific/Auckland"},  // that day in every zone
      {"DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\n", "20261224 20261225 20261226 "},
      {"DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261224\n", "20261224 "},
      {"DTSTART;VALUE=DATE:20261224\nDURATION:P2D\n", "20261224 20261225 "},
      {"DTSTART;VALUE=DATE:20261224\nDURATION:P1W\n", "20261224 20261225 20261226 20261227 20261228 20261229 20261230 "},
      {"DTSTART:20261224T100000Z\nDTEND:20261224T110000Z\n", "20261224 "},
      {"DTSTART:20261224T233000Z\nDTEND:20261224T234500Z\n", "20261225 "},
      {"DTSTART:20261224T100000Z\nDTEND:20261224T230000Z\n", "20261224 "},  // ends at local midnight
      {"DTSTART:20261224T100000Z\nDTEND:20261224T230001Z\n", "20261224 20261225 "},
      {"DTSTART:20261224T233000Z\n", "20261224 ", "America/New_York"},
      {"DTSTART:20261224T100000Z\nDURATION:PT36H\n", "20261224 20261225 "},
      {"DTSTART:20261224T220000\nDURATION:PT1H\n", "20261224 "},  // floating: in the zone asked for
      {"DTSTART:20261224T220000\nDURATION:PT1H\n", "20261224 ", "Pacific/Auckland"},
      {"DTSTART;TZID=America/New_York:20261224T200000\nDURATION:PT1H\n", "20261225 "},
      {"DTSTART;TZID=\"America/New_York\":20261224T200000\nDURATION:PT1H\n", "20261225 "},
      {"DTSTART;TZID=Europe/Prague:20270328T000000\nDURATION:P1D\n", "20270328 "},  // 23 hours long
      {"DTSTART;TZID=Europe/Prague:20270328T000000\nDURATION:PT24H\n", "20270328 20270329 "},
      {"DTSTART;VALUE=DATE:20261224\nSTATUS:CANCELLED\n", ""},
      {"DTSTART;VALUE=DATE:20261224\nSTATUS:CONFIRMED\n", "20261224 "},
      {"SUMMARY:Christmas\\, Eve\nLOCATION:\nX-A;B=\"c:d\":e\nDTSTART;VALUE=DATE:20261224\n", "20261224 "},
      {"DTSTART;VALUE=DA\n TE:202612\n\t24\n", "20261224 "},
      {"dtstart;value=date:20261224\n", "20261224 "},
      {"DTSTART;VALUE=DATE:20261224\nBEGIN:VALARM\nTRIGGER:-PT1H\nDURATION:bad\nEND:VALARM\n", "20261224 "},
      {"DTSTART;VALUE=DATE:20200101\n", ""},  // out of range
      {"DTSTART;VALUE=DATE:20400101\n", ""},
  };
  for (const Case& c : cases) {
    INFO(c.lines << c.zone);
    CHECK(days(event(c.lines), c.zone) == c.days);
  }
}

TEST_CASE("recurrences") {
  struct Case {
    std::string lines;
    std::string days;
  };
  const Case cases[] = {
      {"DTSTART;VALUE=DATE:20001224\nRRULE:FREQ=YEARLY\n", "20251224 20261224 20271224 20281224 "},
      {"DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=DAILY;COUNT=3\n", "20261201 20261202 20261203 "},
      {"DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=DAILY;UNTIL=20261203\n", "20261201 20261202 20261203 "},
      {"DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=DAILY;UNTIL=20261203T000000Z\n", "20261201 20261202 20261203 "},
      {"DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=WEEKLY;BYDAY=TU,TH;COUNT=4\n", "20261201 20261203 20261208 20261210 "},
      {"DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY\n", "20280229 "},
      {"DTSTART;VALUE=DATE:20241128\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH\n", "20261126 20271125 20281123 20291122 "},
      {"DTSTART;VALUE=DATE:20261130\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3\n", "20261130 20261231 20270131 "},
      {"DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261203\nRRULE:FREQ=WEEKLY;COUNT=2\n", "20261201 20261202 20261208 20261209 "},
      {"DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20261202\n", "20261201 20261203 "},
      {"DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE;VALUE=DATE:20261201,20261203\n", "20261202 20261204 "},
      {"DTSTART;VALUE=DATE:20261201\nRDATE;VALUE=DATE:20261205,20261210\n", "20261201 20261205 20261210 "},
      {"DTSTART;VALUE=DATE:20261201\nRDATE;VALUE=DATE:20261205\nRRULE:FREQ=DAILY;COUNT=2\n", "20261201 20261202 20261205 "},
      // 23:30 UTC is the next day in Prague, in winter and in summer.
      {"DTSTART:20270327T223000Z\nRRULE:FREQ=DAILY;COUNT=3\n", "20270327 20270329 20270330 "},
      // By the clock of New York, where summer time begins two weeks earlier.
      {"DTSTART;TZID=America/New_York:20270312T180000\nRRULE:FREQ=DAILY;COUNT=4\n", "20270313 20270314 20270315 "},
      {"DTSTART;TZID=America/New_York:20261201T200000\nRRULE:FREQ=DAILY;UNTIL=20261203T010000Z\n", "20261202 20261203 "},
      {"DTSTART;TZID=America/New_York:20261201T200000\nRRULE:FREQ=DAILY;UNTIL=20261203T005959Z\n", "20261202 "},
      {"DTSTART;TZID=America/New_York:20261201T200000\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20261203T010000Z\n", "20261202 20261204 "},
      {"DTSTART;TZID=America/New_York:20261201T200000\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;TZID=America/New_York:20261202T200000\n",
       "20261202 20261204 "},
      {"DTSTART:20261201T100000Z\nRRULE:FREQ=DAILY;COUNT=2;BYHOUR=10;BYMINUTE=0;BYSECOND=0\n", "20261201 20261202 "},
      {"DTSTART;VALUE=DATE:20500101\nRRULE:FREQ=DAILY\n", ""},
      {"DTSTART;VALUE=DATE:20100101\nRRULE:FREQ=DAILY;UNTIL=20100105\n", ""},
  };
  for (const Case& c : cases) {
    INFO(c.lines);
    CHECK(days(event(c.lines)) == c.days);
  }
}

TEST_CASE("a daily event fills one year back to three ahead") {
  const ParsedCalendar parsed = parse(calendar(event("DTSTART;VALUE=DATE:20000101\nRRULE:FREQ=DAILY\n")));
  REQUIRE(parsed.calendar);
  CHECK(date_text(parsed.calendar->days.front()) == "20251130");
  CHECK(date_text(parsed.calendar->days.back()) == "20291203");
  CHECK(parsed.calendar->days.size() == 366 + 3 * 366 + 1);
  CHECK(parsed.calendar->has(parsed.calendar->days[7]));
  CHECK_FALSE(parsed.calendar->has(parsed.calendar->days.front() - 1));
}

TEST_CASE("an event with RECURRENCE-ID stands for that occurrence of its UID") {
  const std::string master = event("UID:a\nDTSTART;VALUE=DATE:20261201\nRRULE:FREQ=DAILY;COUNT=3\n");
  CHECK(days(master + event("UID:a\nRECURRENCE-ID;VALUE=DATE:20261202\nDTSTART;VALUE=DATE:20261210\n")) == "20261201 20261203 20261210 ");
  CHECK(days(event("UID:a\nRECURRENCE-ID;VALUE=DATE:20261202\nDTSTART;VALUE=DATE:20261202\nSTATUS:CANCELLED\n") + master) == "20261201 20261203 ");
  CHECK(days(master + event("UID:b\nRECURRENCE-ID;VALUE=DATE:20261202\nDTSTART;VALUE=DATE:20261210\n")) == "20261201 20261202 20261203 20261210 ");
}

TEST_CASE("what else a calendar file may hold") {
  CHECK(parse(calendar("")).calendar->days.empty());
  CHECK(parse(calendar("") + calendar(event("DTSTART:20261201\n"))).calendar->days.size() == 1);
  CHECK(parse("\xef\xbb\xbf" + calendar(event("DTSTART:20261201\n"))).calendar->days.size() == 1);
  CHECK(days("BEGIN:VTODO\nDTSTART:bad\nEND:VTODO\nBEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
             "RRULE:FREQ=SECONDLY\nEND:STANDARD\nEND:VTIMEZONE\n" + event("DTSTART:20261201\n")) == "20261201 ");
  std::string crlf;
  for (const char c : calendar(event("DTSTART;VALUE=DATE:20261224\n"))) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(parse(crlf).calendar->days.size() == 1);
}

TEST_CASE("what is no calendar, and where it says so") {
  struct Case {
    std::string text;
    std::uint32_t line;
    std::string part;
  };
  const auto of = [](const std::string& lines) { return calendar(event(lines)); };
  const std::string day = "DTSTART;VALUE=DATE:20261201\n";  // line 4
  const Case cases[] = {
      {"", 0, "no calendar"},
      {"hello\n", 1, "NAME:value"},
      {"BEGIN:VEVENT\nEND:VEVENT\n", 1, "does not belong here"},
      {"BEGIN:VCALENDAR\n", 1, "without its END"},
      {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n", 3, "END:VEVENT is due"},
      {"BEGIN:VCALENDAR\nBEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR\n", 2, "does not belong here"},
      {"END:VCALENDAR\n", 1, "without its BEGIN"},
      {calendar("") + "X:1\n", 4, "outside"},
      {calendar("garbage\n"), 3, "NAME:value"},
      {of(""), 3, "without DTSTART"},
      {of("DTSTART:\n"), 4, "DTSTART cannot be read"},
      {of("DTSTART:tomorrow\n"), 4, "DTSTART cannot be read"},
      {of("DTSTART:20261301\n"), 4, "no day"},
      {of("DTSTART:20270229\n"), 4, "no day"},
      {of("DTSTART:20261201T250000Z\n"), 4, "no time of day"},
      {of("DTSTART;TZID=Mars/Olympus:20261201T100000\n"), 4, "no time zone `Mars/Olympus`"},
      {of("DTSTART;TZID=../etc/passwd:20261201T100000\n"), 4, "no time zone"},
      {of(day + day), 5, "stands twice"},
      {of(day + "DTEND;VALUE=DATE:20261101\n"), 3, "ends before it begins"},
      {of(day + "DTEND:20261201T100000Z\n"), 3, "both be dates"},
      {of(day + "DTEND;VALUE=DATE:20261202\nDURATION:P1D\n"), 3, "not both"},
      {of(day + "DURATION:-P1D\n"), 5, "less than nothing"},
      {of(day + "DURATION:one day\n"), 5, "DURATION cannot be read"},
      {of(day + "RRULE:FREQ=SOMETIMES\n"), 5, "RRULE cannot be read"},
      {of(day + "RRULE;VALUE=TEXT:FREQ=DAILY\n"), 5, "RRULE cannot be read"},
      {of(day + "RRULE:FREQ=HOURLY\n"), 5, "at most once a day"},
      {of(day + "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30\n"), 5, "at most once a day"},
      {of(day + "RRULE:FREQ=DAILY;BYHOUR=1,2\n"), 5, "at most once a day"},
      {of(day + "RRULE:FREQ=YEARLY;RSCALE=CHINESE\n"), 5, "RSCALE"},
      {of(day + "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\n"), 5, "never comes"},
      {of(day + "RRULE:FREQ=MONTHLY;BYDAY=FR;BYSETPOS=6\n"), 5, "never comes"},
      {of(day + "RRULE:FREQ=YEARLY;BYYEARDAY=300;BYMONTH=1\n"), 5, "never happens"},
      {of(day + "RRULE:FREQ=MONTHLY;BYDAY=-7FR\n"), 5, "never comes"},  // was sought for a second
      {of(day + "RRULE:FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=2\n"), 5, "numbered day"},
      {of(day + "EXRULE:FREQ=DAILY\n"), 5, "EXRULE"},
      {of(day + "RDATE;VALUE=PERIOD:20261201T000000Z/P1D\n"), 5, "RDATE cannot be read"},
      {of(day + "EXDATE:20261201,\n"), 5, "EXDATE cannot be read"},
      {of(day + "RECURRENCE-ID:20261201\n"), 3, "without UID"},
      {of(day + "UID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261201\n"), 6, "RANGE"},
      {std::string((4 << 20) + 1, '\n'), 0, "4 MiB"},
  };
  for (const Case& c : cases) {
    INFO(c.text.substr(0, 200));
    const ParsedCalendar parsed = parse(c.text);
    CHECK_FALSE(parsed.calendar);
    INFO(parsed.why);
    CHECK(parsed.line == c.line);
    CHECK(parsed.why.find(c.part) != std::string::npos);
  }
}

TEST_CASE("too many occurrences are refused, and soon") {
  std::string many;
  for (int i = 0; i < 20; ++i) many += event("DTSTART;VALUE=DATE:19500101\nRRULE:FREQ=DAILY\n");
  CHECK(parse(calendar(many)).why.find("100000") != std::string::npos);
  std::string one = "DTSTART;VALUE=DATE:20261201\n";
  for (int i = 0; i < 4001; ++i) one += "RDATE;VALUE=DATE:20261202\n";
  CHECK(parse(calendar(event(one))).why.find("4000") != std::string::npos);
  std::string never;
  for (int i = 0; i < 1000; ++i) never += event("DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=31;BYMONTH=2,11;BYSETPOS=2\n");
  CHECK_FALSE(parse(calendar(never)).calendar);
}

TEST_CASE("two threads may read calendars at once") {
  const std::string text = calendar(event("DTSTART;VALUE=DATE:20000101\nRRULE:FREQ=WEEKLY\n") + event("DTSTART:bad\n"));
  bool same = true;
  std::thread other([&] { for (int i = 0; i < 50; ++i) same = same && parse(text).line == 8; });
  for (int i = 0; i < 50; ++i) CHECK(parse(text).line == 8);
  other.join();
  CHECK(same);
}

TEST_CASE("any clock is answered") {
  const auto zone = Zone::find("UTC");
  const std::string text = calendar(event("DTSTART;VALUE=DATE:20000101\nRRULE:FREQ=YEARLY\n"));
  for (const std::int64_t now : {INT64_MIN, INT64_MAX, std::int64_t{0}, std::int64_t{-62135596800}, std::int64_t{253402300799}}) {
    const ParsedCalendar parsed = parse_calendar(text, *zone, now);
    CHECK(parsed.calendar.has_value() == parsed.why.empty());
  }
}
