// SPDX-License-Identifier: Apache-2.0
// Who may end what; and that an end holds at once, written or not.
#include "tests/core/world.h"

namespace jit::core_test {

namespace {

struct Granted {
  World world;
  Ask ask = world.ask(kAlice);
  Granted() {
    world.submit(ask);
    CHECK(world.vote(kBob, world.only_request()).error().empty());
    REQUIRE(world.bound(world.bind(ask)).allow);
  }
  Id id() { return world.only_grant().id; }
};

}  // namespace

TEST_CASE("who may end and who may revoke", "[end]") {
  struct Row {
    const char* name;
    std::uint32_t uid;
    bool auditor;
    const char* end;
    const char* revoke_id;
    const char* revoke_user;
    const char* revoke_all;
  };
  const Row rows[] = {
      {"owner", kAlice, false, "", "", "", ""},
      {"admin", 0, false, "Denied", "", "", ""},
      {"approver who voted", kBob, false, "Denied", "", "", ""},
      {"another approver", kCarol, false, "Denied", "", "", ""},
      {"auditor", kMallory, true, "Denied", "Denied", "NotFound", "NotFound"},
      {"stranger", kMallory, false, "NotFound", "NotFound", "NotFound", "NotFound"},
      {"approver of other sets", kDave, false, "NotFound", "NotFound", "NotFound", "NotFound"},
      {"another requester", kFrank, false, "NotFound", "NotFound", "NotFound", "NotFound"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    for (int how = 0; how < 4; ++how) {
      Granted granted;
      World& world = granted.world;
      Caller by = world.caller(row.uid);
      by.auditor = row.auditor;
      const std::string text = granted.id().text();
      std::string error;
      const char* expected = row.end;
      if (how == 0) error = world.end(by, granted.id()).error();
      if (how == 1) error = world.revoke(by, {text, {}, {}, false}).error(), expected = row.revoke_id;
      if (how == 2) error = world.revoke(by, {{}, "alice", {}, false}).error(), expected = row.revoke_user;
      if (how == 3) error = world.revoke(by, {{}, {}, {}, true}).error(), expected = row.revoke_all;
      INFO("way " << how);
      CHECK(error == expected);
      CHECK(world.core->live_grants().empty() == error.empty());
      if (!error.empty()) continue;
      const Grant& ended = world.held.grants.begin()->second;
      CHECK(ended.end == (how == 0 ? GrantEnd::kReturned : GrantEnd::kRevoked));
      CHECK(ended.ended_by == by.identity->person);
      CHECK(world.said(world.submit(granted.ask)) == "pending approval-needed");
      CHECK(world.end(by, ended.id).error() == "NotFound");
    }
  }
}

TEST_CASE("an approver sees and revokes what a rule with a reason gave", "[end]") {
  World world;
  Ask ask = world.ask(kAlice, "why");
  ask.reason = "the printer";
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  CHECK(world.core->may_see(world.caller(kCarol), world.only_grant()));
  CHECK(world.revoke(world.caller(kCarol), {{}, {}, {}, true}).error().empty());
}

TEST_CASE("what revoke may be told", "[end]") {
  Granted granted;
  World& world = granted.world;
  const std::string id = granted.id().text();
  struct Row {
    const char* name;
    Core::Which which;
    const char* error;
  };
  const Row rows[] = {
      {"nothing", {{}, {}, {}, false}, "BadInput"},
      {"two things", {id, "alice", {}, false}, "BadInput"},
      {"all and one", {id, {}, {}, true}, "BadInput"},
      {"short id", {id.substr(0, 3), {}, {}, false}, "BadInput"},
      {"another user", {{}, "frank", {}, false}, "NotFound"},
      {"another person", {{}, {}, "frank", false}, "NotFound"},
      {"a user's name as a person", {{}, {}, "alice", false}, "NotFound"},
      {"prefix", {id.substr(0, 6), {}, {}, false}, ""},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(world.revoke(world.caller(0), row.which).error() == row.error);
  }
}

TEST_CASE("revoke by person does not take users that have no name", "[end]") {
  World world;
  Ask ask = world.ask(kAlice);
  policy::Identity nameless = *ask.subject.identity;
  nameless.user.clear();
  nameless.person = "uid:1000";
  ask.subject.identity = std::make_shared<const policy::Identity>(nameless);
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  CHECK(world.revoke(world.caller(0), {{}, {}, "somebody", false}).error() == "NotFound");
  CHECK(world.core->live_grants().size() == 1);
  CHECK(world.revoke(world.caller(0), {{}, {}, "uid:1000", false}).error().empty());
}

TEST_CASE("revoke ends all of a user, in one answer", "[end]") {
  World world;
  for (const char* target : {"root", "two", "quick"}) {
    world.submit(world.ask(kAlice, target));
    const Id id = world.only_request();
    world.vote(kBob, id);
    if (std::string(target) == "two") world.vote(kCarol, id);
  }
  world.submit(world.ask(kFrank, "free"));
  CHECK(world.core->live_grants().size() == 4);
  const auto reply = world.revoke(world.caller(0), {{}, "alice", {}, false});
  CHECK(reply.error().empty());
  CHECK(reply.one().value.size() == 3);
  CHECK(world.core->live_grants().size() == 1);
  CHECK(world.logged(events::kGrantEnded) == 3);
}

TEST_CASE("an end that cannot be written holds at once and is written later, once", "[end]") {
  Granted granted;
  World& world = granted.world;
  const Id id = granted.id();
  CHECK(world.said(world.submit(granted.ask)) == "allow granted");
  world.told_grants.clear();
  world.failing_writes = true;
  CHECK(world.revoke(world.caller(0), {{}, {}, {}, true}).error() == "Unavailable");
  CHECK(world.core->live_grants().empty());
  CHECK_FALSE(world.bound(world.bind(granted.ask)).allow);
  CHECK(world.told_grants.empty());
  CHECK(world.core->next_tick() == world.now + 1'000);
  for (int i = 0; i < 5; ++i) world.pass_and_tick(1'000);
  CHECK(world.held.grants.at(id).state == GrantState::kActive);
  world.failing_writes = false;
  world.pass_and_tick(1'000);
  CHECK(world.held.grants.at(id).end == GrantEnd::kRevoked);
  CHECK(world.logged(events::kGrantEnded) == 1);
  CHECK(world.told_grants.size() == 1);
  world.pass_and_tick(60'000);
  CHECK(world.logged(events::kGrantEnded) == 1);
}

TEST_CASE("a denial that cannot be written ends the request all the same", "[end]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice));
  const Id id = world.only_request();
  world.told_requests.clear();
  world.failing_writes = true;
  CHECK(world.vote(kBob, id, false).error() == "Unavailable");
  CHECK(world.decided(conn).verdict == Verdict::kDeny);
  CHECK(world.vote(kCarol, id).error() == "NotFound");
  CHECK(world.told_requests.empty());
  world.failing_writes = false;
  world.pass_and_tick(1'000);
  CHECK(world.held.requests.at(id).state == RequestState::kDenied);
  CHECK(world.held.votes.size() == 1);
  CHECK(world.told_requests.size() == 1);
}

TEST_CASE("ends that cannot be written stay in order", "[end]") {
  World world;
  world.submit(world.ask(kAlice));
  world.submit(world.ask(kFrank));
  world.failing_writes = true;
  world.pass_and_tick(600'000);
  CHECK(world.core->live_requests().empty());
  world.failing_writes = false;
  world.pass_and_tick(1'000);
  CHECK(world.logged(events::kRequestExpired) == 2);
  CHECK(world.core->next_tick() == std::nullopt);
}

}  // namespace jit::core_test
