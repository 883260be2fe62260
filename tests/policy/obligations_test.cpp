// SPDX-License-Identifier: Apache-2.0
// What an offer demands beside seats: obligations, kinds of votes, ladders, break-glass; and guards that only observe.
#include "world.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

std::string hour(const std::string& id, const std::string& rest) { return permit(id, "max = \"1h\"\n" + rest); }

Request able(const World& w) {
  Request out = w.request();
  out.can_ask = out.recorder = out.can_notify = out.can_review = true;
  return out;
}

const std::string kApprovals = R"(
[approval.plain]
need = [{ from = "group:sre" }]
wait = "10m"
escalate = [{ after = "5m", notify = "pager" }, { after = "2m", add = "group:lead", to = "group:sre" }]
[approval.strict]
need = [{ from = "group:dba" }]
wait = "4m"
match = true
escalate = [{ after = "2m", add = "group:lead", to = "group:dba" }, { after = "4m", notify = "late" }]
[approval.easy]
need = [{ from = "group:sre" }]
machines = true
self = "hardware-key"
)";

}  // namespace

TEST_CASE("requirements are merged") {
  World w;
  const std::string rules = hour("p", "require = [\"ticket\", \"notify:b\", \"review:24h\"]") +
                            guard("g", "require = [\"ticket:CHG-##\", \"reason:5\", \"notify:a\", \"notify:b\", \"review:2h\", \"record\"]");
  Request request = able(w);
  request.reason = "because";
  request.ticket = "CHG-12";
  CHECK(golden(policy_of(rules)->decide(request)) == "allow p reason:5 ticket:CHG-## record notify:a notify:b review:2h 1h/1h tty");
}

TEST_CASE("an obligation that cannot be honoured closes the offer, and is named") {
  World w;
  struct Case {
    const char* require;
    bool Request::*can;
    const char* why;
  };
  const Case cases[] = {
      {"record", &Request::recorder, "\"p\" requires record, which cannot be honoured: sudo's I/O log is not on for this call"},
      {"notify:pager", &Request::can_notify, "\"p\" requires notify:pager, which cannot be honoured: no message can be queued here"},
      {"review:24h", &Request::can_review, "\"p\" requires review:1d, which cannot be honoured: no review can be kept here"},
  };
  for (const Case& c : cases) {
    const auto policy = policy_of(hour("p", "require = [\"" + std::string(c.require) + "\"]"));
    Request request = able(w);
    CHECK(policy->decide(request).outcome == Outcome::kAllow);
    request.*c.can = false;
    CHECK(all(policy->decide(request).why) == c.why);
    CHECK_FALSE(policy->decide(request).offer);
  }
  Request su = able(w);
  su.door = Door::kSu;
  CHECK(all(policy_of(hour("p", "require = [\"record\"]"))->decide(su).why) == "\"p\" requires record, which only the door sudo can honour");
  // An offer that can be honoured is taken instead.
  Request request = able(w);
  request.recorder = false;
  CHECK(golden(policy_of(hour("p", "require = [\"record\"]") + hour("q", "require = [\"reason\"]"))->decide(request)) == "needs q reason 1h/1h tty");
}

TEST_CASE("tickets") {
  World w;
  struct Case {
    const char* require;
    const char* ticket;
    bool enough;
  };
  const Case cases[] = {
      {"\"ticket\"", "", false},          {"\"ticket\"", " \t", false},       {"\"ticket\"", "x", true},
      {"\"ticket:CHG-##\"", "CHG-12", true}, {"\"ticket:CHG-##\"", "CHG-1", false}, {"\"ticket:CHG-##\"", "CHG-123", false},
      {"\"ticket:CHG-##\"", "CHG-1a", false}, {"\"ticket:CHG-##\"", "chg-12", false}, {"\"ticket:CHG-##\"", " CHG-12", false},
      {"\"ticket:A#\", \"ticket:#1\"", "A1", false}, {"\"ticket:#1\", \"ticket:1#\"", "11", true}, {"\"ticket:.*\"", "x", false},
  };
  for (const Case& c : cases) {
    INFO(c.require << " " << c.ticket);
    const auto policy = policy_of(hour("p", "require = [" + std::string(c.require) + "]"));
    Request request = able(w);
    request.ticket = c.ticket;
    const Decision asked = policy->decide(request);
    CHECK(asked.outcome == (c.enough ? Outcome::kAllow : Outcome::kNeeds));
    CHECK(asked.then == Outcome::kAllow);
    if (!c.enough) CHECK(asked.missing == std::vector<std::string>{"ticket"});
    request.can_ask = false;
    CHECK(policy->decide(request).outcome == (c.enough ? Outcome::kAllow : Outcome::kDeny));
  }
  Request request = w.request();
  CHECK(all(policy_of(hour("p", "require = [\"reason:20\", \"ticket:CHG-##\"]"))->decide(request).why) ==
        "a reason of at least 20 characters and a ticket like CHG-## are required and cannot be asked here; ask first: "
        "jitctl request --door sudo --as root --reason TEXT --ticket TICKET");
}

TEST_CASE("approvals unite to the strictest") {
  World w;
  const auto offer = [&](const std::string& rules) {
    return policy_of(kApprovals + rules)->decide(able(w)).offer.value();
  };
  Offer easy = offer(hour("p", "approval = \"easy\""));
  CHECK((easy.machines && easy.self && !easy.match && easy.votes == Votes::kAny));
  Offer mixed = offer(hour("p", "approval = \"easy\"") + guard("g", "approval = \"plain\""));
  CHECK((!mixed.machines && !mixed.self));
  // A rule without an approval has no say.
  CHECK(offer(hour("p", "approval = \"easy\"") + guard("g", "max = \"5m\"")).self);
  Offer none = offer(hour("p", ""));
  CHECK((!none.machines && !none.self && !none.match && none.votes == Votes::kAny && none.ladder.empty()));
  Offer plain = offer(hour("p", "approval = \"plain\""));
  CHECK(plain.ladder == std::vector<Step>{{120, "group:lead", "group:sre", ""}, {300, "", "", "pager"}});
  const Offer strict = offer(hour("p", "approval = \"plain\"") + guard("g", "approval = \"strict\""));
  CHECK((strict.match && strict.wait_s == 240));
  // What would come after the united wait never happens.
  CHECK(strict.ladder == std::vector<Step>{{120, "group:lead", "group:dba", ""}, {120, "group:lead", "group:sre", ""}});
}

TEST_CASE("a vote that must be signed needs a person with such a key") {
  World w;
  const std::string rules = "schema = 1\nsettings.covers = [\"sudo\"]\nset.ab = [\"user:alice\", \"user:bob\", \"user:carl\"]\n"
                            "[approval.any]\nneed = [{ from = \"set:ab\" }]\n[approval.signed]\nneed = [{ from = \"set:ab\" }]\nvotes = \"signed\"\n"
                            "[approval.hardware]\nneed = [{ from = \"set:ab\" }]\nvotes = \"hardware\"\n"
                            "[approval.group]\nneed = [{ from = \"group:sre\" }]\nvotes = \"hardware\"\n"
                            "[approval.self]\nneed = [{ from = \"set:ab\", count = 2 }]\nself = \"hardware-key\"\n"
                            "[approval.machine]\nneed = [{ from = \"user:deploy\" }]\nmachines = true\n";
  const std::string people = "version = 1\n[[person]]\nname = \"alice\"\nusers = [\"alice\"]\n[[person.key]]\nid = \"t\"\nkind = \"ssh\"\n"
                             "public = \"sk-ssh-ed25519@openssh.com A\"\nnot-before = 1970-01-01T00:01:40Z\nnot-after = 1970-01-01T00:03:20Z\n"
                             "[[person]]\nname = \"bob\"\nusers = [\"bob\"]\n[[person.key]]\nid = \"l\"\nkind = \"ssh\"\npublic = \"ssh-ed25519 A\"\n"
                             "revoked = 1970-01-01T00:05:00Z\n[[person]]\nname = \"robot\"\nusers = [\"deploy\"]\nclass = \"machine\"\n";
  struct Case {
    const char* approval;
    const Identity* who;
    std::int64_t now;
    bool feasible;
  };
  const Case cases[] = {
      {"any", &w.alice, 150, true},       {"signed", &w.alice, 150, true},    {"signed", &w.bob, 150, true},
      {"signed", &w.alice, 300, false},   {"signed", &w.bob, 99, false},      {"hardware", &w.bob, 100, true},
      {"hardware", &w.bob, 200, false},   {"hardware", &w.alice, 150, false}, {"hardware", &w.carl, 150, true},
      {"group", &w.bob, 150, true},       {"group", &w.alice, 150, false},    {"group", &w.bob, 200, false},
      {"self", &w.alice, 150, true},      {"self", &w.carl, 150, true},       {"machine", &w.alice, 150, true},
  };
  for (const Case& c : cases) {
    INFO(c.approval << " " << c.who->user << " " << c.now);
    const auto loaded = load({{"p.toml", rules + hour("p", "approval = \"" + std::string(c.approval) + "\"")}}, {{"people.toml", people}});
    for (const Finding& finding : loaded.findings) UNSCOPED_INFO(finding.text());
    REQUIRE(loaded.policy);
    Request request = able(w);
    request.subject = c.who;
    request.now = c.now;
    const Decision decision = loaded.policy->decide(request);
    CHECK((decision.outcome == Outcome::kApproval) == c.feasible);
    if (!c.feasible) CHECK(all(decision.why).find("cannot be approved") != std::string::npos);
  }
  const auto votes = [&](const std::string& settings, const std::string& guards) {
    // Without the machine: it has no key, so it could fill nothing that is signed.
    const std::string keyed = rules.substr(0, rules.find("[approval.machine]"));
    const auto loaded = load({{"p.toml", keyed + hour("p", "approval = \"any\"") + guards}, {"q.toml", "schema = 1\n" + settings}}, {{"people.toml", people}});
    REQUIRE(loaded.policy);
    Request request = able(w);
    request.subject = &w.carl;
    request.now = 150;
    return loaded.policy->decide(request).offer.value().votes;
  };
  CHECK(votes("", "") == Votes::kAny);
  CHECK(votes("settings.votes = \"signed\"", "") == Votes::kSigned);
  CHECK(votes("", guard("g", "approval = \"hardware\"")) == Votes::kHardware);
  CHECK(votes("settings.votes = \"signed\"", guard("g", "approval = \"hardware\"")) == Votes::kHardware);
  const auto policy = load({{"p.toml", rules}}, {{"people.toml", people}}).policy;
  REQUIRE(policy);
  CHECK(policy->people()[0].keys[0].hardware);
  CHECK_FALSE(policy->people()[1].keys[0].hardware);
  CHECK((policy->people()[1].keys[0].usable(299) && !policy->people()[1].keys[0].usable(300)));
  CHECK(policy->may_fill("user:deploy", user("deploy", 9, {}, "robot"), 0, true));
  CHECK_FALSE(policy->may_fill("user:deploy", user("deploy", 9, {}, "robot"), 0));
}

TEST_CASE("what becomes of a running program") {
  World w;
  const auto offer = [&](const std::string& rest) { return policy_of(hour("p", rest))->decide(able(w)).offer.value(); };
  CHECK(offer("").on_expiry == Expiry::kEnd);
  CHECK(offer("").run_max_s == 0);
  CHECK(offer("on-expiry = \"finish\"").run_max_s == 86'400);
  CHECK(offer("on-expiry = \"warn\"\nrun-max = \"2h\"").run_max_s == 7200);
  CHECK(offer("on-expiry = \"warn\"").on_expiry == Expiry::kWarn);
  CHECK(offer("").warn_before_s == std::vector<std::uint32_t>{300, 60});
  CHECK(offer("warn-before = [\"1m\", \"10m\", \"60s\"]").warn_before_s == std::vector<std::uint32_t>{600, 60});
}

TEST_CASE("break-glass is never taken by itself") {
  World w;
  const std::string glass = hour("glass", "break-glass = true\nrequire = [\"reason:5\"]");
  const std::string normal = hour("normal", "approval = \"plain\"");
  const std::string closed = guard("closed", "deny = \"closed\"\nyields-to = [\"glass\"]");
  Request request = able(w);
  request.reason = "because";
  const auto decided = [&](const std::string& rules) { return policy_of(kApprovals + rules)->decide(request); };
  CHECK(golden(decided(glass + normal)) == "approval normal group:sre 1h/1h tty");
  Decision choice = decided(glass + normal + closed);
  CHECK(choice.outcome == Outcome::kNeeds);
  CHECK(choice.missing == std::vector<std::string>{"choice"});
  REQUIRE(choice.choices.size() == 1);
  CHECK((choice.choices[0].rule == "glass" && choice.choices[0].break_glass && choice.then == Outcome::kAllow));
  CHECK(all(choice.why) == "closed");
  // A guard that does not yield holds.
  CHECK(decided(glass + normal + closed + guard("always", "deny = \"always\"")).outcome == Outcome::kDeny);
  request.via = "glass";
  CHECK(golden(decided(glass + normal + closed)) == "allow glass reason:5 1h/1h tty");
  CHECK(decided(glass + normal + closed).rules == std::vector<std::string>{"glass"});
  request.reason_from_environment = true;
  CHECK(decided(glass).missing == std::vector<std::string>{"reason"});
  request.can_ask = false;
  CHECK(all(decided(glass).why).find("--via glass") != std::string::npos);
  request.reason_from_environment = false;
  CHECK(decided(glass).outcome == Outcome::kAllow);
  request.via = {};
  CHECK(all(decided(glass).why).find("only break-glass is left, and it is never taken by itself; to choose it: "
                                     "jitctl request --door sudo --as root --via glass") == 0);
  // At its use the guards that yield are left out as well.
  const Offer offer = choice.choices[0];
  CHECK_FALSE(policy_of(kApprovals + glass + closed)->refuses_use("glass", offer.fingerprint, request));
  CHECK(policy_of(kApprovals + glass + closed + guard("x", "deny = \"no\""))->refuses_use("glass", offer.fingerprint, request) == "no");
}

TEST_CASE("a guard that observes is told, and not applied") {
  World w;
  const std::string deny = guard("a", "mode = \"observe\"\ndeny = \"frozen\"");
  const std::string narrow = guard("b", "mode = \"observe\"\napproval = \"plain\"\nrequire = [\"reason:9\"]\ngive = \"1m\"\nmax = \"5m\"\nscope = \"command\"");
  const std::string other = guard("c", "mode = \"observe\"\nwho = [\"user:bob\"]\ndeny = \"x\"");
  const std::vector<Observed> both{{"a", "deny: frozen"}, {"b", "ask 1 of group:sre; require reason:9; give 1m; at most 5m; scope command"}};
  const auto decided = [&](const std::string& rules) { return policy_of(kApprovals + rules + deny + narrow + other)->decide(able(w)); };
  const Decision allowed = decided(hour("p", ""));
  CHECK(golden(allowed) == "allow p 1h/1h tty");
  CHECK(allowed.observed == both);
  CHECK(allowed.rules == std::vector<std::string>{"p"});
  CHECK(decided("").observed == both);
  CHECK(decided(hour("p", "scope = \"login\"")).observed == both);
  CHECK_FALSE(policy_of(kApprovals + hour("p", "") + deny)->refuses_use("p", allowed.offer->fingerprint, able(w)));
  CHECK(decided(guard("enforced", "mode = \"enforce\"\ndeny = \"no\"") + hour("p", "")).outcome == Outcome::kDeny);
}
