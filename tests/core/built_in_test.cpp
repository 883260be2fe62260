// SPDX-License-Identifier: Apache-2.0
// What the broker itself knows, asked by a rule: the network that somebody comes from, the load, the host's card, counts of the past.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/core/world.h"

namespace jit::core_test {

namespace {

const std::string kWhy = "not as it is now";

void use_guard(World& world, const std::string& test) {
  world.use(load_policy(std::string(kRules) + "[[guard]]\nid = \"built-in\"\nwhen = [\"" + test + "\"]\ndeny = \"" + kWhy + "\"\n"));
}

// By the guard; a request that goes on is taken back.
bool stopped(World& world, const Ask& ask) {
  const Conn conn = world.submit(ask);
  const Answer& answer = world.answer(conn);
  if (answer.cause != "policy") {
    CHECK(world.cancel(world.caller(ask.subject.identity->uid), world.only_request()).error().empty());
    return false;
  }
  CHECK(std::ranges::any_of(answer.text, [](const std::string& line) { return line.find(kWhy) != std::string::npos; }));
  return true;
}

std::string read(const World& world, const Ask& ask, const std::string& name) {
  for (const policy::Attribute& each : world.core->explain(ask, {}).decision.read) {
    if (each.name == name) return each.known ? each.value : "unknown";
  }
  return "not read";
}

Ask from(Ask ask, policy::Origin::Kind kind) {
  ask.subject.origin = {kind, {}};
  return ask;
}

// A login that is approved, and whose session opens.
void log_in(World& world, const Ask& ask) {
  world.submit(ask);
  REQUIRE(world.vote(kBob, world.only_request()).error().empty());
  REQUIRE(world.said(world.submit(ask)) == "allow granted");
  REQUIRE(world.bound(world.bind(ask)).allow);
}

}  // namespace

TEST_CASE("a network is new until a session opened from it", "[built-in]") {
  World world;
  const char* const test = "from.first-seen == true";
  use_guard(world, test);
  CHECK(stopped(world, world.login(kAlice, "192.0.2.7")));
  world.use(load_policy());
  log_in(world, world.login(kAlice, "192.0.2.7"));
  use_guard(world, test);
  for (const bool again : {false, true}) {
    if (again) world.restart(true);
    Ask sudo = world.ask(kAlice);
    sudo.subject.origin = world.login(kAlice, "192.0.2.7").subject.origin;
    struct Row {
      const char* name;
      Ask ask;
      const char* value;
    };
    const Row rows[] = {{"the same address", world.login(kAlice, "192.0.2.7"), "false"},
                        {"its network", world.login(kAlice, "192.0.2.200"), "false"},
                        {"sudo from there", sudo, "false"},
                        {"another network", world.login(kAlice, "198.51.100.7"), "true"},
                        {"another person", world.login(kMallory, "192.0.2.7"), "true"},
                        {"here", from(world.ask(kAlice), policy::Origin::Kind::kLocal), "false"},
                        {"nobody knows", from(world.login(kAlice), policy::Origin::Kind::kUnknown), "unknown"}};
    for (const Row& row : rows) {
      INFO(row.name << (again ? ", after a restart" : ""));
      CHECK(read(world, row.ask, "from.first-seen") == row.value);
      CHECK(stopped(world, row.ask) == (std::string(row.value) != "false"));
    }
  }
}

TEST_CASE("a door that only observes learns networks too", "[built-in]") {
  World world;
  Ask ask = world.login(kAlice);
  ask.observe = true;
  world.submit(ask);
  use_guard(world, "from.first-seen == true");
  CHECK_FALSE(stopped(world, world.login(kAlice)));
}

TEST_CASE("denials are counted, whoever denied, until they are old", "[built-in]") {
  World world;
  use_guard(world, "count.denied.10m >= 3");
  const Ask ask = world.ask(kAlice);
  world.submit(world.ask(kAlice, "nobody"));
  world.submit(world.ask(kAlice, "nobody"));
  CHECK(read(world, ask, "count.denied.10m") == "2");
  CHECK_FALSE(stopped(world, ask));
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request(), false).error().empty());
  CHECK(read(world, ask, "count.denied.10m") == "3");
  CHECK(stopped(world, ask));
  CHECK(read(world, ask, "count.denied.10m") == "4");  // that one too
  CHECK_FALSE(stopped(world, world.ask(kErin)));
  world.pass_and_tick(world.limits.denial_window_ms);  // by now all of them are in the log
  world.restart();
  CHECK(read(world, ask, "count.denied.10m") == "4");
  CHECK(stopped(world, ask));
  world.pass_and_tick(600'000);
  CHECK(read(world, ask, "count.denied.10m") == "0");
  CHECK_FALSE(stopped(world, ask));
}

TEST_CASE("what was asked and given is counted by its kind", "[built-in]") {
  World world;
  const Ask ask = world.ask(kAlice);
  use_guard(world, "count.granted.1h >= 1");
  CHECK_FALSE(stopped(world, ask));  // a request is no grant
  CHECK(world.said(world.submit(world.ask(kAlice, "free"))) == "allow granted");
  CHECK(read(world, ask, "count.granted.1h") == "1");
  CHECK(stopped(world, ask));
  use_guard(world, "count.requests.1h >= 3");
  CHECK(read(world, ask, "count.requests.1h") == "1");
  CHECK_FALSE(stopped(world, ask));
  CHECK_FALSE(stopped(world, ask));
  CHECK(stopped(world, ask));
  use_guard(world, "count.break-glass.1h >= 1");
  CHECK(read(world, ask, "count.break-glass.1h") == "0");
  CHECK_FALSE(stopped(world, ask));
}

TEST_CASE("the load is asked for each time, and one that is not known lets nobody in", "[built-in]") {
  World world;
  const Ask ask = world.ask(kAlice);
  std::optional<double> load;
  use_guard(world, "load > 4.5");
  CHECK(read(world, ask, "load") == "unknown");
  CHECK(stopped(world, ask));
  world.core->use_load([&load] { return load; });
  const std::pair<std::optional<double>, bool> rows[] = {
      {std::nullopt, true}, {4.5, false}, {9.0, true}, {0.0, false}, {std::numeric_limits<double>::quiet_NaN(), true}, {HUGE_VAL, true}};
  for (const auto& [value, stops] : rows) {
    load = value;
    INFO(value.value_or(-1));
    CHECK((read(world, ask, "load") == "unknown") == !(value && std::isfinite(*value)));
    CHECK(stopped(world, ask) == stops);
  }
}

TEST_CASE("the card is that of the request", "[built-in]") {
  World world;
  use_guard(world, "risk >= 60");
  Ask ask = world.ask(kAlice);
  CHECK(read(world, ask, "risk") == "45");  // never root before, and nobody can tell what will run
  CHECK_FALSE(stopped(world, ask));
  ask.command = {true, false, false, "", "/usr/bin/id", 3, {}, {}};
  CHECK(read(world, ask, "risk") == "25");
  world.submit(world.ask(kAlice, "nobody"));
  world.submit(world.ask(kAlice, "nobody"));
  CHECK(read(world, ask, "risk") == "45");
  CHECK_FALSE(stopped(world, ask));
  ask.command.path = "/bin/bash";
  CHECK(read(world, ask, "risk") == "65");
  CHECK(stopped(world, ask));
  ask.subject.origin = world.login(kAlice, "192.0.2.7").subject.origin;
  CHECK(read(world, ask, "risk") == "100");
}

}  // namespace jit::core_test
