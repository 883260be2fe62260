// SPDX-License-Identifier: Apache-2.0
// Permits are alternatives, guards are cumulative, any guard beats any permit.
#include "policy/terms.h"

#include "world.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

const std::string kApprovals = R"(
[approval.one-sre]
need = [{ from = "group:sre" }]
wait = "15m"
[approval.two-sre]
need = [{ from = "group:sre", count = 2 }]
wait = "5m"
[approval.dba]
need = [{ from = "group:dba" }]
[approval.slow]
wait = "2h"
)";

std::string decided(const std::string& rules, const Request& request) {
  return golden(policy_of(kApprovals + rules)->decide(request));
}


}  // namespace

TEST_CASE("offers are merged: more seats, longer reason, shorter times, narrower scope") {
  World w;
  Request request = w.request();
  request.can_ask = true;
  struct Case {
    std::string rules;
    const char* expected;
  };
  const std::string p = permit("p", "max = \"1h\"");
  const Case cases[] = {
      {p, "allow p 1h/1h tty"},
      {permit("p", "max = \"2h\"\ngive = \"15m\""), "allow p 15m/2h tty"},
      {permit("p", "max = \"1h\"\ngive = \"2h\""), "allow p 1h/1h tty"},
      {p + guard("g", "max = \"30m\""), "allow p 30m/30m tty"},
      {p + guard("g", "give = \"5m\""), "allow p 5m/1h tty"},
      {p + guard("g", "max = \"2h\"\ngive = \"3h\""), "allow p 1h/1h tty"},
      {p + guard("g", "scope = \"command\""), "allow p 1h/1h command"},
      {p + guard("g", "scope = \"session\""), "allow p 1h/1h tty"},
      {permit("p", "max = \"1h\"\nscope = \"session\"") + guard("g", "scope = \"tty\""), "allow p 1h/1h tty"},
      {p + guard("g", "approval = \"one-sre\""), "approval p group:sre 1h/1h tty"},
      {permit("p", "max = \"1h\"\napproval = \"one-sre\"") + guard("g", "approval = \"two-sre\""), "approval p group:sre*2 1h/1h tty"},
      {permit("p", "max = \"1h\"\napproval = \"two-sre\"") + guard("g", "approval = \"one-sre\""), "approval p group:sre*2 1h/1h tty"},
      {permit("p", "max = \"1h\"\napproval = \"one-sre\"") + guard("g", "approval = \"dba\""), "approval p group:dba group:sre 1h/1h tty"},
      {p + guard("g", "require = [\"reason\"]"), "needs p reason 1h/1h tty"},
      {permit("p", "max = \"1h\"\nrequire = [\"reason:10\"]") + guard("g", "require = [\"reason:30\", \"reason\"]"), "needs p reason:30 1h/1h tty"},
      {p + guard("a", "max = \"30m\"") + guard("b", "give = \"10m\"") + guard("c", "scope = \"command\""), "allow p 10m/30m command"},
      {p + guard("other", "who = [\"user:bob\"]\nmax = \"1m\""), "allow p 1h/1h tty"},
  };
  for (const Case& c : cases) {
    INFO(c.rules);
    CHECK(decided(c.rules, request) == c.expected);
  }
}

TEST_CASE("times that nobody wrote have defaults") {
  World w;
  const auto offer = [&](const std::string& rules) { return policy_of(kApprovals + rules)->decide(w.request()).offer.value(); };
  CHECK(offer(permit("p", "max = \"1h\"")).wait_s == 600);
  CHECK(offer(permit("p", "max = \"1h\"")).claim_s == 600);
  CHECK(offer(permit("p", "max = \"1h\"\nclaim = \"1m\"")).claim_s == 60);
  CHECK(offer(permit("p", "max = \"1h\"\napproval = \"dba\"")).wait_s == 600);
  // A rule whose approval does not say how long has no say.
  CHECK(offer(permit("p", "max = \"1h\"\napproval = \"slow\"")).wait_s == 7200);
  CHECK(offer(permit("p", "max = \"1h\"\napproval = \"slow\"") + guard("g", "approval = \"dba\"")).wait_s == 600);
  CHECK(offer(permit("p", "max = \"1h\"\napproval = \"slow\"") + guard("g", "approval = \"one-sre\"")).wait_s == 900);
}

TEST_CASE("the scope must be one that the door has") {
  for (const Door door : {Door::kSudo, Door::kSu, Door::kSsh, Door::kLogin}) {
    const bool session_door = door == Door::kSsh || door == Door::kLogin;
    CHECK(door_has(door, Scope::kCommand) == (door == Door::kSudo));
    CHECK(door_has(door, Scope::kTty) == !session_door);
    CHECK(door_has(door, Scope::kSession));
    CHECK(door_has(door, Scope::kLogin) == session_door);
  }
  World w;
  const auto sudo = policy_of(permit("p", "max = \"1h\"\nscope = \"login\""))->decide(w.request());
  CHECK(sudo.outcome == Outcome::kDeny);
  CHECK(all(sudo.why) == "\"p\" has the scope login, which the door sudo does not have");
  CHECK(sudo.rules == std::vector<std::string>{"p"});
  CHECK(decided(permit("p", "max = \"1h\""), w.login(Door::kSsh, w.alice)) == "allow p 1h/1h login");
  CHECK(decided(permit("p", "max = \"1h\"\nscope = \"session\""), w.login(Door::kLogin, w.alice)) == "allow p 1h/1h session");
  CHECK(decided(permit("p", "max = \"1h\"\nscope = \"tty\""), w.login(Door::kSsh, w.alice)) == "deny");
  CHECK(decided(permit("p", "max = \"1h\"") + guard("g", "scope = \"command\""), w.login(Door::kSsh, w.alice)) == "deny");
}

TEST_CASE("the easiest feasible offer is proposed") {
  World w;
  Request request = w.request();
  request.can_ask = true;
  struct Case {
    const char* what;
    std::string rules;
    const char* expected;
  };
  const std::string long_one = permit("a", "max = \"8h\"\napproval = \"two-sre\"");
  const Case cases[] = {
      {"fewer seats", long_one + permit("b", "max = \"1h\"\napproval = \"one-sre\""), "approval b group:sre 1h/1h tty"},
      {"no seats", long_one + permit("z", "max = \"1m\""), "allow z 1m/1m tty"},
      {"fewer requirements", permit("a", "max = \"8h\"\nrequire = [\"reason\"]") + permit("b", "max = \"1m\""), "allow b 1m/1m tty"},
      {"seats before requirements", permit("a", "max = \"1h\"\nrequire = [\"reason\"]") + permit("b", "max = \"1h\"\napproval = \"dba\""), "needs a reason 1h/1h tty"},
      {"longer give", permit("a", "max = \"1h\"") + permit("b", "max = \"2h\""), "allow b 2h/2h tty"},
      {"give, not max", permit("a", "max = \"8h\"\ngive = \"5m\"") + permit("b", "max = \"10m\""), "allow b 10m/10m tty"},
      {"then the id", permit("b", "max = \"1h\"") + permit("a", "max = \"1h\""), "allow a 1h/1h tty"},
      {"feasible before cannot tell", "[approval.named]\nneed = [{ from = \"set:x\", count = 2 }]\n[set]\nx = [\"person:bob\", \"person:eva\"]\n" +
           permit("a", "max = \"8h\"\napproval = \"one-sre\"") + permit("b", "max = \"1h\"\napproval = \"named\""), "approval b set:x*2 1h/1h tty"},
      {"infeasible never", permit("a", "max = \"8h\"\nscope = \"login\"") + permit("b", "max = \"1h\"\napproval = \"two-sre\""), "approval b group:sre*2 1h/1h tty"},
      {"a guard may turn the order", permit("a", "max = \"8h\"\nas = [\"user:root\"]") + permit("b", "max = \"1h\"") +
           guard("g", "max = \"30m\""), "allow a 30m/30m tty"},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    CHECK(decided(c.rules, request) == c.expected);
  }
}

TEST_CASE("seats that cannot be filled make an offer infeasible, and the set is named") {
  World w;
  const std::string sets = "[set]\nab = [\"person:alice\", \"person:bob\"]\nbe = [\"person:bob\", \"person:eva\"]\n"
                           "[approval.ab]\nneed = [{ from = \"set:ab\" }]\n[approval.ab2]\nneed = [{ from = \"set:ab\", count = 2 }]\n"
                           "[approval.both]\nneed = [{ from = \"person:bob\" }, { from = \"set:ab\" }]\n"
                           "[approval.mixed]\nneed = [{ from = \"set:ab\", count = 2 }, { from = \"group:sre\" }]\n"
                           "[approval.named]\nneed = [{ from = \"user:carl\" }]\n";
  const auto with = [&](const std::string& approval, const Identity& who) {
    Request request = w.request();
    request.subject = &who;
    return policy_of(sets + permit("p", "max = \"1h\"\napproval = \"" + approval + "\""))->decide(request);
  };
  CHECK(golden(with("ab", w.alice)) == "approval p set:ab 1h/1h tty");
  CHECK(all(with("ab2", w.alice).why) == "\"p\" cannot be approved: set:ab: 2 people are needed, and 1 person can be asked");
  CHECK(golden(with("ab2", w.eva)) == "approval p set:ab*2 1h/1h tty");
  CHECK(all(with("both", w.alice).why).find("other seats need the same people") != std::string::npos);
  CHECK(with("mixed", w.alice).outcome == Outcome::kDeny);
  CHECK(with("mixed", w.eva).outcome == Outcome::kApproval);
  CHECK(with("named", w.alice).outcome == Outcome::kApproval);
  CHECK(all(with("named", w.carl).why) == "\"p\" cannot be approved: user:carl: 1 person is needed, and nobody else is in it");
  // By his other user he is the same person, whatever the caller wrote as his person.
  const Identity other = user("alice-adm", 2001, {}, "alice");
  const Identity stale = user("alice-adm", 2001, {}, "uid:2001");
  CHECK(with("ab2", other).outcome == Outcome::kDeny);
  CHECK(with("ab2", stale).outcome == Outcome::kDeny);
}

TEST_CASE("more than max gets max, less gets what was asked") {
  World w;
  const auto policy = policy_of(permit("p", "max = \"2h\"\ngive = \"15m\""));
  struct Case {
    std::optional<std::uint32_t> asked;
    const char* expected;
    bool shortened;
  };
  const Case cases[] = {
      {std::nullopt, "allow p 15m/2h tty", false}, {60, "allow p 1m/2h tty", false},
      {3600, "allow p 1h/2h tty", false},          {7200, "allow p 2h/2h tty", false},
      {7201, "allow p 2h/2h tty", true},           {4294967295U, "allow p 2h/2h tty", true},
      {0, "deny", false},
  };
  for (const Case& c : cases) {
    Request request = w.request();
    request.asked_s = c.asked;
    const Decision decision = policy->decide(request);
    CHECK(golden(decision) == c.expected);
    if (decision.offer) CHECK(decision.offer->shortened == c.shortened);
    CHECK(decision.why.empty() == (!c.shortened && decision.outcome == Outcome::kAllow));
  }
}
