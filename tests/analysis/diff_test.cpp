// SPDX-License-Identifier: Apache-2.0
// Changes that a comparison must not miss, each with a request that both policies answer as it says.
#include <algorithm>

#include "asked.h"
#include "policy/analysis/question.h"

using namespace jit::policy;
using namespace jit::policy::analysis;

namespace {

struct Side {
  std::string rules;
  std::string people = test::kPeople;
  std::string covers = "\"sudo\", \"su\"";
  std::vector<std::string> tags = {"db"};
};

std::shared_ptr<const Policy> compiled(const Side& side) {
  const auto loaded = test::load({{"p.toml", "schema = 1\nsettings.covers = [" + side.covers + "]\n" + side.rules}}, {{"people.toml", side.people}}, side.tags);
  for (const Finding& finding : loaded.findings) UNSCOPED_INFO(finding.text());
  REQUIRE(loaded.policy);
  return loaded.policy;
}

Differences differ(const Side& before, const Side& after) {
  const auto old = compiled(before), now = compiled(after);
  Differences out = diff(*old, *now, Host{.now = kNow});
  const auto answers = [](const std::shared_ptr<const Policy>& policy, const Difference& one, const std::string& answer) {
    const std::vector<Source> sources{{"w.toml", "[[test]]\nname = \"w\"\nexpect = { outcome = \"" + answer.substr(0, answer.find(' ')) + "\" }\n" + one.witness + "\n"}};
    const TestRun run = run_tests(read_tests(sources), policy, nullptr, Host{.now = kNow});
    return run.tests.size() == 1 && run.tests[0].passed;
  };
  for (const Difference& one : out.regions) {
    // A test may not name a permit that is not there.
    if (one.witness.find("via") != std::string::npos || one.before.starts_with("deny") == one.after.starts_with("deny")) continue;
    INFO(one.before << " -> " << one.after << "\n" << one.witness);
    CHECK((!old->covers(one.door) || answers(old, one, one.before)));
    CHECK((!now->covers(one.door) || answers(now, one, one.after)));
  }
  return out;
}

bool has_kind(const Differences& found, Difference::Kind kind) {
  return std::ranges::find(found.regions, kind, &Difference::kind) != found.regions.end();
}

const NamedChange* named(const Differences& found, const std::string& what) {
  const auto it = std::ranges::find(found.named, what, &NamedChange::what);
  return it == found.named.end() ? nullptr : &*it;
}

const std::string kPostgres = test::permit("p", "who = [\"user:u\"]\ndoor = [\"sudo\"]\nas = [\"user:postgres\"]\nmax = \"8h\"");

}  // namespace

TEST_CASE("diff: a claimed target, or command, that is believed now") {
  const Differences target = differ({kPostgres}, {kPostgres + "unverified-ok = [\"as\"]\n"});
  REQUIRE(target.regions.size() == 1);
  CHECK(target.regions[0].kind == Difference::Kind::kAllowed);
  CHECK(target.regions[0].witness.find("verified = false") != std::string::npos);
  CHECK(has_kind(differ({kPostgres + "unverified-ok = [\"as\"]\n"}, {kPostgres}), Difference::Kind::kDenied));
  const std::string run = "[command]\nid = [[\"/usr/bin/id\"]]\n" + test::permit("p", "as = [\"user:root\"]\nrun = [\"command:id\"]\nmax = \"1h\"");
  CHECK(has_kind(differ({run}, {run + "unverified-ok = [\"command\"]\n"}), Difference::Kind::kAllowed));
  const std::string both = "[command]\nid = [[\"/usr/bin/id\"]]\n" + test::permit("p", "as = [\"user:postgres\"]\nrun = [\"command:id\"]\nmax = \"1h\"\nunverified-ok = [\"command\"]");
  CHECK(differ({both}, {both}).regions.empty());
}

TEST_CASE("diff: what a fact is while nobody sets it") {
  const auto fact = [](const std::string& initial) {
    return "[fact.f]\ntype = \"bool\"\n" + initial + kPostgres + test::guard("a", "flag = [\"f\"]\ndeny = \"no\"");
  };
  const Differences got = differ({fact("initial = true\n")}, {fact("initial = false\n")});
  REQUIRE(named(got, "fact f") != nullptr);
  CHECK(named(got, "fact f")->before == "bool, initial true");
  CHECK(has_kind(got, Difference::Kind::kAllowed));
  CHECK(has_kind(differ({fact("initial = false\n")}, {fact("")}), Difference::Kind::kDenied));
  const Differences fresh = differ({fact("initial = false\n")}, {fact("initial = false\nfresh = \"1m\"\nby = [\"uid:5\"]\n")});
  REQUIRE(named(fresh, "fact f") != nullptr);
  CHECK(named(fresh, "fact f")->after == "bool, fresh 1m, initial false, by uid:5");
}

TEST_CASE("diff: who a person is") {
  const std::string rules = test::permit("p", "who = [\"person:ann\"]\ndoor = [\"sudo\"]\nas = [\"user:postgres\"]\nmax = \"8h\"");
  const auto people = [](const std::string& users) { return "version = 1\n[[person]]\nname = \"ann\"\nusers = [" + users + "]\n"; };
  const Differences got = differ({rules, people("\"ann\"")}, {rules, people("\"ann\", \"mallory\"")});
  REQUIRE(named(got, "person ann") != nullptr);
  CHECK(named(got, "person ann")->after == "users ann, mallory");
  REQUIRE(got.regions.size() == 1);
  CHECK(got.regions[0].kind == Difference::Kind::kAllowed);
  CHECK(got.regions[0].witness.find("user = \"mallory\"") != std::string::npos);
  const Differences back = differ({rules, people("\"ann\", \"mallory\"")}, {rules, people("\"ann\"")});
  REQUIRE(back.regions.size() == 1);
  CHECK(back.regions[0].kind == Difference::Kind::kDenied);
  // A role, and what he is, no request shows.
  CHECK(named(differ({rules, people("\"ann\"")}, {rules, people("\"ann\"") + "roles = [\"admin\"]\n"}), "person ann") != nullptr);
}

TEST_CASE("diff: a door that is no longer covered, and the other settings") {
  const std::string rules = test::permit("p", "who = [\"user:u\"]\nas = [\"user:root\"]\nmax = \"1h\"");
  const Differences got = differ({rules}, {rules, test::kPeople, "\"sudo\""});
  REQUIRE(named(got, "settings covers") != nullptr);
  CHECK(named(got, "settings covers")->before == "su, sudo");
  REQUIRE(got.regions.size() == 1);
  CHECK(got.regions[0].kind == Difference::Kind::kDenied);
  CHECK(got.regions[0].door == Door::kSu);
  CHECK(has_kind(differ({rules, test::kPeople, "\"sudo\""}, {rules}), Difference::Kind::kAllowed));
  for (const char* setting : {"settings.votes = \"signed\"\n", "settings.timezone = \"Europe/Prague\"\n", "settings.rescue = [\"tty1\"]\n"}) {
    CHECK(differ({rules}, {setting + rules}).named.size() == 1);
  }
}

TEST_CASE("diff: a guard that a stricter one hides in a part of its region") {
  const auto rules = [](const std::string& stricter, const std::string& max) {
    return test::permit("p", "who = [\"group:x\", \"group:y\"]\ndoor = [\"sudo\"]\nas = [\"user:postgres\"]\nmax = \"8h\"") +
           test::guard("a", "who = [\"group:" + stricter + "\"]\nmax = \"1h\"") + test::guard("b", "max = \"" + max + "\"");
  };
  for (const char* stricter : {"x", "y"}) {
    INFO(stricter);
    const Differences got = differ({rules(stricter, "2h")}, {rules(stricter, "4h")});
    CHECK(has_kind(got, Difference::Kind::kEasier));
    CHECK(got.complete);
  }
  // Two guards that hide it together, each in its own part.
  const auto two = [](const std::string& max) {
    return test::permit("p", "as = [\"user:root\"]\nmax = \"8h\"") + test::guard("b", "max = \"" + max + "\"") +
           test::guard("day", "when = [\"risk < 50\"]\nmax = \"1h\"") + test::guard("high", "when = [\"risk > 50\"]\nmax = \"1h\"");
  };
  const Differences hidden = differ({two("2h")}, {two("4h")});
  REQUIRE_FALSE(hidden.regions.empty());
  CHECK(hidden.regions[0].witness.find("\"risk\" = 50") != std::string::npos);
}

TEST_CASE("diff: a permit that another one hides where both match") {
  const auto rules = [](const std::string& max) {
    return test::permit("wide", "who = [\"group:x\"]\ndoor = [\"sudo\"]\nmax = \"" + max + "\"") +
           test::permit("easy", "who = [\"group:x\"]\ndoor = [\"sudo\"]\nas = [\"user:root\"]\nmax = \"9h\"");
  };
  CHECK(has_kind(differ({rules("1h")}, {rules("2h")}), Difference::Kind::kEasier));
  // Where it is hidden everywhere, who names it sees it.
  const auto all = [](const std::string& max) { return test::permit("a", "max = \"9h\"") + test::permit("b", "max = \"" + max + "\""); };
  const Differences named_only = differ({all("1h")}, {all("2h")});
  REQUIRE_FALSE(named_only.regions.empty());
  CHECK(named_only.regions[0].witness.find("via = \"b\"") != std::string::npos);
  // One that only repeats another changes nothing when it goes.
  CHECK(differ({test::permit("a", "max = \"9h\"") + test::permit("b", "max = \"1h\"")}, {test::permit("a", "max = \"9h\"")}).regions.empty());
}

TEST_CASE("diff: who may approve") {
  const auto rules = [](const std::string& ops, const std::string& more = "") {
    return "[set]\nops = [" + ops + "]\n[approval.a]\nneed = [{ from = \"set:ops\" }]\n" + more + test::permit("p", "who = [\"user:u\"]\nas = [\"user:root\"]\napproval = \"a\"\nmax = \"8h\"");
  };
  const Differences got = differ({rules("\"group:ops\"")}, {rules("\"group:ops\", \"user:mallory\"")});
  REQUIRE(named(got, "approvers set:ops") != nullptr);
  CHECK(named(got, "approvers set:ops")->before == "group:ops");
  CHECK(named(got, "approvers set:ops")->after == "group:ops, user:mallory");
  CHECK(differ({rules("\"group:ops\"")}, {rules("\"group:ops\"")}).named.empty());
}

TEST_CASE("diff: the answers say what differs of them") {
  const auto rules = [](const std::string& approval, const std::string& rest) {
    return "[approval.a]\nneed = [{ from = \"group:ops\" }]\n" + approval + test::permit("p", "who = [\"user:u\"]\ndoor = [\"su\"]\nas = [\"user:root\"]\napproval = \"a\"\nmax = \"8h\"\n" + rest);
  };
  struct Case {
    const char *approval, *rest, *before, *after;
  };
  const Case cases[] = {
      {"", "scope = \"session\"", ", scope tty", ", scope session"},
      {"", "claim = \"1m\"", ", claim 10m", ", claim 1m"},
      {"wait = \"1h\"\n", "", ", wait 10m", ", wait 1h"},
      {"match = true\n", "", ", match no", ", match yes"},
      {"self = \"hardware-key\"\n", "", ", self no", ", self yes"},
      {"", "require = [\"reason:5\", \"ticket\"]", ", requires nothing", ", requires reason:5, ticket"},
      {"", "give = \"1h\"", "approval by p, 8h, 1 of group:ops", "approval by p, 1h, 1 of group:ops"},
      {"", "warn-before = [\"7m\"]", ", warns before 5m 1m", ", warns before 7m"},
  };
  for (const Case& c : cases) {
    INFO(c.approval << c.rest);
    const Differences got = differ({rules("", "")}, {rules(c.approval, c.rest)});
    REQUIRE(got.regions.size() == 1);
    CHECK(got.regions[0].before.ends_with(c.before));
    CHECK(got.regions[0].after.ends_with(c.after));
  }
}

TEST_CASE("diff: break-glass that goes is missed, though something else opens too") {
  const std::string usual = test::permit("p", "as = [\"user:root\"]\nmax = \"1h\"");
  const std::string glass = test::permit("glass", "break-glass = true\nas = [\"user:root\"]\nrequire = [\"notify:pager\", \"review:24h\"]\nmax = \"1h\"");
  CHECK(has_kind(differ({usual + glass}, {usual}), Difference::Kind::kDenied));
}

TEST_CASE("diff: rules for other hosts are named, and nothing is said to be the same that was not compared") {
  const auto rules = [](const std::string& max) { return test::permit("p", "hosts = [\"tag:web\"]\nas = [\"user:root\"]\nmax = \"" + max + "\""); };
  const Differences got = differ({rules("1h")}, {rules("2h")});
  CHECK(got.regions.empty());
  CHECK(got.elsewhere == std::vector<std::string>{"p"});
  CHECK(differ({rules("1h")}, {rules("1h")}).elsewhere.empty());

  std::string many = test::permit("p", "as = [\"user:root\"]\nmax = \"8h\"");
  for (int i = 0; i < 12; ++i) many += test::guard("g" + std::to_string(i), "who = [\"group:g" + std::to_string(i) + "\"]\nmax = \"" + std::to_string(i + 1) + "m\"");
  CHECK_FALSE(differ({many + test::guard("z", "max = \"5h\"")}, {many + test::guard("z", "max = \"4h\"")}).complete);
}

TEST_CASE("diff: a guard for other people changes what those get who are both") {
  const std::string staff = test::permit("p", "who = [\"group:staff\"]\nas = [\"user:root\"]\nmax = \"1h\"");
  const Differences got = differ({staff}, {staff + test::guard("g", "who = [\"group:ext\"]\ndeny = \"no\"")});
  REQUIRE_FALSE(got.regions.empty());
  CHECK(got.regions[0].kind == Difference::Kind::kDenied);
  CHECK(got.regions[0].witness.find(R"(groups = ["ext", "staff"])") != std::string::npos);
}
