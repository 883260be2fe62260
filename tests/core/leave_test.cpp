// SPDX-License-Identifier: Apache-2.0
// Leaving: a hang-up cancels, Detach keeps, Withdraw cancels; at every stage, a commit under way included.
#include "tests/core/world.h"

namespace jit::core_test {

namespace {

RequestState on_disk(const World& world, const Id& id) { return world.held.requests.at(id).state; }

}  // namespace

TEST_CASE("leaving a request that waits", "[leave]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice));
  const Id id = world.only_request();
  SECTION("hang-up cancels") {
    world.hangup(conn);
    CHECK(on_disk(world, id) == RequestState::kCancelled);
    CHECK(world.core->live_requests().empty());
    CHECK(world.vote(kBob, id).error() == "NotFound");
    CHECK(world.held.grants.empty());
  }
  SECTION("Withdraw cancels") {
    world.withdraw(conn);
    CHECK(on_disk(world, id) == RequestState::kCancelled);
    world.hangup(conn);
    CHECK(world.logged(events::kRequestCancelled) == 1);
  }
  SECTION("Detach keeps") {
    world.detach(conn);
    CHECK(on_disk(world, id) == RequestState::kDetached);
    world.hangup(conn);
    CHECK(on_disk(world, id) == RequestState::kDetached);
    CHECK(world.vote(kBob, id).error().empty());
    CHECK(world.heard(conn).decided.empty());
    CHECK(world.said(world.submit(world.ask(kAlice))) == "allow granted");
  }
  SECTION("Detach twice") {
    world.detach(conn);
    world.detach(conn);
    CHECK(world.logged(events::kRequestDetached) == 1);
  }
  CHECK(world.core->waiting() == 0);
}

TEST_CASE("connections that never asked may leave", "[leave]") {
  World world;
  world.core->hangup(77);
  world.core->detach(78);
  world.core->withdraw(79);
  world.settle();
  CHECK(world.held.entries.empty());
}

TEST_CASE("leaving while a commit is under way", "[leave]") {
  World world;
  world.disk = World::Disk::kHeld;
  const Ask ask = world.ask(kAlice);
  SECTION("hang-up before the request is stored") {
    const Conn conn = world.submit(ask);
    world.hangup(conn);
    world.settle();
    CHECK(world.silent(conn));
    REQUIRE(world.held.requests.size() == 1);
    CHECK(world.held.requests.begin()->second.state == RequestState::kCancelled);
    CHECK(world.core->live_requests().empty());
  }
  SECTION("hang-up before the request is not stored") {
    const Conn conn = world.submit(ask);
    world.hangup(conn);
    world.write_one(false);
    world.settle();
    CHECK(world.silent(conn));
    CHECK(world.held.requests.empty());
    CHECK(world.core->live_requests().empty());
  }
  SECTION("hang-up before a kept request is stored") {
    Ask kept = ask;
    kept.budget_s = 0;
    kept.keep = true;
    const Conn conn = world.submit(kept);
    world.hangup(conn);
    world.settle();
    CHECK(world.silent(conn));
    CHECK(world.core->live_requests().size() == 1);  // it was meant to stay
  }
  SECTION("hang-up before a grant is stored") {
    const Ask free = world.ask(kAlice, "free");
    const Conn conn = world.submit(free);
    world.hangup(conn);
    world.settle();
    CHECK(world.silent(conn));
    CHECK(world.bound((world.disk = World::Disk::kPrompt, world.bind(free))).cause == "no-hand-over");
  }
  SECTION("hang-up before an attach is stored") {
    const Conn first = world.submit(ask);
    world.settle();
    world.detach(first);
    world.settle();
    const Conn second = world.submit(ask);
    world.hangup(second);
    world.settle();
    CHECK(world.silent(second));
    CHECK(world.held.requests.begin()->second.state == RequestState::kCancelled);
  }
  SECTION("hang-up of one that waits behind a busy request") {
    const Conn first = world.submit(ask);
    const Conn second = world.submit(ask);
    world.hangup(second);
    world.settle();
    CHECK(world.silent(second));
    CHECK(world.said(first) == "pending approval-needed");
    world.withdraw(first);
  }
  SECTION("hang-up while a vote is written that does not complete") {
    const Conn conn = world.submit(world.ask(kAlice, "two"));
    world.settle();
    const Id id = world.only_request();
    const auto reply = world.vote(kBob, id);
    world.hangup(conn);
    world.settle();
    CHECK(reply.error().empty());
    CHECK(on_disk(world, id) == RequestState::kCancelled);
    CHECK(world.logged(events::kVoteCast) == 1);
  }
  SECTION("Detach while a vote is written that does not complete") {
    const Conn conn = world.submit(world.ask(kAlice, "two"));
    world.settle();
    const Id id = world.only_request();
    world.vote(kBob, id);
    world.detach(conn);
    const auto second = world.vote(kCarol, id);
    world.settle();
    CHECK(second.error().empty());
    CHECK(on_disk(world, id) == RequestState::kApproved);
    CHECK(world.heard(conn).decided.empty());
  }
  SECTION("Detach between two votes of which the second fails") {
    const Conn conn = world.submit(world.ask(kAlice, "two"));
    world.settle();
    const Id id = world.only_request();
    world.vote(kBob, id);
    const auto second = world.vote(kCarol, id);  // behind the first
    world.detach(conn);                          // behind the second
    world.write_one();
    world.write_one(false);
    world.settle();
    CHECK(second.error() == "Unavailable");
    CHECK(on_disk(world, id) == RequestState::kDetached);
    REQUIRE(world.core->live_requests().size() == 1);
    CHECK(world.core->live_requests()[0]->state == RequestState::kDetached);
    CHECK(world.vote(kCarol, id).got->empty());
    world.settle();
    CHECK(on_disk(world, id) == RequestState::kApproved);
  }
  SECTION("hang-up while the completing vote is written") {
    const Conn conn = world.submit(ask);
    world.settle();
    const Id id = world.only_request();
    const auto reply = world.vote(kBob, id);
    world.hangup(conn);
    world.settle();
    CHECK(reply.error().empty());
    CHECK(world.heard(conn).decided.empty());
    CHECK(on_disk(world, id) == RequestState::kApproved);
    world.disk = World::Disk::kPrompt;
    CHECK(world.bound(world.bind(ask)).cause == "no-hand-over");  // nobody was handed anything
  }
  SECTION("hang-up while the completing vote is written, and fails") {
    const bool keep = GENERATE(false, true);
    const Conn conn = world.submit(ask);
    world.settle();
    const Id id = world.only_request();
    const auto reply = world.vote(kBob, id);
    if (keep) world.detach(conn);
    world.hangup(conn);
    world.write_one(false);
    world.settle();
    CHECK(reply.error() == "Unavailable");
    CHECK(on_disk(world, id) == (keep ? RequestState::kDetached : RequestState::kCancelled));
    CHECK(world.heard(conn).decided.empty());
    const auto late = world.vote(kBob, id);
    world.settle();
    CHECK(late.error() == (keep ? "" : "NotFound"));
  }
  SECTION("hang-up while the completing vote is written and fails, and she is back by then") {
    const Conn conn = world.submit(ask);
    world.settle();
    const Id id = world.only_request();
    world.vote(kBob, id);
    const Conn back = world.resume(id, world.answer(conn).secret);
    world.hangup(conn);
    world.write_one(false);
    world.settle();
    CHECK(world.said(back) == "pending resumed");
    CHECK(on_disk(world, id) == RequestState::kPending);
    world.withdraw(back);
  }
  SECTION("hang-up while a denial is written") {
    const Conn conn = world.submit(ask);
    world.settle();
    const Id id = world.only_request();
    world.vote(kBob, id, false);
    world.hangup(conn);
    world.settle();
    CHECK(on_disk(world, id) == RequestState::kDenied);
    CHECK(world.heard(conn).decided.empty());
  }
  world.settle();
  CHECK(world.core->waiting() == 0);
}

TEST_CASE("a Detach that could not be written is written with the next vote", "[leave]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice, "two"));
  const Id id = world.only_request();
  world.told_requests.clear();
  world.failing_writes = true;
  world.detach(conn);
  CHECK(world.told_requests.empty());
  world.failing_writes = false;
  CHECK(world.vote(kBob, id).error().empty());
  CHECK(on_disk(world, id) == RequestState::kDetached);
  CHECK(world.told_requests.size() == 1);
}

TEST_CASE("a cancel behind an approval that is being written", "[leave]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice));
  const Id id = world.only_request();
  world.disk = World::Disk::kHeld;
  world.vote(kBob, id);
  const auto reply = world.cancel(world.caller(kAlice), id);
  CHECK_FALSE(reply.called());  // it is not approved yet, so nothing is said of it
  SECTION("that succeeds") {
    world.settle();
    CHECK(reply.error() == "Ended");
    CHECK(world.decided(conn).verdict == Verdict::kAllow);
  }
  SECTION("that fails") {
    world.write_one(false);
    world.settle();
    CHECK(reply.error().empty());
    CHECK(world.decided(conn).cause == "cancelled");
  }
}

TEST_CASE("who may cancel", "[leave]") {
  struct Row {
    std::uint32_t by;
    bool auditor;
    const char* error;
  };
  for (const Row& row : {Row{kAlice, false, ""}, {0, false, ""}, {kBob, false, "Denied"}, {kMallory, false, "NotFound"},
                         {kMallory, true, "Denied"}}) {
    INFO(row.by);
    World world;
    const Conn conn = world.submit(world.ask(kAlice));
    const Id id = world.only_request();
    Caller by = world.caller(row.by);
    by.auditor = row.auditor;
    const auto reply = world.cancel(by, id);
    CHECK(reply.error() == row.error);
    CHECK(world.heard(conn).decided.size() == (reply.one() ? 1U : 0U));
    if (reply.one()) {
      CHECK(reply.one().value.state == RequestState::kCancelled);
      CHECK(world.held.requests.at(id).ended_by == by.identity->person);
    }
  }
}

}  // namespace jit::core_test
