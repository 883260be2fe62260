// SPDX-License-Identifier: Apache-2.0
// The policy changes under a waiting request: its terms get tighter or it ends; never easier.
#include "tests/core/world.h"

namespace jit::core_test {

namespace {

const std::string kTwoNow = "approval = \"two\"\ngive = \"15m\"";

struct Change {
  const char* name;
  std::string from;
  std::string to;
  bool ends;
};

std::vector<Change> changes() {
  const std::string root = "id = \"root\"\n";
  return {
      {"nothing", root, root, false},
      {"shorter", "give = \"15m\"\nmax = \"1h\"\nscope = \"tty\"\n[[permit]]\nid = \"free\"",
       "give = \"5m\"\nmax = \"10m\"\nscope = \"command\"\n[[permit]]\nid = \"free\"", false},
      {"longer", "give = \"15m\"\nmax = \"1h\"\nscope = \"tty\"\n[[permit]]\nid = \"free\"",
       "give = \"2h\"\nmax = \"8h\"\nscope = \"session\"\n[[permit]]\nid = \"free\"", false},
      {"fewer people", "approval = \"one\"\ngive = \"15m\"", "give = \"15m\"", false},
      {"more people of the same set", "approval = \"one\"\ngive = \"15m\"", kTwoNow, true},
      {"people of another set too", "approval = \"one\"\ngive = \"15m\"", "approval = \"teams\"\ngive = \"15m\"", true},
      {"a reason", "approval = \"one\"\ngive = \"15m\"", "approval = \"one\"\nrequire = [\"reason\"]\ngive = \"15m\"", true},
      {"the permit has another name", root, "id = \"other\"\n", true},
      {"the permit is for others", "id = \"root\"\nwho = [\"set:staff\"]", "id = \"root\"\nwho = [\"set:dba\"]", true},
      {"a guard denies", root, root + "who = [\"set:staff\"]\ndoor = [\"sudo\"]\nas = [\"user:root\"]\nmax = \"1h\"\n"
       "[[guard]]\nid = \"stop\"\nwho = [\"set:staff\"]\ndeny = \"freeze\"\n[[permit]]\nid = \"old\"\n", true},
      {"the door is not covered", "covers = [\"sudo\", \"su\", \"ssh\"]", "covers = [\"su\"]", true},
  };
}

}  // namespace

TEST_CASE("a reload ends or tightens what waits", "[reload]") {
  for (const Change& change : changes()) {
    INFO(change.name);
    World world;
    const Ask ask = world.ask(kAlice);
    const Conn conn = world.submit(ask);
    const Id id = world.only_request();
    world.use(load_policy(rules_with(change.from, change.to)));
    CHECK(world.heard(conn).decided.size() == (change.ends ? 1U : 0U));
    CHECK((world.held.requests.at(id).state == RequestState::kCancelled) == change.ends);
    if (change.ends) {
      CHECK(world.held.requests.at(id).ended_why.find("policy") != std::string::npos);
      continue;
    }
    CHECK(world.vote(kBob, id).error().empty());
    const Grant& grant = world.only_grant();
    const bool shorter = std::string(change.name) == "shorter";
    CHECK(grant.lifetime_s == (shorter ? 300 : 900));
    CHECK(grant.max_s == (shorter ? 600 : 3600));
    CHECK(grant.scope == (shorter ? policy::Scope::kCommand : policy::Scope::kTty));
    CHECK(world.bound(world.bind(ask)).allow);
  }
}

TEST_CASE("once tighter, it stays so when the old policy comes back", "[reload]") {
  World world;
  world.submit(world.ask(kAlice));
  world.use(load_policy(rules_with("give = \"15m\"", "give = \"1m\"")));
  world.use(load_policy());
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  CHECK(world.only_grant().lifetime_s == 60);
}

TEST_CASE("a policy that changed behind a commit is asked again", "[reload]") {
  for (const Change& change : changes()) {
    INFO(change.name);
    World world;
    const Ask ask = world.ask(kAlice);
    world.disk = World::Disk::kHeld;
    const Conn conn = world.submit(ask);
    world.use(load_policy(rules_with(change.from, change.to)));
    world.settle();
    CHECK(world.said(conn) == "pending approval-needed");
    CHECK(world.heard(conn).decided.size() == (change.ends ? 1U : 0U));
  }
}

TEST_CASE("no policy at all: nothing is approved, and what waits goes on when there is one again", "[reload]") {
  World world;
  const Ask ask = world.ask(kAlice);
  const Conn conn = world.submit(ask);
  const Id id = world.only_request();
  world.core->use_policy(nullptr);
  CHECK_FALSE(world.vote(kBob, id).one());
  CHECK(world.heard(conn).decided.empty());
  world.use(load_policy());
  CHECK(world.vote(kBob, id).error().empty());
  world.core->use_policy(nullptr);
  CHECK(world.bound(world.bind(ask)).cause == "no-policy");
}

TEST_CASE("a reload and a grant", "[reload]") {
  const std::string root = "id = \"root\"\n";
  struct Row {
    const char* name;
    std::string from;
    std::string to;
    bool covered;
  };
  const Row rows[] = {
      {"the same text", root, root, true},
      {"another rule changed", "id = \"free\"\nwho = [\"set:staff\"]", "id = \"free\"\nwho = [\"set:dba\"]", true},
      {"the permit is gone", root, "id = \"other\"\n", false},
      {"the permit changed", "approval = \"one\"\ngive = \"15m\"", "approval = \"one\"\ngive = \"14m\"", false},
      {"what it names changed", "one = { need = [{ from = \"set:sre\" }], wait = \"10m\" }",
       "one = { need = [{ from = \"set:sre\", count = 2 }], wait = \"10m\" }", false},
      {"a guard denies", "[[permit]]\nid = \"root\"\n",
       "[[guard]]\nid = \"stop\"\nwho = [\"set:staff\"]\ndeny = \"freeze\"\n[[permit]]\nid = \"root\"\n", false},
      {"a guard asks more: for new requests", "[[permit]]\nid = \"root\"\n",
       "[[guard]]\nid = \"cap\"\nwho = [\"set:staff\"]\nmax = \"1m\"\n[[permit]]\nid = \"root\"\n", true},
  };
  for (const Row& row : rows) {
    for (const bool used : {false, true}) {
      INFO(row.name << (used ? ", used" : ", unclaimed"));
      World world;
      const Ask ask = world.ask(kAlice);
      world.submit(ask);
      CHECK(world.vote(kBob, world.only_request()).error().empty());
      if (used) REQUIRE(world.bound(world.bind(ask)).allow);
      if (used) CHECK(world.said(world.submit(ask)) == "allow granted");
      world.use(load_policy(rules_with(row.from, row.to)));
      CHECK(world.bound(world.bind(ask)).allow == row.covered);  // the yes was given before
      CHECK((world.said(world.submit(ask)) == "allow granted") == row.covered);
    }
  }
}

TEST_CASE("who may fill the seats is asked at the approval", "[reload]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice, "two"));
  const Id id = world.only_request();
  CHECK(world.vote(kBob, id).error().empty());
  world.use(load_policy(rules_with("sre = [\"group:sre\"]", "sre = [\"user:carol\", \"user:erin\"]")));
  CHECK(world.heard(conn).decided.empty());  // the seats are of the same set
  CHECK(world.vote(kCarol, id).error().empty());
  CHECK(world.heard(conn).decided.empty());
  CHECK(world.vote(kErin, id).error().empty());
  CHECK(world.decided(conn).verdict == Verdict::kAllow);
}

TEST_CASE("a rule with a reason covers its grant's later uses without one", "[reload]") {
  World world;
  Ask ask = world.ask(kAlice, "why");
  ask.reason = "the printer";
  ask.reason_from = ReasonFrom::kPrompt;
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  REQUIRE(world.bound(world.bind(ask)).allow);
  ask.reason.clear();
  ask.reason_from = ReasonFrom::kNone;
  ask.can_ask = GENERATE(false, true);
  CHECK(world.said(world.submit(ask)) == "allow granted");
  CHECK(world.bound(world.bind(ask)).allow);
}

TEST_CASE("who is no person any more fills no seat of people", "[reload]") {
  const auto people = [](std::vector<std::string> names) {
    std::string out = "version = 1\n";
    for (const std::string& name : names) out += "[[person]]\nname = \"" + name + "\"\nusers = [\"" + name + "\"]\n";
    return load_policy(rules_with("sre = [\"group:sre\"]", "sre = [\"person:*\"]"), out);
  };
  World world;
  world.use(people({"bob", "carol", "dave"}));
  world.submit(world.ask(kAlice, "two"));
  const Id id = world.only_request();
  CHECK(world.vote(kBob, id).error().empty());
  world.use(people({"carol", "dave"}));
  CHECK(world.vote(kCarol, id).error().empty());
  CHECK(world.core->live_grants().empty());
  CHECK_FALSE(world.vote(kBob, id).error().empty());
  CHECK(world.vote(kDave, id).error().empty());
  CHECK(world.core->live_grants().size() == 1);
}

}  // namespace jit::core_test
