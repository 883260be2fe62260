// SPDX-License-Identifier: Apache-2.0
// One entry for each change, of the right type, in the same transaction; floods of denials are counted.
#include <nlohmann/json.hpp>

#include "tests/core/world.h"

namespace jit::core_test {

namespace {

using Types = std::vector<std::string>;

std::size_t denials_counted(const World& world) {
  std::size_t count = 0;
  for (const AuditEntry& entry : world.held.entries) {
    if (entry.type != events::kAccessDenied) continue;
    const auto fields = nlohmann::json::parse(entry.fields);
    count += fields.value("repeated", std::size_t{1});
  }
  return count;
}

}  // namespace

TEST_CASE("the entries of each story", "[audit]") {
  World world;
  const Ask ask = world.ask(kAlice);
  SECTION("approved, used twice, given back") {
    world.submit(ask);
    world.vote(kBob, world.only_request());
    world.bind(ask);
    world.submit(ask);
    world.bind(ask);
    world.end(world.caller(kAlice), world.only_grant().id);
    CHECK(world.types() == Types{"request.created", "vote.cast", "request.approved", "grant.created", "grant.claimed",
                                 "grant.used", "grant.ended"});
  }
  SECTION("allowed") {
    const Ask free = world.ask(kAlice, "free");
    world.submit(free);
    world.bind(free);
    CHECK(world.types() == Types{"grant.created", "grant.claimed"});
  }
  SECTION("denied by a vote") {
    world.submit(ask);
    world.vote(kBob, world.only_request(), false);
    CHECK(world.types() == Types{"request.created", "vote.cast", "request.denied"});
  }
  SECTION("denied after the approval") {
    world.submit(ask);
    const Id id = world.only_request();
    world.vote(kBob, id);
    world.vote(kCarol, id, false);
    CHECK(world.types() ==
          Types{"request.created", "vote.cast", "request.approved", "grant.created", "vote.cast", "grant.ended"});
  }
  SECTION("left, taken up, expired") {
    world.detach(world.submit(ask));
    world.submit(ask);
    world.pass_and_tick(600'000);
    CHECK(world.types() == Types{"request.created", "request.detached", "request.attached", "request.expired"});
  }
  SECTION("hung up") {
    world.hangup(world.submit(ask));
    CHECK(world.types() == Types{"request.created", "request.cancelled"});
  }
  SECTION("a vote that is refused leaves nothing") {
    world.submit(ask);
    world.vote(kMallory, world.only_request());
    world.vote(kAlice, world.only_request());
    CHECK(world.types() == Types{"request.created"});
  }
  SECTION("needs more text: nothing is stored") {
    world.submit(world.ask(kAlice, "why"));
    CHECK(world.types().empty());
  }
  SECTION("already root") {
    Ask root = ask;
    root.real_uid = 0;
    world.submit(root);
    CHECK(world.types() == Types{"access.already-root"});
  }
  SECTION("refused") {
    world.submit(world.ask(kMallory));
    CHECK(world.types() == Types{"access.denied"});
  }
  SECTION("refused at Bind") {
    world.submit(ask);
    world.vote(kBob, world.only_request());
    BindAsk bind = World::bind_ask(ask);
    bind.user = world.who(kBob);
    world.bind_with(bind);
    CHECK(world.types().back() == "access.denied");
    CHECK(world.types().size() == 5);
  }
  SECTION("ahead of time, allowed") {
    world.create(kAlice, world.ask(kAlice, "free"));
    CHECK(world.types() == Types{"request.created", "grant.created"});
  }
  SECTION("a restart") {
    world.submit(ask);
    world.restart(true);
    CHECK(world.types() == Types{"request.created", "request.cancelled", "broker.started"});
  }
  CHECK(world.told_entries.size() == world.held.entries.size());
}

TEST_CASE("a flood of one denial is one entry and a count", "[audit]") {
  World world;
  for (int i = 0; i < 1'000; ++i) world.submit(world.ask(kMallory));
  CHECK(world.held.entries.size() == 1);
  world.submit(world.ask(kAlice, "nothing"));  // another uid
  Ask su = world.ask(kMallory);
  su.door = policy::Door::kSu;
  world.submit(su);  // another door
  su.door = policy::Door::kLogin;
  world.submit(su);  // another cause
  CHECK(world.held.entries.size() == 4);
  world.pass_and_tick(60'000);
  CHECK(world.held.entries.size() == 5);
  CHECK(denials_counted(world) == 1'003);
  CHECK(world.core->next_tick() == std::nullopt);
  world.submit(world.ask(kMallory));
  CHECK(world.held.entries.size() == 6);
}

TEST_CASE("no denial is lost where the clock was not looked at between two windows", "[audit]") {
  World world;
  for (int i = 0; i < 10; ++i) world.submit(world.ask(kMallory));
  world.pass(61'000);
  for (int i = 0; i < 10; ++i) world.submit(world.ask(kMallory));
  world.pass_and_tick(61'000);
  CHECK(denials_counted(world) == 20);
}

TEST_CASE("the first denial after a failing disk shows that it works again", "[audit]") {
  World world;
  const Ask ask = world.ask(kAlice, "free");
  world.submit(ask);
  REQUIRE(world.bound(world.bind(ask)).allow);
  world.failing_writes = true;
  world.core->note("policy.loaded", "policy", "x");
  world.settle();
  for (int i = 0; i < 3; ++i) CHECK(world.said(world.submit(ask)) == "deny unavailable");
  world.failing_writes = false;
  world.submit(ask);
  CHECK(world.said(world.submit(ask)) == "allow granted");
}

TEST_CASE("what people typed is escaped in every entry", "[audit]") {
  World world;
  Ask ask = world.ask(kAlice, "why");
  ask.argv = {"sudo", "a\nb", "\x1b[31m", "\xff\xfe", std::string("nul\0!", 5)};
  ask.cwd = "/home/\x9b";
  ask.reason = "please\r\n{\"x\":1}\xe2\x80\xae";
  ask.service = "sudo\n";
  ask.subject.tty = "pts/\x07";
  world.submit(ask);
  world.vote(world.caller(kBob), world.only_request(), {false, {}, {}, "no\nway \x1b]52;c;x\x07"});
  Ask denied = ask;
  denied.target = world.ask(kAlice, "nothing").target;
  world.submit(denied);
  CHECK(world.held.entries.size() == 4);
  for (const AuditEntry& entry : world.held.entries) {
    INFO(entry.fields);
    for (const char c : entry.fields) CHECK((c >= 32 && c < 127));
    const auto fields = nlohmann::json::parse(entry.fields);
    CHECK(fields.dump() == entry.fields);  // sorted, canonical
  }
}

}  // namespace jit::core_test
