// SPDX-License-Identifier: Apache-2.0
// tests.d, proofs and questions.
#include <algorithm>

#include "asked.h"
#include "policy/analysis/prove.h"
#include "policy/analysis/question.h"
#include "policy/analysis/test_file.h"

using namespace jit::policy;
using namespace jit::policy::analysis;

namespace {

const std::string kPolicy = R"([set]
dba = ["group:dba"]
[approval.one]
need = [{ from = "set:dba" }]
wait = "15m"
[[permit]]
id = "root"
who = ["set:dba"]
door = ["sudo", "su"]
as = ["user:root"]
approval = "one"
require = ["reason:5"]
max = "30m"
[[permit]]
id = "glass"
break-glass = true
who = ["user:eva"]
door = ["sudo"]
as = ["user:root"]
require = ["notify:pager", "review:24h"]
max = "10m"
[[permit]]
id = "read"
who = ["set:dba"]
as = ["user:postgres"]
hosts = ["tag:db"]
max = "1h"
)";

}  // namespace

TEST_CASE("tests.d: each key is asked and compared") {
  struct Case {
    const char* request;
    const char* expect;
    const char* why;  // empty: it passes
  };
  const Case cases[] = {
      {R"(user = "bob", groups = ["dba"], door = "sudo", as = "root", reason = "because")",
       R"(outcome = "approval", permit = "root", seats = ["set:dba"], require = ["reason:5"], lasts = "30m", max = "30m", scope = "tty")", ""},
      {R"(user = "bob", groups = ["dba"], door = "sudo", as = "root")", R"(outcome = "needs", then = "approval")", ""},
      {R"(user = "bob", groups = ["dba"], door = "sudo", as = "root", can-ask = false)", R"(outcome = "deny", text = "a reason")", ""},
      {R"(user = "bob", groups = ["dba"], door = "sudo", as = "postgres")", R"(outcome = "allow", permit = "read")", ""},
      {R"(user = "bob", groups = ["dba"], door = "sudo", as = "postgres", tags = ["web"])", R"(outcome = "deny")", ""},
      {R"(user = "bob", groups = ["dba"], door = "ssh", from = "10.0.0.1")", R"(outcome = "deny")", ""},
      {R"(user = "eva", door = "sudo", as = "root", via = "glass", reason = "x")", R"(outcome = "allow", require = ["notify:pager", "review:1d"])", ""},
      {R"(user = "bob", groups = ["dba"], door = "sudo", as = "root", reason = "because")", R"(outcome = "allow")", "outcome: expected allow, got approval"},
      {R"(user = "bob", groups = ["dba"], door = "sudo", as = "root", reason = "because")", R"(seats = [])", "seats: expected none, got set:dba"},
      {R"(user = "bob", groups = ["dba"], door = "sudo", as = "root", reason = "because")", R"(lasts = "1h")", "lasts: expected 1h, got 30m"},
  };
  for (const Case& c : cases) {
    INFO(c.request << " " << c.expect);
    const TestRun got = run(kPolicy, std::string("[[test]]\nname = \"n\"\nat = \"2026-11-25T10:00:00Z\"\nrequest = { ") + c.request + " }\nexpect = { " + c.expect + " }\n");
    REQUIRE(got.tests.size() == 1);
    CHECK(got.tests[0].why == c.why);
    CHECK(got.tests[0].passed == (*c.why == '\0'));
    CHECK(got.findings.size() == (*c.why == '\0' ? 0 : 1));
    if (!got.findings.empty()) CHECK(got.findings[0].text() == "t.toml:1:1: E09 test \"n\" fails: " + std::string(c.why));
  }
}

TEST_CASE("tests.d: what is wrong is told with its place") {
  const std::pair<const char*, const char*> cases[] = {
      {"[[test]]\nname = \"n\"\nrequest = { user = \"a\", door = \"sudo\" }\nexpect = { outcom = \"deny\" }\n", "t.toml:4:12: E01 unknown key `outcom` in `expect` of a [[test]]; did you mean `outcome`?"},
      {"[[test]]\nname = \"n\"\nexpect = { outcome = \"deny\" }\n", "t.toml:1:1: E01 `request` is missing"},
      {"[[invariant]]\nname = \"n\"\nalways = { as = [\"user:root\"] }\n", "t.toml:3:10: E01 `needs` is missing"},
  };
  for (const auto& [text, expected] : cases) {
    const std::vector<Source> sources{{"t.toml", text}};
    const TestSuite suite = read_tests(sources);
    REQUIRE(suite.findings.size() == 1);
    CHECK(suite.findings[0].text().starts_with(expected));
    CHECK(suite.tests.empty());
  }
}

TEST_CASE("invariants are proven, or broken by a request that replays") {
  struct Case {
    const char* always;
    bool holds;
    const char* expect = "";  // what the witness must get
  };
  const Case cases[] = {
      {R"(as = ["user:root"], needs = "approval-by-other", except = ["break-glass"])", true},
      {R"(as = ["user:root"], needs = "approval-by-other")", false, R"(outcome = "allow", permit = "glass")"},
      {R"(hosts = ["tag:db"], as = ["user:root"], needs = "approval-by-other", except = ["break-glass", "rescue"])", true},
      {R"(hosts = ["tag:db"], needs = "approval", except = ["break-glass"])", false, R"(outcome = "allow", permit = "read")"},
      {R"(hosts = ["tag:web"], needs = "approval", except = ["break-glass"])", false, R"(outcome = "allow", permit = "read")"},  // a host may be both
      {R"(who = ["user:zoe"], door = ["ssh"], needs = "deny")", true},  // there the target is zoe herself
      {R"(door = ["su"], as = ["user:root"], needs = "reason")", true},
      {R"(as = ["user:root"], needs = "hardware", except = ["break-glass"])", false, R"(outcome = "approval", permit = "root")"},
      {R"(as = ["user:mysql"], needs = "deny")", true},
  };
  for (const Case& c : cases) {
    INFO(c.always);
    const TestRun got = run(kPolicy, std::string("[[invariant]]\nname = \"n\"\nalways = { ") + c.always + " }\n");
    REQUIRE(got.invariants.size() == 1);
    INFO(got.invariants[0].why << "\n" << got.invariants[0].witness);
    CHECK(got.invariants[0].passed == c.holds);
    if (!c.holds) CHECK(replays(kPolicy, got.invariants[0].witness, c.expect));
  }
}

TEST_CASE("a guard that asks keeps an invariant, and its `unless` breaks it") {
  const std::string permit = "[approval.one]\nneed = [{ from = \"group:sre\" }]\n[[permit]]\nid = \"p\"\nas = [\"user:root\"]\nmax = \"1h\"\n[[guard]]\nid = \"g\"\napproval = \"one\"\n";
  const std::string invariant = "[[invariant]]\nname = \"n\"\nalways = { as = [\"user:root\"], needs = \"approval\" }\n";
  CHECK(run(permit, invariant).invariants[0].passed);
  const std::string loose = permit + "unless.when = [\"risk < 10\"]\n";
  const TestRun got = run(loose, invariant);
  CHECK_FALSE(got.invariants[0].passed);
  CHECK(replays(loose, got.invariants[0].witness, "outcome = \"allow\""));
}

TEST_CASE("who can: each way with its approvers and a request that replays") {
  const auto ways = who_can(*test::policy_of(kPolicy), "root", Host{.now = kNow});
  std::string got;
  for (const Way& way : ways) {
    got += way.who + ' ' + std::string(name_of(way.door)) + ' ' + way.permit + ' ' + std::string(name_of(way.outcome));
    for (const Way::Ask& ask : way.asks) got += ' ' + ask.set + (ask.open_ended ? "+" : "");
    got += '\n';
    CHECK(replays(kPolicy, way.witness, "outcome = \"" + std::string(name_of(way.outcome)) + "\", permit = \"" + way.permit + "\""));
  }
  CHECK(got == "user:eva sudo glass allow\nset:dba sudo root approval set:dba+\nset:dba su root approval set:dba+\n");
}

TEST_CASE("who can: what narrows a way is said, shortly") {
  const std::string policy = R"([net]
office = ["10.0.0.0/8"]
[command]
a = [["/usr/bin/id"]]
b = [["/usr/bin/date"]]
[window]
day = { daily = ["08:00-18:00"] }
[fact.freeze]
type = "bool"
initial = false
)";
  const auto when = [&](const std::string& rest, const std::string& more = "") {
    const auto ways = who_can(*test::policy_of(policy + test::permit("p", "who = [\"user:eva\"]\ndoor = [\"sudo\"]\nas = [\"user:root\"]\nmax = \"1h\"\n" + rest) + more), "root", Host{.now = kNow});
    REQUIRE(ways.size() == 1);
    return test::all(ways[0].windows) + " / " + test::all(ways[0].conditions);
  };
  CHECK(when("") == " / ");
  CHECK(when("from = [\"net:office\", \"local\"]") == " / from local|net:office");
  CHECK(when("run = [\"command:a\", \"command:b\"]\nduring = [\"window:day\"]") == "window:day / run command:a|command:b");
  CHECK(when("flag = [\"freeze\"]\nwhen-any = [\"risk < 5\", \"load < 1.0\"]") == " / freeze | risk < 5|load < 1.0");
  CHECK(when("unless.who = [\"group:ext-*\"]\nunless.during = [\"window:day\"]") == " / unless group:ext-* and window:day");
  CHECK(when("unless.who = [\"group:a\", \"group:b\", \"group:c\", \"group:d\"]") == " / unless group:a|group:b|group:c|+1");
  CHECK(when("unless.hosts = [\"tag:web\"]") == " / ");
  CHECK(when("require = [\"reason:20\", \"ticket:CHG-##\", \"record\"]") == " / with reason:20 and ticket:CHG-##");
  CHECK(when("", test::guard("g", "flag = [\"freeze\"]\ndeny = \"no\"") + test::guard("other", "who = [\"user:bob\"]\ndeny = \"no\"")) == " / unless guard g denies");
}

TEST_CASE("diff: what became allowed, denied, easier or harder") {
  using Kind = Difference::Kind;
  const auto changed = [](const std::string& from, const std::string& to) {
    std::string out = kPolicy;
    const std::size_t at = out.find(from);
    REQUIRE(at != std::string::npos);
    return out.replace(at, from.size(), to);
  };
  struct Case {
    const char* what;
    std::string after;
    std::vector<Kind> kinds;
  };
  const Case cases[] = {
      {"nothing", kPolicy, {}},
      {"longer", changed("max = \"30m\"", "max = \"1h\""), {Kind::kEasier}},
      {"shorter", changed("max = \"1h\"", "max = \"10m\""), {Kind::kHarder}},
      {"another door", changed("door = [\"sudo\", \"su\"]", "door = [\"sudo\", \"su\", \"polkit\"]"), {}},  // polkit is not covered
      {"one more user", changed("who = [\"user:eva\"]", "who = [\"user:eva\", \"user:zoe\"]"), {Kind::kAllowed}},
      {"a door less", changed("door = [\"sudo\", \"su\"]", "door = [\"sudo\"]"), {Kind::kDenied}},
      {"a new deny", kPolicy + "[[guard]]\nid = \"g\"\nwhen = [\"risk >= 60\"]\ndeny = \"odd\"\n", {Kind::kDenied}},
      {"a new tightening", kPolicy + "[[guard]]\nid = \"g\"\nas = [\"user:postgres\"]\nrequire = [\"reason\"]\n", {Kind::kHarder}},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    const auto before = test::policy_of(kPolicy), after = test::policy_of(c.after);
    const Differences got = diff(*before, *after, Host{.now = kNow});
    CHECK(got.complete);
    std::vector<Kind> kinds;
    for (const Difference& each : got.regions) {
      INFO(each.before << " -> " << each.after << "\n" << each.witness);
      if (std::ranges::find(kinds, each.kind) == kinds.end()) kinds.push_back(each.kind);
      CHECK(each.before != each.after + "!");
      CHECK(replays(kPolicy, each.witness, each.before == "deny" ? "outcome = \"deny\"" : "permit = \"" + each.before.substr(each.before.find(" by ") + 4, each.before.find(',') - each.before.find(" by ") - 4) + "\""));
      CHECK(replays(c.after, each.witness, each.after == "deny" ? "outcome = \"deny\"" : "permit = \"" + each.after.substr(each.after.find(" by ") + 4, each.after.find(',') - each.after.find(" by ") - 4) + "\""));
    }
    CHECK(kinds == c.kinds);
  }
}

TEST_CASE("minimise names rules that could go") {
  const auto got = minimise(*test::policy_of(kPolicy + "[[permit]]\nid = \"again\"\nwho = [\"group:dba\"]\nas = [\"user:postgres\"]\nhosts = [\"tag:db\"]\nmax = \"5m\"\n"
                                                       "[[guard]]\nid = \"idle\"\nmax = \"2h\"\n"), Host{.now = kNow});
  REQUIRE(got.size() == 2);
  CHECK(got[0].rule == "again");
  CHECK(got[1].rule == "idle");
}
