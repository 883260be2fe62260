// SPDX-License-Identifier: Apache-2.0
// Durable before told: nobody hears of a change before its commit, and a commit that fails denies and leaves nothing.
// (The fakes check each word that is told against the disk; here are the moments.)
#include "tests/core/world.h"

namespace jit::core_test {

TEST_CASE("nothing is told before the commit", "[durable]") {
  World world;
  world.disk = World::Disk::kHeld;
  SECTION("a new request") {
    const Conn conn = world.submit(world.ask(kAlice));
    CHECK(world.silent(conn));
    CHECK(world.told_requests.empty());
    CHECK(world.core->live_requests().empty());
    world.settle();
    CHECK(world.said(conn) == "pending approval-needed");
    CHECK(world.told_requests.size() == 1);
    CHECK(world.core->live_requests().size() == 1);
  }
  SECTION("a kept request") {
    const Conn conn = world.submit(world.login(kAlice));
    CHECK(world.silent(conn));
    world.settle();
    CHECK(world.said(conn) == "deny kept");
  }
  SECTION("a grant that nobody is asked for") {
    const Conn conn = world.submit(world.ask(kAlice, "free"));
    CHECK(world.silent(conn));
    CHECK(world.core->live_grants().empty());
    world.settle();
    CHECK(world.said(conn) == "allow granted");
    CHECK(world.told_grants.size() == 1);
  }
  SECTION("an approval") {
    const Conn conn = world.submit(world.ask(kAlice));
    world.settle();
    const auto reply = world.vote(kBob, world.only_request());
    CHECK(world.heard(conn).decided.empty());
    CHECK_FALSE(reply.called());
    CHECK(world.core->live_grants().empty());
    world.settle();
    CHECK(reply.error().empty());
    CHECK(world.decided(conn).verdict == Verdict::kAllow);
    CHECK(world.told_grants.size() == 1);
  }
  SECTION("half a quorum") {
    const Conn conn = world.submit(world.ask(kAlice, "two"));
    world.settle();
    const auto reply = world.vote(kBob, world.only_request());
    CHECK(world.heard(conn).progress.empty());
    world.settle();
    CHECK(reply.error().empty());
    CHECK(world.heard(conn).progress.size() == 1);
    CHECK(world.heard(conn).decided.empty());
  }
  SECTION("a denial") {
    const Conn conn = world.submit(world.ask(kAlice));
    world.settle();
    const auto reply = world.vote(kBob, world.only_request(), false);
    CHECK(world.heard(conn).decided.empty());
    CHECK_FALSE(reply.called());
    world.settle();
    CHECK(world.decided(conn).cause == "denied");
    CHECK(reply.error().empty());
  }
  SECTION("a cancel") {
    const Conn conn = world.submit(world.ask(kAlice));
    world.settle();
    const auto reply = world.cancel(world.caller(kAlice), world.only_request());
    CHECK(world.heard(conn).decided.empty());
    CHECK_FALSE(reply.called());
    world.settle();
    CHECK(world.decided(conn).cause == "cancelled");
  }
  SECTION("a request made ahead of time") {
    const auto reply = world.create(kAlice, world.ask(kAlice));
    CHECK_FALSE(reply.called());
    world.settle();
    CHECK(reply.error().empty());
  }
  SECTION("a first use") {
    const Ask ask = world.ask(kAlice, "free");
    world.submit(ask);
    world.settle();
    const Conn conn = world.bind(ask);
    CHECK(world.silent(conn));
    world.settle();
    CHECK(world.bound(conn).allow);
    CHECK(world.told_grants.size() == 2);
  }
  SECTION("a revocation") {
    world.submit(world.ask(kAlice, "free"));
    world.settle();
    const auto reply = world.revoke(world.caller(0), {world.only_grant().id.text(), {}, {}, false});
    CHECK_FALSE(reply.called());
    CHECK(world.told_grants.size() == 1);
    CHECK(world.core->live_grants().empty());  // it holds at once
    world.settle();
    CHECK(reply.error().empty());
    CHECK(world.told_grants.size() == 2);
  }
}

TEST_CASE("a commit that fails denies, leaves nothing, and the next attempt works", "[durable]") {
  World world;
  world.disk = World::Disk::kHeld;
  struct Row {
    const char* name;
    const char* target;
    bool keep;
  };
  for (const Row& row : {Row{"a request", "root", false}, {"a kept request", "root", true}, {"an allow", "free", false}}) {
    INFO(row.name);
    Ask ask = world.ask(kAlice, row.target);
    if (row.keep) {
      ask.keep = true;
      ask.budget_s = 0;
      ask.argv.emplace_back("kept");
    }
    const Conn conn = world.submit(ask);
    world.write_one(false);
    CHECK(world.said(conn) == "deny unavailable");
    world.settle();  // the entry of the denial
    CHECK(world.core->waiting() == 0);
    CHECK(world.core->live_requests().empty());
    CHECK(world.core->live_grants().empty());
    CHECK(world.held.requests.empty());
    const Conn again = world.submit(ask);
    world.settle();
    CHECK(world.answer(again).cause != "unavailable");
    if (world.answer(again).verdict == Verdict::kPending) world.withdraw(again);
    for (const Request* request : world.core->live_requests()) world.cancel(world.caller(0), request->id);
    for (const Grant* grant : world.core->live_grants()) world.end(world.caller(kAlice), grant->id);
    world.settle();
    world.held.requests.clear();
    world.held.grants.clear();
  }
}

TEST_CASE("failed attempts do not use up the hour", "[durable]") {
  World world;
  world.disk = World::Disk::kHeld;
  for (int i = 0; i < 40; ++i) {
    const Conn conn = world.submit(world.ask(kAlice));
    world.write_one(false);
    CHECK(world.said(conn) == "deny unavailable");
    world.settle();
    const auto reply = world.create(kAlice, world.ask(kAlice));
    world.write_one(false);
    CHECK(reply.error() == "Unavailable");
    world.disk = World::Disk::kPrompt;
    world.core->note("policy.loaded", "policy", "x");  // a write that succeeds
    world.settle();
    world.disk = World::Disk::kHeld;
  }
  const Conn conn = world.submit(world.ask(kAlice));
  world.settle();
  CHECK(world.said(conn) == "pending approval-needed");
}

TEST_CASE("an approval that cannot be stored can be cast again", "[durable]") {
  World world;
  const Ask ask = world.ask(kAlice);
  const Conn conn = world.submit(ask);
  const Id id = world.only_request();
  world.failing_writes = true;
  CHECK(world.vote(kBob, id).error() == "Unavailable");
  CHECK(world.heard(conn).decided.empty());
  CHECK(world.core->live_grants().empty());
  CHECK(world.core->votes_on(id).empty());
  CHECK(world.bound(world.bind(ask)).cause == "no-hand-over");
  world.failing_writes = false;
  CHECK(world.vote(kBob, id).error().empty());
  CHECK(world.decided(conn).verdict == Verdict::kAllow);
}

TEST_CASE("while the log cannot be written no grant is used", "[durable]") {
  World world;
  const Ask ask = world.ask(kAlice, "free");
  world.submit(ask);
  REQUIRE(world.bound(world.bind(ask)).allow);
  const Conn handed = world.submit(ask);
  CHECK(world.said(handed) == "allow granted");
  world.failing_writes = true;
  world.core->note("policy.loaded", "policy", "x");
  world.settle();
  CHECK(world.bound(world.bind(ask)).cause == "unavailable");
  CHECK(world.said(world.submit(ask)) == "deny unavailable");
  CHECK(world.said(world.submit(world.ask(kAlice, "two"))) == "deny unavailable");
  world.failing_writes = false;
  world.core->note("policy.loaded", "policy", "x");
  world.settle();
  CHECK(world.said(world.submit(ask)) == "allow granted");
  CHECK(world.bound(world.bind(ask)).allow);
}

}  // namespace jit::core_test
