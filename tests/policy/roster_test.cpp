// SPDX-License-Identifier: Apache-2.0
#include "policy/roster.h"

#include <algorithm>
#include "tests/catch.h"
#include <limits>

#include "policy/document.h"

using namespace jit::policy;

namespace {

constexpr std::int64_t kNoon = 1'764'072'000;  // 2025-11-25T12:00:00Z

struct Parsed {
  std::optional<Roster> roster;
  std::vector<Finding> findings;
};

Parsed parse(std::string_view text) {
  Report report;
  report.add_file("other.toml");
  const std::uint32_t file = report.add_file("oncall.toml");
  Parsed out{parse_roster(file, text, report), {}};
  out.findings = report.take();
  return out;
}

std::string on_duty(const Roster& roster, std::int64_t now) {
  std::string out;
  roster.on_duty(now, [&](const Principal& principal) { out += principal.text() + ' '; });
  return out;
}

}  // namespace

TEST_CASE("times of a document carry their instant where they have an offset") {
  struct Case {
    const char* text;
    bool zoned;
    std::int64_t unix_s;
  };
  const Case cases[] = {
      {"2025-11-25T12:00:00Z", true, kNoon},
      {"2025-11-25 13:00:00+01:00", true, kNoon},
      {"2025-11-25T06:30:00-05:30", true, kNoon},
      {"2025-11-25T12:00:00.999Z", true, kNoon},
      {"1969-12-31T23:59:59Z", true, -1},
      {"2024-02-29T00:00:00Z", true, 1'709'164'800},
      {"9999-12-31T23:59:59Z", true, 253'402'300'799},
      {"2025-11-25T12:00:00", false, 0},
      {"2025-11-25", false, 0},
      {"12:00:00", false, 0},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    Report report;
    const auto node = parse_document(report.add_file("t"), std::string("t = ") + c.text, report);
    REQUIRE(node);
    const Node& time = node->entries.at(0).value;
    CHECK(time.kind == Node::Kind::kTime);
    CHECK(time.zoned == c.zoned);
    CHECK(time.unix_s == c.unix_s);
  }
}

TEST_CASE("who is on duty when") {
  const Parsed parsed = parse(R"(
issued = 2025-11-25T12:00:00Z
[[shift]]
from = 2025-11-25T14:00:00Z
to   = 2025-11-25T16:00:00Z
who  = ["group:sre-*", "person:bob"]
[[shift]]
from = 2025-11-25T13:00:00+01:00
to   = 2025-11-25T15:00:00Z
who  = ["user:alice", "user:1002"]
)");
  REQUIRE(parsed.roster);
  CHECK(parsed.findings.empty());
  Roster roster = *parsed.roster;
  CHECK(roster.shifts.size() == 2);
  CHECK(roster.issued == kNoon);
  roster.fresh_s = 6 * 3600;
  constexpr std::int64_t h = 3600;
  CHECK(on_duty(roster, kNoon - 1).empty());
  CHECK(on_duty(roster, kNoon) == "user:alice user:1002 ");
  CHECK(on_duty(roster, kNoon + 2 * h) == "user:alice user:1002 group:sre-* person:bob ");
  CHECK(on_duty(roster, kNoon + 3 * h) == "group:sre-* person:bob ");
  CHECK(on_duty(roster, kNoon + 4 * h).empty());
  roster.fresh_s = 3600;
  CHECK(on_duty(roster, kNoon + h) == "user:alice user:1002 ");
  CHECK(on_duty(roster, kNoon + h + 1).empty());
}

TEST_CASE("a roster is stale when it is too old, or from the future") {
  Roster roster;
  roster.issued = kNoon;
  roster.fresh_s = 3600;
  const std::pair<std::int64_t, bool> cases[] = {
      {kNoon, false},       {kNoon + 3600, false}, {kNoon + 3601, true}, {kNoon - 300, false}, {kNoon - 301, true},
      {std::numeric_limits<std::int64_t>::max(), true}, {std::numeric_limits<std::int64_t>::min(), true},
  };
  for (const auto& [now, stale] : cases) {
    INFO(now);
    CHECK(roster.stale(now) == stale);
  }
}

TEST_CASE("a roster with nobody on it is a roster") {
  const Parsed parsed = parse("issued = 2025-11-25T12:00:00Z\n");
  REQUIRE(parsed.roster);
  CHECK(parsed.roster->shifts.empty());
}

TEST_CASE("what is no roster, and where it says so") {
  const std::string issued = "issued = 2025-11-25T12:00:00Z\n";
  const std::string times = "from = 2025-11-25T12:00:00Z\nto = 2025-11-25T13:00:00Z\n";
  struct Case {
    std::string text;
    std::string code;
    std::uint32_t line;
    std::string part;
  };
  const Case cases[] = {
      {"", "E01", 1, "`issued` is missing"},
      {"issued", "E01", 1, "not TOML"},
      {"issued = \"2025-11-25T12:00:00Z\"", "E01", 1, "must be a date or time"},
      {"issued = 2025-11-25T12:00:00", "E01", 1, "with its offset"},
      {"issued = 2025-11-25", "E01", 1, "with its offset"},
      {issued + "isued = 1", "E01", 2, "did you mean `issued`?"},
      {issued + "who = []", "E01", 2, "it belongs in [[shift]]"},
      {issued + "shift = []", "E05", 2, "empty list"},
      {issued + "[shift]\n" + times + "who = [\"user:a\"]", "E01", 2, "[[shift]]"},
      {issued + "[[shift]]\n" + times, "E01", 2, "without `who`"},
      {issued + "[[shift]]\n" + times + "who = []", "E05", 5, "empty list"},
      {issued + "[[shift]]\n" + times + "who = [\"set:sre\"]", "E01", 5, "knows no sets"},
      {issued + "[[shift]]\n" + times + "who = [\"alice\"]", "E01", 5, "does not say its kind"},
      {issued + "[[shift]]\n" + times + "who = [\"user:a\"]\nname = \"x\"", "E01", 6, "unknown key `name` in [[shift]]"},
      {issued + "[[shift]]\nfrom = 2025-11-25T12:00:00Z\nwho = [\"user:a\"]", "E01", 2, "without `to`"},
      {issued + "[[shift]]\nfrom = 2025-11-25T12:00:00Z\nto = 2025-11-25T12:00:00Z\nwho = [\"user:a\"]", "E05", 4, "never on duty"},
      {issued + "[[shift]]\nfrom = 2025-11-25T12:00:00\nto = 2025-11-25T13:00:00Z\nwho = [\"user:a\"]", "E01", 3, "with its offset"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    const Parsed parsed = parse(c.text);
    CHECK_FALSE(parsed.roster);
    REQUIRE(parsed.findings.size() == 1);
    INFO(parsed.findings[0].text());
    CHECK(parsed.findings[0].file == "oncall.toml");
    CHECK(parsed.findings[0].code == c.code);
    CHECK(parsed.findings[0].line == c.line);
    CHECK(parsed.findings[0].message.find(c.part) != std::string::npos);
  }
}
