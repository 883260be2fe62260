// SPDX-License-Identifier: Apache-2.0
#include "policy/zone.h"

#include "tests/catch.h"
#include <limits>
#include <string>

#include "policy/zone_rule.h"
#include "tests/policy/days.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

std::uint32_t at(int hour, int minute = 0, int second = 0) {
  return static_cast<std::uint32_t>(hour * 3600 + minute * 60 + second);
}

}  // namespace

TEST_CASE("a zone is found by its name, and by nothing else") {
  for (const char* name : {"UTC", "Etc/UTC", "Europe/Prague", "America/New_York", "America/Argentina/Buenos_Aires", "Etc/GMT+5"}) {
    INFO(name);
    CHECK(Zone::find(name) != nullptr);
  }
  const std::string nul("UTC\0", 4);
  for (const std::string& name : {std::string(), std::string("../x"), std::string("/etc/passwd"), std::string("Europe/../UTC"),
                                  std::string("Europe"), std::string("Europe/"), std::string("europe/prague"),
                                  std::string("Europe/Pargue"), std::string("UTC "), std::string("tzdata.zi"),
                                  std::string("right/UTC"), std::string("CET-1CEST,M3.5.0,M10.5.0/3"),
                                  std::string(4096, 'a'), nul}) {
    INFO(name);
    CHECK(Zone::find(name) == nullptr);
  }
}

TEST_CASE("local time") {
  struct Case {
    const char* zone;
    std::int64_t instant;
    std::int32_t day;
    std::uint32_t second;
  };
  const Case cases[] = {
      {"UTC", 0, 0, 0},
      {"UTC", -1, -1, at(23, 59, 59)},
      {"UTC", utc(2026, 11, 24, 21, 10), day(2026, 11, 24), at(21, 10)},
      {"Europe/Prague", utc(2026, 11, 24, 23, 10), day(2026, 11, 25), at(0, 10)},
      // Forward on 2026-03-29 at 01:00 UTC: 01:59:59 is followed by 03:00.
      {"Europe/Prague", utc(2026, 3, 29, 0, 59, 59), day(2026, 3, 29), at(1, 59, 59)},
      {"Europe/Prague", utc(2026, 3, 29, 1), day(2026, 3, 29), at(3)},
      // Back on 2026-10-25 at 01:00 UTC: 02:30 comes twice.
      {"Europe/Prague", utc(2026, 10, 25, 0, 30), day(2026, 10, 25), at(2, 30)},
      {"Europe/Prague", utc(2026, 10, 25, 1, 30), day(2026, 10, 25), at(2, 30)},
      // Later than what tz files list, by their last line.
      {"Europe/Prague", utc(2038, 7, 1, 12), day(2038, 7, 1), at(14)},
      {"Europe/Prague", utc(2099, 12, 1, 12), day(2099, 12, 1), at(13)},
      {"Europe/Prague", utc(2199, 7, 1, 12), day(2199, 7, 1), at(14)},
      {"America/New_York", utc(2050, 7, 4, 12), day(2050, 7, 4), at(8)},
      {"Australia/Sydney", utc(2050, 1, 1, 12), day(2050, 1, 1), at(23)},
      {"Australia/Sydney", utc(2050, 7, 1, 12), day(2050, 7, 1), at(22)},
      // Samoa left out 2011-12-30.
      {"Pacific/Apia", utc(2011, 12, 30, 9, 59, 59), day(2011, 12, 29), at(23, 59, 59)},
      {"Pacific/Apia", utc(2011, 12, 30, 10), day(2011, 12, 31), 0},
      {"Asia/Kolkata", utc(2026, 1, 1), day(2026, 1, 1), at(5, 30)},
      {"America/St_Johns", utc(2026, 1, 1), day(2025, 12, 31), at(20, 30)},
  };
  for (const Case& c : cases) {
    const auto zone = Zone::find(c.zone);
    REQUIRE(zone != nullptr);
    const LocalTime local = zone->local(c.instant);
    INFO(c.zone << ' ' << c.instant);
    CHECK(local.day == c.day);
    CHECK(local.second == c.second);
  }
}

TEST_CASE("weeks begin on Monday") {
  CHECK(LocalTime{0, 0}.weekday() == 3);  // Thursday
  CHECK(LocalTime{4, 0}.weekday() == 0);
  CHECK(LocalTime{-1, 0}.weekday() == 2);
  CHECK(LocalTime{-7, 0}.weekday() == 3);
  CHECK(LocalTime{day(2026, 11, 24), at(20, 30, 59)}.weekday() == 1);
  CHECK(LocalTime{day(2026, 11, 24), at(20, 30, 59)}.minute_of_week() == 1440 + 20 * 60 + 30);
  CHECK(LocalTime{std::numeric_limits<std::int32_t>::min(), 0}.weekday() < 7);
}

TEST_CASE("the first instant of a day, and times that do not exist") {
  const auto prague = Zone::find("Europe/Prague");
  CHECK(prague->day_start(day(2026, 3, 29)) == utc(2026, 3, 28, 23));
  CHECK(prague->day_start(day(2026, 3, 30)) == utc(2026, 3, 29, 22));
  CHECK(prague->exists(day(2026, 3, 29), at(1, 59, 59)));
  CHECK_FALSE(prague->exists(day(2026, 3, 29), at(2)));
  CHECK_FALSE(prague->exists(day(2026, 3, 29), at(2, 59, 59)));
  CHECK(prague->exists(day(2026, 3, 29), at(3)));
  CHECK(prague->exists(day(2026, 10, 25), at(2, 30)));
  CHECK_FALSE(prague->exists(day(2026, 10, 25), 86400));
  CHECK_FALSE(prague->exists(day(2060, 3, 28), at(2, 30)));
  // At midnight, Beirut goes forward to 01:00.
  const auto beirut = Zone::find("Asia/Beirut");
  CHECK(beirut->day_start(day(2026, 3, 29)) == utc(2026, 3, 28, 22));
  CHECK(beirut->local(utc(2026, 3, 28, 22)).second == at(1));
  CHECK_FALSE(beirut->exists(day(2026, 3, 29), 0));
  // Havana goes back from 01:00 to 00:00, so midnight comes twice: the first one counts.
  const auto havana = Zone::find("America/Havana");
  CHECK(havana->day_start(day(2024, 11, 3)) == utc(2024, 11, 3, 4));
  CHECK(havana->local(utc(2024, 11, 3, 5)).second == 0);
  // A day that was left out begins where the next one does.
  const auto apia = Zone::find("Pacific/Apia");
  CHECK(apia->day_start(day(2011, 12, 30)) == utc(2011, 12, 30, 10));
  CHECK(apia->day_start(day(2011, 12, 31)) == utc(2011, 12, 30, 10));
  CHECK_FALSE(apia->exists(day(2011, 12, 30), at(12)));
}

TEST_CASE("every day of two centuries begins where its local time says so") {
  for (const char* name : {"UTC", "Europe/Prague", "America/New_York", "Asia/Beirut", "Africa/Casablanca", "Australia/Lord_Howe",
                           "America/Nuuk", "Asia/Gaza", "Pacific/Apia"}) {
    const auto zone = Zone::find(name);
    REQUIRE(zone != nullptr);
    std::size_t wrong = 0;
    for (std::int32_t d = day(1970, 1, 1); d < day(2150, 1, 1); ++d) {
      const std::int64_t start = zone->day_start(d);
      const LocalTime first = zone->local(start), before = zone->local(start - 1);
      const bool left_out = !zone->exists(d, at(12));
      wrong += before.day >= d || (left_out ? first.day <= d : first.day != d || !zone->exists(d, first.second));
      wrong += zone->exists(d, 0) != (first.day == d && first.second == 0);
    }
    INFO(name);
    CHECK(wrong == 0);
  }
}

TEST_CASE("zones answer at the ends of time") {
  constexpr auto least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
  for (const char* name : {"UTC", "Europe/Prague"}) {
    const auto zone = Zone::find(name);
    CHECK(zone->local(least).second < 86400);
    CHECK(zone->local(most).second < 86400);
    CHECK(zone->local(most).day > zone->local(0).day);
    CHECK(zone->day_start(std::numeric_limits<std::int32_t>::max()) > 0);
    CHECK(zone->day_start(std::numeric_limits<std::int32_t>::min()) < 0);
  }
}

TEST_CASE("the last line of a tz file") {
  struct Case {
    const char* text;
    std::int64_t first, second;  // of 2050, or 0: no rule
  };
  const Case cases[] = {
      {"CET-1CEST,M3.5.0,M10.5.0/3", utc(2050, 3, 27, 1), utc(2050, 10, 30, 1)},
      {"EST5EDT,M3.2.0,M11.1.0", utc(2050, 3, 13, 7), utc(2050, 11, 6, 6)},
      {"AEST-10AEDT,M10.1.0,M4.1.0/3", utc(2050, 4, 2, 16), utc(2050, 10, 1, 16)},
      {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", utc(2050, 3, 27, 1), utc(2050, 10, 30, 1)},
      {"EET-2EEST,M3.4.4/50,M10.4.4/50", utc(2050, 3, 26, 0), utc(2050, 10, 28, 23)},
      {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", utc(2050, 4, 2, 15), utc(2050, 10, 1, 15, 30)},
      {"XXX0YYY,J60/0,J300/0", utc(2050, 3, 1), utc(2050, 10, 26, 23)},
      {"XXX0YYY,59/0,299/0", utc(2050, 3, 1), utc(2050, 10, 26, 23)},
      {"UTC0", 0, 0},
      {"<+01>-1", 0, 0},
      {"", 0, 0},
      {"CET", 0, 0},
      {"CE-1CEST,M3.5.0,M10.5.0", 0, 0},
      {"CET-1CEST", 0, 0},
      {"CET-1CEST,M3.5.0", 0, 0},
      {"CET-1CEST,M13.5.0,M10.5.0", 0, 0},
      {"CET-1CEST,M3.6.0,M10.5.0", 0, 0},
      {"CET-1CEST,M3.5.7,M10.5.0", 0, 0},
      {"CET-1CEST,M3.5.0/168,M10.5.0", 0, 0},
      {"CET-1CEST,M3.5.0,M10.5.0/3x", 0, 0},
      {"CET-1CEST,J0,J1", 0, 0},
      {"CET-99999999999CEST,M3.5.0,M10.5.0", 0, 0},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    const auto rule = ZoneRule::parse(c.text);
    CHECK(rule.has_value() == (c.first != 0));
    if (!rule || c.first == 0) continue;
    std::vector<Transition> out;
    rule->transitions(2050, out);
    REQUIRE(out.size() == 2);
    CHECK(out[0].at == c.first);
    CHECK(out[1].at == c.second);
  }
}
