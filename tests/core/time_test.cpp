// SPDX-License-Identifier: Apache-2.0
// Four times: deadline, claim window, lifetime, and what is due when.
#include "tests/core/world.h"

namespace jit::core_test {

TEST_CASE("a request expires at its deadline", "[time]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice));
  const Id id = world.only_request();
  world.pass_and_tick(599'999);
  CHECK(world.heard(conn).decided.empty());
  world.pass_and_tick(1);
  CHECK(world.decided(conn).verdict == Verdict::kDeny);
  CHECK(world.decided(conn).cause == "expired");
  CHECK(world.held.requests.at(id).state == RequestState::kExpired);
  CHECK(world.core->next_tick() == std::nullopt);
}

TEST_CASE("one minute before, once, and only where the wait is longer than 90 s", "[time]") {
  World world;
  const Conn slow = world.submit(world.ask(kAlice));
  const Conn quick = world.submit(world.ask(kAlice, "quick"));
  world.pass_and_tick(540'000 - 1);
  CHECK(world.heard(slow).progress.empty());
  world.pass_and_tick(1);
  CHECK(world.heard(slow).progress.size() == 1);
  world.pass_and_tick(1'000);
  CHECK(world.heard(slow).progress.size() == 1);
  CHECK(world.heard(quick).progress.empty());
}

TEST_CASE("one minute left is not told to who was not answered", "[time]") {
  World world;
  world.disk = World::Disk::kHeld;
  const Conn conn = world.submit(world.ask(kAlice));
  world.pass_and_tick(541'000);
  CHECK(world.silent(conn));
  world.settle();
  CHECK(world.said(conn) == "pending approval-needed");
}

TEST_CASE("a deadline behind a commit: first the answer, then the end", "[time]") {
  World world;
  world.disk = World::Disk::kHeld;
  const Conn conn = world.submit(world.ask(kAlice));
  world.pass_and_tick(600'000);
  CHECK(world.silent(conn));
  world.settle();
  CHECK(world.said(conn) == "pending approval-needed");
  CHECK(world.decided(conn).cause == "expired");
}

TEST_CASE("the claim window runs from the approval", "[time]") {
  World world;
  const Ask ask = world.ask(kAlice, "quick");
  const Conn conn = world.submit(ask);
  world.pass(30'000);
  world.detach(conn);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  SECTION("just in time") {
    world.pass_and_tick(59'999);
    CHECK(world.said(world.submit(ask)) == "allow granted");
    CHECK(world.bound(world.bind(ask)).allow);
  }
  SECTION("too late, before the clock was looked at") {
    world.pass(59'999);
    CHECK(world.said(world.submit(ask)) == "allow granted");
    world.pass(1);
    CHECK(world.bound(world.bind(ask)).cause == "ended");
    CHECK(world.said(world.submit(ask)) == "pending approval-needed");
  }
  SECTION("too late") {
    world.pass_and_tick(60'000);
    CHECK(world.core->live_grants().empty());
    CHECK(world.held.grants.begin()->second.end == GrantEnd::kExpired);
    CHECK(world.said(world.submit(ask)) == "pending approval-needed");
  }
}

TEST_CASE("the lifetime runs from the first use, and to its last moment", "[time]") {
  World world;
  const Ask ask = world.ask(kAlice);
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  world.pass(9'999);
  const BootMs used = world.now;
  const BindAnswer first = world.bound(world.bind(ask));
  REQUIRE(first.allow);
  CHECK(first.end == used + 900'000);
  CHECK(first.hard == first.end);  // of sudo systemd holds the same end
  world.pass_and_tick(899'999);
  CHECK(world.said(world.submit(ask)) == "allow granted");
  const BindAnswer again = world.bound(world.bind(ask));
  CHECK(again.allow);
  CHECK(again.end == first.end);  // a use does not prolong it
  CHECK(world.said(world.submit(ask)) == "allow granted");
  world.pass(1);
  CHECK(world.bound(world.bind(ask)).cause == "ended");
  world.core->tick();
  world.settle();
  CHECK(world.held.grants.begin()->second.state == GrantState::kEnded);
  CHECK(world.held.grants.begin()->second.uses == 2);
  CHECK(world.said(world.submit(ask)) == "pending approval-needed");
}

TEST_CASE("a claim that fails after its window has closed ends too", "[time]") {
  World world;
  const Ask ask = world.ask(kAlice, "quick");
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  world.disk = World::Disk::kHeld;
  const Conn conn = world.bind(ask);
  world.pass_and_tick(60'000);
  world.write_one(false);
  CHECK(world.bound(conn).cause == "unavailable");
  world.settle();
  world.disk = World::Disk::kPrompt;
  world.pass_and_tick(1);
  CHECK(world.core->live_grants().empty());
  CHECK(world.held.grants.begin()->second.end == GrantEnd::kExpired);
}

TEST_CASE("a first use that is stored after the grant's end opens nothing", "[time]") {
  World world;
  const Ask ask = world.ask(kAlice);
  world.submit(ask);
  CHECK(world.vote(world.caller(kBob), world.only_request(), {true, 5, {}, ""}).error().empty());
  world.disk = World::Disk::kHeld;
  const Conn conn = world.bind(ask);
  world.pass(5'000);
  world.settle();
  CHECK(world.bound(conn).cause == "ended");
  CHECK_FALSE(world.bound(conn).allow);
  world.core->tick();
  world.settle();
  CHECK(world.core->live_grants().empty());
}

TEST_CASE("an approval that fails after the deadline has passed leaves nothing open", "[time]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice));
  const Id id = world.only_request();
  const bool restarted = GENERATE(false, true);
  if (restarted) world.restart();
  world.disk = World::Disk::kHeld;
  const auto reply = world.vote(kBob, id);
  world.pass_and_tick(600'000);
  world.write_one(false);
  CHECK(reply.error() == "Unavailable");
  world.disk = World::Disk::kPrompt;
  world.pass_and_tick(0);
  CHECK(world.core->live_requests().empty());
  if (!restarted) CHECK(world.decided(conn).cause == "expired");
}

TEST_CASE("an approval outside of the rule's window says so, and not that the policy changed", "[time]") {
  World world;  // it is 23:36:40
  const std::string window = "during = [\"window:late\"]\n";
  world.use(load_policy(rules_with("id = \"root\"\n", "id = \"root\"\n" + window) +
                        "[window]\nlate = { daily = [\"23:00-23:40\"] }\n"));
  world.submit(world.ask(kAlice));
  const Id id = world.only_request();
  world.pass(300'000);
  SECTION("at the vote") { CHECK(world.vote(kBob, id).error() == "Ended"); }
  SECTION("at a load of the same policy") { world.use(world.policy); }
  CHECK(world.held.requests.at(id).state == RequestState::kCancelled);
  CHECK(world.held.requests.at(id).ended_why.starts_with("not allowed any more: "));
}

TEST_CASE("next_tick is never later than what is due", "[time]") {
  World world;
  CHECK(world.core->next_tick() == std::nullopt);
  world.submit(world.ask(kAlice));
  CHECK(world.core->next_tick() == world.now + 540'000);
  world.submit(world.ask(kAlice, "quick"));
  CHECK(world.core->next_tick() == world.now + 60'000);
  const Answer told = world.answer(world.submit(world.ask(kAlice, "two")));
  world.restart();
  CHECK(world.core->next_tick() == world.now + 10'000);
  world.resume(told.id, told.secret);
  for (int i = 0; i < 100 && world.core->next_tick(); ++i) {
    const BootMs next = *world.core->next_tick();
    world.pass_and_tick(std::max<BootMs>(0, next - world.now));
  }
  CHECK(world.core->next_tick() == std::nullopt);
  CHECK(world.core->live_requests().empty());
}

}  // namespace jit::core_test
