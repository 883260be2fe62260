// SPDX-License-Identifier: Apache-2.0
// Approvals among people: codes told by voice, reasons, escalation, absence, blocks, and who is who.
#include "evidence/display_code.h"
#include "tests/core/world.h"

namespace jit::core_test {

namespace {

const std::string kMore = R"(
[set]
pair = ["user:bob", "user:carol"]
robots = ["user:frank", "user:carol"]
[approval]
coded = { need = [{ from = "set:sre" }], wait = "10m", match = true }
climbing = { need = [{ from = "set:sre" }], wait = "10m", escalate = [{ after = "2m", add = "group:dba", to = "set:sre" }, { after = "4m", notify = "pager" }] }
pair = { need = [{ from = "set:pair", count = 2 }], wait = "10m" }
pipeline = { need = [{ from = "set:robots" }], wait = "10m", machines = true }
[[permit]]
id = "coded"
who = ["set:staff"]
door = ["sudo"]
as = ["user:coded"]
approval = "coded"
max = "1h"
[[permit]]
id = "climbing"
who = ["set:staff"]
door = ["sudo"]
as = ["user:climbing"]
approval = "climbing"
max = "1h"
[[permit]]
id = "pair"
who = ["group:staff"]
door = ["sudo"]
as = ["user:pairing"]
approval = "pair"
max = "1h"
[[permit]]
id = "pipeline"
who = ["group:staff"]
door = ["sudo"]
as = ["user:pipelined"]
approval = "pipeline"
max = "1h"
)";

const std::string kRobot = std::string(kPeople) + R"([[person]]
name = "robot"
users = ["frank"]
class = "machine"
)";

std::string rules() {
  std::string out = kRules;
  const std::string sets = "[set]\n";
  out.erase(out.find(sets), sets.size());
  const std::string approvals = "[approval]\n";
  out.erase(out.find(approvals), approvals.size());
  std::string more = kMore;
  const auto take = [&](const std::string& from, const std::string& before) {
    const auto at = out.find(from);
    const auto end = out.find(before);
    const std::string part = out.substr(at, end - at);
    out.erase(at, end - at);
    return part;
  };
  const std::string their_sets = take("staff = [", "one = {");
  const std::string their_approvals = take("one = {", "[[permit]]");
  more.replace(more.find(sets), sets.size(), sets + their_sets);
  more.replace(more.find(approvals), approvals.size(), approvals + their_approvals);
  return out + more;
}

struct People : World {
  explicit People(const std::string& people = kPeople) { use(load_policy(rules(), people)); }
};

std::string all_text(const Heard& heard) {
  std::string out;
  for (const Answer& each : heard.answers) {
    for (const std::string& line : each.text) out += line + "\n";
  }
  for (const auto& lines : heard.progress) {
    for (const std::string& line : lines) out += line + "\n";
  }
  for (const Answer& each : heard.decided) {
    for (const std::string& line : each.text) out += line + "\n";
  }
  return out;
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Ballot yes(const std::string& typed = {}) { return {true, std::nullopt, std::nullopt, "fine", typed}; }

}  // namespace

TEST_CASE("the typed code is told to the requester's terminal only, and is part of the yes", "[people][D15]") {
  People world;
  const Conn conn = world.submit(world.ask(kAlice, "coded"));
  const Id id = world.only_request();
  const std::string code = world.held.requests.at(id).typed_code;
  REQUIRE(code.size() == 6);
  CHECK(holds(all_text(world.heard(conn)), code.substr(0, 3) + " " + code.substr(3)));
  CHECK(holds(all_text(world.heard(conn)), evidence::display_code(world.held.requests.at(id).digest)));
  for (const AuditEntry& entry : world.held.entries) CHECK_FALSE(holds(entry.fields, code));
  CHECK(world.vote(world.caller(kBob), id, yes()).error() == "BadInput");  // no try
  CHECK(world.held.requests.at(id).wrong_codes == 0);
  const std::string wrong = code == "000000" ? "000001" : "000000";
  CHECK(world.vote(world.caller(kBob), id, yes(wrong)).error() == "Denied");
  world.restart();  // gives nobody more tries
  CHECK(world.vote(world.caller(kCarol), id, yes(wrong)).error() == "Denied");
  CHECK(world.held.requests.at(id).wrong_codes == 2);
  SECTION("the right one, as it is read out") {
    CHECK(world.vote(world.caller(kBob), id, yes(code.substr(0, 3) + "-" + code.substr(3))).error().empty());
    CHECK(world.held.requests.at(id).state == RequestState::kApproved);
  }
  SECTION("a third wrong one ends it") {
    const auto reply = world.vote(world.caller(kBob), id, yes(wrong));
    CHECK(reply.error() == "Ended");
    CHECK(world.held.requests.at(id).state == RequestState::kDenied);
    CHECK(world.logged(events::kVoteRefused) == 3);
    CHECK(world.vote(world.caller(kBob), id, yes(code)).error() == "NotFound");
  }
  SECTION("a denial needs none") { CHECK(world.vote(kCarol, id, false).error().empty()); }
}

TEST_CASE("a wrong code that cannot be written is no try that was answered", "[people]") {
  People world;
  world.submit(world.ask(kAlice, "coded"));
  const Id id = world.only_request();
  world.failing_writes = true;
  CHECK(world.vote(world.caller(kBob), id, yes("x")).error() == "Unavailable");
  world.failing_writes = false;
  CHECK(world.vote(world.caller(kBob), id, yes(world.held.requests.at(id).typed_code)).error().empty());
}

TEST_CASE("a policy that asks the code of a request that has none ends it", "[people]") {
  World world;
  const Conn conn = world.submit(world.ask(kAlice));
  world.use(load_policy(rules_with("one = { need = [{ from = \"set:sre\" }], wait = \"10m\" }",
                                   "one = { need = [{ from = \"set:sre\" }], wait = \"10m\", match = true }")));
  REQUIRE(world.heard(conn).decided.size() == 1);
  CHECK(holds(all_text(world.heard(conn)), "typed code"));
}

TEST_CASE("where the rule wants a reason, who answers gives one, too", "[people]") {
  World world;
  Ask ask = world.ask(kAlice, "why");
  ask.reason = "disk";
  world.submit(ask);
  const Id id = world.only_request();
  for (const bool approve : {true, false}) {
    CHECK(world.vote(world.caller(kBob), id, {approve, std::nullopt, std::nullopt, " \t"}).error() == "BadInput");
  }
  CHECK(world.vote(world.caller(kBob), id, {true, std::nullopt, std::nullopt, "ok"}).error().empty());
}

TEST_CASE("a machine approver has no local vote", "[people]") {
  People world(kRobot);
  world.submit(world.ask(kAlice, "pipelined"));
  const Id id = world.only_request();
  const auto reply = world.vote(world.caller(kFrank), id, yes());
  CHECK(reply.error() == "Denied");
  CHECK(holds(reply.one().message, "its own key"));
  CHECK(world.vote(kCarol, id).error().empty());
  SECTION("nor a seat where the rule does not let machines in") {
    world.submit(world.ask(kAlice, "coded"));
    CHECK(world.vote(world.caller(kFrank), world.only_request(), yes()).error() == "NotFound");
  }
}

TEST_CASE("escalation adds people at its time, and reminds", "[people]") {
  People world;
  const Conn conn = world.submit(world.ask(kAlice, "climbing"));
  const Id id = world.only_request();
  CHECK(world.vote(kDave, id).error() == "NotFound");
  world.pass_and_tick(119'999);
  CHECK(world.vote(kDave, id).error() == "NotFound");
  const std::size_t told = world.told_requests.size();
  world.pass_and_tick(1);
  CHECK(world.logged(events::kRequestEscalated) == 1);
  CHECK(world.told_requests.size() == told + 1);  // so that who watches hears of it
  CHECK(holds(all_text(world.heard(conn)), "asked now, too: group:dba"));
  world.restart();
  world.pass_and_tick(0);
  CHECK(world.logged(events::kRequestEscalated) == 1);  // once, whatever restarts
  SECTION("who was added may approve") {
    CHECK(world.vote(kDave, id).error().empty());
    CHECK(world.held.requests.at(id).state == RequestState::kApproved);
  }
  SECTION("who was added may deny") { CHECK(world.vote(kDave, id, false).error().empty()); }
  SECTION("a reminder adds nobody") {
    const std::string secret = world.heard(conn).answers[0].secret;
    const Conn again = world.resume(id, secret);
    world.pass_and_tick(120'000);
    CHECK(world.logged(events::kRequestEscalated) == 2);
    CHECK(holds(all_text(world.heard(again)), "reminded: pager"));
  }
  SECTION("a step that the policy in force has no more adds nobody") {
    std::string changed = rules();
    const std::string step = "{ after = \"2m\", add = \"group:dba\", to = \"set:sre\" }, ";
    changed.erase(changed.find(step), step.size());
    world.use(load_policy(changed));
    CHECK(world.vote(kDave, id).error() == "Denied");
  }
}

TEST_CASE("an escalation that cannot be written comes again", "[people]") {
  People world;
  world.submit(world.ask(kAlice, "climbing"));
  world.failing_writes = true;
  world.pass_and_tick(120'000);
  CHECK(world.logged(events::kRequestEscalated) == 0);
  world.failing_writes = false;
  world.pass_and_tick(1000);
  CHECK(world.logged(events::kRequestEscalated) == 1);
}

TEST_CASE("who is away fills no seat, and nobody waits for him", "[people]") {
  People world;
  const WallMs hour = world.wall() + 3'600'000;
  SECTION("said at once") {
    CHECK(world.away(world.caller(kCarol), hour).error().empty());
    const Conn conn = world.submit(world.ask(kAlice, "pairing"));
    CHECK(world.said(conn) == "deny policy");
    CHECK(holds(all_text(world.heard(conn)), "1 person can be asked now"));
    world.restart();
    CHECK(world.said(world.submit(world.ask(kAlice, "pairing"))) == "deny policy");
    SECTION("until he is back") { CHECK(world.away(world.caller(kCarol), 0).error().empty()); }
    SECTION("until then") { world.pass(3'600'000); }
    CHECK(world.said(world.submit(world.ask(kAlice, "pairing"))) == "pending approval-needed");
  }
  SECTION("a request that waits for him ends with the reason") {
    const Conn conn = world.submit(world.ask(kAlice, "pairing"));
    CHECK(world.away(world.caller(kCarol), hour).error().empty());
    REQUIRE(world.heard(conn).decided.size() == 1);
    CHECK(holds(all_text(world.heard(conn)), "can be asked now"));
  }
  SECTION("a vote that was cast before stands") {
    world.submit(world.ask(kAlice, "pairing"));
    const Id id = world.only_request();
    CHECK(world.vote(kCarol, id).error().empty());
    CHECK(world.away(world.caller(kCarol), hour).error().empty());
    CHECK(world.vote(kBob, id).error().empty());
    CHECK(world.held.requests.at(id).state == RequestState::kApproved);
  }
  SECTION("his yes is refused, his no counts") {
    const Conn conn = world.submit(world.ask(kAlice));
    const Id id = world.only_request();
    CHECK(world.away(world.caller(kCarol), hour).error().empty());
    CHECK(world.heard(conn).decided.empty());  // of a group nobody can say who else is in it
    CHECK(world.vote(kCarol, id).error() == "Denied");
    CHECK(world.vote(kCarol, id, false).error().empty());
  }
  SECTION("only ahead, only within a year, only who fills a seat anywhere") {
    CHECK(world.away(world.caller(kCarol), world.wall()).error() == "BadInput");
    CHECK(world.away(world.caller(kCarol), world.wall() + WallMs{367} * 86'400'000).error() == "BadInput");
    CHECK(world.away(world.caller(kMallory), hour).error() == "Denied");
  }
  SECTION("not when it cannot be written") {
    world.failing_writes = true;
    CHECK(world.away(world.caller(kCarol), hour).error() == "Unavailable");
    world.failing_writes = false;
    CHECK(world.said(world.submit(world.ask(kAlice, "pairing"))) == "pending approval-needed");
  }
}

TEST_CASE("who is away is away from a large set, too", "[people]") {
  std::string many = rules();
  const std::string pair = "pair = [\"user:bob\", \"user:carol\"]";
  many.replace(many.find(pair), pair.size(), "pair = [\"user:bob\", \"user:carol\", \"user:erin\", \"user:frank\", \"user:dave\"]");
  World world;
  world.use(load_policy(many));
  const WallMs hour = world.wall() + 3'600'000;
  for (const std::uint32_t uid : {kBob, kCarol, kErin, kFrank}) CHECK(world.away(world.caller(uid), hour).error().empty());
  CHECK(world.said(world.submit(world.ask(kAlice, "pairing"))) == "deny policy");  // two of five are needed, one is here
}

TEST_CASE("a block ends what else the person asks of the same people", "[people][D15]") {
  World world;
  const Conn first = world.submit(world.ask(kAlice));
  Ask two = world.ask(kAlice, "two");
  const Conn second = world.submit(two);
  const Conn other = world.submit(world.ask(kFrank));
  CHECK(world.vote(world.caller(kBob), world.answer(first).id, {false, {}, {}, "enough", {}, 600}).error().empty());
  CHECK(world.held.requests.at(world.answer(second).id).state == RequestState::kDenied);
  CHECK(world.held.requests.at(world.answer(other).id).state == RequestState::kPending);
}

TEST_CASE("a block follows the person out of su", "[people][D15]") {
  World world;
  Ask su = world.ask(kFrank);
  su.subject.loginuid = kAlice;
  su.subject.login_user = "alice";
  world.submit(su);
  CHECK(world.vote(world.caller(kBob), world.only_request(), {false, {}, {}, "no", {}, 600}).error().empty());
  CHECK(world.said(world.submit(world.ask(kAlice))) == "deny blocked");
}

TEST_CASE("a vote of before a restart counts once the directory has answered", "[people]") {
  World world;
  world.submit(world.ask(kAlice, "two"));
  const Id id = world.only_request();
  CHECK(world.vote(kCarol, id).error().empty());
  world.forget_voters = true;
  world.restart();
  SECTION("after the other vote") {
    CHECK(world.vote(kBob, id).error().empty());
    CHECK(world.held.requests.at(id).state == RequestState::kPending);
    world.core->know_voter(kCarol, world.who(kCarol));
    world.settle();
    CHECK(world.held.requests.at(id).state == RequestState::kApproved);
  }
  SECTION("never: he says it himself") {
    CHECK(world.vote(kBob, id).error().empty());
    CHECK(world.vote(kCarol, id).error().empty());
    CHECK(world.held.requests.at(id).state == RequestState::kApproved);
    CHECK(world.held.votes.size() == 2);
  }
}

TEST_CASE("a denial may block", "[people][D15]") {
  People world;
  world.submit(world.ask(kAlice));
  Ballot no{false, std::nullopt, std::nullopt, "stop it", {}, 1800};
  CHECK(world.vote(world.caller(kBob), world.only_request(), no).error().empty());
  const Conn conn = world.submit(world.ask(kAlice));
  CHECK(world.said(conn) == "deny blocked");
  CHECK(holds(all_text(world.heard(conn)), "bob denied such a request and blocks more of them for 30m: stop it"));
  Ask other = world.ask(kAlice, "two");  // another command and target of the same people
  CHECK(world.said(world.submit(other)) == "deny blocked");
  CHECK(world.create(kAlice, world.ask(kAlice)).error() == "Denied");
  CHECK(world.said(world.submit(world.ask(kFrank))) == "pending approval-needed");            // another person
  CHECK(world.said(world.submit(world.ask(kAlice, "free"))) == "allow granted");     // nobody is asked
  CHECK(world.said(world.submit(world.ask(kAlice, "pairing"))) == "pending approval-needed");  // other people are
  Ask su = world.ask(kFrank, "teams");
  su.subject.loginuid = kAlice;
  su.subject.login_user = "alice";
  CHECK(world.said(world.submit(su)) == "deny blocked");  // alice, who became frank
  world.restart();
  CHECK(world.said(world.submit(world.ask(kAlice))) == "deny blocked");
  world.pass_and_tick(1'800'000);
  CHECK(world.said(world.submit(world.ask(kAlice))) == "pending approval-needed");
}

TEST_CASE("how long a denial may block, and that a yes cannot", "[people]") {
  World world;
  world.submit(world.ask(kAlice));
  const Id id = world.only_request();
  const std::pair<Ballot, const char*> rows[] = {{{true, {}, {}, "x", {}, 60}, "BadInput"}, {{false, {}, {}, "x", {}, 0}, "BadInput"},
                                                 {{false, {}, {}, "x", {}, 86'401}, "BadInput"}, {{false, {}, {}, "x", {}, 86'400}, ""}};
  for (const auto& [ballot, error] : rows) CHECK(world.vote(world.caller(kBob), id, ballot).error() == error);
}

TEST_CASE("a denial after the yes may block, too", "[people][D16]") {
  World world;
  world.submit(world.ask(kAlice));
  const Id id = world.only_request();
  CHECK(world.vote(kBob, id).error().empty());
  CHECK(world.vote(world.caller(kCarol), id, {false, {}, {}, "no", {}, 600}).error().empty());
  CHECK(world.core->live_grants().empty());
  CHECK(world.said(world.submit(world.ask(kAlice))) == "deny blocked");
}

// Alice has a second account; the same person stands behind both, and behind what she became by su.
TEST_CASE("self-approval by another account, by su, and by both", "[people][D6]") {
  const std::string people = std::string(kPeople) + "[[person]]\nname = \"al\"\nusers = [\"alice\", \"erin\"]\n";
  struct Row {
    const char* name;
    std::uint32_t asks, asks_login;
    const char* asks_login_user;
    std::uint32_t votes, votes_login;
    const char* votes_login_user;
    bool self;
  };
  const Row rows[] = {
      {"another person", kFrank, kFrank, "", kCarol, kCarol, "", false},
      {"the second account", kAlice, kAlice, "", kErin, kErin, "", true},
      {"became frank by su, votes as the second account", kFrank, kAlice, "alice", kErin, kErin, "", true},
      {"asks as herself, votes as bob whom she became from her second account", kAlice, kAlice, "", kBob, kErin, "erin", true},
      {"became frank here and carol there, from two accounts", kFrank, kAlice, "alice", kCarol, kErin, "erin", true},
      {"two others who became somebody", kFrank, kMallory, "mallory", kCarol, kDave, "dave", false},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    World world;
    world.use(load_policy(kRules, people));
    Ask ask = world.ask(row.asks);
    ask.subject.loginuid = row.asks_login;
    ask.subject.login_user = row.asks_login_user;
    world.submit(ask);
    Caller voter = world.caller(row.votes);
    voter.loginuid = row.votes_login;
    voter.login_user = row.votes_login_user;
    CHECK(world.vote(voter, world.only_request(), yes()).error() == (row.self ? "NotFound" : ""));
  }
}

TEST_CASE("who approved it does not use it either, from whichever account he comes", "[people][D6]") {
  World world;
  world.submit(world.ask(kAlice));
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  Ask ask = world.ask(kAlice);
  ask.subject.loginuid = kBobAdm;  // bob's other account, which became alice
  ask.subject.login_user = "bob-adm";
  CHECK(world.said(world.submit(ask)) != "allow granted");
}

TEST_CASE("the person of the login counts where it is asked who can fill the seats", "[people]") {
  People world;
  Ask ask = world.ask(kAlice, "pairing");
  ask.subject.loginuid = kCarol;
  ask.subject.login_user = "carol";
  const Conn conn = world.submit(ask);
  CHECK(world.said(conn) == "deny policy");  // of bob and carol, carol herself is asking
}

}  // namespace jit::core_test
