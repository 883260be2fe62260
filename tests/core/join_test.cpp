// SPDX-License-Identifier: Apache-2.0
// One live request for each person, door, target and command: a left one is taken up, a watched one is not asked twice.
#include "tests/core/world.h"

namespace jit::core_test {

namespace {

struct Left {
  World world;
  Ask ask = world.ask(kAlice);
  Conn first = world.submit(ask);
  Id id = world.only_request();
  Left() { world.detach(first); }
  Ask again() {
    Ask next = ask;
    next.process = {9000, 901};
    return next;
  }
};

}  // namespace

TEST_CASE("a request that is waited for is not asked twice", "[join]") {
  World world;
  const Ask ask = world.ask(kAlice);
  world.submit(ask);
  const Conn second = world.submit(ask);
  CHECK(world.said(second) == "deny duplicate");
  CHECK(world.answer(second).id == world.only_request());
  CHECK(world.core->waiting() == 1);
}

TEST_CASE("what makes two attempts the same", "[join]") {
  struct Row {
    const char* name;
    std::function<void(World&, Ask&)> change;
    const char* said;
  };
  const Row rows[] = {
      {"same", [](World&, Ask&) {}, "pending attached"},
      {"another process and terminal",
       [](World&, Ask& ask) {
         ask.process = {7777, 1};
         ask.subject.terminal = {1, {2, 3}};
       },
       "pending attached"},
      {"nobody waits now", [](World&, Ask& ask) { ask.budget_s = 0; }, "deny waiting"},
      {"come from elsewhere", [](World& w, Ask& ask) { ask.subject.origin = w.login(kAlice).subject.origin; }, "pending approval-needed"},
      {"come from nobody knows where", [](World&, Ask& ask) { ask.subject.origin = {}; }, "pending approval-needed"},
      {"another word", [](World&, Ask& ask) { ask.argv.emplace_back("-x"); }, "pending approval-needed"},
      {"words split otherwise", [](World&, Ask& ask) { ask.argv = {"sudo -u", "root", "id"}; }, "pending approval-needed"},
      {"another folder", [](World&, Ask& ask) { ask.cwd = "/"; }, "pending approval-needed"},
      {"another door", [](World&, Ask& ask) { ask.door = policy::Door::kSu; }, "pending approval-needed"},
      {"another target", [](World& w, Ask& ask) { ask.target = w.ask(kAlice, "two").target; }, "pending approval-needed"},
      {"another user", [](World& w, Ask& ask) { ask.subject = w.ask(kFrank).subject; }, "pending approval-needed"},
      {"who logged in as an approver", [](World&, Ask& ask) { ask.subject.loginuid = kBob; }, "deny duplicate"},
      {"whose login is not known", [](World&, Ask& ask) { ask.subject.loginuid = policy::kNoUid; }, "pending attached"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    Left left;
    Ask ask = left.again();
    row.change(left.world, ask);
    CHECK(left.world.said(left.world.submit(ask)) == row.said);
  }
}

TEST_CASE("a request is not taken up from where its rule says no", "[join]") {
  World world;
  world.use(load_policy(rules_with("id = \"root\"\n", "id = \"root\"\nfrom = [\"local\"]\n")));
  const Ask console = world.ask(kAlice);
  const Conn first = world.submit(console);
  const Id id = world.only_request();
  world.detach(first);
  Ask remote = console;
  remote.process = {9000, 901};
  remote.subject.origin = world.login(kAlice).subject.origin;
  CHECK(world.said(world.submit(remote)) == "deny policy");
  CHECK(world.vote(kBob, id).error().empty());
  CHECK(world.said(world.submit(remote)) == "deny policy");
  CHECK(world.said(world.submit(console)) == "allow granted");
}

TEST_CASE("what was asked ahead of time is taken up from anywhere", "[join]") {
  World world;
  Ask ahead = world.ask(kAlice);
  ahead.subject.origin = {};
  CHECK(world.create(kAlice, ahead).error().empty());
  CHECK(world.said(world.submit(world.ask(kAlice))) == "pending attached");
}

TEST_CASE("two accounts of one person are one asker", "[join]") {
  World world;
  world.use(load_policy(kRules, "version = 1\n[[person]]\nname = \"al\"\nusers = [\"alice\", \"frank\"]\n"));
  const Ask ask = world.ask(kAlice);
  const Conn first = world.submit(ask);
  world.detach(first);
  const Conn second = world.submit(world.ask(kFrank));
  CHECK(world.said(second) == "deny duplicate");  // and never attached: the grant would be the other account's
  CHECK(world.create(kFrank, world.ask(kFrank)).error() == "Limit");
}

TEST_CASE("attach: the grant is bound to who waits now", "[join]") {
  Left left;
  World& world = left.world;
  Ask again = left.again();
  again.subject.terminal = {555, {556, 557}};
  again.subject.audit_session = 558;
  const Conn second = world.submit(again);
  CHECK(world.answer(second).secret.size() == 32);
  CHECK(world.vote(kBob, left.id).error().empty());
  CHECK(world.decided(second).verdict == Verdict::kAllow);
  CHECK(world.heard(left.first).decided.empty());
  CHECK(world.bound(world.bind(left.ask)).cause == "no-hand-over");
  REQUIRE(world.bound(world.bind(again)).allow);
  CHECK(world.only_grant().terminal == again.subject.terminal);
  CHECK(world.said(world.submit(again)) == "allow granted");
  CHECK(world.said(world.submit(left.ask)) == "pending approval-needed");
}

TEST_CASE("attach that cannot be stored leaves the request as it was", "[join]") {
  Left left;
  World& world = left.world;
  const std::string secret = world.answer(left.first).secret;
  world.disk = World::Disk::kHeld;
  const Conn second = world.submit(left.again());
  CHECK(world.silent(second));
  world.write_one(false);
  CHECK(world.said(second) == "deny unavailable");
  world.settle();
  CHECK(world.core->waiting() == 0);
  REQUIRE(world.core->live_requests().size() == 1);
  CHECK(world.core->live_requests()[0]->state == RequestState::kDetached);
  CHECK(world.core->live_requests()[0]->process == left.ask.process);
  CHECK(world.core->live_requests()[0]->secret_hash == world.held.requests.at(left.id).secret_hash);
  const Conn third = world.submit(left.again());
  world.settle();
  CHECK(world.said(third) == "pending attached");
}

TEST_CASE("attempts behind a busy request wait their turn", "[join]") {
  World world;
  world.disk = World::Disk::kHeld;
  const Ask ask = world.ask(kAlice);
  const Conn first = world.submit(ask);
  const Conn second = world.submit(ask);
  const Conn third = world.submit(ask);
  CHECK(world.silent(second));
  SECTION("the first is stored") {
    world.settle();
    CHECK(world.said(first) == "pending approval-needed");
    CHECK(world.said(second) == "deny duplicate");
    CHECK(world.said(third) == "deny duplicate");
  }
  SECTION("the first is not stored") {
    world.write_one(false);
    world.settle();
    CHECK(world.said(first) == "deny unavailable");
    CHECK(world.said(second) == "pending approval-needed");
    CHECK(world.said(third) == "deny duplicate");
    CHECK(world.core->waiting() == 1);
  }
  SECTION("the first hangs up") {
    world.hangup(first);
    world.settle();
    CHECK(world.silent(first));
    // One of the two takes it up or asks anew; both are answered.
    CHECK(world.heard(second).answers.size() == 1);
    CHECK(world.heard(third).answers.size() == 1);
  }
  SECTION("the second hangs up") {
    world.hangup(second);
    world.settle();
    CHECK(world.silent(second));
    CHECK(world.said(first) == "pending approval-needed");
  }
}

TEST_CASE("an approved request is not joined: its grant is used", "[join]") {
  Left left;
  World& world = left.world;
  CHECK(world.vote(kBob, left.id).error().empty());
  const Ask again = left.again();
  const Conn conn = world.submit(again);
  CHECK(world.said(conn) == "allow granted");
  CHECK(world.bound(world.bind(again)).allow);
}

TEST_CASE("a grant is not used by who approved it", "[join]") {
  Left left;
  World& world = left.world;
  CHECK(world.vote(kBob, left.id).error().empty());
  Ask bob_as_alice = left.again();
  bob_as_alice.subject.loginuid = kBob;
  CHECK(world.said(world.submit(bob_as_alice)) == "pending approval-needed");
  CHECK(world.vote(kBob, world.only_request()).error() == "Denied");
  CHECK(world.said(world.submit(left.again())) == "allow granted");
}

TEST_CASE("listeners hear of an attach", "[join]") {
  Left left;
  left.world.told_requests.clear();
  left.world.submit(left.again());
  REQUIRE(left.world.told_requests.size() == 1);
  CHECK(left.world.told_requests[0].state == RequestState::kPending);
}

}  // namespace jit::core_test
