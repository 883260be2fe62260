// SPDX-License-Identifier: Apache-2.0
// More time for a grant. Who asks for it is root already, so only what is signed counts.
#include "tests/core/emergency.h"

namespace jit::core_test {

TEST_CASE("more time is asked of the same people, and what runs goes on", "[extend]") {
  Emergency world;
  const Grant grant = world.active();
  world.pass_and_tick(600'000);
  const auto asked = world.extend(world.caller(kAlice), grant.id, 1200);
  CHECK(asked.error().empty());
  const Id id = asked.one().value.id;
  CHECK(asked.one().value.kind == RequestKind::kExtension);
  CHECK(world.extend(world.caller(kAlice), grant.id, 60).error() == "Limit");  // one at a time
  CHECK(world.vote(kAlice, id).error() == "Denied");
  SECTION("yes") {
    CHECK(world.carol(id).error().empty());
    CHECK(world.only_grant().id == grant.id);
    CHECK(world.only_grant().expires == grant.expires + 1'200'000);
    CHECK(world.held.grants.at(grant.id).expires == grant.expires + 1'200'000);
    CHECK(world.logged(events::kGrantExtended) == 1);
    world.pass_and_tick(grant.expires - world.now);
    CHECK(world.core->live_grants().size() == 1);
    world.restart();
    CHECK(world.core->live_grants().size() == 1);
    world.pass_and_tick(1'200'000);
    CHECK(world.core->live_grants().empty());
    CHECK(world.logged(events::kGrantEnded) == 1);
  }
  SECTION("for less") {
    CHECK(world.carol(id, 300).error().empty());
    CHECK(world.only_grant().expires == grant.expires + 300'000);
  }
  SECTION("no scope: it has one") {
    CHECK(world.carol(id, {}, "command").error() == "BadInput");
  }
  SECTION("no: it ends when it would have") {
    CHECK(world.vote(kCarol, id, false).error().empty());
    CHECK(world.only_grant().expires == grant.expires);
  }
  SECTION("nobody answers") {
    world.pass_and_tick(600'000);
    CHECK(world.held.requests.at(id).state == RequestState::kExpired);
    CHECK(world.core->live_grants().empty());
  }
  SECTION("it ends meanwhile") {
    CHECK(world.end(world.caller(kAlice), grant.id).error().empty());
    CHECK(world.carol(id).error() == "Ended");
    CHECK(world.core->live_grants().empty());
    CHECK(world.held.requests.at(id).state == RequestState::kCancelled);
  }
  SECTION("it ends while the yes is being written") {
    world.disk = World::Disk::kHeld;
    const auto yes = world.carol(id);
    world.pass_and_tick(grant.expires - world.now);
    world.settle();
    CHECK(world.core->live_grants().empty());
    CHECK(world.held.grants.at(grant.id).state == GrantState::kEnded);
  }
  SECTION("the yes cannot be written") {
    world.failing_writes = true;
    CHECK(world.carol(id).error() == "Unavailable");
    world.failing_writes = false;
    CHECK(world.only_grant().expires == grant.expires);
    CHECK(world.carol(id).error().empty());
    CHECK(world.only_grant().expires == grant.expires + 1'200'000);
  }
  SECTION("a use while the yes is being written keeps the new end") {
    Ask again = world.ask(kAlice);
    const Conn use = world.submit(again);
    CHECK(world.said(use) == "allow granted");
    world.disk = World::Disk::kHeld;
    const auto yes = world.carol(id);
    const Conn bind = world.bind(again);
    world.settle();
    CHECK(world.bound(bind).allow);
    CHECK(world.held.grants.at(grant.id).expires == grant.expires + 1'200'000);
  }
}

TEST_CASE("a denial of an approved extension ends the grant, after a restart, too", "[extend][D16]") {
  Emergency world;
  const Grant grant = world.active();
  const Id id = world.extend(world.caller(kAlice), grant.id, 600).one().value.id;
  CHECK(world.carol(id).error().empty());
  SECTION("") {}
  SECTION("") { world.restart(); }
  Ask as_alice = world.ask(kAlice);
  as_alice.subject.loginuid = kCarol;
  as_alice.subject.login_user = "carol";
  CHECK(world.said(world.submit(as_alice)) != "allow granted");  // carol approved more of it
  CHECK(world.vote(kBob, id, false).error().empty());
  CHECK(world.held.grants.at(grant.id).state == GrantState::kEnded);
}

TEST_CASE("who is inside the session is its owner", "[extend]") {
  Emergency world;
  const Grant grant = world.active();
  Caller inside = world.caller(kMallory);  // whatever user the grant gave
  inside.loginuid = kAlice;
  CHECK(world.extend(inside, grant.id, 60).error().empty());
  CHECK(world.end(inside, grant.id).error().empty());
}

TEST_CASE("who may ask for more, and of what", "[extend]") {
  Emergency world;
  const Grant grant = world.active();
  const auto inside = [&] {
    Caller out = world.caller(0);
    out.loginuid = kAlice;
    return out;
  };
  CHECK(world.extend(world.caller(kFrank), grant.id, 60).error() == "NotFound");
  CHECK(world.extend(world.caller(kBob), grant.id, 60).error() == "Denied");
  CHECK(world.extend(world.caller(0), grant.id, 60).error() == "Denied");
  CHECK(world.extend(inside(), grant.id, 60).error().empty());  // from the root shell itself
  SECTION("not one that is not in use") {
    world.submit(world.ask(kFrank));
    for (const Request* request : world.core->live_requests()) {
      if (request->extends.empty()) CHECK(world.vote(kBob, request->id).error().empty());
    }
    for (const Grant* one : world.core->live_grants()) {
      if (one->state == GrantState::kUnclaimed) CHECK(world.extend(world.caller(kFrank), one->id, 60).error() == "BadInput");
    }
  }
}

TEST_CASE("an approval gives at most the rule's longest anew, a login never more in all", "[extend]") {
  Emergency world;
  SECTION("sudo") {
    const Grant grant = world.active(kAlice, "limited");
    world.pass_and_tick(600'000);
    const auto asked = world.extend(world.caller(kAlice), grant.id, 7200);
    CHECK(asked.one().value.offer.give_s == 900);
    CHECK(world.vote(kCarol, asked.one().value.id).error().empty());
    CHECK(world.only_grant().expires == world.now + 900'000);
    Ask again = world.ask(kAlice, "limited");
    world.submit(again);
    const BindAnswer used = world.bound(world.bind(again));
    CHECK(used.end <= used.hard);
  }
  SECTION("ssh") {
    Ask login = world.login(kAlice);
    login.asked_s = 3600;
    world.submit(login);
    CHECK(world.vote(kBob, world.only_request()).error().empty());
    Ask again = world.login(kAlice);
    again.asked_s = 3600;
    CHECK(world.said(world.submit(again)) == "allow granted");
    CHECK(world.bound(world.bind(again)).allow);
    const Grant grant = world.only_grant();
    const auto asked = world.extend(world.caller(kAlice), grant.id, 28'800);
    CHECK(asked.error().empty());
    CHECK(world.vote(kCarol, asked.one().value.id).error().empty());
    CHECK(world.only_grant().expires == grant.starts + 28'800'000);
    CHECK(world.extend(world.caller(kAlice), grant.id, 60).error() == "Denied");
  }
}

TEST_CASE("an emergency access and one that nobody was asked for are not extended", "[extend]") {
  Emergency world;
  const Ask glass = world.glass();
  world.submit(glass);
  CHECK(world.bound(world.bind(glass)).allow);
  CHECK(world.extend(world.caller(kAlice), world.only_grant().id, 60).error() == "Denied");
  CHECK(world.end(world.caller(kAlice), world.only_grant().id).error().empty());
  const Ask free = world.ask(kAlice, "free");
  world.submit(free);
  CHECK(world.bound(world.bind(free)).allow);
  CHECK(world.extend(world.caller(kAlice), world.only_grant().id, 60).error() == "BadInput");
}

}  // namespace jit::core_test
