// SPDX-License-Identifier: Apache-2.0
// An emergency access whose rule names channels: it begins when one of them has word of it, or 10 s later.
#include "tests/core/emergency.h"

namespace jit::core_test {
namespace {

struct Untold : Emergency {
  Untold() {
    std::string rules = kRules + kEmergencies;
    const std::string from = R"("review:1d"])";
    rules.replace(rules.find(from), from.size(), R"("review:1d", "notify:ops", "notify:pager"])");
    use(load_policy(rules));
    core->use_notifier([] { return true; });
  }
  const Request& request() const {
    REQUIRE(held.requests.size() == 1);
    return held.requests.begin()->second;
  }
};

}  // namespace

TEST_CASE("an emergency access waits for a channel and goes on when one has word of it", "[emergency]") {
  Untold world;
  const Ask ask = world.glass();
  const Conn conn = world.submit(ask);
  CHECK(world.said(conn) == "pending telling");
  CHECK(world.answer(conn).text == std::vector<std::string>{"jit: telling ops, pager of this emergency access; it goes on within 10 s"});
  CHECK(world.answer(conn).deadline_s == 10);
  CHECK(world.request().state == RequestState::kApproved);  // durable, and told to approvers, before anybody waits
  CHECK(world.told_requests.size() == 1);
  CHECK_FALSE(world.bound(world.bind(ask)).allow);
  world.pass_and_tick(9'999);
  CHECK(world.heard(conn).decided.empty());
  world.acknowledge(world.request(), "pager");
  CHECK(world.decided(conn).verdict == Verdict::kAllow);
  CHECK(world.decided(conn).text == std::vector<std::string>{"jit: pager has been told"});
  CHECK(world.bound(world.bind(ask)).allow);
  CHECK(world.logged(events::kNotifyAcknowledged) == 1);
  world.pass_and_tick(60'000);
  CHECK(world.logged(events::kNotifyUnsent) == 0);
  CHECK(world.heard(conn).decided.size() == 1);
}

TEST_CASE("an emergency access that nobody takes word of goes on after 10 s, and that is shown and logged", "[emergency]") {
  Untold world;
  const Ask ask = world.glass();
  const Conn conn = world.submit(ask);
  world.pass_and_tick(10'000);
  CHECK(world.decided(conn).verdict == Verdict::kAllow);
  REQUIRE(world.decided(conn).text.size() == 1);
  CHECK(world.decided(conn).text[0].starts_with("jit: unsent: no message to ops, pager has got through yet"));
  CHECK(world.logged(events::kNotifyUnsent) == 1);
  CHECK(world.bound(world.bind(ask)).allow);
  // It is told later, and that is logged, too.
  world.acknowledge(world.request(), "ops");
  CHECK(world.logged(events::kNotifyAcknowledged) == 1);
  CHECK(world.heard(conn).decided.size() == 1);
}

TEST_CASE("who cannot wait for a channel does not", "[emergency]") {
  struct Row {
    std::uint32_t budget_s;
    const char* said;
    BootMs until;
  };
  for (const Row& row : {Row{0, "allow granted", 0}, Row{2, "allow granted", 0}, Row{5, "pending telling", 3'000}, Row{600, "pending telling", 10'000}}) {
    CAPTURE(row.budget_s);
    Untold world;
    Ask ask = world.glass();
    ask.budget_s = row.budget_s;
    const Conn conn = world.submit(ask);
    CHECK(world.said(conn) == row.said);
    if (row.until > 0) {
      world.pass_and_tick(row.until - 1);
      CHECK(world.heard(conn).decided.empty());
      world.pass_and_tick(1);
      CHECK(world.decided(conn).verdict == Verdict::kAllow);
    }
    // The log's moment is the same for every door.
    if (row.until < 10'000) {
      world.pass_and_tick(9'999 - row.until);
      CHECK(world.logged(events::kNotifyUnsent) == 0);
      world.pass_and_tick(1);
    }
    CHECK(world.logged(events::kNotifyUnsent) == 1);
  }
}

TEST_CASE("who leaves, or loses the emergency access, before a channel has word of it is handed nothing", "[emergency]") {
  Untold world;
  const Ask ask = world.glass();
  const Conn conn = world.submit(ask);
  SECTION("he hangs up") {
    world.hangup(conn);
    world.acknowledge(world.request(), "ops");
    CHECK(world.heard(conn).decided.empty());
    CHECK_FALSE(world.bound(world.bind(ask)).allow);
    CHECK(world.said(world.submit(ask)) == "allow granted");  // the grant is his still
  }
  SECTION("it is revoked") {
    CHECK(world.end(world.caller(kAlice), world.only_grant().id).error().empty());
    world.pass_and_tick(10'000);
    CHECK(world.decided(conn).verdict == Verdict::kDeny);
    CHECK(world.decided(conn).cause == "ended");
    CHECK_FALSE(world.bound(world.bind(ask)).allow);
  }
  SECTION("the broker starts anew: what was granted is taken up") {
    const std::string secret = world.answer(conn).secret;
    world.restart();
    CHECK(world.said(world.resume(world.request().id, secret)) == "allow granted");
    CHECK(world.bound(world.bind(ask)).allow);
  }
  SECTION("another secret is none") { CHECK(world.said(world.resume(world.request().id, "x")) == "deny gone"); }
}

TEST_CASE("a restart of the broker does not end the wait for a channel's word", "[emergency]") {
  Untold world;
  const Ask ask = world.glass();
  world.submit(ask);
  world.pass_and_tick(5'000);
  std::size_t unsent = 0;
  SECTION("nobody takes word of it") {
    world.restart();
    world.pass_and_tick(9'999);
    CHECK(world.logged(events::kNotifyUnsent) == 0);
    world.pass_and_tick(1);
    unsent = 1;
  }
  SECTION("nobody takes word of it, and what was given has ended meanwhile") {
    CHECK(world.end(world.caller(kAlice), world.only_grant().id).error().empty());
    world.restart();
    world.pass_and_tick(10'000);
    unsent = 1;
  }
  SECTION("a channel takes it afterwards") {
    world.restart();
    world.acknowledge(world.request(), "ops");
    world.pass_and_tick(10'000);
  }
  SECTION("a channel took it before") {
    world.acknowledge(world.request(), "ops");
  }
  CHECK(world.logged(events::kNotifyUnsent) == unsent);
  world.restart();
  world.pass_and_tick(10'000);
  CHECK(world.logged(events::kNotifyUnsent) == unsent);
  world.restart(true);
  world.pass_and_tick(10'000);
  CHECK(world.logged(events::kNotifyUnsent) == unsent);
}

TEST_CASE("an emergency access ahead of time says whether it was told", "[emergency]") {
  Untold world;
  Ask ask = world.glass();
  SECTION("told") {
    const auto made = world.create(kAlice, ask);
    CHECK_FALSE(made.called());
    world.acknowledge(world.request(), "ops");
    CHECK(made.one().message == "ops has been told");
  }
  SECTION("unsent") {
    const auto made = world.create(kAlice, ask);
    world.pass_and_tick(10'000);
    CHECK(made.error().empty());
    CHECK(made.one().message.starts_with("unsent: "));
  }
  SECTION("revoked meanwhile") {
    const auto made = world.create(kAlice, ask);
    CHECK(world.end(world.caller(kAlice), world.only_grant().id).error().empty());
    world.pass_and_tick(10'000);
    CHECK(made.error() == "Ended");
  }
  SECTION("for later there is time") {
    ask.not_before = world.now + 60'000;
    const auto made = world.create(kAlice, ask);
    CHECK(made.error().empty());
    CHECK(made.one().message.empty());
    world.pass_and_tick(10'000);
    CHECK(world.logged(events::kNotifyUnsent) == 1);
  }
}

TEST_CASE("an emergency access that people are asked for, too, is theirs to give", "[emergency]") {
  Untold world;
  std::string rules = kRules + kEmergencies;
  const std::string from = R"("review:1d"])";
  rules.replace(rules.find(from), from.size(), R"("review:1d", "notify:ops"])");
  world.use(load_policy(rules + "[[guard]]\nid = \"two-of-us\"\nwho = [\"set:staff\"]\ndoor = [\"sudo\"]\nas = [\"user:root\"]\napproval = \"one\"\n"));
  const auto made = world.create(kAlice, world.glass());
  CHECK(made.one().value.state == RequestState::kDetached);
  CHECK(made.one().message.empty());
  world.pass_and_tick(10'000);
  CHECK(world.logged(events::kNotifyUnsent) == 0);
}

}  // namespace jit::core_test
