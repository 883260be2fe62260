// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <random>

#include "world.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

const std::string kAny = permit("any", "max = \"1h\"");

std::string why(const std::string& rules, const Request& request) { return all(policy_of(rules)->decide(request).why); }

}  // namespace

TEST_CASE("default deny, with the nearest reason") {
  World w;
  Identity lost = w.alice;
  lost.groups_known = false;
  Request request = w.request();
  struct Case {
    std::string rules;
    const char* expected;
  };
  const Case cases[] = {
      {"", "no rule permits anything"},
      {permit("a", "max = \"1h\"\nwho = [\"user:bob\"]"), "the nearest is \"a\": it is not for alice"},
      {permit("a", "max = \"1h\"\ndoor = [\"su\"]"), "\"a\": it is not for the door sudo"},
      {permit("a", "max = \"1h\"\nas = [\"user:postgres\"]"), "\"a\": it does not allow the target root"},
      {permit("a", "max = \"1h\"\nhosts = [\"tag:web\"]"), "\"a\": it is not for this host"},
      {"net.vpn = [\"10.0.0.0/8\"]\n" + permit("a", "max = \"1h\"\nfrom = [\"net:vpn\"]"), "\"a\": it does not allow this origin"},
      {permit("a", "max = \"1h\"\nunless.who = [\"user:alice\"]"), "\"a\": an exception (`unless`) takes it away"},
      {permit("a", "max = \"1h\"\nwho = [\"user:bob\"]") + permit("b", "max = \"1h\"\nhosts = [\"tag:web\"]"), "\"b\": it is not for this host"},
      {permit("a", "max = \"1h\"\nwho = [\"user:bob\"]\ndoor = [\"su\"]"), "\"a\": it is not for alice; it is not for the door sudo"},
      {permit("a", "max = \"1h\"\nwho = [\"user:bob\"]") + guard("g", "deny = \"change freeze\""), "it is not for alice | change freeze"},
  };
  for (const Case& c : cases) {
    INFO(c.rules);
    const Decision decision = policy_of(c.rules)->decide(request);
    CHECK(decision.outcome == Outcome::kDeny);
    CHECK_FALSE(decision.offer);
    CHECK(all(decision.why).find(c.expected) != std::string::npos);
  }
  request.subject = &lost;
  CHECK(why(permit("a", "max = \"1h\"\nwho = [\"group:dba\"]"), request).find("the directory did not answer") != std::string::npos);
  request.from = {};
  CHECK(why(permit("a", "max = \"1h\"\nfrom = [\"local\"]"), request).find("where the login came from is not known") != std::string::npos);
}

TEST_CASE("only covered doors; incomplete requests are denied") {
  World w;
  const auto loaded = load({{"p.toml", "schema = 1\nsettings.covers = [\"su\"]\n" + kAny}});
  REQUIRE(loaded.policy);
  Request request = w.request();
  CHECK(all(loaded.policy->decide(request).why) == "the door sudo is not covered by the policy");
  CHECK(loaded.policy->refuses_use("any", "", request) == "the door sudo is not covered by the policy");
  request.door = Door::kSu;
  CHECK(loaded.policy->decide(request).outcome == Outcome::kAllow);
  request.door = static_cast<Door>(77);
  CHECK(loaded.policy->decide(request).outcome == Outcome::kDeny);
  for (const Identity* Request::*who : {&Request::subject, &Request::target, &Request::root}) {
    Request broken = w.request();
    broken.door = Door::kSu;
    broken.*who = nullptr;
    CHECK(all(loaded.policy->decide(broken).why) == "the request is incomplete");
    CHECK(loaded.policy->refuses_use("any", "x", broken));
  }
}

TEST_CASE("a deny drops the permit; every reason is told once") {
  World w;
  const Decision decision = policy_of(kAny + permit("b", "max = \"2h\"") + guard("g2", "deny = \"freeze\"") +
                                      guard("g1", "as = [\"user:root\"]\ndeny = \"never root\"") + guard("g3", "deny = \"freeze\"") +
                                      guard("g4", "who = [\"user:bob\"]\ndeny = \"not bob\""))->decide(w.request());
  CHECK(decision.outcome == Outcome::kDeny);
  CHECK(all(decision.why) == "never root | freeze");
  CHECK(decision.rules == std::vector<std::string>{"any", "b", "g1", "g2", "g3"});
}

TEST_CASE("the rules that decided are named") {
  World w;
  const Decision decision = policy_of(kAny + permit("b", "max = \"2h\"") + guard("z", "max = \"3h\"") + guard("y", "who = [\"user:bob\"]\nmax = \"1m\""))
                                ->decide(w.request());
  CHECK(decision.rules == std::vector<std::string>{"b", "z"});
}

TEST_CASE("a reason: asked where that is possible, else the line to type") {
  World w;
  const std::string rules = permit("p", "max = \"1h\"\nrequire = [\"reason:5\"]");
  const std::string plain = permit("p", "max = \"1h\"\nrequire = [\"reason\"]");
  struct Case {
    const std::string* rules;
    const char* reason;
    bool can_ask;
    const char* expected;
  };
  const Case cases[] = {
      {&rules, "", true, "needs p reason:5 1h/1h tty"},        {&rules, "", false, "deny"},
      {&rules, "1234", true, "needs p reason:5 1h/1h tty"},    {&rules, "1234", false, "deny"},
      {&rules, "12345", false, "allow p reason:5 1h/1h tty"},  {&rules, "   1234   ", true, "needs p reason:5 1h/1h tty"},
      {&rules, " 12345\n", true, "allow p reason:5 1h/1h tty"}, {&rules, "\xc3\xa9\xc3\xa9\xc3\xa9", true, "needs p reason:5 1h/1h tty"},
      {&rules, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", true, "allow p reason:5 1h/1h tty"},
      {&plain, "", true, "needs p reason 1h/1h tty"},          {&plain, " \t\n", true, "needs p reason 1h/1h tty"},
      {&plain, "x", false, "allow p reason 1h/1h tty"},        {&kAny, "", false, "allow any 1h/1h tty"},
  };
  for (const Case& c : cases) {
    INFO(*c.rules << c.reason);
    Request request = w.request();
    request.reason = c.reason;
    request.can_ask = c.can_ask;
    const Decision decision = policy_of(*c.rules)->decide(request);
    CHECK(golden(decision) == c.expected);
    CHECK(decision.missing == (decision.outcome == Outcome::kNeeds ? std::vector<std::string>{"reason"} : std::vector<std::string>{}));
  }
  CHECK(why(rules, w.request()) ==
        "a reason of at least 5 characters is required and cannot be asked here; ask first: jitctl request --door sudo --as root --reason TEXT");
  CHECK(why(plain, w.login(Door::kSsh, w.alice)) ==
        "a reason is required and cannot be asked here; ask first: jitctl request --door ssh --reason TEXT");
  // An offer that needs no text is taken where none can be asked.
  CHECK(golden(policy_of(plain + permit("q", "max = \"1m\"\nunverified-ok = [\"as\"]"))->decide(w.request())) == "allow q 1m/1m tty");
}

TEST_CASE("--via names the permit, and nothing else is tried") {
  World w;
  const std::string rules = kAny + permit("long", "max = \"8h\"\nrequire = [\"reason\"]") + permit("bob", "max = \"1h\"\nwho = [\"user:bob\"]") +
                            permit("infeasible", "max = \"1h\"\nscope = \"login\"") + guard("g", "max = \"9h\"");
  const std::pair<const char*, const char*> cases[] = {
      {"", "allow any 1h/1h tty"}, {"any", "allow any 1h/1h tty"}, {"long", "needs long reason 8h/8h tty"},
      {"bob", "deny"}, {"infeasible", "deny"}, {"g", "deny"}, {"nothing", "deny"}, {"an", "deny"}, {"any ", "deny"},
  };
  for (const auto& [via, expected] : cases) {
    INFO(via);
    Request request = w.request();
    request.can_ask = true;
    request.via = via;
    CHECK(golden(policy_of(rules)->decide(request)) == expected);
  }
  Request request = w.request();
  request.via = "bob";
  CHECK(why(rules, request) == "permit \"bob\" does not match: it is not for alice");
  request.via = "nothing";
  CHECK(why(rules, request) == "there is no permit \"nothing\"");
}

TEST_CASE("a claimed target: permits must match for root too, guards apply if they match for either") {
  World w;
  Request claim = w.request();
  claim.target = &w.postgres;
  claim.target_verified = false;
  Request verified = claim;
  verified.target_verified = true;
  Request root_claim = w.request();
  root_claim.target_verified = false;
  Request su = claim;
  su.door = Door::kSu;
  const std::string pg = "max = \"1h\"\nas = [\"user:postgres\"]";
  const std::string both = "max = \"1h\"\nas = [\"user:postgres\", \"user:root\"]";
  struct Case {
    const char* what;
    std::string rules;
    bool claimed, exact;
  };
  const Case cases[] = {
      {"a claim opens nothing by itself", permit("p", pg), false, true},
      {"listed as ok", permit("p", pg + "\nunverified-ok = [\"as\"]"), true, true},
      {"root allowed as well", permit("p", both), true, true},
      {"any target", permit("p", "max = \"1h\""), true, true},
      {"a guard for root holds", permit("p", both) + guard("g", "as = [\"user:root\"]\ndeny = \"no\""), false, true},
      {"a guard for the claim holds", permit("p", both) + guard("g", "as = [\"user:postgres\"]\ndeny = \"no\""), false, false},
      {"where listed, guards see the claim only", permit("p", pg + "\nunverified-ok = [\"as\"]") + guard("g", "as = [\"user:root\"]\ndeny = \"no\""), true, true},
      {"a claim lifts no guard", permit("p", both) + guard("g", "deny = \"no\"\nunless.as = [\"user:postgres\"]"), false, true},
      {"unless of a permit is seen for both", permit("p", both + "\nunless.as = [\"user:root\"]"), false, true},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    const auto policy = policy_of(c.rules);
    CHECK((policy->decide(claim).outcome == Outcome::kAllow) == c.claimed);
    CHECK((policy->decide(verified).outcome == Outcome::kAllow) == c.exact);
    CHECK((policy->decide(su).outcome == Outcome::kAllow) == c.exact);
  }
  CHECK(policy_of(permit("p", "max = \"1h\"\nas = [\"user:root\"]"))->decide(root_claim).outcome == Outcome::kAllow);
  CHECK(why(permit("p", pg), claim).find("the target is only claimed here") != std::string::npos);
}

TEST_CASE("refuses_use: the permit still matches, unchanged, and no guard denies") {
  World w;
  const std::string p = permit("p", "max = \"1h\"\nwho = [\"user:alice\"]\nrequire = [\"reason\"]\nunverified-ok = [\"as\"]");
  const auto before = policy_of(p);
  Request request = w.request();
  request.can_ask = true;
  const Offer offer = before->decide(request).offer.value();
  const auto refused = [&](const std::string& rules, const Request& r) {
    return policy_of(rules)->refuses_use(offer.rule, offer.fingerprint, r).value_or("");
  };
  CHECK(refused(p, request).empty());
  CHECK(refused(p + kAny, request).empty());
  // Tightening other than deny counts for new requests only.
  CHECK(refused("[approval.a]\nneed = [{ from = \"group:sre\" }]\n" + p + guard("g", "approval = \"a\"\nmax = \"1m\"\nscope = \"command\""), request).empty());
  CHECK(refused(p + guard("g", "deny = \"freeze\""), request) == "freeze");
  CHECK(refused(p + guard("g", "deny = \"freeze\"\nwho = [\"user:bob\"]"), request).empty());
  CHECK(refused(kAny, request) == "policy changed: permit \"p\" is gone");
  CHECK(refused(permit("p", "max = \"2h\"\nwho = [\"user:alice\"]"), request) == "policy changed: permit \"p\" is not the same any more");
  Request bob = request;
  bob.subject = &w.bob;
  CHECK(refused(p, bob) == "permit \"p\" does not match: it is not for bob");
  Request claim = request;
  claim.target_verified = false;
  claim.target = &w.postgres;
  CHECK(refused(p, claim).empty());
  CHECK(refused(p + guard("g", "deny = \"no\"\nas = [\"user:root\"]"), claim).empty());
}

TEST_CASE("the order of files and rules means nothing; more guards never ease") {
  std::mt19937 random(5);
  World w;
  std::vector<std::string> rules = {
      kAny, permit("b", "max = \"2h\"\nrequire = [\"reason\"]"), permit("c", "max = \"30m\"\nunless.from = [\"local\"]"),
      permit("d", "max = \"4h\"\nas = [\"user:postgres\"]"), guard("g", "max = \"20m\"\nwho = [\"group:dba\"]"),
      guard("h", "require = [\"reason:10\"]\nunless.door = [\"su\"]"), "[approval.a]\nneed = [{ from = \"group:sre\" }]\n",
  };
  const Identity* people[] = {&w.alice, &w.bob, &w.carl, &w.root, &w.postgres};
  const auto pick = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  for (int round = 0; round < 300; ++round) {
    std::vector<Source> one, other;
    const std::string head = "schema = 1\n";
    for (const std::string& rule : rules) one.push_back({"f" + std::to_string(one.size()), head + rule});
    one.push_back({"s", head + "settings.covers = [\"sudo\", \"su\", \"ssh\", \"login\"]\n"});
    other = one;
    std::ranges::shuffle(other, random);
    const auto a = load(one).policy, b = load(other).policy;
    other.push_back({"x", head + guard("x", "approval = \"a\"\nmax = \"10m\"\n")});
    const auto tighter = load(other).policy;
    REQUIRE((a && b && tighter));
    CHECK(a->hash() == b->hash());
    CHECK(a->hash() != tighter->hash());
    Request request = w.request();
    request.door = static_cast<Door>(pick(4));
    request.subject = people[pick(5)];
    request.target = people[pick(5)];
    request.target_verified = pick(2) == 0;
    request.can_ask = pick(2) == 0;
    request.reason = pick(2) == 0 ? "" : "a good reason";
    request.from.kind = static_cast<Origin::Kind>(pick(3));
    const Decision da = a->decide(request), db = b->decide(request), dt = tighter->decide(request);
    REQUIRE(golden(da) == golden(db));
    REQUIRE(da.rules == db.rules);
    REQUIRE(da.why == db.why);
    REQUIRE(dt.outcome != Outcome::kAllow);
    if (da.outcome == Outcome::kDeny) REQUIRE(dt.outcome == Outcome::kDeny);
  }
}
