// SPDX-License-Identifier: Apache-2.0
// What the random cases found, each by its name.
#include "tests/catch.h"

#include "tests/policy/oracle/compare.h"
#include "tests/policy/oracle/oracle.h"

namespace jit::policy::oracle {
namespace {

Model base() {
  Model out;
  out.covers = {Door::kSudo};
  out.loaded = 1780000000;
  Rule permit;
  permit.id = "root";
  permit.max_s = 600;
  out.rules = {permit};
  return out;
}

Identity named(const std::string& user, std::uint32_t uid, const std::string& person) {
  Identity out;
  out.uid = uid;
  out.user = user;
  out.person = person;
  out.groups_known = true;
  return out;
}

Ask ask() {
  Ask out;
  out.root = out.target = named("root", 0, "uid:0");
  out.subject = named("alice", 1001, "uid:1001");
  out.now = 1780000000;
  return out;
}

Decision both(const Model& model, const Ask& asked) {
  const Policy::Loaded loaded = load(model, print(model));
  for (const Finding& finding : loaded.findings) UNSCOPED_INFO(finding.text());
  REQUIRE(loaded.policy != nullptr);
  Decision out = loaded.policy->decide(asked.request());
  CHECK(difference(out, decide(model, asked.request())) == "");
  return out;
}

}  // namespace

TEST_CASE("an approval without wait counts as ten minutes beside a longer one") {
  Model model = base();
  Approval usual, longer;
  usual.name = "usual";
  longer.name = "longer";
  usual.need = longer.need = {{{Name::Kind::kGroup, "sre", false}, 1}};
  longer.wait_s = 1800;
  model.approvals = {usual, longer};
  model.rules.front().approval = "usual";
  Rule guard;
  guard.permit = false;
  guard.id = "slow";
  guard.approval = "longer";
  model.rules.push_back(guard);
  const Decision decision = both(model, ask());
  REQUIRE(decision.offer);
  CHECK(decision.offer->wait_s == 600);
}

TEST_CASE("a fact that was set to its initial value does not go stale") {
  Model model = base();
  model.facts = {{"freeze", FactRule::Type::kBool, 600, Value(false)}};
  Rule guard;
  guard.permit = false;
  guard.id = "freeze";
  guard.tests.flag = {"freeze"};
  guard.deny = "frozen";
  model.rules.push_back(guard);
  Ask asked = ask();
  asked.facts.readings["freeze"] = {false, 7200, 600};
  CHECK(both(model, asked).outcome == Outcome::kAllow);
  asked.facts.readings["freeze"] = {true, 7200, 600};
  CHECK(both(model, asked).outcome == Outcome::kDeny);
}

TEST_CASE("a machine does not vouch for itself through a group that it may be in") {
  Model model = base();
  const Key key{"k", "ssh", "sk-ssh-ed25519@openssh.com AAAA", true, false, {}, {}, {}};
  model.people = {{"alice", {"alice"}, {}, false, {key}}, {"robot", {"deploy"}, {}, true, {key}}};
  Approval two;
  two.name = "two";
  two.need = {{{Name::Kind::kGroup, "sre", false}, 2}};
  two.votes = Votes::kSigned;
  two.self = two.machines = true;
  model.approvals = {two};
  model.rules.front().approval = "two";
  Ask asked = ask();
  asked.subject = named("deploy", 1007, "robot");
  CHECK(both(model, asked).outcome == Outcome::kDeny);
  asked.subject = named("alice", 1001, "alice");
  CHECK(both(model, asked).outcome == Outcome::kApproval);
}

TEST_CASE("a requester whom the roster names by his other user fills the seat with his own key") {
  Model model = base();
  const Key key{"k", "ssh", "sk-ssh-ed25519@openssh.com AAAA", true, false, {}, {}, {}};
  model.people = {{"alice", {"alice", "alice-adm"}, {}, false, {key}}};
  const std::int64_t now = 1780000000;
  model.sets = {{"on-call", {}, Roster{"oncall.toml", 3600, now, {{now, now + 3600, {{Name::Kind::kUser, "alice-adm", false}}}}}}};
  Approval look;
  look.name = "look";
  look.need = {{{Name::Kind::kSet, "on-call", false}, 1}};
  look.self = true;
  model.approvals = {look};
  model.rules.front().approval = "look";
  Ask asked = ask();
  asked.subject = named("alice", 1001, "alice");
  CHECK(both(model, asked).outcome == Outcome::kApproval);
  asked.now = now + 3600;  // nobody is on duty any more
  CHECK(both(model, asked).outcome == Outcome::kDeny);
}

TEST_CASE("a set of groups and a roster is feasible while somebody is on duty") {
  Model model = base();
  const std::int64_t now = 1780000000;
  model.people = {{"bob", {"bob"}, {}, false, {}}};
  model.sets = {{"on-call", {}, Roster{"oncall.toml", 3600, now, {{now, now + 3600, {{Name::Kind::kPerson, "bob", false}}}}}},
                {"mixed", {{Name::Kind::kSet, "on-call", false}, {Name::Kind::kGroup, "sre", false}}, {}}};
  Approval group, mixed;
  group.name = "group";
  group.need = {{{Name::Kind::kGroup, "sre", false}, 1}};
  mixed.name = "mixed";
  mixed.need = {{{Name::Kind::kSet, "mixed", false}, 1}};
  model.approvals = {group, mixed};
  // Cannot be told, but asks less: only what is feasible comes before it.
  model.rules.front().approval = "group";
  Rule other = model.rules.front();
  other.id = "other";
  other.approval = "mixed";
  other.require.reason_min = 0;
  model.rules.push_back(other);
  Ask asked = ask();
  asked.reason = "disk full";
  const Decision decision = both(model, asked);
  REQUIRE(decision.offer);
  CHECK(decision.offer->rule == "other");
  asked.now = now + 3600;  // nobody is on duty any more
  CHECK(both(model, asked).offer->rule == "root");
}

// As many people as the seats and the requester need, and as many of them away.
TEST_CASE("who is away is not among the plenty that need not be looked at") {
  Model model = base();
  Approval one;
  one.name = "one";
  one.need = {{{Name::Kind::kSet, "crew", false}, 1}};
  model.sets = {{"crew", {}, {}}};
  for (const char* name : {"bob", "carol", "dave"}) {
    model.people.push_back({name, {name}, {}, false, {}});
    model.sets.front().members.push_back({Name::Kind::kPerson, name, false});
  }
  model.approvals = {one};
  model.rules.front().approval = "one";
  Ask asked = ask();
  CHECK(both(model, asked).outcome == Outcome::kApproval);
  asked.absent = {"bob", "carol"};
  CHECK(both(model, asked).outcome == Outcome::kApproval);
  asked.absent = {"bob", "carol", "dave"};
  CHECK(both(model, asked).outcome == Outcome::kDeny);
}

TEST_CASE("a set of groups and a machine is feasible where machines may vote") {
  Model model = base();
  model.people = {{"robot", {"deploy"}, {}, true, {}}};
  model.sets = {{"mixed", {{Name::Kind::kPerson, "robot", false}, {Name::Kind::kGroup, "sre", false}}, {}}};
  Approval group, mixed;
  group.name = "group";
  group.need = {{{Name::Kind::kGroup, "sre", false}, 1}};
  mixed.name = "mixed";
  mixed.need = {{{Name::Kind::kSet, "mixed", false}, 1}};
  for (const bool machines : {true, false}) {
    mixed.machines = machines;
    model.approvals = {group, mixed};
    model.rules.resize(1);
    model.rules.front().approval = "group";
    Rule other = model.rules.front();
    other.id = "other";
    other.approval = "mixed";
    other.require.reason_min = 0;
    model.rules.push_back(other);
    Ask asked = ask();
    asked.reason = "disk full";
    const Decision decision = both(model, asked);
    REQUIRE(decision.offer);
    CHECK(decision.offer->rule == (machines ? "other" : "root"));
  }
}

}  // namespace jit::policy::oracle
