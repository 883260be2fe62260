// SPDX-License-Identifier: Apache-2.0
// Who may vote, what a vote may say, and when the seats are filled.
#include "tests/core/world.h"

namespace jit::core_test {

TEST_CASE("who may approve, and who may deny", "[vote]") {
  struct Row {
    const char* name;
    std::function<Caller(World&)> voter;
    std::uint32_t loginuid;  // of the request
    const char* error;
  };
  const auto plain = [](std::uint32_t uid) { return [uid](World& world) { return world.caller(uid); }; };
  const auto came_as = [](std::uint32_t uid, std::uint32_t loginuid) {
    return [uid, loginuid](World& world) {
      Caller out = world.caller(uid);
      out.loginuid = loginuid;
      return out;
    };
  };
  const Row rows[] = {
      {"a member", plain(kBob), kErin, ""},
      {"a member, login unknown on both sides", came_as(kBob, policy::kNoUid), policy::kNoUid, ""},
      {"the requester", plain(kErin), kErin, "Denied"},
      {"the requester, login unknown", came_as(kErin, policy::kNoUid), policy::kNoUid, "Denied"},
      {"the requester who became a member by su", came_as(kBob, kErin), kErin, "Denied"},
      {"a member who had become the requester by su", plain(kBob), kBob, "Denied"},
      {"both came as the same third one", came_as(kBob, kDave), kDave, "Denied"},
      {"a member who came as somebody else", came_as(kBob, kDave), kErin, ""},
      {"no member, but sees it: auditor",
       [](World& world) {
         Caller out = world.caller(kMallory);
         out.auditor = true;
         return out;
       },
       kErin, "Denied"},
      {"no member, but sees it: root", plain(0), kErin, "Denied"},
      {"no member", plain(kMallory), kErin, "NotFound"},
      {"another set's member", plain(kDave), kErin, "NotFound"},
  };
  for (const Row& row : rows) {
    for (const bool approve : {true, false}) {
      INFO(row.name << (approve ? " approves" : " denies"));
      World world;
      Ask ask = world.ask(kErin);
      ask.subject.loginuid = row.loginuid;
      world.submit(ask);
      const Id id = world.only_request();
      const Caller voter = row.voter(world);
      const auto reply = world.vote(voter, id, {approve, std::nullopt, std::nullopt, "because"});
      CHECK(reply.error() == row.error);
      CHECK(world.core->may_vote(voter, world.held.requests.at(id)) == (std::string(row.error).empty()));
      const RequestState after = !reply.one() ? RequestState::kPending : approve ? RequestState::kApproved : RequestState::kDenied;
      CHECK(world.held.requests.at(id).state == after);
      CHECK(world.held.votes.size() == (reply.one() ? 1U : 0U));
    }
  }
}

TEST_CASE("the other account of the requester is the requester", "[vote]") {
  World world;
  world.submit(world.ask(kBob));
  CHECK(world.vote(kBobAdm, world.only_request()).error() == "NotFound");
}

TEST_CASE("a person who is found out to be the requester does not count", "[vote]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice, "two"));
  const Id id = world.only_request();
  CHECK(world.vote(kCarol, id).error().empty());
  const std::string people = std::string(kPeople) + "[[person]]\nname = \"al\"\nusers = [\"alice\", \"carol\", \"erin\"]\n";
  world.use(load_policy(kRules, people));
  CHECK(world.vote(kErin, id).error() == "NotFound");  // the same person as alice now
  CHECK(world.vote(kBob, id).error().empty());
  CHECK(world.heard(conn).decided.empty());          // carol's vote is alice's own now
}

TEST_CASE("two votes that turn out to be of one person fill one seat", "[vote]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice, "two"));
  const Id id = world.only_request();
  CHECK(world.vote(kCarol, id).error().empty());
  const std::string people = std::string(kPeople) + "[[person]]\nname = \"caro\"\nusers = [\"carol\", \"erin\"]\n";
  world.use(load_policy(kRules, people));
  CHECK(world.vote(kErin, id).error() == "BadInput");
  CHECK(world.heard(conn).decided.empty());
  world.signed_head = {7, std::string(64, 'a'), "{}"};
  CHECK(world.vote(kBob, id).error().empty());
  CHECK(world.decided(conn).verdict == Verdict::kAllow);
  CHECK(world.decided(conn).head == "7:" + std::string(64, 'a'));
}

TEST_CASE("ids and prefixes", "[vote]") {
  World world;
  world.submit(world.ask(kAlice));
  const std::string id = world.only_request().text();
  struct Row {
    std::string text;
    const char* error;
  };
  for (const Row& row : {Row{"", "BadInput"}, {id.substr(0, 3), "BadInput"}, {"xyzw", "BadInput"}, {"ABCD", "BadInput"},
                         {id + "0", "BadInput"}, {"0000", "NotFound"}, {id.substr(0, 4), ""}}) {
    INFO(row.text);
    Reply<Request> reply;
    world.core->vote(world.caller(kBob), row.text, {true, {}, {}, ""}, reply.done());
    world.settle();
    CHECK(reply.error() == row.error);
  }
}

TEST_CASE("what a vote may narrow", "[vote]") {
  using policy::Scope;
  struct Row {
    const char* name;
    std::optional<std::uint32_t> duration;
    std::optional<Scope> scope;
    const char* error;
    std::uint32_t lasts;
    Scope binds;
  };
  const Row rows[] = {
      {"as it is", {}, {}, "", 900, Scope::kTty},
      {"the same", 900, Scope::kTty, "", 900, Scope::kTty},
      {"shorter", 60, {}, "", 60, Scope::kTty},
      {"narrower", {}, Scope::kCommand, "", 900, Scope::kCommand},
      {"longer", 901, {}, "BadInput", 0, {}},
      {"up to max is longer than what is given", 3600, {}, "BadInput", 0, {}},
      {"far longer", 4294967295U, {}, "BadInput", 0, {}},
      {"nothing", 0, {}, "BadInput", 0, {}},
      {"wider", {}, Scope::kSession, "BadInput", 0, {}},
      {"widest", {}, Scope::kLogin, "BadInput", 0, {}},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    World world;
    world.submit(world.ask(kAlice));
    const auto reply = world.vote(world.caller(kBob), world.only_request(), {true, row.duration, row.scope, ""});
    CHECK(reply.error() == row.error);
    if (!reply.one()) continue;
    CHECK(world.only_grant().lifetime_s == row.lasts);
    CHECK(world.only_grant().scope == row.binds);
  }
}

TEST_CASE("a scope that the door lacks", "[vote]") {
  World world;
  Ask su = world.ask(kAlice);
  su.door = policy::Door::kSu;
  world.submit(su);
  CHECK(world.vote(world.caller(kBob), world.only_request(), {true, {}, policy::Scope::kCommand, ""}).error() == "BadInput");
  const Id id = world.answer(world.submit(world.login(kFrank))).id;
  CHECK(world.vote(world.caller(kBob), id, {true, {}, policy::Scope::kTty, ""}).error() == "BadInput");
  CHECK(world.vote(world.caller(kBob), id, {true, {}, policy::Scope::kSession, ""}).error().empty());
}

TEST_CASE("quorums", "[vote]") {
  struct Row {
    const char* name;
    const char* target;
    std::vector<std::uint32_t> voters;
    bool granted;
  };
  const Row rows[] = {
      {"one of one", "root", {kBob}, true},
      {"one of two", "two", {kBob}, false},
      {"two of two", "two", {kBob, kCarol}, true},
      {"two accounts of one person", "two", {kBob, kBobAdm}, false},
      {"two teams, one each", "teams", {kBob, kDave}, true},
      {"two teams, the other order", "teams", {kDave, kBob}, true},
      {"two teams, one person in both", "teams", {kErin}, false},
      {"two teams, one in both and one", "teams", {kErin, kBob}, true},
      {"two teams, one and one in both", "teams", {kDave, kErin}, true},
      {"two teams, two of one", "teams", {kBob, kCarol}, false},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    World world;
    const Ask ask = world.ask(kAlice, row.target);
    const Conn conn = world.submit(ask);
    const Id id = world.only_request();
    for (const std::uint32_t voter : row.voters) world.vote(voter, id);
    CHECK(world.heard(conn).decided.size() == (row.granted ? 1U : 0U));
    CHECK(world.core->live_grants().size() == (row.granted ? 1U : 0U));
    if (row.granted) CHECK(world.bound(world.bind(ask)).allow);
  }
}

TEST_CASE("the shortest of all votes counts", "[vote]") {
  World world;
  world.submit(world.ask(kAlice, "two"));
  const Id id = world.only_request();
  CHECK(world.vote(world.caller(kBob), id, {true, 600, policy::Scope::kCommand, ""}).error().empty());
  CHECK(world.vote(world.caller(kCarol), id, {true, 900, policy::Scope::kTty, ""}).error().empty());
  CHECK(world.only_grant().lifetime_s == 600);
  CHECK(world.only_grant().scope == policy::Scope::kCommand);
}

TEST_CASE("twice, and too late", "[vote]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice, "two"));
  const Id id = world.only_request();
  CHECK(world.vote(kBob, id).error().empty());
  CHECK(world.vote(kBob, id).error() == "BadInput");
  SECTION("a deny after the own approval ends it") {
    CHECK(world.vote(kBob, id, false).error().empty());
    CHECK(world.decided(conn).cause == "denied");
    CHECK(world.vote(kCarol, id).error() == "NotFound");
  }
  SECTION("at the deadline, the clock not looked at yet") {
    world.pass(600'000);
    CHECK(world.vote(kCarol, id).error() == "Ended");
    CHECK(world.vote(kCarol, id, false).error() == "Ended");
  }
  SECTION("just before") {
    world.pass(599'999);
    CHECK(world.vote(kCarol, id).error().empty());
    CHECK(world.decided(conn).verdict == Verdict::kAllow);
  }
  SECTION("after the approval") {
    CHECK(world.vote(kCarol, id).error().empty());
    CHECK(world.vote(kErin, id).error() == "Ended");
    CHECK(world.vote(kBob, id).error() == "Ended");
  }
}

TEST_CASE("votes and denials of the same moment wait their turn", "[vote]") {
  World world;
  const Ask ask = world.ask(kAlice);
  const Conn conn = world.submit(ask);
  const Id id = world.only_request();
  world.disk = World::Disk::kHeld;
  SECTION("approve, then deny: the grant ends") {
    const auto yes = world.vote(kBob, id);
    const auto no = world.vote(kCarol, id, false);
    CHECK_FALSE(no.called());
    world.settle();
    CHECK(yes.error().empty());
    CHECK(no.error().empty());
    CHECK(world.core->live_grants().empty());
    world.disk = World::Disk::kPrompt;
    CHECK_FALSE(world.bound(world.bind(ask)).allow);
  }
  SECTION("deny, then approve: nothing comes of it") {
    const auto no = world.vote(kCarol, id, false);
    const auto yes = world.vote(kBob, id);
    world.settle();
    CHECK(no.error().empty());
    CHECK(yes.error() == "NotFound");
    CHECK(world.held.grants.empty());
    CHECK(world.decided(conn).cause == "denied");
  }
}

TEST_CASE("a denial after the approval ends the grant, and is on record", "[vote]") {
  World world;
  const Ask ask = world.ask(kAlice);
  world.submit(ask);
  const Id id = world.only_request();
  CHECK(world.vote(kBob, id).error().empty());
  const bool used = GENERATE(false, true);
  if (used) REQUIRE(world.bound(world.bind(ask)).allow);
  const Id grant = world.only_grant().id;
  CHECK(world.vote(kAlice, id, false).error() == "Denied");
  CHECK(world.vote(kCarol, id, false).error().empty());
  CHECK(world.held.grants.at(grant).end == GrantEnd::kRevoked);
  CHECK(world.held.grants.at(grant).ended_by.find("carol") == 0);
  REQUIRE(world.held.votes.size() == 2);
  CHECK_FALSE(world.held.votes[1].approve);
  CHECK(world.logged(events::kVoteCast) == 2);
  CHECK_FALSE(world.bound(world.bind(ask)).allow);
  CHECK(world.said(world.submit(ask)) == "pending approval-needed");
}

}  // namespace jit::core_test
