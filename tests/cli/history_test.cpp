// SPDX-License-Identifier: Apache-2.0
#include "cli/history.h"

#include "tests/catch.h"

using namespace jit::cli;
using jit::policy::Door;

namespace {

Json entry(const char* type, const char* time, const char* fields) {
  return {{"type", type}, {"time", time}, {"fields", Json::parse(fields)}};
}

constexpr std::int64_t kNoon = 1'795'608'000;  // 2026-11-25T12:00:00Z

}  // namespace

TEST_CASE("the log's times") {
  CHECK(seconds_of("2026-11-25T12:00:00.123Z") == kNoon);
  CHECK(seconds_of("2026-11-25T12:00:00Z") == kNoon);
  for (const char* odd : {"", "noon", "2026-11-25", "2026-11-25T12:00:00", "2026-11-25T12:00:00+01:00"}) CHECK(!seconds_of(odd));
}

TEST_CASE("which entries are a use of a rule") {
  struct {
    const char* what;
    Json entry;
    std::vector<std::string> used;
  } const table[] = {
      {"a request by a permit and the guards on it", entry("request.created", "2026-11-25T12:00:00.000Z", R"({"rule": "p", "door": "sudo", "decision": {"rules": ["p", "g"]}})"), {"g", "p"}},
      {"a grant that is used", entry("grant.used", "2026-11-25T12:00:00.000Z", R"({"rule": "p", "door": "sudo"})"), {"p"}},
      {"a grant that is made", entry("grant.created", "2026-11-25T12:00:00.000Z", R"({"rule": "p", "decision": {"rules": ["p"]}})"), {"p"}},
      {"a denial by a guard", entry("access.denied", "2026-11-25T12:00:00.000Z", R"({"door": "sudo", "decision": {"rules": ["g"]}})"), {"g"}},
      {"a guard that observes", entry("access.observed", "2026-11-25T12:00:00.000Z", R"({"by": "guard", "rule": "g", "door": "sudo"})"), {"g"}},
      {"what a door would have done", entry("access.observed", "2026-11-25T12:00:00.000Z", R"({"by": "door", "rule": "", "door": "sudo", "decision": {"rules": ["g"]}})"), {"g"}},
      {"a grant that ends", entry("grant.ended", "2026-11-25T12:00:00.000Z", R"({"rule": "p"})"), {}},
      {"a vote", entry("vote.cast", "2026-11-25T12:00:00.000Z", R"({"rule": "p"})"), {}},
      {"no time", entry("grant.used", "", R"({"rule": "p"})"), {}},
      {"rules of another kind", entry("access.denied", "2026-11-25T12:00:00.000Z", R"({"decision": {"rules": [1, null, "g"]}})"), {"g"}},
      {"no fields", entry("access.denied", "2026-11-25T12:00:00.000Z", "null"), {}},
  };
  for (const auto& row : table) {
    INFO(row.what);
    History history;
    history.take(row.entry);
    std::vector<std::string> used;
    for (const auto& [rule, when] : history.used) {
      used.push_back(rule);
      CHECK(when == kNoon);
    }
    CHECK(used == row.used);
  }
}

TEST_CASE("the last use counts, and the first sight of a door that only observes") {
  History history;
  const char* const seen = R"({"by": "door", "rule": "p", "door": "su"})";
  history.take(entry("access.observed", "2026-11-25T10:00:00.000Z", seen));
  history.take(entry("access.observed", "2026-11-25T12:00:00.000Z", seen));
  CHECK(history.used.at("p") == kNoon);
  CHECK(history.observed.at(Door::kSu) == kNoon - 7200);
  history.take(entry("access.observed", "2026-11-25T12:00:00.000Z", R"({"by": "guard", "rule": "g", "door": "ssh"})"));
  CHECK(!history.observed.contains(Door::kSsh));
  // It was enforced in between.
  history.take(entry("access.denied", "2026-11-25T11:00:00.000Z", R"({"door": "su"})"));
  CHECK(!history.observed.contains(Door::kSu));
  history.take(entry("access.observed", "2026-11-25T12:00:00.000Z", seen));
  CHECK(history.observed.at(Door::kSu) == kNoon);
}
