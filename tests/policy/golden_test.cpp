// SPDX-License-Identifier: Apache-2.0
// The example policies of the language do what their comments say: each golden request, and the answer it must get.
#include <fstream>
#include <sstream>

#include "world.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

const char* kGoldenPeople = R"(version = 1
[[person]]
name = "eva"
users = ["eva"]
[[person.key]]
id = "token"
kind = "ssh"
public = "sk-ssh-ed25519@openssh.com AAAA"
)";

std::string example(const std::string& name) {
  std::ifstream in(std::string(JIT_CORPUS) + "/examples/" + name, std::ios::binary);
  REQUIRE(in);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// 2026-11-25T00:00:00Z, a Wednesday; in Prague it is 01:00 then.
constexpr std::int64_t kWednesday = 1'795'564'800;
constexpr std::int64_t utc(int hour, int minute = 0) { return kWednesday + hour * 3600 + minute * 60; }

std::shared_ptr<const Policy> example(const std::string& name, const std::vector<std::string>& tags) {
  const std::vector<Source> rules{{name + ".toml", example(name + ".toml")}}, people{{"people.toml", kGoldenPeople}};
  const std::vector<Source> calendars{{"holidays-2026.ics", example("holidays-2026.ics")}};
  const std::vector<Source> rosters{{"oncall.toml", example("oncall.toml")}};
  Policy::Input input{rules, people, tags, jit::evidence::sha256_hex};
  input.calendars = calendars;
  input.rosters = rosters;
  input.now = kWednesday;
  const auto loaded = Policy::load(input);
  for (const Finding& finding : loaded.findings) UNSCOPED_INFO(finding.text());
  REQUIRE(loaded.policy);
  CHECK(loaded.findings.empty());
  return loaded.policy;
}

// What is not said: verified, at a console, every obligation can be honoured, built-in facts are 0 and false.
struct Golden {
  const char* what;
  std::int64_t now;
  Door door;
  const Identity* who;
  const Identity* as;  // null: a login
  Ran ran;
  const char* expected;
  const char* why = "";
  std::string from = "local";
  std::string reason = {}, ticket = {}, via = {};
  bool can_ask = true, verified = true, recorder = true;
  std::map<std::string, Reading, std::less<>> facts = {};
  std::vector<std::string> missing = {};
};

Decision decide(const Policy& policy, const World& w, const Golden& g) {
  FactTable facts;
  for (const char* zero : {"risk", "count.denied.10m", "count.break-glass.24h"}) facts.readings[zero].value = std::int64_t{0};
  facts.readings["from.first-seen"].value = false;
  for (const auto& [name, reading] : g.facts) facts.readings[name] = reading;
  Request request = w.request();
  request.now = g.now;
  request.door = g.door;
  request.subject = g.who;
  request.target = g.as != nullptr ? g.as : g.who;
  request.target_verified = g.verified;
  if (g.from != "local") {
    request.from.kind = Origin::Kind::kPeer;
    request.from.peer = Address::parse(g.from).value();
  }
  if (g.door == Door::kSudo) request.command = g.ran.command(g.verified);
  request.reason = g.reason;
  request.ticket = g.ticket;
  request.via = g.via;
  request.can_ask = g.can_ask;
  request.recorder = g.recorder;
  request.can_notify = request.can_review = true;
  request.facts = &facts;
  return policy.decide(request);
}

std::vector<Decision> check(const Policy& policy, const World& w, const std::vector<Golden>& cases) {
  std::vector<Decision> out;
  for (const Golden& g : cases) {
    INFO(g.what);
    const Decision decision = decide(policy, w, g);
    INFO(all(decision.why));
    CHECK(golden(decision) == g.expected);
    CHECK(all(decision.why).find(g.why) != std::string::npos);
    CHECK(decision.missing == g.missing);
    if (decision.outcome == Outcome::kDeny) CHECK_FALSE(decision.why.empty());
    out.push_back(decision);
  }
  return out;
}

const Ran kShell{"/bin/bash", {}, {"-i"}, {}};

}  // namespace

TEST_CASE("golden requests: laptop") {
  World w;
  const auto policy = example("laptop", {});
  const Ran update{"/usr/bin/apt-get", {"update"}, {}, {}};
  const char* const chore = "allow updates 5m/5m command";
  const char* const second = "approval admin-root set:admins 15m/15m tty";
  const auto decisions = check(*policy, w, {
      {"eva updates", utc(9), Door::kSudo, &w.eva, &w.root, update, chore},
      {.what = "where only PAM sees it", .now = utc(9), .door = Door::kSudo, .who = &w.eva, .as = &w.root, .ran = update, .expected = chore, .verified = false},
      {"eva, sudo -i", utc(9), Door::kSudo, &w.eva, &w.root, kShell, second},
      {.what = "from a script at night", .now = utc(2), .door = Door::kSudo, .who = &w.eva, .as = &w.root, .ran = update, .expected = "deny",
       .why = "a reason is required and cannot be asked here; ask first: jitctl request --door sudo --as root --reason TEXT -- /usr/bin/apt-get update", .can_ask = false},
      {.what = "at a prompt at night", .now = utc(2), .door = Door::kSudo, .who = &w.eva, .as = &w.root, .ran = update,
       .expected = "needs updates reason 5m/5m command", .missing = {"reason"}},
      {"another option", utc(9), Door::kSudo, &w.eva, &w.root, {"/usr/bin/apt-get", {"update", "-o", "x"}, {}, {}}, second},
      {"an option of sudo", utc(9), Door::kSudo, &w.eva, &w.root, {"/usr/bin/apt-get", {"update"}, {"-D"}, {}}, second},
      {"an addition to the environment", utc(9), Door::kSudo, &w.eva, &w.root, {"/usr/bin/apt-get", {"update"}, {}, {"LD_PRELOAD"}}, second},
      {"alice is no admin", utc(9), Door::kSudo, &w.alice, &w.root, update, "deny"},
      {"ssh is not covered", utc(9), Door::kSsh, &w.eva, nullptr, {}, "deny", "is not covered"},
  });
  CHECK(decisions[2].offer->self);
  CHECK(decisions[2].offer->on_expiry == Expiry::kEnd);
  CHECK(decisions[0].offer->on_expiry == Expiry::kFinish);
  CHECK(decisions[0].offer->run_max_s == 86400);
  CHECK(decisions[0].offer->warn_before_s == std::vector<std::uint32_t>{300, 60});
  CHECK(decisions[4].then == Outcome::kAllow);
}

TEST_CASE("golden requests: database") {
  World w;
  const auto policy = example("database", {"db"});
  const auto production = example("database", {"db", "production"});
  const Identity backup = user("backup", 34), carol = user("carol", 1020, {"sre"}), dave = user("dave", 1021, {"sre"});
  const Ran restart{"/usr/bin/systemctl", {"restart", "postgresql.service"}, {}, {}};
  const Ran dump{"/usr/bin/pgbackrest", {"--stanza=main", "backup"}, {}, {}};
  const std::int64_t tuesday = utc(-3, 10);  // 21:10
  const char* const change = "approval change-in-window set:dba ticket:CHG-###### 30m/30m command";
  const auto frozen = [](std::uint64_t age, bool value = true) { return std::map<std::string, Reading, std::less<>>{{"freeze", {value, age, 600}}}; };
  const auto alice = [&](const char* what, std::int64_t now, const char* expected, const char* why, std::map<std::string, Reading, std::less<>> facts) {
    return Golden{.what = what, .now = now, .door = Door::kSudo, .who = &w.alice, .as = &w.root, .ran = restart, .expected = expected, .why = why,
                  .ticket = "CHG-104233", .can_ask = false, .facts = std::move(facts)};
  };
  const Golden dave_asks{.what = "dave, no recorder", .now = tuesday, .door = Door::kSudo, .who = &dave, .as = &w.root, .ran = kShell,
                         .expected = "deny", .why = "requires record, which cannot be honoured", .recorder = false};
  const auto decisions = check(*policy, w, {
      alice("alice in the change window", tuesday, change, "", {}),
      alice("a freeze that went stale", tuesday, "deny", "change freeze in force (freeze is unknown: set 11m ago, fresh for 10m)", frozen(660)),
      alice("a freeze in force", tuesday, "deny", "change freeze in force", frozen(60)),
      alice("a freeze that was lifted", tuesday, change, "", frozen(60, false)),
      alice("odd", tuesday, "approval change-in-window set:dba set:sre ticket:CHG-###### 30m/30m command", "", {{"risk", {std::int64_t{60}, 0, {}}}}),
      alice("on Wednesday", utc(21, 10), "deny", "", {}),
      alice("on Thursday", utc(45, 10), change, "", {}),
      alice("on Thursday, a holiday", utc(24 * 29 + 21, 10), "deny", "", {}),
      {"the backup, at night", utc(1), Door::kSudo, &backup, &w.postgres, dump, "allow nightly-backup 4h/4h command"},
      {"the backup does something else", utc(1), Door::kSudo, &backup, &w.postgres, {"/usr/bin/pgbackrest", {"--stanza=main", "restore"}, {}, {}}, "deny"},
      {"carol reads", utc(9), Door::kSudo, &carol, &w.postgres, {"/usr/bin/pg_lsclusters", {}, {}, {}}, "allow read 1h/1h command"},
      {"carol reads a log", utc(9), Door::kSudo, &carol, &w.postgres, {"/usr/bin/journalctl", {"--no-pager", "-u", "postgresql@15-main"}, {}, {}}, "allow read 1h/1h command"},
      {.what = "a claim matches no run", .now = utc(9), .door = Door::kSudo, .who = &carol, .as = &w.postgres,
       .ran = {"/usr/bin/pg_lsclusters", {}, {}, {}}, .expected = "deny", .why = "the command is only claimed here", .verified = false},
      dave_asks,
      {.what = "dave, recorded", .now = tuesday, .door = Door::kSudo, .who = &dave, .as = &w.root, .ran = kShell,
       .expected = "needs root-shell set:dba set:sre reason:20 ticket record 15m/2h tty", .missing = {"reason", "ticket"}},
      {.what = "su cannot record", .now = tuesday, .door = Door::kSu, .who = &dave, .as = &w.root, .ran = {}, .expected = "deny",
       .why = "record, which only the door sudo can honour"},
  });
  CHECK(decisions[0].read == std::vector<Attribute>{{"count.denied.10m", "0", true}, {"freeze", "false", true}, {"risk", "0", true}});
  CHECK(decisions[1].read[1] == Attribute{"freeze", "", false});
  CHECK(decisions[14].then == Outcome::kApproval);
  CHECK(decisions[14].offer->ladder == std::vector<Step>{{600, "group:dba-lead", "set:dba", ""}});
  const auto capped = check(*production, w, {
      {.what = "production", .now = tuesday, .door = Door::kSudo, .who = &dave, .as = &w.root, .ran = kShell,
       .expected = "needs root-shell set:dba set:sre reason:20 ticket record notify:db-audit 15m/1h tty", .missing = {"reason", "ticket"}},
      {"the backup is not capped", utc(1), Door::kSudo, &backup, &w.postgres, dump, "allow nightly-backup 4h/4h command"},
  });
}

TEST_CASE("golden requests: bastion") {
  World w;
  const auto policy = example("bastion", {});
  const Identity erin = user("erin", 1010, {"staff"}), frank = user("frank", 1011, {"staff"}), zoe = user("zoe", 1100, {"ext-acme"}),
                 gina = user("gina", 1012, {"staff", "sre-lead"}), olga = user("olga", 1013, {"staff"});
  const std::int64_t late = utc(10);  // the roster is 7 h old
  const std::int64_t fresh = utc(9);  // and 6 h here: Wednesday 10:00 in Prague
  const std::string why = "the pager service does not start any more";
  const auto glass = [&](const char* what, const char* expected, const char* text, std::string via, std::string reason, std::int64_t count) {
    return Golden{.what = what, .now = late, .door = Door::kSudo, .who = &gina, .as = &w.root, .ran = kShell, .expected = expected, .why = text,
                  .reason = std::move(reason), .via = std::move(via), .facts = {{"count.break-glass.24h", {count, 0, {}}}}};
  };
  const char* const open = "allow break-glass reason:30 notify:pager review:1d 30m/30m tty";
  const char* const asks = "needs break-glass reason:30 notify:pager review:1d 30m/30m tty";
  Golden choice = glass("gina, the roster is old", asks, "who is on duty in set:on-call is unknown: the roster oncall.toml was issued 7h ago, fresh for 6h", "", "", 0);
  choice.missing = {"choice"};
  Golden chosen = glass("gina chooses", asks, "", "break-glass", "too short", 1);
  chosen.missing = {"reason"};
  Golden script = choice;
  script.what = "gina, from a script";
  script.can_ask = false;
  script.expected = "deny";
  script.why = "ask first: jitctl request --door sudo --as root --reason TEXT --via break-glass";
  script.missing = {};
  const auto decisions = check(*policy, w, {
      {.what = "erin from the office", .now = fresh, .door = Door::kSsh, .who = &erin, .as = nullptr, .ran = {}, .expected = "allow staff-login 12h/12h login", .from = "10.20.1.1", .can_ask = false},
      {"frank at tty2", fresh, Door::kLogin, &frank, nullptr, {}, "allow staff-console 12h/12h login"},
      {.what = "zoe over the vpn", .now = fresh, .door = Door::kSsh, .who = &zoe, .as = nullptr, .ran = {},
       .expected = "needs contractor-login group:sponsors reason ticket 2h/8h login", .from = "10.99.0.5", .missing = {"reason", "ticket"}},
      {.what = "zoe, all said", .now = fresh, .door = Door::kSsh, .who = &zoe, .as = nullptr, .ran = {},
       .expected = "approval contractor-login group:sponsors reason ticket 2h/8h login", .from = "10.99.0.5", .reason = "a build", .ticket = "T-1"},
      {.what = "zoe from a new network", .now = fresh, .door = Door::kSsh, .who = &zoe, .as = nullptr, .ran = {},
       .expected = "approval contractor-login group:sponsors set:on-call reason ticket 2h/8h login", .from = "10.99.0.5", .reason = "a build", .ticket = "T-1",
       .facts = {{"from.first-seen", {true, 0, {}}}}},
      {.what = "zoe at night", .now = utc(-3), .door = Door::kSsh, .who = &zoe, .as = nullptr, .ran = {}, .expected = "deny",
       .why = "it is not the time of window:work", .from = "10.99.0.5"},
      {.what = "zoe, root", .now = fresh, .door = Door::kSudo, .who = &zoe, .as = &w.root, .ran = kShell, .expected = "deny",
       .why = "contractors do not get root here", .from = "10.99.0.5"},
      {.what = "erin, somebody is on call", .now = fresh, .door = Door::kSudo, .who = &erin, .as = &w.root, .ran = kShell,
       .expected = "approval staff-root set:on-call reason 30m/30m tty", .reason = "disk full"},
      {.what = "erin, the roster is old", .now = late, .door = Door::kSudo, .who = &erin, .as = &w.root, .ran = kShell, .expected = "deny",
       .why = "the roster oncall.toml was issued 7h ago, fresh for 6h", .reason = "disk full"},
      {.what = "olga is on call herself: break-glass is left", .now = fresh, .door = Door::kSudo, .who = &olga, .as = &w.root, .ran = kShell,
       .expected = asks, .why = "nobody else is in it", .reason = "disk full", .missing = {"choice"}},
      choice, script, chosen, glass("gina chose, with a reason", open, "", "break-glass", why, 1),
      glass("the third time in 24 h", "deny", "count.break-glass.24h < 2 does not hold (it is 2)", "break-glass", why, 2),
  });
  CHECK(decisions[2].then == Outcome::kApproval);
  CHECK(decisions[3].offer->wait_s == 1200);
  CHECK(decisions[3].offer->ladder == std::vector<Step>{{300, "set:on-call", "group:sponsors", ""}, {720, "", "", "pager"}});
  // The united wait is the shorter one: what would come after it never happens.
  CHECK(decisions[4].offer->wait_s == 300);
  CHECK(decisions[4].offer->ladder == std::vector<Step>{{120, "group:sre-lead", "set:on-call", ""}});
  CHECK(decisions[10].choices.size() == 1);
  CHECK(decisions[10].then == Outcome::kAllow);
  CHECK(decisions[13].offer->review_s == 86400);
  CHECK(decisions[14].near == std::vector<std::string>{"break-glass"});
}
