// SPDX-License-Identifier: Apache-2.0
// What was told to have ended stays ended, even where the store could not take it and the broker was started again.
#include <algorithm>

#include "tests/core/world.h"

namespace jit::core_test {

namespace {

// alice and frank each with a grant in use.
struct Two {
  World world;
  Ask alice = world.ask(kAlice, "free");
  Ask frank = world.ask(kFrank, "free");
  Id id;  // of alice's
  Two() {
    world.submit(alice);
    REQUIRE(world.bound(world.bind(alice)).allow);
    id = world.only_grant().id;
    world.submit(frank);
    REQUIRE(world.bound(world.bind(frank)).allow);
  }
  // For this user, free of every grant but the one that was given before.
  bool uses(const Ask& ask) {
    if (world.core->live_grants().empty()) return false;
    const Conn conn = world.submit(ask);
    return world.answer(conn).cause == "granted" && world.bound(world.bind(ask)).allow;
  }
  bool lives(const Id& grant) const {
    return std::ranges::any_of(world.core->live_grants(), [&](const Grant* one) { return one->id == grant; });
  }
};

}  // namespace

TEST_CASE("an end on a full disk survives a restart of the broker", "[tombstone]") {
  struct Row {
    const char* name;
    bool revoked;
    bool room_before_restart;
    GrantEnd end;
  };
  for (const Row& row : {Row{"revoked", true, false, GrantEnd::kRevoked}, {"returned", false, false, GrantEnd::kReturned},
                         {"revoked, and there is room", true, true, GrantEnd::kRevoked}}) {
    INFO(row.name);
    Two two;
    World& world = two.world;
    world.failing_writes = true;
    const std::string error = row.revoked ? world.revoke(world.caller(0), {two.id.text(), {}, {}, false}).error()
                                          : world.end(world.caller(kAlice), two.id).error();
    CHECK(error == "Unavailable");
    CHECK(world.graves == std::vector<Tombstone>{{two.id, row.end}});
    world.failing_writes = !row.room_before_restart;
    world.restart();
    CHECK_FALSE(two.lives(two.id));
    CHECK(world.core->live_grants().size() == 1);  // frank's goes on
    CHECK(world.graves->size() == (row.room_before_restart ? 0 : 1));
    world.restart();  // and again, from what the first one left
    CHECK_FALSE(two.lives(two.id));
    world.failing_writes = false;
    world.pass_and_tick(1'000);
    CHECK(world.held.grants.at(two.id).end == row.end);
    CHECK(world.logged(events::kGrantEnded) == 1);
    CHECK(world.graves->empty());  // the disk holds it
    CHECK(world.core->ends_are_safe());
    CHECK(two.uses(two.frank));
  }
}

TEST_CASE("a denial after use on a full disk survives a restart", "[tombstone]") {
  World world;
  const Ask ask = world.ask(kAlice);
  world.submit(ask);
  const Id request = world.only_request();
  CHECK(world.vote(kBob, request).error().empty());
  REQUIRE(world.bound(world.bind(ask)).allow);
  world.failing_writes = true;
  CHECK(world.vote(kCarol, request, false).error() == "Unavailable");
  world.failing_writes = false;
  world.restart();
  CHECK(world.core->live_grants().empty());
  CHECK(world.said(world.submit(ask)) == "pending approval-needed");
}

TEST_CASE("a request that was denied or cancelled on a full disk is not asked again after a restart", "[tombstone]") {
  for (const bool denied : {true, false}) {
    INFO(denied);
    World world;
    world.submit(world.login(kAlice));
    const Id request = world.only_request();
    world.failing_writes = true;
    if (denied) CHECK(world.vote(kBob, request, false).error() == "Unavailable");
    if (!denied) CHECK(world.cancel(world.caller(kAlice), request).error() == "Unavailable");
    world.failing_writes = false;
    world.restart();
    CHECK(world.core->live_requests().empty());
    CHECK(world.vote(kCarol, request).error() == "NotFound");
    CHECK(world.held.requests.at(request).state == (denied ? RequestState::kDenied : RequestState::kCancelled));
    CHECK(world.graves->empty());
  }
}

TEST_CASE("an end that is written nowhere stops every grant until it is", "[tombstone]") {
  for (const bool grave_first : {true, false}) {
    INFO(grave_first);
    Two two;
    World& world = two.world;
    CHECK(world.said(world.submit(two.frank)) == "allow granted");
    world.failing_writes = world.failing_graves = true;
    CHECK(world.revoke(world.caller(0), {two.id.text(), {}, {}, false}).error() == "Unavailable");
    CHECK_FALSE(world.core->ends_are_safe());
    CHECK_FALSE(world.graves);  // what a new broker finds voids everything
    // Another write shows that the disk is well again: it does not hold the end yet.
    world.disk = World::Disk::kHeld;
    world.core->note("policy.loaded", "policy", "x");
    world.write_one(true);
    CHECK_FALSE(world.failing());
    CHECK(world.bound(world.bind(two.frank)).cause == "unavailable");
    world.write_one(true);
    Ask again = two.frank;
    const Conn used = world.submit(again);
    world.settle();
    CHECK(world.said(used) == "deny unavailable");
    const Conn fresh = world.submit(world.ask(kBob, "free"));
    world.failing_writes = false;
    world.settle();
    CHECK(world.said(fresh) == "deny unavailable");
    world.disk = World::Disk::kPrompt;
    (grave_first ? world.failing_graves : world.failing_writes) = false;
    world.failing_writes = grave_first;
    world.pass_and_tick(1'000);
    CHECK(world.core->ends_are_safe());
    world.failing_writes = world.failing_graves = false;
    world.pass_and_tick(1'000);
    world.pass_and_tick(1'000);
    CHECK(world.held.grants.at(two.id).end == GrantEnd::kRevoked);
    CHECK(world.graves == std::vector<Tombstone>{});
    CHECK(two.uses(two.frank));
  }
}

TEST_CASE("a restart while an end is written nowhere voids all, and says so", "[tombstone]") {
  Two two;
  World& world = two.world;
  world.submit(world.login(kErin));
  const Id request = world.only_request();
  world.failing_writes = world.failing_graves = true;
  CHECK(world.revoke(world.caller(0), {two.id.text(), {}, {}, false}).error() == "Unavailable");
  world.failing_writes = false;
  world.restart();
  CHECK(world.core->live_grants().empty());
  CHECK(world.core->live_requests().empty());
  CHECK(world.held.requests.at(request).state == RequestState::kCancelled);
  for (const auto& [id, grant] : world.held.grants) CHECK(grant.end == GrantEnd::kVoid);
  CHECK(world.logged(events::kEndsLost) == 1);
  // The record still cannot be made: the next end is written in the store, so nothing is denied.
  CHECK(two.world.said(world.submit(two.frank)) == "allow granted");
  world.failing_graves = false;
  world.pass_and_tick(1'000);
  CHECK(world.graves == std::vector<Tombstone>{});
  world.restart();
  CHECK(world.core->live_grants().size() == 1);
  CHECK(world.logged(events::kEndsLost) == 1);
}

TEST_CASE("an unreadable record voids the grants of this boot, and no record of a restart that could not write does less", "[tombstone]") {
  Two two;
  World& world = two.world;
  world.graves.reset();
  world.failing_writes = true;
  world.restart();
  CHECK(world.core->live_grants().empty());
  CHECK(world.graves != std::vector<Tombstone>{});  // a broker that finds an empty one would bring them back
  world.restart();
  CHECK(world.core->live_grants().empty());
  world.failing_writes = false;
  world.pass_and_tick(1'000);
  CHECK(world.held.grants.at(two.id).end == GrantEnd::kVoid);
  CHECK(world.graves == std::vector<Tombstone>{});
}

TEST_CASE("the first start of a boot has no record, and makes one quietly", "[tombstone]") {
  Two two;
  World& world = two.world;
  world.graves.reset();
  world.restart(true);
  CHECK(world.graves == std::vector<Tombstone>{});
  CHECK(world.logged(events::kEndsLost) == 0);
  CHECK(world.core->live_grants().empty());
}

TEST_CASE("ends that are written touch no tombstone", "[tombstone]") {
  Two two;
  World& world = two.world;
  world.failing_graves = true;
  CHECK(world.revoke(world.caller(0), {{}, {}, {}, true}).error().empty());
  CHECK(world.core->ends_are_safe());
  CHECK(world.graves == std::vector<Tombstone>{});
}

}  // namespace jit::core_test
