// SPDX-License-Identifier: Apache-2.0
// What is proven must be so: of hosts with any tags, of root by any name, and never of nothing.
#include "asked.h"
#include "policy/analysis/mixtures.h"
#include "policy/analysis/question.h"

using namespace jit::policy;
using namespace jit::policy::analysis;

namespace {

std::string invariant(const std::string& always) { return "[[invariant]]\nname = \"n\"\nalways = { " + always + " }\n"; }

TestResult proof(const std::string& policy, const std::string& always) {
  const TestRun got = run(policy, invariant(always));
  REQUIRE(got.invariants.size() == 1);
  return got.invariants[0];
}

// What tests.d is told about itself, the first of it.
std::string fault(const std::string& policy, const std::string& tests) {
  const TestRun got = run(policy, tests);
  return got.findings.empty() ? "" : got.findings[0].text();
}

std::string tagged(int tags) {
  std::string out = "[[permit]]\nid = \"p\"\nas = [\"user:root\"]\nmax = \"1h\"\n";
  for (int i = 0; i < tags; ++i) {
    out += "[[guard]]\nid = \"g" + std::to_string(i) + "\"\nhosts = [\"tag:t" + std::to_string(i) + "\"]\nunless.when = [\"risk < 5\"]\nrequire = [\"reason\"]\n";
  }
  return out;
}

}  // namespace

TEST_CASE("a host may have some of many tags, and not only all or none") {
  const std::string policy = "[[permit]]\nid = \"p\"\nhosts = [\"tag:a\"]\nas = [\"user:root\"]\nunless.hosts = [\"tag:b\", \"tag:c\", \"tag:d\", \"tag:e\"]\nmax = \"1h\"\n";
  const TestResult got = proof(policy, R"(hosts = ["tag:web"], as = ["user:root"], needs = "approval")");
  CHECK_FALSE(got.passed);
  INFO(got.witness);
  CHECK(got.witness.find(R"(tags = ["a", "web"])") != std::string::npos);
  CHECK(replays(policy, got.witness, "outcome = \"allow\", permit = \"p\""));
}

TEST_CASE("six permits for a tag each, and one guard that leaves out two of them") {
  std::string policy = "[approval.one]\nneed = [{ from = \"group:sre\" }]\n[[guard]]\nid = \"g\"\napproval = \"one\"\nunless.hosts = [\"tag:t3*\"]\n";
  for (const char* tag : {"t0", "t1", "t2", "t3", "t4", "t5"}) {
    policy += test::permit(std::string("p-") + tag, std::string("hosts = [\"tag:") + tag + "\"]\nas = [\"user:root\"]\nmax = \"1h\"");
  }
  const TestResult got = proof(policy, R"(hosts = ["tag:web"], as = ["user:root"], needs = "approval")");
  CHECK_FALSE(got.passed);
  CHECK(replays(policy, got.witness, "outcome = \"allow\""));
  CHECK(proof(policy, R"(hosts = ["tag:web"], as = ["user:root"], door = ["su"], needs = "deny")").passed == false);
  policy.replace(policy.find("unless.hosts = [\"tag:t3*\"]\n"), 26, "");
  CHECK(proof(policy, R"(hosts = ["tag:web"], as = ["user:root"], needs = "approval")").passed);
}

TEST_CASE("tags of a host: each outcome of the tests once, or said that not all were") {
  const TagTest db{{{Principal::Kind::kUser, "db", false, kNoUid}}, false}, any{{{Principal::Kind::kUser, "db", true, kNoUid}}, false},
      web{{{Principal::Kind::kUser, "web", false, kNoUid}}, false};
  const Mixtures got = mixtures({&db, &any, &web}, "x", 100);
  CHECK(got.all);
  CHECK(got.tags.size() == 6);  // db or not and only like it, each with web or without
  CHECK(got.tags[0] == std::vector<std::string>{"x"});
  CHECK_FALSE(mixtures({&db, &any, &web}, "x", 3).all);
  const Mixtures prefixed = mixtures({&db, &any}, "db*", 100);
  CHECK(prefixed.tags.size() == 2);
  CHECK(prefixed.tags[0][0] != "db");
}

TEST_CASE("where not all mixtures of tags can be tried, nothing is called proven") {
  CHECK(proof(tagged(3), R"(hosts = ["tag:web"], needs = "deny")").why.find("permit `p` opens") == 0);
  const auto policy = test::policy_of(tagged(10));
  Invariant asked;
  asked.needs = "reason";
  asked.hosts = {"web"};
  const Proof got = prove(policy, asked, for_tags(tagged(10)), {.now = kNow});
  CHECK(got.answer == Proof::Answer::kRefuted);  // found with few tags
  asked.needs = "record";
  const std::string recorded = tagged(10) + "[[guard]]\nid = \"all\"\nrequire = [\"record\"]\n";
  const Proof open = prove(test::policy_of(recorded), asked, for_tags(recorded), {.now = kNow});
  CHECK(open.answer == Proof::Answer::kUndecided);
  CHECK(open.why.find("so many tags") != std::string::npos);
}

TEST_CASE("another name for uid 0 is root where root is asked about") {
  const std::string toor = test::permit("p", "who = [\"group:x\"]\ndoor = [\"sudo\"]\nas = [\"user:toor\"]\nmax = \"1h\"");
  const TestResult got = proof(toor, R"(as = ["user:root"], needs = "approval-by-other")");
  CHECK_FALSE(got.passed);
  CHECK(replays(toor, got.witness, "outcome = \"allow\", permit = \"p\""));
  const auto ways = who_can(*test::policy_of(toor), "root", {.now = kNow});
  REQUIRE(ways.size() == 1);
  CHECK(ways[0].permit == "p");
  // A guard for root closes it again, and an account of which nobody says that it is root is none.
  CHECK(proof(toor + "[[guard]]\nid = \"g\"\nas = [\"user:root\"]\ndeny = \"no\"\n", R"(as = ["user:root"], needs = "approval")").passed);
  const std::string other = test::permit("p", "as = [\"user:admin\"]\nmax = \"1h\"");
  CHECK(proof(other, R"(as = ["user:root"], needs = "approval")").passed);
  CHECK(who_can(*test::policy_of(other), "root", {.now = kNow}).empty());
  CHECK(who_can(*test::policy_of(other), "root", {.now = kNow, .roots = {"admin"}}).size() == 4);
}

TEST_CASE("a test that gives a name uid 0 says so for the invariants too") {
  const std::string policy = test::permit("p", "as = [\"user:boss\"]\nmax = \"1h\"");
  const std::string tests = "[[test]]\nname = \"t\"\nrequest = { user = \"a\", door = \"sudo\", as = \"boss\", as-uid = 0 }\nexpect = { outcome = \"allow\" }\n";
  CHECK_FALSE(run(policy, tests + invariant(R"(as = ["user:root"], needs = "deny")")).invariants[0].passed);
}

TEST_CASE("root by another name at ssh") {
  const std::string policy = test::permit("p", "who = [\"user:toor\"]\ndoor = [\"ssh\"]\nmax = \"1h\"");
  const TestResult got = proof(policy, R"(door = ["ssh"], as = ["user:root"], needs = "deny")");
  CHECK_FALSE(got.passed);
  CHECK(replays(policy, got.witness, "outcome = \"allow\""));
}

TEST_CASE("the rescue route counts for root however the invariant names it, and for nobody else") {
  const std::string policy = "settings.rescue = [\"tty1\"]\n[set]\nzero = [\"user:0\"]\n" + test::permit("p", "who = [\"user:zoe\"]\nmax = \"1h\"");
  CHECK_FALSE(proof(policy, R"(as = ["set:zero"], needs = "deny")").passed);
  CHECK(proof(policy, R"(who = ["user:eva"], door = ["login"], needs = "deny")").passed);
  CHECK(proof(policy, R"(as = ["set:zero"], door = ["login"], needs = "deny", except = ["rescue"])").passed);
}

TEST_CASE("names in tests.d that nobody knows are faults of the tests") {
  const std::string policy = "[set]\nadmins = [\"user:eva\"]\n[fact.freeze]\ntype = \"bool\"\ninitial = false\n[fact.temp]\ntype = \"float\"\ninitial = 1.0\n" +
                             test::permit("root-shell", "hosts = [\"tag:db\"]\nmax = \"1h\"");
  const auto test = [](const std::string& request, const std::string& facts = "") {
    return "[[test]]\nname = \"n\"\nrequest = { user = \"a\", " + request + " }\n" + (facts.empty() ? "" : "facts = { " + facts + " }\n") + "expect = { outcome = \"allow\" }\n";
  };
  const std::string sudo = "door = \"sudo\"";
  const std::pair<std::string, std::string> cases[] = {
      {test(sudo), ""},
      {test(sudo, "freeze = true, \"count.denied.10m\" = 3, temp = 2.5"), ""},
      {test(sudo + ", tags = [\"db\"]"), ""},
      {test(sudo + ", tags = [\"web\"]"), "t.toml:1:1: E09 test \"n\" fails: outcome: expected allow, got deny"},
      {test(sudo, "frezee = true"), "t.toml:4:11: E12 there is no fact `frezee`; did you mean `freeze`?"},
      {test(sudo, "\"count.denid.10m\" = 3"), "t.toml:4:11: E12 there is no fact `count.denid.10m`; did you mean `count.denied.10m`?"},
      {test(sudo, "freeze = 1"), "t.toml:4:11: E01 fact `freeze` is of type bool; write true or false"},
      {test(sudo, "risk = 2.5"), "t.toml:4:11: E01 fact `risk` is of type int; write a whole number, like 3"},
      {test(sudo, "temp = { value = 2, age = \"1m\" }"), "t.toml:4:11: E01 fact `temp` is of type float; write a decimal number, like 3.0"},
      {test(sudo + ", tags = [\"bd\"]"), "t.toml:3:48: E02 neither a rule nor an invariant names the tag `bd`; did you mean `db`?"},
      {test(sudo + ", via = \"root-shel\""), "t.toml:3:46: E02 there is no permit `root-shel`; did you mean `root-shell`?"},
      {test("door = \"polkit\""), "t.toml:3:32: E01 `polkit` is not covered, so no rule is asked there"},
      {invariant(R"(who = ["set:admns"], needs = "approval")"), "t.toml:3:19: E02 set `admns` is not defined; did you mean `admins`?"},
      {invariant(R"(who = ["person:evaa"], needs = "approval")"), "t.toml:3:19: E02 person `evaa` is not defined; did you mean `eva`?"},
      {invariant(R"(as = ["set:nosuch"], needs = "deny")"), "t.toml:3:18: E02 set `nosuch` is not defined; define it in [set]"},
      {invariant(R"(door = ["polkit"], needs = "deny")"), "t.toml:3:20: E01 `polkit` is not covered"},
      {invariant(R"(door = ["ssh"], who = ["user:zoe"], as = ["user:root"], needs = "hardware")"), "t.toml:1:1: E05 invariant \"n\" matches nothing"},
      {invariant(R"(as = ["user:mysql"], door = ["ssh"], needs = "deny")"), "t.toml:1:1: E09"},
  };
  for (const auto& [tests, expected] : cases) {
    INFO(tests);
    const std::string got = fault(policy, tests);
    INFO(got);
    CHECK((expected.empty() ? got.empty() : got.starts_with(expected)));
  }
}

TEST_CASE("an invariant that no permit opens is proven, and called idle") {
  const auto policy = test::policy_of(test::permit("p", "as = [\"user:root\"]\nmax = \"1h\""));
  Invariant asked;
  asked.needs = "approval";
  asked.as = {{"user:roto", {}}};
  const Proof got = prove(policy, asked, nullptr, {.now = kNow});
  CHECK(got.answer == Proof::Answer::kProven);
  CHECK(got.idle);
}
