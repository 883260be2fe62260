// SPDX-License-Identifier: Apache-2.0
// The record by which an enforcer that died goes on: what was written is what is read, and damage reads as nothing.
#include "enforcer/held.h"

#include "tests/catch.h"

namespace jit::enforcer {
namespace {

const std::string kId = "0123456789abcdef0123456789abcdef", kOuter = "fedcba9876543210fedcba9876543210";

Held whole() {
  Held held;
  held.id = kId;
  held.outer = kOuter;
  held.outer_end = 980'000;
  held.outer_hard = 990'000;
  held.end = 1'000'000;
  held.hard = 2'000'000;
  held.adopted = 900'000;
  held.adopted_wall = 1'795'000'000;
  held.audit_session = 17;
  held.scopes_made = 2;
  held.leaders.push_back({4711, 123456, "session-3.scope", 950'000, 960'000, Fd()});
  held.leaders.push_back({4712, 123457, "", 950'000, 0, Fd()});
  held.scopes.push_back({"jit-" + kId + ".scope", "/user.slice/user-1000.slice/jit-" + kId + ".scope", 900'001, 950'000, 960'000});
  held.scopes.push_back({"jit-" + kId + "-2.scope", "/user.slice/user-1000.slice/jit-" + kId + "-2.scope", 950'001, 1'000'000, 2'000'000});
  held.sessions.push_back({"session-9.scope", "/user.slice/user-1000.slice/session-9.scope", 0, 950'000, 0});
  return held;
}

}  // namespace

TEST_CASE("a record reads as it was written") {
  const std::string text = write_held(whole());
  const auto read = read_held(text);
  REQUIRE(read);
  CHECK(write_held(*read) == text);
  CHECK(read->leaders.size() == 2);
  CHECK(read->scopes.back().started == 950'001);
  CHECK(read->audit_session == 17);
}

TEST_CASE("a record of before its parts had ends of their own is read") {
  std::string text = write_held(whole());
  const auto without = [&text](const std::string& what) { text.replace(text.find(what), what.size(), " "); };
  without(" 950000 960000 ");
  without(" 950000 0 ");
  without(" 950000 960000 ");
  without(" 1000000 2000000 ");
  without(" 950000 0 ");
  const auto read = read_held(text);
  REQUIRE(read);
  for (const Scope& scope : read->scopes) {
    CHECK(scope.end == read->end);
    CHECK(scope.hard == read->hard);
  }
  CHECK(read->leaders.front().session_before == "session-3.scope");
  CHECK(read->leaders.back().end == read->end);
  CHECK(read->sessions.front().end == read->end);
  CHECK(read->sessions.front().path == whole().sessions.front().path);
}

TEST_CASE("a record that was cut anywhere is none") {
  const std::string text = write_held(whole());
  for (std::size_t size = 0; size < text.size(); ++size) {
    INFO(size);
    CHECK_FALSE(read_held(text.substr(0, size)));
  }
  CHECK_FALSE(read_held(text + "end 5\n"));
}

TEST_CASE("a line that is not one of a record's makes it none") {
  const char* const kBad[] = {
      "end -\n", "end 12x\n", "end 99999999999999999999\n", "what 1\n", "id 123\n", "leader 0 5 x\n", "leader 1\n", "outer x\n", "\n",
      "scope 1 jit-0123456789abcdef0123456789abcdef.scope /a/other.scope\n",
      "scope 1 2 jit-0123456789abcdef0123456789abcdef.scope /a/jit-0123456789abcdef0123456789abcdef.scope\n",
      "scope 1 jit-fedcba9876543210fedcba9876543210.scope /a/jit-fedcba9876543210fedcba9876543210.scope\n", "session /a/b\n",
      "session session-1.scope\n",
  };
  for (const char* bad : kBad) {
    INFO(bad);
    std::string text = write_held(whole());
    text.insert(text.rfind("whole"), bad);
    CHECK_FALSE(read_held(text));
  }
}

TEST_CASE("the id in the name of a unit") {
  const std::pair<std::string, std::string> rows[] = {
      {"jit-" + kId + ".scope", kId},
      {"jit-" + kId + "-2.scope", kId},
      {"jit-" + kId + "-4294967295.scope", kId},
      {"jit-" + kId + "-.scope", ""},
      {"jit-" + kId + "-x.scope", ""},
      {"jit-" + kId + "2.scope", ""},
      {"jit-" + kId + ".service", ""},
      {"jit-" + kId.substr(1) + ".scope", ""},
      {"jit-" + kId + "-12345678901234567890.scope", ""},
      {"jit-.scope", ""},
      {"jit-broker.service", ""},
      {"session-3.scope", ""},
      {"", ""},
  };
  for (const auto& [unit, id] : rows) {
    INFO(unit);
    CHECK(id_of_unit(unit) == id);
  }
}

}  // namespace jit::enforcer
