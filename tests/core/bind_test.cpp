// SPDX-License-Identifier: Apache-2.0
// The hand-over from account to open_session, keyed by process.
#include "tests/core/world.h"

namespace jit::core_test {

namespace {

struct Row {
  const char* name;
  std::function<void(World&, BindAsk&)> change;
  const char* cause;
};

}  // namespace

TEST_CASE("who may bind", "[bind]") {
  const Row rows[] = {
      {"the process that asked", [](World&, BindAsk&) {}, "granted"},
      {"its parent", [](World&, BindAsk& ask) { ask.process = {static_cast<std::int32_t>(kAlice), 77}; }, "granted"},
      {"another process", [](World&, BindAsk& ask) { ask.process.pid += 1; }, "no-hand-over"},
      {"the same pid, used again", [](World&, BindAsk& ask) { ask.process.start += 1; }, "no-hand-over"},
      {"a process of no number", [](World&, BindAsk& ask) { ask.process = {}; }, "no-hand-over"},
      {"another door", [](World&, BindAsk& ask) { ask.door = policy::Door::kSu; }, "no-hand-over"},
      {"another target", [](World& world, BindAsk& ask) { ask.user = world.who(kBob); }, "target"},
      {"another name for the uid",
       [](World&, BindAsk& ask) {
         policy::Identity toor = *ask.user;
         toor.user = "toor";
         ask.user = std::make_shared<const policy::Identity>(toor);
       },
       "target"},
      {"another uid for the name",
       [](World&, BindAsk& ask) {
         policy::Identity same = *ask.user;
         same.uid = 4711;
         ask.user = std::make_shared<const policy::Identity>(same);
       },
       "target"},
  };
  for (const Row& row : rows) {
    for (const bool asked : {false, true}) {
      INFO(row.name << (asked ? ", approved" : ", allowed"));
      World world;
      const Ask ask = world.ask(kAlice, asked ? "root" : "free");
      world.submit(ask);
      if (asked) CHECK(world.vote(kBob, world.only_request()).error().empty());
      BindAsk bind = World::bind_ask(ask);
      row.change(world, bind);
      const BindAnswer told = world.bound(world.bind_with(bind));
      CHECK(told.cause == row.cause);
      CHECK(told.allow == (std::string(row.cause) == "granted"));
      const bool left = std::string(row.cause) == "no-hand-over";
      CHECK(world.bound(world.bind(ask)).allow == left);  // one try uses it up
    }
  }
}

TEST_CASE("a hand-over with no parent known is nobody else's", "[bind]") {
  World world;
  Ask ask = world.ask(kAlice, "free");
  ask.parent = {};
  world.submit(ask);
  BindAsk bind = World::bind_ask(ask);
  bind.process = {};
  CHECK(world.bound(world.bind_with(bind)).cause == "no-hand-over");
  CHECK(world.bound(world.bind(ask)).allow);
}

TEST_CASE("a yes is good for ten seconds", "[bind]") {
  for (const BootMs waited : {9'999, 10'000}) {
    World world;
    const Ask ask = world.ask(kAlice);
    world.submit(ask);
    CHECK(world.vote(kBob, world.only_request()).error().empty());
    world.pass(waited);
    CHECK(world.bound(world.bind(ask)).cause == (waited < 10'000 ? "granted" : "no-hand-over"));
    if (waited < 10'000) continue;
    CHECK(world.said(world.submit(ask)) == "allow granted");  // a later attempt finds the unclaimed grant
    CHECK(world.bound(world.bind(ask)).allow);
  }
}

TEST_CASE("a yes that sudo never binds was the first use all the same", "[bind]") {
  World world;
  const Ask ask = world.ask(kAlice);
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  const BootMs yes = world.now;
  world.pass_and_tick(9'999);
  CHECK(world.only_grant().state == GrantState::kUnclaimed);
  world.pass_and_tick(1);
  CHECK(world.only_grant().state == GrantState::kActive);
  CHECK(world.only_grant().starts == yes);
  CHECK(world.only_grant().terminal == ask.subject.terminal);
  world.pass_and_tick(world.only_grant().lifetime_s * BootMs{1000} - 10'000);
  CHECK(world.core->live_grants().empty());
}

TEST_CASE("already root binds too, to the same target only", "[bind]") {
  World world;
  Ask ask = world.ask(kAlice);
  ask.real_uid = 0;
  world.submit(ask);
  const BindAnswer told = world.bound(world.bind(ask));
  CHECK(told.allow);
  CHECK(told.cause == "already-root");
  CHECK(told.end == 0);
  CHECK_FALSE(world.bound(world.bind(ask)).allow);
  world.submit(ask);
  BindAsk other = World::bind_ask(ask);
  other.user = world.who(kBob);
  CHECK(world.bound(world.bind_with(other)).cause == "target");
}

TEST_CASE("what happens between the yes and Bind", "[bind]") {
  struct Between {
    const char* name;
    std::function<void(World&)> change;
    const char* cause;
  };
  const Between rows[] = {
      {"revoked", [](World& w) { w.revoke(w.caller(0), {{}, {}, {}, true}); }, "no-hand-over"},
      {"given back", [](World& w) { w.end(w.caller(kAlice), w.only_grant().id); }, "no-hand-over"},
      {"denied", [](World& w) { w.vote(kCarol, w.held.requests.begin()->first, false); }, "no-hand-over"},
      {"no policy", [](World& w) { w.core->use_policy(nullptr); }, "no-policy"},
      {"a guard denies",
       [](World& w) {
         w.use(load_policy(rules_with("[[permit]]\nid = \"root\"\n",
                                      "[[guard]]\nid = \"g\"\nwho = [\"set:staff\"]\ndeny = \"freeze\"\n[[permit]]\nid = \"root\"\n")));
       },
       "policy"},
      {"the disk fails",
       [](World& w) {
         w.failing_writes = true;
         w.core->note("policy.loaded", "policy", "x");
         w.settle();
       },
       "unavailable"},
      {"a restart", [](World& w) { w.restart(); }, "no-hand-over"},
      {"another boot", [](World& w) { w.restart(true); }, "no-hand-over"},
  };
  for (const Between& row : rows) {
    INFO(row.name);
    World world;
    const Ask ask = world.ask(kAlice);
    world.submit(ask);
    CHECK(world.vote(kBob, world.only_request()).error().empty());
    row.change(world);
    const BindAnswer told = world.bound(world.bind(ask));
    CHECK(told.cause == row.cause);
    CHECK_FALSE(told.allow);
  }
}

TEST_CASE("a first use that cannot be stored opens nothing and can be tried again", "[bind]") {
  World world;
  const Ask ask = world.ask(kAlice);
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  world.disk = World::Disk::kHeld;
  const Conn conn = world.bind(ask);
  world.write_one(false);
  CHECK(world.bound(conn).cause == "unavailable");
  CHECK(world.only_grant().state == GrantState::kUnclaimed);
  CHECK(world.only_grant().uses == 0);
  world.disk = World::Disk::kPrompt;
  world.settle();
  CHECK(world.said(world.submit(ask)) == "allow granted");
  CHECK(world.bound(world.bind(ask)).allow);
}

TEST_CASE("revoked while the first use is written", "[bind]") {
  World world;
  const Ask ask = world.ask(kAlice);
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  world.disk = World::Disk::kHeld;
  const Conn conn = world.bind(ask);
  const auto reply = world.revoke(world.caller(0), {{}, {}, {}, true});
  world.settle();
  CHECK(world.bound(conn).cause == "ended");
  CHECK(reply.error().empty());
  CHECK(world.held.grants.begin()->second.state == GrantState::kEnded);
}

TEST_CASE("a second use behind the first one's commit waits for it", "[bind]") {
  World world;
  const Ask ask = world.ask(kAlice);
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  world.disk = World::Disk::kHeld;
  const Conn first = world.bind(ask);
  Ask second_ask = ask;
  second_ask.process = {4242, 1};
  second_ask.parent = {};
  CHECK(world.said(world.submit(second_ask)) == "allow granted");
  const Conn second = world.bind(second_ask);
  CHECK(world.silent(second));
  SECTION("stored") {
    world.settle();
    CHECK(world.bound(first).allow);
    CHECK(world.bound(second).allow);
    CHECK(world.held.grants.begin()->second.uses == 2);
  }
  SECTION("not stored") {
    world.write_one(false);
    world.settle();
    CHECK(world.bound(first).cause == "unavailable");
    CHECK(world.heard(second).bound.size() == 1);
  }
  SECTION("revoked meanwhile") {
    world.revoke(world.caller(0), {{}, {}, {}, true});
    CHECK(world.bound(second).cause == "ended");
    world.settle();
    CHECK(world.bound(first).cause == "ended");
  }
}

TEST_CASE("an ssh login: the child asks, the monitor binds", "[bind]") {
  World world;
  Ask ask = world.login(kAlice);
  ask.budget_s = 60;
  ask.can_ask = true;
  ask.parent = {300, 3};
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  BindAsk bind{policy::Door::kSsh, ask.target, {300, 3}, {}, 91};
  REQUIRE(world.bound(world.bind_with(bind)).allow);
  CHECK(world.only_grant().connection == Process{300, 3});
  CHECK(world.only_grant().audit_session == 91);
  CHECK(world.said(world.submit(world.login(kAlice))) == "deny kept");  // another login, another request
}

TEST_CASE("the same process asks twice: the later yes stands", "[bind]") {
  World world;
  Ask free = world.ask(kAlice, "free");
  Ask root = world.ask(kAlice);
  root.process = free.process;
  root.real_uid = 0;
  world.submit(free);
  world.submit(root);
  CHECK(world.bound(world.bind(free)).cause == "target");
}

}  // namespace jit::core_test
