// SPDX-License-Identifier: Apache-2.0
// Where only break-glass is left: the question at the door, and what the answer to it gives.
#include "tests/core/world.h"

namespace jit::core_test {

namespace {

constexpr char kGlass[] = R"(
[[guard]]
id = "frozen"
who = ["set:staff"]
door = ["sudo"]
deny = "changes are frozen"
yields-to = ["glass", "glass-asked"]
[[permit]]
id = "glass"
who = ["set:staff"]
door = ["sudo"]
as = ["user:root"]
break-glass = true
require = ["reason:20"]
max = "10m"
scope = "command"
[[permit]]
id = "glass-asked"
who = ["set:staff"]
door = ["sudo"]
as = ["user:root"]
break-glass = true
approval = "quick"
require = ["reason", "ticket:OPS-#"]
max = "30m"
scope = "command"
)";

World& frozen(World& world) {
  world.use(load_policy(std::string(kRules) + kGlass));
  return world;
}

Ask chosen(World& world, std::string via, std::string reason = "", ReasonFrom from = ReasonFrom::kPrompt) {
  Ask ask = world.ask(kAlice);
  ask.via = std::move(via);
  ask.reason = std::move(reason);
  ask.reason_from = from;
  return ask;
}

}  // namespace

TEST_CASE("only break-glass is left: the door asks which, and nothing is stored", "[choice]") {
  World world;
  const Answer answer = world.answer(frozen(world).submit(world.ask(kAlice)));
  CHECK(answer.verdict == Verdict::kNeeds);
  CHECK(answer.cause == "needs-choice");
  CHECK(answer.needs.empty());
  REQUIRE(answer.choices.size() == 2);
  CHECK(answer.choices[0].permit == "glass");
  CHECK(answer.choices[0].break_glass);
  CHECK(answer.choices[0].text == "nobody is asked, for 10m");
  CHECK(answer.choices[0].needs == std::vector<std::string>{"reason:20"});
  CHECK(answer.choices[1].permit == "glass-asked");
  CHECK(answer.choices[1].text == "1 of set:sre, for 30m");
  CHECK(answer.choices[1].needs == std::vector<std::string>{"reason", "ticket"});
  CHECK(answer.text == std::vector<std::string>{"jit: changes are frozen", "jit: only break-glass remains; it is loud, and never taken by itself"});
  CHECK(world.core->live_requests().empty());
  CHECK(world.core->live_grants().empty());
}

TEST_CASE("where nobody can be asked the refusal names the line to type", "[choice]") {
  World world;
  Ask ask = frozen(world).ask(kAlice);
  ask.can_ask = false;
  const Answer answer = world.answer(world.submit(ask));
  CHECK(answer.verdict == Verdict::kDeny);
  CHECK(answer.choices.empty());
  std::string all;
  for (const std::string& line : answer.text) all += line + "\n";
  CHECK(all.find("--via glass") != std::string::npos);
}

TEST_CASE("what was chosen is taken, or its texts are asked", "[choice]") {
  struct Row {
    const char* name;
    std::string via, reason;
    ReasonFrom from;
    const char* said;
  };
  const Row rows[] = {
      {"with its reason", "glass", "the database is on fire", ReasonFrom::kPrompt, "allow granted"},
      {"with a short one", "glass", "fire", ReasonFrom::kPrompt, "needs needs-text"},
      {"with one that the environment brought", "glass", "the database is on fire", ReasonFrom::kEnvironment, "needs needs-text"},
      {"with nothing", "glass-asked", "", ReasonFrom::kPrompt, "needs needs-text"},
      {"a permit that is denied", "root", "the database is on fire", ReasonFrom::kPrompt, "deny policy"},
      {"a name that is none", "glas", "the database is on fire", ReasonFrom::kPrompt, "deny policy"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    World world;
    const Conn conn = frozen(world).submit(chosen(world, row.via, row.reason, row.from));
    CHECK(world.said(conn) == row.said);
    CHECK(world.core->live_grants().size() == (row.said == std::string("allow granted") ? 1U : 0U));
  }
}

TEST_CASE("the reason that is asked names its length", "[choice]") {
  World world;
  CHECK(world.answer(frozen(world).submit(chosen(world, "glass", "fire"))).needs == std::vector<std::string>{"reason:20"});
  CHECK(world.answer(world.submit(world.ask(kAlice, "why"))).verdict == Verdict::kDeny);  // frozen, and no break-glass for it
}

TEST_CASE("nine choices at most are asked", "[choice]") {
  std::string rules = std::string(kRules) + kGlass;
  const std::string more(rules.substr(rules.find("[[permit]]\nid = \"glass\"\n"), rules.find("[[permit]]\nid = \"glass-asked\"") - rules.find("[[permit]]\nid = \"glass\"\n")));
  std::string yields;
  for (int i = 0; i < 12; ++i) {
    std::string one = more;
    const std::string id = "glass" + std::to_string(i);
    rules += one.replace(one.find("\"glass\""), 7, '"' + id + '"');
    yields += "\"" + id + "\", ";
  }
  rules.replace(rules.find("yields-to = ["), 13, "yields-to = [" + yields);
  World world;
  world.use(load_policy(rules));
  CHECK(world.answer(world.submit(world.ask(kAlice))).choices.size() == kChoicesMax);
}

}  // namespace jit::core_test
