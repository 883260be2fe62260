// SPDX-License-Identifier: Apache-2.0
#include "tests/core/world.h"

namespace jit::core_test {

namespace {

Ask numbered(World& world, std::uint32_t uid, int n) {
  Ask ask = world.ask(uid);
  ask.argv.push_back(std::to_string(n));
  return ask;
}

}  // namespace

TEST_CASE("eight pending requests a uid", "[limits]") {
  World world;
  std::vector<Conn> conns;
  for (int i = 0; i < 8; ++i) conns.push_back(world.submit(numbered(world, kAlice, i)));
  for (const Conn conn : conns) CHECK(world.said(conn) == "pending approval-needed");
  CHECK(world.said(world.submit(numbered(world, kAlice, 8))) == "deny limit");
  CHECK(world.create(kAlice, numbered(world, kAlice, 9)).error() == "Limit");
  CHECK(world.said(world.submit(numbered(world, kFrank, 8))) == "pending approval-needed");
  world.detach(conns[0]);  // kept ones count
  CHECK(world.said(world.submit(numbered(world, kAlice, 8))) == "deny limit");
  world.withdraw(conns[1]);
  CHECK(world.said(world.submit(numbered(world, kAlice, 8))) == "pending approval-needed");
}

TEST_CASE("living grants of a uid are bounded where nobody is asked", "[limits]") {
  Limits limits;
  limits.grants_per_uid = 3;
  World world(limits);
  const auto at_terminal = [&](std::uint32_t number) {
    Ask ask = world.ask(kAlice, "free");
    ask.subject.terminal.number = number;
    return ask;
  };
  for (std::uint32_t number = 100; number < 103; ++number) {
    const Ask ask = at_terminal(number);
    CHECK(world.said(world.submit(ask)) == "allow granted");
    CHECK(world.bound(world.bind(ask)).allow);
  }
  CHECK(world.said(world.submit(at_terminal(103))) == "deny limit");
  CHECK(world.said(world.submit(at_terminal(101))) == "allow granted");  // covered by one that lives
  world.end(world.caller(kAlice), world.core->live_grants().front()->id);
  CHECK(world.said(world.submit(at_terminal(103))) == "allow granted");
}

TEST_CASE("a grant that covers nothing more takes nobody's place", "[limits]") {
  Limits limits;
  limits.grants_per_uid = 2;
  limits.spent_per_uid = 5;
  World world(limits);
  world.use(load_policy(rules_with("door = [\"ssh\"]\napproval = \"one\"\n", "door = [\"ssh\"]\n")));
  const bool login = GENERATE(true, false);
  const auto one = [&] {
    Ask ask = login ? world.login(kAlice) : world.ask(kAlice, "free");
    ask.subject.terminal = {};
    return ask;
  };
  const auto used = [&](const Ask& ask) { return world.said(world.submit(ask)) == "allow granted" && world.bound(world.bind(ask)).allow; };
  for (int i = 0; i < 5; ++i) CHECK(used(one()));
  CHECK(world.core->live_grants().size() == 5);
  const Conn refused = world.submit(one());
  CHECK(world.said(refused) == "deny limit");  // they are held in memory all the same
  world.end(world.caller(kAlice), world.core->live_grants().front()->id);
  world.restart();
  CHECK(used(one()));
  if (login) return;
  world.revoke(world.caller(0), {{}, {}, {}, true});
  const auto of_many_words = [&] {
    Ask ask = one();
    ask.argv.back().assign(5'000, 'x');
    return ask;
  };
  for (int i = 0; i < 2; ++i) CHECK(used(of_many_words()));  // each holds more memory
  CHECK(world.said(world.submit(of_many_words())) == "deny limit");
}

TEST_CASE("what is asked ahead of time and given at once is bounded, too", "[limits]") {
  Limits limits;
  limits.grants_per_uid = 3;
  World world(limits);
  const auto numbered_free = [&](int n) {
    Ask ask = world.ask(kAlice, "free");
    ask.argv.push_back(std::to_string(n));
    ask.not_before = world.now + 3'600'000;
    return ask;
  };
  for (int n = 0; n < 3; ++n) CHECK(world.create(kAlice, numbered_free(n)).error().empty());
  const auto refused = world.create(kAlice, numbered_free(3));
  CHECK(refused.error() == "Limit");
  CHECK(refused.one().message == "too many grants of yours live at once; see jitctl grants, or end one");
  CHECK(world.create(kFrank, world.ask(kFrank, "free")).error().empty());
  CHECK(world.create(kAlice, world.ask(kAlice)).error().empty());  // people are asked
  world.end(world.caller(kAlice), world.core->live_grants().front()->id);
  CHECK(world.create(kAlice, numbered_free(3)).error().empty());
}

TEST_CASE("nothing is given ahead of time while an end is written nowhere", "[limits]") {
  World world;
  const Ask ask = world.ask(kAlice, "free");
  world.submit(ask);
  REQUIRE(world.bound(world.bind(ask)).allow);
  world.failing_writes = world.failing_graves = true;
  world.end(world.caller(kAlice), world.only_grant().id);
  REQUIRE_FALSE(world.core->ends_are_safe());
  world.failing_writes = false;
  CHECK(world.create(kAlice, ask).error() == "Unavailable");
  CHECK(world.core->live_grants().empty());
}

TEST_CASE("commits under way count as pending", "[limits]") {
  World world;
  world.disk = World::Disk::kHeld;
  std::vector<Conn> conns;
  for (int i = 0; i < 10; ++i) conns.push_back(world.submit(numbered(world, kAlice, i)));
  world.settle();
  CHECK(world.core->live_requests().size() == 8);
  CHECK(world.said(conns[8]) == "deny limit");
  CHECK(world.said(conns[9]) == "deny limit");
}

TEST_CASE("who becomes others by su has one quota", "[limits]") {
  World world;
  for (std::uint32_t i = 0; i < 8; ++i) {
    Ask ask = world.ask(3000 + i);
    ask.subject.loginuid = kAlice;
    CHECK(world.said(world.submit(ask)) == "pending approval-needed");
  }
  Ask ninth = world.ask(3100);
  ninth.subject.loginuid = kAlice;
  CHECK(world.said(world.submit(ninth)) == "deny limit");
  CHECK(world.said(world.submit(world.ask(kAlice))) == "deny limit");
  CHECK(world.said(world.submit(world.ask(3200))) == "pending approval-needed");
}

TEST_CASE("thirty requests an hour, sliding", "[limits]") {
  World world;
  for (int i = 0; i < 30; ++i) {
    const Conn conn = world.submit(numbered(world, kAlice, i));
    CHECK(world.said(conn) == "pending approval-needed");
    world.withdraw(conn);
    world.pass(1'000);
  }
  const Conn refused = world.submit(numbered(world, kAlice, 30));
  CHECK(world.said(refused) == "deny limit");
  CHECK(world.answer(refused).text[0].find("59m30s") != std::string::npos);
  world.pass(3'600'000 - 30'000 - 1);
  CHECK(world.said(world.submit(numbered(world, kAlice, 31))) == "deny limit");
  world.pass(1);  // the first is an hour old
  CHECK(world.said(world.submit(numbered(world, kAlice, 32))) == "pending approval-needed");
  CHECK(world.said(world.submit(numbered(world, kAlice, 33))) == "deny limit");
  CHECK(world.said(world.submit(numbered(world, kFrank, 33))) == "pending approval-needed");
}

TEST_CASE("the host has a cap", "[limits]") {
  Limits limits;
  limits.pending_per_host = 3;
  World world(limits);
  for (std::uint32_t i = 0; i < 3; ++i) CHECK(world.said(world.submit(world.ask(3000 + i))) == "pending approval-needed");
  CHECK(world.said(world.submit(world.ask(3003))) == "deny limit");
  CHECK(world.create(3004, world.ask(3004)).error() == "Limit");
  CHECK(world.said(world.submit(world.ask(kAlice, "free"))) == "allow granted");
}

TEST_CASE("limits that change hold from then on", "[limits]") {
  World world;
  for (int n = 0; n < 8; ++n) CHECK(world.said(world.submit(numbered(world, kAlice, n))) == "pending approval-needed");
  Limits limits;
  limits.pending_per_uid = 9;
  world.core->use_limits(limits);
  CHECK(world.said(world.submit(numbered(world, kAlice, 8))) == "pending approval-needed");
  limits.pending_per_uid = 1;
  world.core->use_limits(limits);
  CHECK(world.core->live_requests().size() == 9);  // those that wait go on
  CHECK(world.said(world.submit(numbered(world, kAlice, 9))) == "deny limit");
  CHECK(world.said(world.submit(numbered(world, kFrank, 0))) == "pending approval-needed");
  CHECK(world.said(world.submit(numbered(world, kFrank, 1))) == "deny limit");
}

TEST_CASE("an ssh door without a prompt: one wait a uid and three a host", "[limits]") {
  World world;
  const auto waits = [&](std::uint32_t uid, const char* peer) {
    Ask ask = world.login(uid, peer);
    ask.budget_s = 60;
    return ask;
  };
  const Conn first = world.submit(waits(kAlice, "192.0.2.1"));
  CHECK(world.said(first) == "pending approval-needed");
  CHECK(world.said(world.submit(waits(kAlice, "192.0.2.2"))) == "deny limit");
  CHECK(world.said(world.submit(waits(kBob, "192.0.2.1"))) == "pending approval-needed");
  CHECK(world.said(world.submit(waits(kCarol, "192.0.2.1"))) == "pending approval-needed");
  CHECK(world.said(world.submit(waits(kFrank, "192.0.2.1"))) == "deny limit");
  // A prompt was answered: that wait is the person's own.
  Ask asked = waits(kFrank, "192.0.2.1");
  asked.can_ask = true;
  CHECK(world.said(world.submit(asked)) == "pending approval-needed");
  world.hangup(first);
  CHECK(world.said(world.submit(waits(kErin, "192.0.2.1"))) == "pending approval-needed");
}

TEST_CASE("waits after a prompt do not take the places of those without", "[limits]") {
  World world;
  for (std::uint32_t i = 0; i < 5; ++i) {
    Ask ask = world.login(3000 + i);
    ask.budget_s = 60;
    ask.can_ask = true;
    CHECK(world.said(world.submit(ask)) == "pending approval-needed");
  }
  Ask ask = world.login(kAlice);
  ask.budget_s = 60;
  CHECK(world.said(world.submit(ask)) == "pending approval-needed");
}

TEST_CASE("taking a request up again at ssh is a wait like any other", "[limits]") {
  World world;
  Ask ask = world.login(kAlice, "192.0.2.1");
  CHECK(world.said(world.submit(ask)) == "deny kept");
  Ask other = world.login(kAlice, "192.0.2.2");
  other.budget_s = 60;
  CHECK(world.said(world.submit(other)) == "pending approval-needed");
  ask.budget_s = 60;
  CHECK(world.said(world.submit(ask)) == "deny limit");
}

}  // namespace jit::core_test
