// SPDX-License-Identifier: Apache-2.0
// What the core tells of ends, and what it makes of what an end met with.
#include "tests/core/emergency.h"

namespace jit::core_test {
namespace {

struct Told final : Enforcement {
  std::vector<std::string> calls;
  void move_end(const Id& grant, BootMs end) override { calls.push_back("move " + grant.text() + " " + std::to_string(end)); }
  void warn(const Id& grant, std::uint32_t minutes) override { calls.push_back("warn " + grant.text() + " " + std::to_string(minutes)); }
  void end(const Id& grant, BootMs until) override {
    calls.push_back("end " + grant.text());
    ends[grant] = until;
  }
  void finishing(std::function<void(const std::optional<std::vector<Finishing>>&)> then) override { then(held); }
  std::map<Id, BootMs> ends;
  std::optional<std::vector<Finishing>> held{std::in_place};
};

// A permit asking nobody, for ten minutes at first and an hour at most.
std::string rule(const std::string& lines, const std::string& id = "ends") {
  return R"(
[[permit]]
id = ")" + id + R"("
who = ["user:alice"]
door = ["sudo"]
as = ["user:limited"]
unverified-ok = ["command", "as"]
give = "10m"
max = "1h"
)" + lines;
}

struct Ends : Emergency {
  Told told_ends;
  explicit Ends(const std::string& lines) {
    use(load_policy(kRules + rule(lines), people_with_keys({{"carol", kCarol}})));
    core->use_enforcement(&told_ends);
  }
  Ask sudo(const std::string& path) {
    Ask out = ask(kAlice, "limited");
    out.via = "ends";
    out.command.known = true;
    out.command.path = path;
    out.argv = {"sudo", "-u", "limited", path};
    out.command.words_at = 4;
    return out;
  }
  BindAnswer used(const std::string& path) {
    const Ask it = sudo(path);
    if (said(submit(it)) != "allow granted") CHECK(vote(kBob, only_request()).error().empty());
    return bound(bind(it));
  }
};

Core::Which one(const Id& id) {
  Core::Which which;
  which.id = id.text();
  return which;
}

Core::Which all() {
  Core::Which which;
  which.all = true;
  return which;
}

using Calls = std::vector<std::string>;

}  // namespace

TEST_CASE("an end before its time is said, and one at its time is not", "[ends]") {
  Ends world("");
  const BindAnswer bound = world.used("/usr/bin/id");
  REQUIRE(bound.allow);
  CHECK(bound.end == world.now + 600'000);
  CHECK(bound.hard == bound.end);
  const Id id = bound.grant;
  SECTION("revoked") {
    CHECK(world.revoke(world.caller(kAlice), one(id)).one().message.empty());
    CHECK(world.told_ends.calls == Calls{"end " + id.text()});
  }
  SECTION("given back") {
    CHECK(world.end(world.caller(kAlice), id).error().empty());
    CHECK(world.told_ends.calls == Calls{"end " + id.text()});
  }
  SECTION("expired: who holds it ends it by himself") {
    world.pass_and_tick(600'000);
    CHECK(world.core->live_grants().empty());
    CHECK(world.told_ends.calls.empty());
  }
}

TEST_CASE("what is held after its time can be revoked, by whoever might have before", "[ends]") {
  Ends world("on-expiry = \"finish\"\nrun-max = \"1h\"\nrun = [\"command:id\"]\napproval = \"one\"\n[command]\nid = [[\"/usr/bin/id\"]]\n");
  const Id id = world.used("/usr/bin/id").grant;
  world.pass_and_tick(600'000);
  REQUIRE(world.told_ends.calls == Calls{"warn " + id.text() + " 0"});
  REQUIRE(world.core->live_grants().empty());
  const Grant over = world.held.grants.at(id);
  const std::vector<Finishing> held = {{over, world.held.requests.at(over.request)}};
  const auto entries = [&] {
    std::vector<std::string> out;
    for (const AuditEntry& entry : world.held.entries) {
      if (entry.type == events::kGrantEnded && entry.grant == id) out.push_back(entry.fields);
    }
    return out;
  };
  const auto revoke = [&](std::uint32_t uid, const Core::Which& which) { return world.revoke(world.caller(uid), which).one(); };
  world.told_ends.held = held;
  SECTION("with all, by whoever approved it, or whose it is") {
    const std::uint32_t who = GENERATE(kBob, kAlice);
    const auto out = revoke(who, all());
    REQUIRE(out.value.size() == 1);
    CHECK(out.value[0].end == GrantEnd::kRevoked);
    CHECK(world.told_ends.calls.back() == "end " + id.text());
    CHECK(world.told_ends.ends.at(id) == over.expires + 3'600'000);
    CHECK(entries().size() == 2);
    CHECK(entries().back().find("\"end\":\"revoked\"") != std::string::npos);
    CHECK(world.held.grants.at(id).end == GrantEnd::kExpired);
  }
  SECTION("by its id, after a restart too") {
    world.restart(false);
    world.core->use_enforcement(&world.told_ends);
    Core::Which which;
    which.id = id.text().substr(0, 8);
    CHECK(revoke(kBob, which).value.size() == 1);
    CHECK(world.told_ends.calls.back() == "end " + id.text());
  }
  SECTION("not by others, and not where nothing is held") {
    for (const bool nothing : {false, true}) {
      if (nothing) world.told_ends.held.emplace();
      CHECK(revoke(nothing ? kBob : kFrank, one(id)).error == Error::kNotFound);
      CHECK(revoke(nothing ? kBob : kFrank, all()).error == Error::kNotFound);
    }
    CHECK(world.told_ends.calls.size() == 1);
    CHECK(entries().size() == 1);
  }
  SECTION("two that begin so") {
    world.told_ends.held->push_back(held[0]);
    CHECK(revoke(kBob, one(id)).error == Error::kAmbiguous);
    CHECK(world.told_ends.calls.size() == 1);
  }
  SECTION("what cannot be asked for is said, and the others are ended all the same") {
    const Id other = world.used("/usr/bin/id").grant;
    world.told_ends.held.reset();
    CHECK(revoke(kBob, one(id)).error == Error::kUnavailable);
    CHECK(revoke(kBob, one(other)).value.size() == 1);
    const Id third = world.used("/usr/bin/id").grant;
    CHECK(revoke(kBob, all()).error == Error::kUnavailable);
    CHECK(world.told_ends.calls.back() == "end " + third.text());
  }
}

TEST_CASE("an end before its time is said again after a restart, as long as somebody may come of it", "[ends]") {
  const bool finishes = GENERATE(false, true);
  Ends world(finishes ? "on-expiry = \"finish\"\nrun-max = \"1h\"\n" : "");
  const BootMs began = world.now;
  const Id id = world.used("/usr/bin/id").grant;
  const BootMs until = began + 600'000 + (finishes ? 3'600'000 : 0);
  CHECK(world.revoke(world.caller(kAlice), one(id)).one().message.empty());
  CHECK(world.told_ends.ends.at(id) == until);
  world.told_ends.calls.clear();
  const auto after = [&](BootMs ms, bool new_boot) {
    world.pass(ms);
    world.restart(new_boot);
    world.core->use_enforcement(&world.told_ends);
    world.core->end_again({world.held.grants.at(id)});
    return std::exchange(world.told_ends.calls, {});
  };
  CHECK(after(until - began - 1, false) == Calls{"end " + id.text()});
  CHECK(after(0, true).empty());
  CHECK(after(1, false).empty());
}

TEST_CASE("a grant that nobody used has nothing to end", "[ends]") {
  Ends world("");
  CHECK(world.said(world.submit(world.sudo("/usr/bin/id"))) == "allow granted");
  CHECK(world.revoke(world.caller(kAlice), all()).one().message.empty());
  CHECK(world.told_ends.calls.empty());
}

TEST_CASE("warnings come once each, at their time", "[ends]") {
  Ends world("warn-before = [\"5m\", \"1m\"]\n");
  const Id id = world.used("/usr/bin/id").grant;
  world.pass_and_tick(299'999);
  CHECK(world.told_ends.calls.empty());
  world.pass_and_tick(1);
  CHECK(world.told_ends.calls == Calls{"warn " + id.text() + " 5"});
  world.core->tick();
  world.pass_and_tick(200'000);
  CHECK(world.told_ends.calls.size() == 1);
  world.pass_and_tick(40'000);
  CHECK(world.told_ends.calls.back() == "warn " + id.text() + " 1");
  CHECK(world.told_ends.calls.size() == 2);
}

TEST_CASE("warnings come for what people gave, too", "[ends]") {
  Ends world("warn-before = [\"5m\"]\napproval = \"one\"\n");
  const Id id = world.used("/usr/bin/id").grant;
  world.pass_and_tick(300'000);
  CHECK(world.told_ends.calls == Calls{"warn " + id.text() + " 5"});
}

TEST_CASE("of two that are due at once the later one is said", "[ends]") {
  Ends world("warn-before = [\"5m\", \"1m\"]\n");
  const Id id = world.used("/usr/bin/id").grant;
  world.pass_and_tick(570'000);
  CHECK(world.told_ends.calls == Calls{"warn " + id.text() + " 1"});
}

TEST_CASE("what may go on after its grant", "[ends]") {
  struct Row {
    const char* expiry;
    const char* path;
    bool finishes;
  };
  const Row rows[] = {
      {"", "/usr/bin/id", false},
      {"on-expiry = \"end\"\n", "/usr/bin/id", false},
      {"on-expiry = \"finish\"\nrun-max = \"2h\"\n", "/usr/bin/id", true},
      {"on-expiry = \"finish\"\nrun-max = \"2h\"\n", "/bin/bash", false},
      {"on-expiry = \"finish\"\nrun-max = \"2h\"\n", "/usr/bin/python3.11", false},
      {"on-expiry = \"finish\"\nrun-max = \"2h\"\n", "", false},
      {"on-expiry = \"warn\"\nrun-max = \"2h\"\n", "/bin/bash", true},
      {"on-expiry = \"warn\"\nrun-max = \"2h\"\n", "", true},
      {"on-expiry = \"finish\"\nrun-max = \"1s\"\n", "/usr/bin/id", false},  // shorter than the grant: that long at least
  };
  // The same whether people were asked or not.
  for (std::size_t i = 0; i < 2 * std::size(rows); ++i) {
    const Row& row = rows[i / 2];
    const std::string approval = i % 2 == 0 ? "" : "approval = \"one\"\n";
    INFO(row.expiry << row.path << approval);
    Ends world(row.expiry + approval);
    const BindAnswer bound = world.used(row.path);
    REQUIRE(bound.allow);
    CHECK(bound.end == world.now + (row.finishes ? 7'200'000 : 600'000));
    world.told_ends.calls.clear();
    world.pass_and_tick(600'000);
    CHECK(world.core->live_grants().empty());
    const bool told = !world.told_ends.calls.empty() && world.told_ends.calls.back() == "warn " + bound.grant.text() + " 0";
    CHECK(told == (std::string(row.expiry).find("finish") != std::string::npos || std::string(row.expiry).find("warn") != std::string::npos));
  }
}

TEST_CASE("what who asks could put in a program's place ends as a shell does", "[ends]") {
  struct Row {
    bool verified, digest_bound, changeable, finishes;
  };
  // Verified: another file of its name would not be the one of the digest. Else all that it reads counts.
  const Row rows[] = {{false, false, false, true}, {false, false, true, false}, {true, true, false, true}, {true, true, true, true}, {true, false, true, false}, {true, false, false, false}};
  for (const Row& row : rows) {
    INFO(&row - rows);
    Ends world("on-expiry = \"finish\"\nrun-max = \"2h\"\n");
    Ask ask = world.sudo("/var/tmp/report");
    ask.command.verified = row.verified;
    ask.command.digest_bound = row.digest_bound;
    if (row.digest_bound) ask.command.sha256 = std::string(64, 'd');
    ask.command.changeable = row.changeable;
    REQUIRE(world.said(world.submit(ask)) == "allow granted");
    CHECK(world.bound(world.bind(ask)).end == world.now + (row.finishes ? 7'200'000 : 600'000));
  }
}

TEST_CASE("files are looked at where they could change what a grant gives, and nowhere else", "[ends]") {
  const std::string guard = "[[guard]]\nid = \"more\"\ndeny = \"no\"\n";
  const std::pair<std::string, bool> rows[] = {
      {"", true},
      {"on-expiry = \"warn\"\nrun-max = \"2h\"\n", true},
      {"on-expiry = \"finish\"\nrun-max = \"2h\"\n", false},
      {"run = [\"command:id\"]\n[command]\nid = [[\"/usr/bin/id\"]]\n", false},
      {guard + "when = [\"risk >= 90\"]\n", false},
      {guard + "when = [\"count.denied.1h >= 9\"]\n", true},
  };
  for (const auto& [lines, settled] : rows) {
    INFO(lines);
    Ends world(lines);
    Ask unseen = world.sudo("/usr/bin/id");
    unseen.command.path.clear();
    unseen.command.changeable = unseen.unseen = true;
    CHECK(world.silent(world.submit(unseen)));  // people might be asked
    CHECK(world.core->live_requests().empty());
    REQUIRE(world.used("/usr/bin/id").allow);
    const Conn again = world.submit(unseen);
    CHECK(world.silent(again) != settled);
    if (!settled) CHECK_FALSE(world.bound(world.bind(unseen)).allow);
    if (!settled) continue;
    CHECK(world.said(again) == "allow granted");
    CHECK(world.bound(world.bind(unseen)).allow);
    Ask other = unseen;
    other.argv.emplace_back("x");
    other.target = world.who(kBob);
    CHECK(world.silent(world.submit(other)));
  }
  Ends world("");
  Ask root = world.sudo("");
  root.unseen = true;
  Ask plugin = root;
  root.real_uid = 0;
  CHECK(world.said(world.submit(root)) == "allow already-root");
  plugin.resolves = true;
  CHECK(world.said(world.submit(plugin)) == "allow asked-later");
  plugin.observe = true;
  CHECK(world.silent(world.submit(plugin)));
}

TEST_CASE("files are looked at where they could change which grant is used", "[ends]") {
  Ends world("scope = \"tty\"\n" + rule("approval = \"one\"\nrun = [\"command:id\"]\nrun-max = \"2h\"\n", "backup") + "[command]\nid = [[\"/usr/bin/id\"]]\n");
  REQUIRE(world.used("/usr/bin/id").allow);
  Ask seen = world.sudo("/usr/bin/id");
  seen.via.clear();
  Ask unseen = seen;
  unseen.command.path.clear();
  unseen.command.changeable = unseen.unseen = true;
  CHECK(world.said(world.submit(unseen)) == "allow granted");
  Ask ahead = seen;
  ahead.via = "backup";
  ahead.process = {};
  ahead.parent = {};
  world.create(kAlice, ahead);
  REQUIRE(world.vote(kBob, world.only_request()).error().empty());
  CHECK(world.silent(world.submit(unseen)));
  REQUIRE(world.said(world.submit(seen)) == "allow granted");
  CHECK(world.held.grants.at(world.bound(world.bind(seen)).grant).rule == "backup");
}

TEST_CASE("an extension moves the end of what runs", "[ends]") {
  Ends world("");
  const Grant grant = world.active();
  world.pass_and_tick(600'000);
  const auto asked = world.extend(world.caller(kAlice), grant.id, 1200);
  REQUIRE(asked.error().empty());
  CHECK(world.carol(asked.one().value.id).error().empty());
  CHECK(world.told_ends.calls.back() == "move " + grant.id.text() + " " + std::to_string(grant.expires + 1'200'000));
}

TEST_CASE("what an end met with is in the log", "[ends]") {
  Ends world("");
  const Id id = world.used("/usr/bin/id").grant;
  EndReport report;
  report.grant = id;
  report.person = "alice";
  report.uid = kAlice;
  report.why = "end";
  Reply<bool> nothing;
  world.core->enforced(report, nothing.done());
  CHECK(nothing.one().error == Error::kNone);
  CHECK(world.logged(events::kGrantEnforced) == 0);
  report.ended = 3;
  report.beyond = {{4711, 0, "sleep\n\x1b[2J"}};
  report.later = {"/etc/cron.d/x"};
  Reply<bool> some;
  world.core->enforced(report, some.done());
  world.settle();
  CHECK(some.one().error == Error::kNone);
  REQUIRE(world.logged(events::kGrantEnforced) == 1);
  CHECK(world.held.entries.back().person == "alice");
  CHECK(world.held.entries.back().fields ==
        R"({"beyond":[{"name":"sleep\\n\\x1b[2J","pid":4711,"uid":0}],"cause":"end","ended":3,"later":["/etc/cron.d/x"]})");
  world.failing_writes = true;
  Reply<bool> unwritten;
  world.core->enforced(report, unwritten.done());
  world.settle();
  CHECK(unwritten.one().error == Error::kUnavailable);  // the enforcer keeps it, and tells it again
}

TEST_CASE("an account that changes takes its grants along", "[ends]") {
  Ends world("");
  const BindAnswer bound = world.used("/usr/bin/id");
  const Grant grant = world.only_grant();
  const auto named = [](const IdentityPtr& who, const std::string& user) {
    auto out = std::make_shared<policy::Identity>(*who);
    out->user = user;
    return IdentityPtr(out);
  };
  const IdentityPtr subject = grant.subject.identity;
  SECTION("as it was") {
    world.core->account_is(bound.grant, subject, grant.target);
    CHECK(world.core->live_grants().size() == 1);
    return;
  }
  SECTION("gone") { world.core->account_is(bound.grant, nullptr, grant.target); }
  SECTION("another name") { world.core->account_is(bound.grant, named(subject, "mallory"), grant.target); }
  SECTION("the target is another") { world.core->account_is(bound.grant, subject, named(grant.target, "mallory")); }
  SECTION("the target is gone") { world.core->account_is(bound.grant, subject, nullptr); }
  SECTION("expired, says who may read it") {
    EndReport report;
    report.grant = bound.grant;
    report.why = "account";
    report.ended = 1;
    world.core->enforced(report, [](const Outcome<bool>&) {});
    world.settle();
  }
  CHECK(world.core->live_grants().empty());
  CHECK(world.held.grants.at(bound.grant).end == GrantEnd::kVoid);
  CHECK(world.told_ends.calls == Calls{"end " + bound.grant.text()});
}

TEST_CASE("where nobody ends what runs, who is let through is told so once", "[ends]") {
  Emergency world;
  world.core->use_enforcement(nullptr);
  const Ask ask = world.ask(kAlice);
  const Conn conn = world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  CHECK(world.decided(conn).text.back().find("no systemd here") != std::string::npos);
  REQUIRE(world.bound(world.bind(ask)).allow);
  const Conn again = world.submit(ask);
  CHECK(world.said(again) == "allow granted");
  CHECK(world.answer(again).text.empty());
}

}  // namespace jit::core_test
