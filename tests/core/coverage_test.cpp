// SPDX-License-Identifier: Apache-2.0
// What a grant covers: scope x what is equal or different, unclaimed and active.
#include "broker/core/coverage.h"

#include "tests/core/world.h"

namespace jit::core_test {

namespace {

using policy::Door;
using policy::Scope;

struct Covered {
  const char* name;
  std::function<void(Ask&)> change;
  // '1' covered; in the order command, tty, session, login
  const char* unclaimed;
  const char* active;
};

constexpr Scope kScopes[] = {Scope::kCommand, Scope::kTty, Scope::kSession, Scope::kLogin};

Grant grant_of(const Ask& ask, Scope scope, GrantState state) {
  Grant grant;
  grant.subject = ask.subject;
  grant.door = ask.door;
  grant.target = ask.target;
  grant.argv = ask.argv;
  grant.cwd = ask.cwd;
  grant.scope = scope;
  grant.claim_until = 1'000;
  grant.state = state;
  if (state != GrantState::kUnclaimed) {
    grant.expires = 2'000;
    grant.terminal = ask.subject.terminal;
    grant.audit_session = ask.subject.audit_session;
    grant.connection = ask.process;
  }
  return grant;
}

}  // namespace

TEST_CASE("coverage: scope by scope, one difference at a time", "[coverage]") {
  World world;
  const Ask base = world.ask(kAlice);
  const Covered rows[] = {
      {"nothing differs", [](Ask&) {}, "1111", "1111"},
      {"terminal number", [](Ask& a) { ++a.subject.terminal.number; }, "1111", "1011"},
      {"terminal's leader", [](Ask& a) { ++a.subject.terminal.leader.pid; }, "1111", "1011"},
      {"terminal's creation", [](Ask& a) { ++a.subject.terminal.leader.start; }, "1111", "1011"},
      {"no terminal", [](Ask& a) { a.subject.terminal = {}; }, "1111", "1011"},
      {"name of the terminal", [](Ask& a) { a.subject.tty = "pts/other"; }, "1111", "1111"},
      {"audit session", [](Ask& a) { ++a.subject.audit_session; }, "1111", "1101"},
      {"no audit session", [](Ask& a) { a.subject.audit_session = policy::kNoUid; }, "1111", "1101"},
      {"process", [](Ask& a) { ++a.process.pid; }, "1111", "1110"},
      {"process of the same pid", [](Ask& a) { ++a.process.start; }, "1111", "1110"},
      {"one more word", [](Ask& a) { a.argv.emplace_back(); }, "0111", "0111"},
      {"another word", [](Ask& a) { a.argv.back() += "x"; }, "0111", "0111"},
      {"no words", [](Ask& a) { a.argv.clear(); }, "0111", "0111"},
      {"folder", [](Ask& a) { a.cwd = "/"; }, "0111", "0111"},
      {"reason", [](Ask& a) { a.reason = "x"; }, "1111", "1111"},
      {"target", [](Ask& a) { a.target = a.subject.identity; }, "0000", "0000"},
      {"door", [](Ask& a) { a.door = Door::kSu; }, "0000", "0000"},
      {"user", [&world](Ask& a) { a.subject.identity = world.who(kFrank); }, "0000", "0000"},
      {"origin, at sudo", [](Ask& a) { a.subject.origin = {}; }, "1111", "1111"},
  };
  for (const Covered& row : rows) {
    Ask ask = base;
    row.change(ask);
    for (std::size_t i = 0; i < 4; ++i) {
      INFO(row.name << ", scope " << policy::name_of(kScopes[i]));
      CHECK(covers(grant_of(base, kScopes[i], GrantState::kUnclaimed), attempt_of(ask), 500) == (row.unclaimed[i] == '1'));
      CHECK(covers(grant_of(base, kScopes[i], GrantState::kActive), attempt_of(ask), 500) == (row.active[i] == '1'));
      CHECK_FALSE(covers(grant_of(base, kScopes[i], GrantState::kEnded), attempt_of(ask), 500));
    }
  }
}

TEST_CASE("coverage: what was nothing at the first use is equal to nothing", "[coverage]") {
  World world;
  Ask ask = world.ask(kAlice);
  ask.subject.terminal = {};
  ask.subject.audit_session = policy::kNoUid;
  ask.process = {};
  for (const auto& [scope, covered] : {std::pair(Scope::kCommand, true), {Scope::kTty, false}, {Scope::kSession, false},
                                       {Scope::kLogin, false}}) {
    INFO(policy::name_of(scope));
    CHECK(covers(grant_of(ask, scope, GrantState::kActive), attempt_of(ask), 500) == covered);
  }
}

TEST_CASE("coverage: time", "[coverage]") {
  World world;
  const Ask ask = world.ask(kAlice);
  struct Time {
    GrantState state;
    BootMs now;
    bool covered;
  };
  for (const Time& row : {Time{GrantState::kUnclaimed, 999, true}, {GrantState::kUnclaimed, 1'000, false},
                          {GrantState::kActive, 1'000, true}, {GrantState::kActive, 1'999, true},
                          {GrantState::kActive, 2'000, false}, {GrantState::kEnded, 0, false}}) {
    INFO(name_of(row.state) << " at " << row.now);
    CHECK(covers(grant_of(ask, Scope::kTty, row.state), attempt_of(ask), row.now) == row.covered);
  }
}

TEST_CASE("coverage: what is bound to something that cannot come back is spent", "[coverage]") {
  World world;
  struct Row {
    const char* name;
    std::function<void(Ask&)> change;
    const char* spent;  // '1' spent; in the order of the scopes
  };
  for (const Row& row : {Row{"on a terminal", [](Ask&) {}, "0001"},
                         {"no terminal", [](Ask& a) { a.subject.terminal = {}; }, "0101"},
                         {"no audit session", [](Ask& a) { a.subject.audit_session = policy::kNoUid; }, "0011"},
                         {"ssh", [](Ask& a) { a.door = Door::kSsh; }, "1111"},
                         {"login", [](Ask& a) { a.door = Door::kLogin; }, "1111"}}) {
    Ask ask = world.ask(kAlice);
    row.change(ask);
    for (const Scope scope : kScopes) {
      INFO(row.name << ", scope " << policy::name_of(scope));
      CHECK(is_spent(grant_of(ask, scope, GrantState::kActive)) == (row.spent[static_cast<std::size_t>(scope)] == '1'));
      CHECK_FALSE(is_spent(grant_of(ask, scope, GrantState::kUnclaimed)));
    }
  }
}

TEST_CASE("coverage: at ssh the origin is bound", "[coverage]") {
  World world;
  const Ask ask = world.login(kAlice, "192.0.2.7");
  struct From {
    const char* name;
    Ask attempt;
    bool covered;
  };
  Ask local = ask;
  local.subject.origin = {policy::Origin::Kind::kLocal, {}};
  Ask unknown = ask;
  unknown.subject.origin = {};
  for (const From& row : {From{"same", ask, true}, {"IPv4-mapped", world.login(kAlice, "::ffff:192.0.2.7"), true},
                          {"another", world.login(kAlice, "192.0.2.8"), false}, {"local", local, false},
                          {"unknown", unknown, false}}) {
    INFO(row.name);
    CHECK(covers(grant_of(ask, Scope::kLogin, GrantState::kUnclaimed), attempt_of(row.attempt), 500) == row.covered);
  }
}

TEST_CASE("coverage: what was approved for the console is used and taken up at the console", "[coverage]") {
  World world;
  Ask console = world.ask(kAlice);
  console.door = Door::kLogin;
  console.target = console.subject.identity;
  Ask remote = console;
  remote.subject.origin = {};
  const auto covered = [](const Ask& asked, const Ask& attempt) {
    return covers(grant_of(asked, Scope::kLogin, GrantState::kUnclaimed), attempt_of(attempt), 500);
  };
  CHECK(covered(console, console));
  CHECK_FALSE(covered(console, remote));
  CHECK(covered(remote, console));  // nothing was bound
  world.use(load_policy(rules_with("\"ssh\"]", "\"ssh\", \"login\"]") + "[[permit]]\nid = \"console\"\nwho = [\"set:staff\"]\ndoor = [\"login\"]\napproval = \"one\"\nmax = \"8h\"\n"));
  world.detach(world.submit(console));
  const Id id = world.only_request();
  CHECK(world.said(world.submit(remote)) == "pending approval-needed");
  CHECK(world.vote(kBob, id).error().empty());
  CHECK(world.said(world.submit(remote)) == "deny duplicate");
  CHECK(world.said(world.submit(console)) == "allow granted");
}

TEST_CASE("a command's grant is for that command from any terminal", "[coverage]") {
  World world;
  Ask ask = world.ask(kAlice, "quick");
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  REQUIRE(world.bound(world.bind(ask)).allow);
  ask.subject.terminal = {9, {9, 9}};
  CHECK(world.said(world.submit(ask)) == "allow granted");
  ask.argv.back() = "sh";
  CHECK(world.said(world.submit(ask)) == "pending approval-needed");
}

TEST_CASE("without a terminal a tty grant is for its first use only", "[coverage]") {
  World world;
  Ask ask = world.ask(kAlice);
  ask.subject.terminal = {};
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  REQUIRE(world.bound(world.bind(ask)).allow);
  CHECK(world.said(world.submit(ask)) == "pending approval-needed");
}

}  // namespace jit::core_test
