// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <random>
#include <set>

#include "world.h"

using namespace jit::policy;

namespace {

using People = std::vector<std::vector<std::string>>;

// Tries every assignment; obviously right.
bool brute(const std::vector<std::vector<std::string>>& slots, std::size_t at, std::set<std::string>& used) {
  if (at == slots.size()) return true;
  for (const std::string& person : slots[at]) {
    if (!used.insert(person).second) continue;
    if (brute(slots, at + 1, used)) return true;
    used.erase(person);
  }
  return false;
}

}  // namespace

TEST_CASE("seats are filled by distinct people") {
  struct Case {
    const char* what;
    std::vector<Seat> seats;
    People eligible;
    bool complete;
  };
  const Case cases[] = {
      {"no seats", {}, {}, true},
      {"one seat, nobody", {{"a", 1}}, {{}}, false},
      {"one seat, one person", {{"a", 1}}, {{"x"}}, true},
      {"two of a set", {{"a", 2}}, {{"x", "y"}}, true},
      {"one person does not count twice", {{"a", 2}}, {{"x", "x"}}, false},
      {"a person in two sets fills one seat", {{"a", 1}, {"b", 1}}, {{"x"}, {"x"}}, false},
      {"the other one fills the other", {{"a", 1}, {"b", 1}}, {{"x", "y"}, {"x"}}, true},
      {"whoever came first is moved", {{"a", 1}, {"b", 1}, {"c", 1}}, {{"x", "y", "z"}, {"x", "y"}, {"x"}}, true},
      {"three seats, two people", {{"a", 1}, {"b", 1}, {"c", 1}}, {{"x", "y"}, {"x", "y"}, {"x", "y"}}, false},
      {"count 0 is no seat", {{"a", 0}}, {{}}, true},
      {"no list for a seat", {{"a", 1}}, {}, false},
      {"a count beyond all people", {{"a", 4294967295U}}, {{"x", "y"}}, false},
      {"more lists than seats", {{"a", 1}}, {{"x"}, {"y"}}, true},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    const Filled filled = fill_seats(c.seats, c.eligible);
    CHECK(filled.complete == c.complete);
    CHECK(filled.by_seat.size() == c.seats.size());
  }
  const Filled partial = fill_seats(std::vector<Seat>{{"a", 2}, {"b", 1}}, People{{"x"}, {"y"}});
  CHECK_FALSE(partial.complete);
  CHECK(partial.by_seat == People{{"x"}, {"y"}});
}

TEST_CASE("fill_seats agrees with trying everything") {
  std::mt19937 random(99);
  std::uniform_int_distribution<int> coin(0, 2), few(1, 3), count(0, 2);
  const std::string people[] = {"a", "b", "c", "d"};
  int completes = 0;
  for (int round = 0; round < 4000; ++round) {
    std::vector<Seat> seats;
    People eligible, slots;
    for (int s = few(random); s > 0; --s) {
      std::vector<std::string> may;
      for (const std::string& person : people) {
        if (coin(random) == 0) may.push_back(person);
      }
      seats.push_back({"s" + std::to_string(s), static_cast<std::uint32_t>(count(random))});
      for (std::uint32_t n = 0; n < seats.back().count; ++n) slots.push_back(may);
      eligible.push_back(std::move(may));
    }
    std::set<std::string> used;
    const bool expected = brute(slots, 0, used);
    const Filled filled = fill_seats(seats, eligible);
    REQUIRE(filled.complete == expected);
    completes += expected ? 1 : 0;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < seats.size(); ++i) {
      REQUIRE(filled.by_seat[i].size() <= seats[i].count);
      if (expected) REQUIRE(filled.by_seat[i].size() == seats[i].count);
      for (const std::string& person : filled.by_seat[i]) {
        REQUIRE(seen.insert(person).second);
        REQUIRE(std::ranges::find(eligible[i], person) != eligible[i].end());
      }
    }
  }
  CHECK(completes > 400);
  CHECK(completes < 3600);
}

TEST_CASE("many votes are matched without deep recursion") {
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back("p" + std::to_string(i));
  std::vector<Seat> seats;
  People eligible;
  for (std::size_t i = 0; i < 300; ++i) {
    seats.push_back({"s" + std::to_string(i), 1});
    eligible.emplace_back(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(300 - i));
  }
  CHECK(fill_seats(seats, eligible).complete);
}
