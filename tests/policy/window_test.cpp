// SPDX-License-Identifier: Apache-2.0
#include "policy/window.h"

#include "tests/catch.h"
#include <limits>
#include <random>
#include <string>

#include "tests/policy/days.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

Window weekly(const char* zone, std::initializer_list<const char*> spans) {
  Window out;
  out.zone = Zone::find(zone);
  std::string why;
  for (const char* span : spans) {
    INFO(span);
    REQUIRE(add_weekly(span, out, why));
  }
  return out;
}

}  // namespace

TEST_CASE("daily spans, by the minutes of a week that they hold") {
  struct Case {
    const char* text;
    std::size_t minutes;  // of a day; 0: no span
  };
  const Case cases[] = {
      {"00:00-06:00", 360}, {"08:00-18:00", 600}, {"22:00-06:00", 480},  {"00:00-24:00", 1440}, {"00:00-00:00", 1440},
      {"08:00-08:00", 1440}, {"23:59-24:00", 1},  {"23:59-00:00", 1},    {"12:00-12:01", 1},
      {"", 0},              {"08:00", 0},         {"8:00-18:00", 0},     {"08:00-", 0},         {"-18:00", 0},
      {"08:00-18:00 ", 0},  {" 08:00-18:00", 0},  {"08:00 - 18:00", 0},  {"24:00-06:00", 0},    {"08:00-24:01", 0},
      {"08:60-09:00", 0},   {"25:00-26:00", 0},   {"08:00-18:00-19:00", 0}, {"08.00-18.00", 0}, {"08:00:00-18:00:00", 0},
      {"+8:00-18:00", 0},   {"Mon 08:00-18:00", 0}, {"0x:00-18:00", 0},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    Window window;
    std::string why;
    CHECK(add_daily(c.text, window, why) == (c.minutes != 0));
    CHECK(window.minutes.count() == c.minutes * 7);
    CHECK(why.empty() == (c.minutes != 0));
  }
}

TEST_CASE("weekly spans") {
  struct Case {
    const char* text;
    std::size_t minutes;    // of the week; 0: none
    std::size_t in, out;    // a minute of the week inside, one outside
  };
  constexpr std::size_t d = 1440;
  const Case cases[] = {
      {"Mon-Fri 08:00-18:00", 3000, 480, 5 * d + 480},
      {"Tue 20:00-23:00", 180, d + 1200, d + 1380},
      {"Sat,Sun 00:00-24:00", 2880, 5 * d, 0},
      {"Sat-Mon 00:00-01:00", 180, 0, d},
      {"Sun 22:00-02:00", 240, 60, 120},
      {"Mon-Sun 00:00-24:00", 10080, 0, 10080},
      {"Fri-Sun,Wed 10:00-11:00", 240, 2 * d + 600, d + 600},
      {"Thu-Tue 00:00-00:01", 6, 0, 2 * d},
      {"Mon", 0, 0, 0},
      {"", 0, 0, 0},
      {" 08:00-18:00", 0, 0, 0},
      {"mon 08:00-18:00", 0, 0, 0},
      {"Monday 08:00-18:00", 0, 0, 0},
      {"Mon-Mon 08:00-18:00", 0, 0, 0},
      {"Mon,Mon 08:00-18:00", 0, 0, 0},
      {"Mon-Fri,Wed 08:00-18:00", 0, 0, 0},
      {"Mon, Tue 08:00-18:00", 0, 0, 0},
      {"Mon,,Tue 08:00-18:00", 0, 0, 0},
      {"Mon, 08:00-18:00", 0, 0, 0},
      {"Mon- 08:00-18:00", 0, 0, 0},
      {"Mon-Tue-Wed 08:00-18:00", 0, 0, 0},
      {"Mon  08:00-18:00", 0, 0, 0},
      {"Mon 08:00-18:00 ", 0, 0, 0},
      {"Mon 08:00-18:00,19:00-20:00", 0, 0, 0},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    Window window;
    std::string why;
    CHECK(add_weekly(c.text, window, why) == (c.minutes != 0));
    CHECK(window.minutes.count() == c.minutes);
    CHECK(why.empty() == (c.minutes != 0));
    if (c.minutes == 0) continue;
    CHECK(window.minutes[c.in]);
    if (c.out < kMinutesOfWeek) CHECK_FALSE(window.minutes[c.out]);
  }
}

TEST_CASE("what is wrong with a span is said") {
  const std::pair<const char*, const char*> cases[] = {
      {"Mod 08:00-18:00", "did you mean `Mon`?"},
      {"Mon 24:00-06:00", "24:00 may only end a span"},
      {"08:00-18:00", "needs days"},
      {"Mon 8-18", "HH:MM-HH:MM"},
      {"Mon,Mon 08:00-18:00", "Mon stands twice"},
  };
  for (const auto& [text, part] : cases) {
    Window window;
    std::string why;
    CHECK_FALSE(add_weekly(text, window, why));
    INFO(why);
    CHECK(why.find(part) != std::string::npos);
  }
}

TEST_CASE("a window is half-open, and by the clock on the wall") {
  Window window = weekly("Europe/Prague", {"Tue 20:00-23:00"});
  CHECK_FALSE(window.contains(utc(2026, 11, 24, 18, 59, 59)));
  CHECK(window.contains(utc(2026, 11, 24, 19)));
  CHECK(window.contains(utc(2026, 11, 24, 21, 59, 59)));
  CHECK_FALSE(window.contains(utc(2026, 11, 24, 22)));
  CHECK_FALSE(window.contains(utc(2026, 11, 25, 20)));
  window.except = {day(2026, 11, 24)};
  CHECK_FALSE(window.contains(utc(2026, 11, 24, 19)));
  CHECK(window.contains(utc(2026, 12, 1, 19)));
  window.zone = nullptr;
  CHECK_FALSE(window.contains(utc(2026, 12, 1, 19)));
  CHECK(window.next_change(utc(2026, 12, 1, 19)) == 0);
}

TEST_CASE("an exception removes its local day, not the span that touches it") {
  Window window = weekly("Europe/Prague", {"Tue 22:00-06:00"});
  window.except = {day(2026, 11, 25)};
  CHECK(window.contains(utc(2026, 11, 24, 22, 59, 59)));
  CHECK_FALSE(window.contains(utc(2026, 11, 24, 23)));
}

TEST_CASE("a time in a fold is inside twice, one in a gap never") {
  const Window window = weekly("Europe/Prague", {"Sun 02:15-02:45"});
  CHECK(window.contains(utc(2026, 10, 25, 0, 15)));
  CHECK_FALSE(window.contains(utc(2026, 10, 25, 0, 45)));
  CHECK(window.contains(utc(2026, 10, 25, 1, 15)));
  CHECK_FALSE(window.contains(utc(2026, 10, 25, 1, 45)));
  for (int minute = 0; minute < 180; ++minute) CHECK_FALSE(window.contains(utc(2026, 3, 29, 0) + minute * 60));
}

TEST_CASE("the next change of a window") {
  struct Case {
    const char* zone;
    const char* span;
    std::int64_t from, change;
  };
  const Case cases[] = {
      {"UTC", "Tue 20:00-23:00", utc(2026, 11, 24, 19, 0, 1), utc(2026, 11, 24, 20)},
      {"UTC", "Tue 20:00-23:00", utc(2026, 11, 24, 20), utc(2026, 11, 24, 23)},
      {"UTC", "Tue 20:00-23:00", utc(2026, 11, 24, 23), utc(2026, 12, 1, 20)},
      {"UTC", "Mon-Sun 00:00-24:00", utc(2026, 11, 24), 0},
      {"UTC", "Sat,Sun 00:00-24:00", utc(2026, 11, 28, 1), utc(2026, 11, 30)},
      // Into the gap, and past it: 02:30 begins nothing on that day.
      {"Europe/Prague", "Sun 02:00-03:00", utc(2026, 3, 28, 23), utc(2026, 4, 5, 0)},
      {"Europe/Prague", "Sun 01:30-02:30", utc(2026, 3, 29, 0, 45), utc(2026, 3, 29, 1)},
      {"Europe/Prague", "Sun 02:30-04:00", utc(2026, 3, 29, 0, 45), utc(2026, 3, 29, 1)},
      // Out of the fold, and in again.
      {"Europe/Prague", "Sun 02:15-02:45", utc(2026, 10, 25, 0, 20), utc(2026, 10, 25, 0, 45)},
      {"Europe/Prague", "Sun 02:15-02:45", utc(2026, 10, 25, 0, 45), utc(2026, 10, 25, 1, 15)},
      {"Europe/Prague", "Sun 02:30-03:00", utc(2026, 10, 25, 0, 45), utc(2026, 10, 25, 1)},
  };
  for (const Case& c : cases) {
    INFO(c.zone << ' ' << c.span << ' ' << c.from);
    CHECK(weekly(c.zone, {c.span}).next_change(c.from) == c.change);
  }
  Window never;
  never.zone = Zone::find("UTC");
  CHECK(never.next_change(0) == 0);
  CHECK(never.next_change(std::numeric_limits<std::int64_t>::max()) == 0);
  CHECK(never.next_change(std::numeric_limits<std::int64_t>::min()) == 0);
}

TEST_CASE("next_change is what looking at every minute finds") {
  std::mt19937 random(7);
  for (const char* zone : {"Europe/Prague", "Asia/Beirut", "Australia/Lord_Howe"}) {
    for (int round = 0; round < 20; ++round) {
      Window window;
      window.zone = Zone::find(zone);
      for (int i = 0; i < 3; ++i) {
        const std::size_t from = random() % kMinutesOfWeek, length = random() % 600;
        for (std::size_t m = 0; m < length; ++m) window.minutes.set((from + m) % kMinutesOfWeek);
      }
      const std::int32_t first = day(2026, random() % 2 == 0 ? 3 : 10, 20);
      for (int i = 0; i < 20; i += 3) window.except.push_back(first + i);
      std::int64_t at = first * std::int64_t{86400};
      const std::int64_t end = at + 20 * 86400;
      const bool inside = window.contains(at);
      std::int64_t expected = at;
      while (expected < end && window.contains(expected) == inside) expected += 60;
      if (expected < end) CHECK(window.next_change(at) == expected);
    }
  }
}
