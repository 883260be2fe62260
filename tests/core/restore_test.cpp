// SPDX-License-Identifier: Apache-2.0
// What a new broker makes of what the disk holds.
#include "tests/core/world.h"

namespace jit::core_test {

TEST_CASE("restart in the same boot", "[restore]") {
  World world;
  const Ask detached = world.ask(kAlice);
  const Ask waits = world.ask(kFrank);
  const Ask approved = world.ask(kAlice, "two");
  const Ask active = world.ask(kFrank, "free");
  world.detach(world.submit(detached));
  const Id waiting_id = world.answer(world.submit(waits)).id;
  const Id approved_id = world.answer(world.submit(approved)).id;
  CHECK(world.vote(kBob, approved_id).error().empty());
  CHECK(world.vote(kCarol, approved_id).error().empty());
  world.submit(active);
  REQUIRE(world.bound(world.bind(active)).allow);
  world.restart();
  CHECK(world.core->live_requests().size() == 2);
  CHECK(world.core->live_grants().size() == 2);
  CHECK(world.core->votes_on(approved_id).size() == 2);
  SECTION("grants go on") {
    CHECK(world.said(world.submit(active)) == "allow granted");
    CHECK(world.bound(world.bind(active)).allow);
    CHECK(world.said(world.submit(approved)) == "allow granted");
    CHECK(world.bound(world.bind(approved)).allow);
  }
  SECTION("a hand-over does not: a yes is good for this broker only") {
    CHECK(world.bound(world.bind(active)).cause == "no-hand-over");
  }
  SECTION("a detached request goes on, one that waited has ten seconds") {
    world.pass_and_tick(9'999);
    CHECK(world.core->live_requests().size() == 2);
    world.pass_and_tick(1);
    CHECK(world.core->live_requests().size() == 1);
    CHECK(world.held.requests.at(waiting_id).state == RequestState::kCancelled);
    CHECK(world.said(world.submit(detached)) == "pending attached");
  }
  SECTION("one that waited can be voted on within the ten seconds") {
    CHECK(world.vote(kBob, waiting_id).error().empty());
    CHECK(world.held.requests.at(waiting_id).state == RequestState::kApproved);
    world.pass_and_tick(10'000);
    CHECK(world.said(world.submit(waits)) == "allow granted");
  }
  SECTION("limits count what was restored") {
    for (int i = 0; i < 7; ++i) {
      Ask more = world.ask(kAlice);
      more.argv.push_back(std::to_string(i));
      CHECK(world.said(world.submit(more)) == "pending approval-needed");
    }
    Ask more = world.ask(kAlice);
    more.argv.emplace_back("x");
    CHECK(world.said(world.submit(more)) == "deny limit");
  }
}

TEST_CASE("a database that was lost or put back: all that is open in it is void, in the same boot too", "[restore]") {
  World world;
  const Ask detached = world.ask(kAlice);
  const Ask approved = world.ask(kAlice, "two");
  const Ask active = world.ask(kFrank, "free");
  world.detach(world.submit(detached));
  const Id approved_id = world.answer(world.submit(approved)).id;
  CHECK(world.vote(kBob, approved_id).error().empty());
  CHECK(world.vote(kCarol, approved_id).error().empty());
  world.submit(active);
  REQUIRE(world.bound(world.bind(active)).allow);
  world.lost = {"behind", 7};
  world.restart();
  CHECK(world.core->live_requests().empty());
  CHECK(world.core->live_grants().empty());
  CHECK(world.logged(events::kRolledBack) == 1);
  CHECK(world.held.epoch == 7);
  for (const auto& [id, grant] : world.held.grants) {
    CHECK(grant.end == GrantEnd::kVoid);
    CHECK(grant.ended_why == "the log of this host was lost or put back");
  }
  CHECK(world.said(world.submit(approved)) == "pending approval-needed");
  CHECK(world.vote(kBob, approved_id).error() == "NotFound");
  world.restart();
  CHECK(world.logged(events::kRolledBack) == 1);
}

TEST_CASE("half a quorum survives a restart, and counts the same person once", "[restore]") {
  World world;
  const Ask ask = world.ask(kAlice, "two");
  const Conn conn = world.submit(ask);
  const Id id = world.only_request();
  world.detach(conn);
  CHECK(world.vote(kBob, id).error().empty());
  world.restart();
  CHECK(world.vote(kBob, id).error() == "BadInput");
  CHECK(world.vote(kBobAdm, id).error() == "BadInput");
  CHECK(world.vote(kCarol, id).error().empty());
  CHECK(world.held.requests.at(id).state == RequestState::kApproved);
}

TEST_CASE("a vote whose voter is not known any more does not count", "[restore]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice, "two"));
  const Id id = world.only_request();
  world.detach(conn);
  CHECK(world.vote(kBob, id).error().empty());
  world.restart();
  world.core->know_voter(kBob, nullptr);
  CHECK(world.vote(kCarol, id).error().empty());
  CHECK(world.held.requests.at(id).state == RequestState::kDetached);
  CHECK(world.vote(kErin, id).error().empty());
  CHECK(world.held.requests.at(id).state == RequestState::kApproved);
}

TEST_CASE("a vote is not that of another account that has its uid now", "[restore]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice, "two"));
  const Id id = world.only_request();
  world.detach(conn);
  CHECK(world.vote(kCarol, id).error().empty());
  policy::Identity dave = *world.who(kCarol);
  dave.user = "dave";
  const auto now = std::make_shared<const policy::Identity>(dave);
  Caller caller = world.caller(kCarol);
  caller.identity = now;
  SECTION("seen by the directory") { world.core->know_voter(kCarol, now); }
  SECTION("seen after a restart") {
    world.forget_voters = true;
    world.restart();
    world.core->know_voter(kCarol, now);
  }
  SECTION("seen when he tries to vote") {
    world.forget_voters = true;
    world.restart();
    CHECK(world.vote(caller, id, {true, {}, {}, ""}).error() == "Denied");
  }
  CHECK(world.vote(kBob, id).error().empty());
  CHECK(world.held.requests.at(id).state == RequestState::kDetached);
  CHECK(world.vote(kErin, id).error().empty());
  CHECK(world.held.requests.at(id).state == RequestState::kApproved);
}

TEST_CASE("a vote stays that of a person whose account is called otherwise now", "[restore]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice, "two"));
  const Id id = world.only_request();
  world.detach(conn);
  CHECK(world.vote(kBob, id).error().empty());
  policy::Identity renamed = *world.who(kBob);
  renamed.user = "bob-adm";
  world.core->know_voter(kBob, std::make_shared<const policy::Identity>(renamed));
  CHECK(world.vote(kCarol, id).error().empty());
  CHECK(world.held.requests.at(id).state == RequestState::kApproved);
}

TEST_CASE("narrowing survives a restart", "[restore]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice, "two"));
  const Id id = world.only_request();
  world.detach(conn);
  CHECK(world.vote(world.caller(kBob), id, {true, 60, policy::Scope::kCommand, ""}).error().empty());
  world.restart();
  CHECK(world.vote(kCarol, id).error().empty());
  CHECK(world.only_grant().lifetime_s == 60);
  CHECK(world.only_grant().scope == policy::Scope::kCommand);
}

TEST_CASE("another boot: requests are cancelled and grants void, in one transaction", "[restore]") {
  World world;
  const Ask waits = world.ask(kAlice);
  const Ask active = world.ask(kFrank, "free");
  const Id waiting = world.answer(world.submit(waits)).id;
  world.submit(active);
  REQUIRE(world.bound(world.bind(active)).allow);
  const Id approved = world.answer(world.submit(world.ask(kFrank))).id;
  CHECK(world.vote(kBob, approved).error().empty());
  const std::size_t before = world.held.entries.size();
  world.restart(true);
  CHECK(world.core->live_requests().empty());
  CHECK(world.core->live_grants().empty());
  CHECK(world.held.requests.at(waiting).state == RequestState::kCancelled);
  CHECK(world.held.requests.at(approved).state == RequestState::kApproved);
  for (const auto& [id, grant] : world.held.grants) {
    CHECK(grant.state == GrantState::kEnded);
    CHECK(grant.end == GrantEnd::kVoid);
  }
  CHECK(world.held.entries.size() == before + 4);  // one each, and the start
  CHECK(world.said(world.submit(world.ask(kFrank))) == "pending approval-needed");
  CHECK_FALSE(world.core->next_tick() == std::nullopt);
}

TEST_CASE("another boot on a disk that fails: nothing lives, and it is written later", "[restore]") {
  World world;
  const Id waiting = world.answer(world.submit(world.ask(kAlice))).id;
  world.submit(world.ask(kFrank, "free"));
  world.failing_writes = true;
  world.restart(true);
  CHECK(world.core->live_requests().empty());
  CHECK(world.core->live_grants().empty());
  world.failing_writes = false;
  world.pass_and_tick(1'000);
  CHECK(world.held.requests.at(waiting).state == RequestState::kCancelled);
  CHECK(world.held.grants.begin()->second.end == GrantEnd::kVoid);
}

TEST_CASE("what was due while the broker was away is done at once", "[restore]") {
  World world;
  const Ask ask = world.ask(kFrank, "free");
  const Id id = world.answer(world.submit(world.login(kAlice))).id;
  world.submit(ask);
  world.pass(601'000);
  world.restart();
  CHECK(world.said(world.submit(ask)) == "allow granted");  // a new grant: the old one was never claimed in time
  world.core->tick();
  world.settle();
  CHECK(world.held.requests.at(id).state == RequestState::kExpired);
  CHECK(world.held.grants.size() == 2);
  CHECK(world.core->live_grants().size() == 1);
}

TEST_CASE("a restart ends no claim by the groups of root, which the directory has not told yet", "[restore]") {
  World world;
  world.use(load_policy(std::string(kRules) + "[[guard]]\nid = \"services\"\nas = [\"group:services\"]\ndeny = \"not these\"\n"));
  Ask claim = world.ask(kAlice);
  claim.target_verified = false;
  const Id claimed = world.answer(world.submit(claim)).id;
  world.restart();
  CHECK(world.held.requests.at(claimed).state == RequestState::kPending);
  CHECK(world.vote(kBob, claimed).error().empty());
  CHECK(world.held.requests.at(claimed).state == RequestState::kApproved);
}

TEST_CASE("a vote for a claim waits until the groups of root are told", "[restore]") {
  World world;
  world.use(load_policy(std::string(kRules) + "[[guard]]\nid = \"services\"\nas = [\"group:services\"]\ndeny = \"not these\"\n"));
  Ask claim = world.ask(kAlice);
  claim.target_verified = false;
  const Id claimed = world.answer(world.submit(claim)).id;
  policy::Identity untold = *world.who(0);
  untold.groups_known = false;
  untold.groups_all = untold.groups_any = {};
  const auto root = std::make_shared<const policy::Identity>(untold);
  SECTION("and is cast again then") {
    world.forget_root = true;
    world.restart();
    SECTION("") {}
    SECTION("") { world.core->know_root(root); }
    CHECK(world.vote(kBob, claimed).error() == "Unavailable");
    CHECK(world.held.requests.at(claimed).state == RequestState::kPending);
    world.core->know_root(world.who(0));
  }
  SECTION("once told they stay known") { world.core->know_root(root); }
  SECTION("whoever asks meanwhile") {
    Ask other = world.ask(kFrank, "two");
    other.root = root;
    world.submit(other);
  }
  CHECK(world.vote(kBob, claimed).error().empty());
  CHECK(world.held.requests.at(claimed).state == RequestState::kApproved);
}

TEST_CASE("what the policy refuses since ends as soon as the groups of root are told", "[restore]") {
  World world;
  Ask claim = world.ask(kAlice);
  claim.target_verified = false;
  const Id claimed = world.answer(world.submit(claim)).id;
  world.policy = load_policy(std::string(kRules) + "[[guard]]\nid = \"services\"\nas = [\"group:root\"]\ndeny = \"not these\"\n");
  world.restart();
  CHECK(world.held.requests.at(claimed).state == RequestState::kCancelled);
}

TEST_CASE("the hourly limit goes on after a restart, of the broker and of the host", "[restore]") {
  struct Row {
    const char* name;
    bool new_boot;
    BootMs pass;
    std::size_t more;  // requests that are possible then
  };
  for (const Row& row : {Row{"at once", false, 0, 10}, {"at once, another boot", true, 0, 10},
                         {"half an hour later", false, 1'800'000, 10}, {"just within the hour", false, 3'599'999, 10},
                         {"an hour later", false, 3'600'000, 30}, {"an hour later, another boot", true, 3'600'000, 30}}) {
    INFO(row.name);
    World world;
    world.limits.requests_per_hour = 30;
    const auto ask_once = [&](int n) {
      Ask ask = world.ask(kAlice);
      ask.argv.push_back(std::to_string(n));
      const Conn conn = world.submit(ask);
      const std::string said = world.said(conn);
      if (world.answer(conn).verdict == Verdict::kPending) world.withdraw(conn);
      return said;
    };
    for (int n = 0; n < 20; ++n) CHECK(ask_once(n) == "pending approval-needed");
    world.pass_and_tick(row.pass);
    world.restart(row.new_boot);
    for (std::size_t n = 0; n < row.more; ++n) CHECK(ask_once(100 + static_cast<int>(n)) == "pending approval-needed");
    CHECK(ask_once(999) == "deny limit");
    world.restart();
    CHECK(ask_once(999) == "deny limit");
  }
}

TEST_CASE("what was asked by who came here as somebody else counts for both after a restart; the future counts not", "[restore]") {
  World world;
  State state;
  for (std::uint32_t n = 0; n < 30; ++n) {
    state.asked.push_back({kFrank, kAlice, world.boot, world.now - n, world.wall() - n});
    state.asked.push_back({kErin, policy::kNoUid, "another boot", 1, world.wall() + 1'000 + n});
  }
  world.core->restore(std::move(state), {});
  world.settle();
  CHECK(world.said(world.submit(world.ask(kFrank))) == "deny limit");
  CHECK(world.said(world.submit(world.ask(kAlice))) == "deny limit");
  CHECK(world.said(world.submit(world.ask(kErin))) == "pending approval-needed");
}

}  // namespace jit::core_test
