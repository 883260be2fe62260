// SPDX-License-Identifier: Apache-2.0
// The door polkit opens no session: no Bind ever says that a grant is in use, so the answer is its one use.
#include "tests/core/emergency.h"

namespace jit::core_test {

namespace {

const std::string kPolkitRules = R"(
[[permit]]
id = "desktop"
who = ["set:staff"]
door = ["polkit"]
as = ["user:root"]
approval = "one"
max = "15m"
[[permit]]
id = "alone"
who = ["user:carol"]
door = ["polkit"]
as = ["user:root"]
max = "15m"
[[permit]]
id = "alarm"
who = ["set:staff"]
door = ["polkit"]
as = ["user:root"]
require = ["review:1d"]
break-glass = true
max = "10m"
)";

struct Polkit : World {
  Polkit() { use(load_policy(rules_with("\"ssh\"]", "\"ssh\", \"polkit\"]") + kPolkitRules)); }
  // Another action each time: PAM knows only who authenticates.
  Ask action(std::uint32_t uid = kAlice) {
    Ask out = ask(uid);
    out.door = policy::Door::kPolkit;
    out.service = "polkit-1";
    out.subject.loginuid = policy::kNoUid;
    out.subject.audit_session = policy::kNoUid;
    out.subject.tty.clear();
    out.subject.terminal = {};
    out.subject.origin = {};
    out.real_uid = 0;
    out.argv.clear();
    out.cwd.clear();
    return out;
  }
};

}  // namespace

TEST_CASE("an approval at polkit is for one answer", "[polkit]") {
  Polkit world;
  const Conn waits = world.submit(world.action());
  const Id id = world.only_request();
  SECTION("that is waited for") {
    REQUIRE(world.vote(kBob, id).error().empty());
    CHECK(world.decided(waits).verdict == Verdict::kAllow);
    CHECK(world.decided(waits).text.front() == "jit: approved by bob, this once");
  }
  SECTION("that is asked for again") {
    world.detach(waits);
    REQUIRE(world.vote(kBob, id).error().empty());
    CHECK(world.only_grant().state == GrantState::kUnclaimed);
    CHECK(world.said(world.submit(world.action())) == "allow granted");
  }
  CHECK(world.core->live_grants().empty());
  CHECK(world.logged(events::kGrantClaimed) == 1);
  const Grant& used = world.held.grants.begin()->second;
  CHECK(used.state == GrantState::kEnded);
  CHECK(used.end == GrantEnd::kExpired);
  CHECK(used.uses == 1);
  CHECK(used.starts == world.now);
  CHECK(used.ended_why == "used: at polkit it is for one answer");
  CHECK(world.said(world.submit(world.action())) == "pending approval-needed");
  CHECK(world.said(world.resume(id, world.answer(waits).secret)) == "deny gone");
}

TEST_CASE("an approval at polkit that a restart kept from her is for one answer", "[polkit]") {
  Polkit world;
  const Answer told = world.answer(world.submit(world.action()));
  world.disk = World::Disk::kHeld;
  world.vote(kBob, told.id);
  world.write_one();
  world.restart();
  world.disk = World::Disk::kPrompt;
  world.settle();
  CHECK(world.said(world.resume(told.id, told.secret)) == "allow granted");
  CHECK(world.core->live_grants().empty());
  CHECK(world.said(world.resume(told.id, told.secret)) == "deny gone");
}

TEST_CASE("where polkit's rule asks nobody, each answer is a grant of its own", "[polkit]") {
  Polkit world;
  for (std::size_t i = 1; i <= 3; ++i) {
    CHECK(world.said(world.submit(world.action(kCarol))) == "allow granted");
    CHECK(world.core->live_grants().empty());
    CHECK(world.held.grants.size() == i);
    CHECK(world.logged(events::kGrantClaimed) == i);
  }
}

TEST_CASE("an emergency access at polkit is for one answer", "[polkit]") {
  Polkit world;
  Ask ask = world.action();
  ask.via = "alarm";
  ask.budget_s = 0;
  CHECK(world.said(world.submit(ask)) == "allow granted");
  CHECK(world.core->live_grants().empty());
  CHECK(world.said(world.submit(world.action())) == "pending approval-needed");
}

TEST_CASE("polkit's use of a grant is durable before the yes", "[polkit]") {
  Polkit world;
  const Conn waits = world.submit(world.action());
  world.disk = World::Disk::kHeld;
  world.vote(kBob, world.only_request());
  world.write_one();
  CHECK(world.heard(waits).decided.empty());
  SECTION("written") {
    const Conn other = world.submit(world.action());  // at the same moment
    world.write_one();
    CHECK(world.decided(waits).verdict == Verdict::kAllow);
    world.settle();
    CHECK(world.said(other) == "pending approval-needed");
  }
  SECTION("not written") {
    world.write_one(false);
    CHECK(world.decided(waits).cause == "unavailable");
    CHECK(world.decided(waits).verdict == Verdict::kDeny);
  }
  SECTION("nobody is there any more") {
    world.hangup(waits);
    world.settle();
    CHECK(world.heard(waits).decided.empty());
  }
  world.settle();
  CHECK(world.core->live_grants().empty());
  world.restart();
  CHECK(world.core->live_grants().empty());
}

}  // namespace jit::core_test
