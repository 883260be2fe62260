// SPDX-License-Identifier: Apache-2.0
// Facts: what is absent, stale or of another type is unknown, and unknown never opens.
#include "policy/facts.h"

#include "world.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

const std::string kFacts = R"(
[fact.freeze]
type = "bool"
fresh = "10m"
initial = false
[fact.bare]
type = "bool"
[fact.level]
type = "int"
initial = 5
[fact.ratio]
type = "float"
[fact.stage]
type = "string"
initial = "green"
)";

// One letter for each of: a permit opens, a guard closes, `unless` of a permit closes, `unless` of a guard opens.
std::string ask(const std::string& test, const Request& request) {
  const std::string any = "[[permit]]\nid = \"any\"\nmax = \"1h\"\n", guard = "[[guard]]\nid = \"g\"\ndeny = \"no\"\n";
  const auto allowed = [&](const std::string& rules) {
    return policy_of(kFacts + rules)->decide(request).outcome == Outcome::kAllow;
  };
  std::string out;
  out += allowed(any + test) ? 'o' : '-';
  out += allowed(any + guard + test) ? '-' : 'c';
  out += allowed(any + "unless." + test) ? '-' : 'c';
  out += allowed(any + guard + "unless." + test) ? 'o' : '-';
  return out;
}

const char* const kTrue = "occo";
const char* const kFalse = "----";
const char* const kUnknown = "-cc-";

}  // namespace

TEST_CASE("a fact is true, false or unknown") {
  World w;
  using Set = std::map<std::string, Reading, std::less<>>;
  const auto n = [](std::int64_t value) { return Reading{value, 0, {}}; };
  struct Case {
    std::string test;
    Set set;
    const char* expected;
  };
  const Case cases[] = {
      {R"(flag = ["freeze"])", {}, kFalse},
      {R"(flag = ["freeze"])", {{"freeze", {true, 0, {}}}}, kTrue},
      {R"(flag = ["freeze"])", {{"freeze", {true, 599, {}}}}, kTrue},
      {R"(flag = ["freeze"])", {{"freeze", {true, 600, {}}}}, kUnknown},
      {R"(flag = ["freeze"])", {{"freeze", {false, 600, {}}}}, kFalse},
      {R"(flag = ["freeze"])", {{"freeze", {true, 60, 60}}}, kUnknown},
      {R"(flag = ["freeze"])", {{"freeze", {true, 59, 60}}}, kTrue},
      {R"(flag = ["freeze"])", {{"freeze", {true, 700, 6000}}}, kUnknown},
      {R"(flag = ["freeze"])", {{"freeze", {std::int64_t{1}, 0, {}}}}, kUnknown},
      {R"(flag = ["freeze"])", {{"freeze", {std::string("true"), 0, {}}}}, kUnknown},
      {R"(flag = ["bare"])", {}, kUnknown},
      {R"(flag = ["bare", "freeze"])", {{"freeze", {true, 0, {}}}}, kTrue},
      {R"(flag = ["bare", "freeze"])", {}, kUnknown},
      {R"(flag = ["from.first-seen"])", {}, kUnknown},
      {R"(flag = ["from.first-seen"])", {{"from.first-seen", {true, 0, {}}}}, kTrue},
      {R"(when = ["level == 5"])", {}, kTrue},
      {R"(when = ["level != 5"])", {}, kFalse},
      {R"(when = ["level < 5"])", {{"level", n(4)}}, kTrue},
      {R"(when = ["level <= 5"])", {{"level", n(6)}}, kFalse},
      {R"(when = ["level > -5"])", {{"level", n(-5)}}, kFalse},
      {R"(when = ["level >= 5", "level < 7"])", {{"level", n(6)}}, kTrue},
      {R"(when = ["level >= 5", "bare == true"])", {{"level", n(6)}}, kUnknown},
      {R"(when = ["level >= 5", "bare == true"])", {{"level", n(4)}}, kFalse},
      {R"(when = ["level >= 5"])", {{"level", {6.0, 0, {}}}}, kUnknown},
      {R"(when-any = ["level >= 5", "bare == true"])", {{"level", n(6)}}, kTrue},
      {R"(when-any = ["level >= 5", "bare == true"])", {{"level", n(4)}}, kUnknown},
      {R"(when-any = ["level >= 5", "level < 2"])", {{"level", n(4)}}, kFalse},
      {R"(when = ["ratio > 1"])", {}, kUnknown},
      {R"(when = ["ratio > 1"])", {{"ratio", {1.5, 0, {}}}}, kTrue},
      {R"(when = ["ratio < 1.5"])", {{"ratio", {1.5, 0, {}}}}, kFalse},
      {R"(when = ["ratio != 1"])", {{"ratio", {std::numeric_limits<double>::quiet_NaN(), 0, {}}}}, kUnknown},
      {R"(when = ["stage == \"green\""])", {}, kTrue},
      {R"(when = ["stage == \"green\""])", {{"stage", {std::string("red"), 0, {}}}}, kFalse},
      {R"(when = ["stage != \"\""])", {}, kTrue},
      {R"(when = ["risk >= 60"])", {}, kUnknown},
      {R"(when = ["risk >= 60"])", {{"risk", n(60)}}, kTrue},
      {R"(when = ["load < 2"])", {{"load", {0.5, 0, {}}}}, kTrue},
      {R"(when = ["urgency == \"normal\""])", {}, kTrue},
      {R"(when = ["urgency != \"normal\""])", {{"urgency", {std::string("high"), 0, {}}}}, kFalse},
      {R"(when = ["count.denied.10m >= 3"])", {{"count.denied.10m", n(3)}}, kTrue},
      {R"(when = ["count.denied.10m >= 3"])", {{"count.denied.11m", n(3)}}, kUnknown},
  };
  for (const Case& c : cases) {
    INFO(c.test);
    FactTable facts;
    facts.readings = c.set;
    Request request = w.request();
    request.facts = &facts;
    CHECK(ask(c.test + '\n', request) == c.expected);
  }
  // Nobody who could be asked: declared ones have their initial value, built-in ones are unknown.
  CHECK(ask("when = [\"level == 5\"]\n", w.request()) == kTrue);
  CHECK(ask("when = [\"risk == 0\"]\n", w.request()) == kUnknown);
}

TEST_CASE("what is unknown is named, and what was read is told") {
  World w;
  FactTable facts;
  Request request = w.request();
  request.facts = &facts;
  const auto policy = policy_of(kFacts + R"([[permit]]
id = "p"
max = "1h"
when = ["ratio > 0.5", "stage == \"green\""]
[[guard]]
id = "g"
deny = "frozen"
flag = ["freeze"]
when-any = ["level > 7", "bare == true"]
)");
  const auto why = [&] { return all(policy->decide(request).why); };
  CHECK(why() == "no rule permits this; the nearest is \"p\": ratio is unknown: it was never set");
  facts.readings["ratio"] = {0.25, 0, {}};
  CHECK(why().find("ratio > 0.5 does not hold (it is 0.25)") != std::string::npos);
  facts.readings["ratio"] = {4.0, 0, {}};
  Decision decision = policy->decide(request);
  CHECK(decision.outcome == Outcome::kAllow);
  CHECK(decision.read == std::vector<Attribute>{{"bare", "", false}, {"freeze", "false", true}, {"level", "5", true},
                                               {"ratio", "4.0", true}, {"stage", "\"green\"", true}});
  facts.readings["freeze"] = {true, 660, 1000};
  CHECK(why() == "frozen (freeze is unknown: set 11m ago, fresh for 10m; bare is unknown: it was never set)");
  facts.readings["freeze"] = {true, 90, 60};
  CHECK(why().find("freeze is unknown: set 1m30s ago for 1m") != std::string::npos);
  facts.readings["freeze"] = {std::int64_t{1}, 0, {}};
  CHECK(why().find("freeze is unknown: its value is no bool") != std::string::npos);
  facts.readings["freeze"] = {true, 0, {}};
  facts.readings["level"] = {std::int64_t{8}, 0, {}};
  CHECK(why() == "frozen");
}

TEST_CASE("the built-in facts") {
  for (const char* name : {"risk", "load", "urgency", "from.first-seen", "count.requests.1s", "count.break-glass.3650d"}) {
    INFO(name);
    CHECK(built_in(name));
  }
  for (const char* name : {"", "count", "count.denied", "count.denied.", "count.denied.0m", "count.denied.10", "count.other.1h", "Risk", "from"}) {
    INFO(name);
    CHECK_FALSE(built_in(name));
  }
}
