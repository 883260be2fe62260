// SPDX-License-Identifier: Apache-2.0
// What could not be written has not been done: no count holds it, no limit does, and no fact does.
#include "tests/core/emergency.h"

namespace jit::core_test {

namespace {

constexpr int kTries = 6;  // more than the emergencies of an hour

std::string guard(const std::string& count, const std::string& id = "once") {
  return "[[guard]]\nid = \"" + id + "\"\nwhen = [\"" + count + ".24h >= 1\"]\ndeny = \"once a day\"\n";
}

}  // namespace

TEST_CASE("an emergency access that could not be written is none", "[undone]") {
  const char* const counted = GENERATE("count.break-glass", "count.granted", "count.requests");
  INFO(counted);
  Limits limits;
  limits.requests_per_hour = 2;
  Emergency world;
  world.core->use_limits(limits);
  world.use(load_policy(kRules + guard(counted) + kEmergencies));
  for (int i = 0; i < kTries; ++i) {
    world.failing_writes = true;
    CHECK(world.said(world.submit(world.glass())) == "deny unavailable");
    world.failing_writes = false;
  }
  CHECK(world.said(world.submit(world.glass())) == "allow granted");
  CHECK(world.said(world.submit(world.glass(kFrank))) == "allow granted");
  Ask elsewhere = world.glass();
  elsewhere.subject.terminal.number += 1;
  world.bind(world.glass());
  world.end(world.caller(kAlice), world.core->live_grants().front()->id);
  CHECK(world.said(world.submit(elsewhere)) == "deny policy");  // that one was written
}

TEST_CASE("an emergency access ahead of time that could not be written is none", "[undone]") {
  Emergency world;
  world.use(load_policy(kRules + guard("count.break-glass") + guard("count.granted", "also") + kEmergencies));
  Ask ask = world.glass();
  ask.reason_from = ReasonFrom::kCommandLine;
  for (int i = 0; i < kTries; ++i) {
    world.failing_writes = true;
    CHECK(world.create(kAlice, ask).error() == "Unavailable");
    world.failing_writes = false;
    world.pass(1);
  }
  CHECK(world.create(kAlice, ask).error().empty());
}

TEST_CASE("an approval that could not be written counts for nothing", "[undone]") {
  World world;
  world.use(load_policy(kRules + guard("count.granted")));
  const Conn conn = world.submit(world.ask(kAlice));
  const Id id = world.only_request();
  world.failing_writes = true;
  CHECK(world.vote(kBob, id).error() == "Unavailable");
  world.failing_writes = false;
  CHECK(world.vote(kBob, id).error().empty());
  CHECK(world.decided(conn).verdict == Verdict::kAllow);
  CHECK(world.said(world.submit(world.ask(kAlice, "two"))) == "deny policy");
}

TEST_CASE("a request that could not be written counts for nothing", "[undone]") {
  World world;
  world.use(load_policy(kRules + guard("count.requests")));
  world.failing_writes = true;
  const bool ahead = GENERATE(false, true);
  if (ahead) {
    CHECK(world.create(kAlice, world.ask(kAlice)).error() == "Unavailable");
  } else {
    CHECK(world.said(world.submit(world.ask(kAlice))) == "deny unavailable");
  }
  world.failing_writes = false;
  CHECK(world.said(world.submit(world.ask(kAlice))) == "pending approval-needed");
  CHECK(world.said(world.submit(world.ask(kAlice, "two"))) == "deny policy");
}

}  // namespace jit::core_test
