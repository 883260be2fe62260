// SPDX-License-Identifier: Apache-2.0
// Whole policies do what their comments say: requests and the decision that each must get.
#include <fstream>
#include <sstream>

#include "world.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

std::shared_ptr<const Policy> example(const std::string& name, const std::vector<std::string>& tags) {
  std::ifstream in(std::string(JIT_CORPUS) + "/good/example-" + name + ".toml");
  std::ostringstream text;
  text << in.rdbuf();
  const auto loaded = load({{name, text.str()}}, {{"people.toml", kPeople}}, tags);
  for (const Finding& finding : loaded.findings) UNSCOPED_INFO(finding.text());
  REQUIRE(loaded.policy);
  return loaded.policy;
}

struct Ask {
  Door door;
  const Identity* who;
  const Identity* as;  // null: a login
  const char* from;    // an address, "local" or "" for unknown
  const char* reason;
  bool verified;
};

Decision decide(const Policy& policy, const World& w, const Ask& ask) {
  Request request = w.request();
  request.door = ask.door;
  request.subject = ask.who;
  request.target = ask.as != nullptr ? ask.as : ask.who;
  request.target_verified = ask.verified;
  request.reason = ask.reason;
  request.can_ask = false;
  request.from = {};
  const std::string from = ask.from;
  if (from == "local") request.from.kind = Origin::Kind::kLocal;
  if (!from.empty() && from != "local") {
    request.from.kind = Origin::Kind::kPeer;
    request.from.peer = Address::parse(from).value();
  }
  return policy.decide(request);
}

struct Case {
  const char* what;
  Ask ask;
  const char* expected;
};

void check(const Policy& policy, const World& w, const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    INFO(c.what);
    const Decision decision = decide(policy, w, c.ask);
    CHECK(golden(decision) == c.expected);
    CHECK(decision.why.empty() == (decision.outcome != Outcome::kDeny));
  }
}

}  // namespace

TEST_CASE("example: laptop") {
  World w;
  const auto policy = example("laptop", {});
  const Identity www = user("www-data", 33);
  const char* const second = "approval admin-root set:admins 15m/15m tty";
  check(*policy, w, {
      {"eva, sudo -i at her desk", {Door::kSudo, &w.eva, &w.root, "local", "", true}, second},
      {"the same where only PAM sees the target", {Door::kSudo, &w.eva, &w.root, "local", "", false}, second},
      {"from afar, no reason", {Door::kSudo, &w.eva, &w.root, "192.0.2.7", "", true}, "deny"},
      {"from afar, with one", {Door::kSudo, &w.eva, &w.root, "192.0.2.7", "broken disk", true}, "approval admin-root set:admins reason 15m/15m tty"},
      {"from nobody knows where", {Door::kSu, &w.eva, &w.root, "", "", true}, "deny"},
      {"su", {Door::kSu, &w.eva, &w.root, "local", "", true}, second},
      {"as www-data, claimed", {Door::kSudo, &w.eva, &www, "local", "", false}, "allow self-service 5m/5m command"},
      {"as www-data through su", {Door::kSu, &w.eva, &www, "local", "", true}, "deny"},
      {"alice is no admin", {Door::kSudo, &w.alice, &w.root, "local", "x", true}, "deny"},
      {"ssh is not covered", {Door::kSsh, &w.eva, nullptr, "192.0.2.7", "x", true}, "deny"},
  });
}

TEST_CASE("example: database") {
  World w;
  const auto policy = example("database", {"db"});
  const auto production = example("database", {"db", "production"});
  const auto elsewhere = example("database", {"web"});
  const Identity backup = user("backup", 34);
  const Identity zoe = user("zoe", 1100, {"dba", "ext-acme"});
  const char* const why = "replace the broken index";
  const std::vector<Case> cases = {
      {"alice reads", {Door::kSudo, &w.alice, &w.postgres, "local", "", false}, "approval read set:dba 1h/1h tty"},
      {"carl reads", {Door::kSudo, &w.carl, &w.postgres, "", "", false}, "approval read set:dba 1h/1h tty"},
      {"eva is in no team", {Door::kSudo, &w.eva, &w.postgres, "local", "", true}, "deny"},
      {"the backup, nobody asked", {Door::kSudo, &backup, &w.postgres, "local", "", false}, "allow nightly-backup 4h/4h command"},
      {"the backup as root", {Door::kSudo, &backup, &w.root, "local", why, true}, "deny"},
      {"root needs both teams", {Door::kSudo, &w.alice, &w.root, "local", why, true}, "approval root-shell set:dba set:sre reason:20 15m/2h tty"},
      {"a short reason", {Door::kSudo, &w.alice, &w.root, "local", "index", true}, "deny"},
      {"su to root", {Door::kSu, &w.bob, &w.root, "local", why, true}, "approval root-shell set:dba set:sre reason:20 15m/2h tty"},
      {"su to postgres", {Door::kSu, &w.bob, &w.postgres, "local", why, true}, "deny"},
      {"a contractor in dba", {Door::kSudo, &zoe, &w.postgres, "local", why, true}, "deny"},
  };
  check(*policy, w, cases);
  check(*production, w, {
      {"capped", {Door::kSudo, &w.alice, &w.root, "local", why, true}, "approval root-shell set:dba set:sre reason:20 15m/1h tty"},
      {"the backup is not", {Door::kSudo, &backup, &w.postgres, "local", "", false}, "allow nightly-backup 4h/4h command"},
  });
  check(*elsewhere, w, {{"another host", {Door::kSudo, &w.alice, &w.root, "local", why, true}, "deny"}});
  CHECK(all(decide(*policy, w, {Door::kSudo, &zoe, &w.postgres, "local", why, true}).why) == "contractors do not get into the database hosts");
}

TEST_CASE("example: bastion") {
  World w;
  const auto policy = example("bastion", {});
  const Identity erin = user("erin", 1010, {"staff"});
  const Identity zoe = user("zoe", 1100, {"ext-acme"});
  const Identity bob = user("bob", 1002, {"staff"}, "bob");
  Identity lost = erin;
  lost.groups_known = false;
  check(*policy, w, {
      {"erin from the office", {Door::kSsh, &erin, nullptr, "10.20.1.1", "", true}, "allow staff-login 12h/12h login"},
      {"erin from the office, IPv6", {Door::kSsh, &erin, nullptr, "2001:db8:20::5", "", true}, "allow staff-login 12h/12h login"},
      {"erin from the office, mapped", {Door::kSsh, &erin, nullptr, "::ffff:10.20.1.1", "", true}, "allow staff-login 12h/12h login"},
      {"erin from anywhere else", {Door::kSsh, &erin, nullptr, "192.0.2.1", "", true}, "deny"},
      {"erin, address unknown", {Door::kSsh, &erin, nullptr, "", "", true}, "deny"},
      {"erin at a console", {Door::kLogin, &erin, nullptr, "local", "", true}, "allow staff-console 12h/12h login"},
      {"the directory is down", {Door::kLogin, &lost, nullptr, "local", "", true}, "deny"},
      {"zoe over the vpn", {Door::kSsh, &zoe, nullptr, "10.99.0.5", "fix the build", true}, "approval contractor-login group:sponsors reason 2h/8h login"},
      {"zoe without a reason", {Door::kSsh, &zoe, nullptr, "10.99.0.5", "", true}, "deny"},
      {"zoe from the office", {Door::kSsh, &zoe, nullptr, "10.20.0.5", "fix the build", true}, "deny"},
      {"zoe, root", {Door::kSudo, &zoe, &w.root, "10.99.0.5", "fix the build", true}, "deny"},
      {"erin, root", {Door::kSudo, &erin, &w.root, "10.20.1.1", "disk full", false}, "approval staff-root set:on-call reason 30m/30m tty"},
      {"bob is on call himself: alice", {Door::kSudo, &bob, &w.root, "10.20.1.1", "disk full", true}, "approval staff-root set:on-call reason 30m/30m tty"},
      {"the directory is down, root", {Door::kSudo, &lost, &w.root, "10.20.1.1", "disk full", true}, "deny"},
  });
  CHECK(all(decide(*policy, w, {Door::kSudo, &zoe, &w.root, "10.99.0.5", "x", true}).why).find("contractors do not get root here") != std::string::npos);
}
