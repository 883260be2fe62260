// SPDX-License-Identifier: Apache-2.0
// A broker that was restarted is rejoined with the secret: within ten seconds, or behind the question that a person stands at.
#include "tests/core/world.h"

namespace jit::core_test {

TEST_CASE("resume after a restart", "[resume]") {
  World world;
  const Ask ask = world.ask(kAlice);
  const Answer told = world.answer(world.submit(ask));
  world.restart();
  CHECK(world.core->waiting() == 0);
  SECTION("with the secret") {
    world.pass_and_tick(9'999);
    const Conn conn = world.resume(told.id, told.secret);
    CHECK(world.said(conn) == "pending resumed");
    CHECK(world.core->waiting() == 1);
    world.pass_and_tick(60'000);
    CHECK(world.core->live_requests().size() == 1);
    CHECK(world.vote(kBob, told.id).error().empty());
    CHECK(world.decided(conn).verdict == Verdict::kAllow);
    CHECK(world.bound(world.bind(ask)).allow);
    CHECK(world.only_grant().terminal == ask.subject.terminal);
  }
  SECTION("with a wrong secret") {
    std::string wrong = told.secret;
    wrong[0] = wrong[0] == 'a' ? 'b' : 'a';
    for (const std::string& secret : {wrong, std::string(), told.secret.substr(1), told.secret + "a",
                                      world.held.requests.at(told.id).secret_hash}) {
      const Conn conn = world.resume(told.id, secret);
      CHECK(world.said(conn) == "deny gone");
    }
    CHECK(world.core->waiting() == 0);
  }
  SECTION("of a request that is not there: the same answer") {
    Id other = told.id;
    other.bytes[15] ^= 1;
    CHECK(world.said(world.resume(other, told.secret)) == "deny gone");
    CHECK(world.said(world.resume(Id{}, "")) == "deny gone");
  }
  SECTION("too late") {
    world.pass_and_tick(10'000);
    CHECK(world.said(world.resume(told.id, told.secret)) == "deny gone");
    CHECK(world.held.requests.at(told.id).state == RequestState::kCancelled);
  }
  SECTION("too late, before the clock was looked at") {
    world.pass(10'000);
    CHECK(world.said(world.resume(told.id, told.secret)) == "deny gone");
  }
  SECTION("a second time: the last one waits") {
    const Conn first = world.resume(told.id, told.secret);
    const Conn second = world.resume(told.id, told.secret);
    CHECK(world.said(second) == "pending resumed");
    world.hangup(first);
    CHECK(world.core->live_requests().size() == 1);
    CHECK(world.vote(kBob, told.id).error().empty());
    CHECK(world.heard(first).decided.empty());
    CHECK(world.decided(second).verdict == Verdict::kAllow);
  }
  SECTION("an equal attempt cannot take it over meanwhile") {
    CHECK(world.said(world.submit(ask)) == "deny duplicate");
  }
  SECTION("hang-up afterwards cancels") {
    world.hangup(world.resume(told.id, told.secret));
    CHECK(world.held.requests.at(told.id).state == RequestState::kCancelled);
  }
}

TEST_CASE("who may stand at the question before the wait comes back after it", "[resume]") {
  World world;
  Ask ask = world.login(kAlice);
  ask.budget_s = 90;
  const Answer told = world.answer(world.submit(ask));
  world.restart();
  CHECK(world.said(world.submit(ask)) == "deny duplicate");
  world.pass(10'000);
  CHECK(world.said(world.resume(told.id, told.secret)) == "pending resumed");
  world.restart();
  world.pass_and_tick(500'000);
  REQUIRE(world.core->live_requests().size() == 1);
  const Conn conn = world.resume(told.id, told.secret);
  CHECK(world.said(conn) == "pending resumed");
  world.hangup(conn);
  CHECK(world.held.requests.at(told.id).state == RequestState::kCancelled);
}

TEST_CASE("who does not come back from the question", "[resume]") {
  World world;
  Ask ask = world.login(kAlice);
  ask.budget_s = 90;
  const Answer told = world.answer(world.submit(ask));
  world.restart();
  world.pass_and_tick(10'000);
  SECTION("finds what was approved meanwhile") {
    CHECK(world.vote(kBob, told.id).error().empty());
    CHECK(world.said(world.resume(told.id, told.secret)) == "allow granted");
  }
  SECTION("keeps nobody out who asks the same again") {
    CHECK(world.said(world.submit(ask)) == "pending attached");
    CHECK(world.said(world.resume(told.id, told.secret)) == "deny gone");
  }
  SECTION("leaves it to its deadline") {
    world.pass_and_tick(590'000);
    CHECK(world.held.requests.at(told.id).state == RequestState::kExpired);
  }
}

TEST_CASE("resume in another boot", "[resume]") {
  World world;
  const Answer told = world.answer(world.submit(world.ask(kAlice)));
  world.restart(true);
  CHECK(world.said(world.resume(told.id, told.secret)) == "deny gone");
  CHECK(world.held.requests.at(told.id).state == RequestState::kCancelled);
}

TEST_CASE("resume of one approved meanwhile", "[resume]") {
  World world;
  const Ask ask = world.ask(kAlice);
  const Answer told = world.answer(world.submit(ask));
  CHECK(world.vote(kBob, told.id).error().empty());  // and the broker dies before Decided arrived
  world.restart();
  CHECK(world.said(world.resume(told.id, told.secret)) == "allow granted");
  CHECK(world.core->waiting() == 0);
  CHECK(world.bound(world.bind(ask)).allow);
}

TEST_CASE("resume of one approved asks the policy as any use does", "[resume]") {
  World world;
  const Answer told = world.answer(world.submit(world.ask(kAlice)));
  CHECK(world.vote(kBob, told.id).error().empty());
  world.restart();
  SECTION("a guard denies by now") {
    world.use(load_policy(rules_with("[[permit]]\nid = \"root\"\n",
                                     "[[guard]]\nid = \"g\"\nwho = [\"set:staff\"]\ndeny = \"freeze\"\n[[permit]]\nid = \"root\"\n")));
    CHECK(world.said(world.resume(told.id, told.secret)) == "deny policy");
  }
  SECTION("its permit is gone") {
    world.use(load_policy(rules_with("id = \"root\"", "id = \"other\"")));
    CHECK(world.said(world.resume(told.id, told.secret)) == "deny policy");
  }
  SECTION("no policy is in force") {
    world.use(nullptr);
    CHECK(world.said(world.resume(told.id, told.secret)) == "deny no-policy");
  }
  SECTION("nothing can be written") {
    world.failing_writes = true;
    world.core->note("policy.loaded", "policy", "x");
    world.settle();
    CHECK(world.said(world.resume(told.id, told.secret)) == "deny unavailable");
  }
  SECTION("its time to be claimed is over") {
    world.pass(world.only_grant().claim_until - world.now);
    CHECK(world.said(world.resume(told.id, told.secret)) == "deny gone");
  }
  CHECK(world.bound(world.bind(world.ask(kAlice))).cause == "no-hand-over");
}

TEST_CASE("resume of one approved and revoked meanwhile", "[resume]") {
  World world;
  const Answer told = world.answer(world.submit(world.ask(kAlice)));
  CHECK(world.vote(kBob, told.id).error().empty());
  world.restart();
  CHECK(world.revoke(world.caller(0), {{}, {}, {}, true}).error().empty());
  CHECK(world.said(world.resume(told.id, told.secret)) == "deny gone");
}

TEST_CASE("resume behind a commit under way", "[resume]") {
  World world;
  const Ask ask = world.ask(kAlice);
  const Answer told = world.answer(world.submit(ask));
  world.restart();
  world.disk = World::Disk::kHeld;
  SECTION("an approval") {
    world.vote(kBob, told.id);
    const Conn conn = world.resume(told.id, told.secret);
    CHECK(world.silent(conn));
    world.settle();
    CHECK(world.said(conn) == "allow granted");
    CHECK(world.heard(conn).decided.empty());
  }
  SECTION("an approval that fails") {
    world.vote(kBob, told.id);
    const Conn conn = world.resume(told.id, told.secret);
    world.write_one(false);
    CHECK(world.said(conn) == "pending resumed");
  }
  SECTION("a denial") {
    world.vote(kBob, told.id, false);
    const Conn conn = world.resume(told.id, told.secret);
    world.settle();
    CHECK(world.said(conn) == "deny gone");
  }
  SECTION("and a hang-up") {
    world.vote(kBob, told.id);
    const Conn conn = world.resume(told.id, told.secret);
    world.hangup(conn);
    world.settle();
    CHECK(world.silent(conn));
    CHECK(world.core->waiting() == 0);
  }
}

TEST_CASE("a detached request is attached, not resumed", "[resume]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice));
  const Answer told = world.answer(conn);
  world.detach(conn);
  CHECK(world.said(world.resume(told.id, told.secret)) == "deny gone");
  CHECK(world.core->waiting() == 0);
  // A request without a secret has none to guess.
  const Conn kept = world.submit(world.login(kAlice));
  CHECK(world.said(world.resume(world.answer(kept).id, "")) == "deny gone");
}

}  // namespace jit::core_test
