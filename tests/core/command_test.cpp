// SPDX-License-Identifier: Apache-2.0
// What sudo will run, as sudo_jit reports it: after the account phase of the same process, and for what a program under sudo starts.
#include <algorithm>

#include "broker/core/coverage.h"
#include "tests/core/world.h"

namespace jit::core_test {

namespace {

Command command(const std::string& path = "/usr/bin/id", const std::string& sha256 = std::string(64, 'a')) {
  Command out;
  out.known = out.verified = true;
  out.path = path;
  out.sha256 = sha256;
  out.digest_bound = !sha256.empty();
  out.words_at = 1;
  return out;
}

// The account phase of a sudo in which sudo_jit is loaded, and sudo_jit's own question.
Ask account(World& world, const std::string& target = "root") {
  Ask ask = world.ask(kAlice, target);
  ask.resolves = true;
  return ask;
}

Ask resolved(Ask ask, Command what = command()) {
  ask.resolves = false;
  ask.resolved = ask.target_verified = true;
  ask.command = std::move(what);
  return ask;
}

Ask child_of(const Ask& ask, const std::string& path = "/usr/bin/id") {
  Ask out = resolved(ask, command(path));
  out.child = true;
  out.can_ask = false;
  out.budget_s = 0;
  return out;
}

const char* const kDigest = R"(
[command]
id = [["/usr/bin/id", "**"]]
[[permit]]
id = "digest"
who = ["set:staff"]
door = ["sudo"]
as = ["user:root"]
run = ["command:id"]
digest = true
approval = "one"
max = "1h"
)";

std::string digest_rules() {
  std::string rules = kRules;
  const auto begin = rules.find("[[permit]]\nid = \"root\"");
  const auto end = rules.find("[[permit]]", begin + 1);
  REQUIRE(begin != std::string::npos);
  return rules.replace(begin, end - begin, "") + kDigest;
}

}  // namespace

TEST_CASE("the account phase asks nobody where sudo_jit asks next, and opens nothing", "[command]") {
  World world;
  const Ask first = account(world);
  CHECK(world.said(world.submit(first)) == "allow asked-later");
  CHECK(world.held.requests.empty());
  CHECK(world.bound(world.bind(first)).cause == "not-asked");
  CHECK_FALSE(world.bound(world.bind(first)).allow);  // and it is used up

  SECTION("also where the policy asks nobody") {
    const Ask free = account(world, "free");
    CHECK(world.said(world.submit(free)) == "allow asked-later");
    CHECK_FALSE(world.bound(world.bind(free)).allow);
    CHECK(world.held.grants.empty());
  }
  SECTION("who is root already is let through") {
    Ask root = account(world);
    root.real_uid = 0;
    CHECK(world.said(world.submit(root)) == "allow already-root");
  }
  SECTION("without a policy it is denied") {
    world.use(nullptr);
    CHECK(world.said(world.submit(account(world))) == "deny no-policy");
  }
}

TEST_CASE("the question that follows decides, and its session opens", "[command]") {
  World world;
  const Ask first = account(world);
  world.submit(first);
  const Ask second = resolved(first);
  const Conn conn = world.submit(second);
  CHECK(world.said(conn) == "pending approval-needed");
  const Id id = world.only_request();
  CHECK(world.held.requests.at(id).command == command());
  CHECK(digest_matches(world.held.requests.at(id)));
  CHECK_FALSE(world.bound(world.bind(second)).allow);  // not before it is approved
  CHECK(world.vote(kBob, id).error().empty());
  CHECK(world.decided(conn).verdict == Verdict::kAllow);
  CHECK(world.bound(world.bind(second)).allow);
  CHECK(world.only_grant().command.sha256 == command().sha256);
  const auto used = std::ranges::find(world.held.entries, events::kGrantClaimed, &AuditEntry::type);
  REQUIRE(used != world.held.entries.end());
  CHECK(used->fields.find("\"path\":\"/usr/bin/id\"") != std::string::npos);
  CHECK(used->fields.find(command().sha256) != std::string::npos);
}

TEST_CASE("a yes to a claim is none to what sudo found", "[command]") {
  // PAM alone was asked: this sudo loads its plugin from elsewhere.
  World world;
  world.use(load_policy(rules_with("scope = \"tty\"", "scope = \"command\"")));
  Ask claim = world.ask(kAlice);
  claim.command = command("/usr/bin/id", "");
  claim.command.verified = false;
  world.submit(claim);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  SECTION("the same program: what was given holds") {
    CHECK(world.said(world.submit(resolved(claim))) == "allow granted");
    CHECK(world.bound(world.bind(claim)).allow);
  }
  SECTION("another program: a new question, and the yes is gone") {
    CHECK(world.said(world.submit(resolved(claim, command("/tmp/id")))) == "pending approval-needed");
    CHECK_FALSE(world.bound(world.bind(claim)).allow);
  }
}

TEST_CASE("a digest that a permit asks for, and that a grant holds", "[command]") {
  World world;
  world.use(load_policy(digest_rules()));
  Ask claim = world.ask(kAlice);
  claim.command = command();
  claim.command.verified = false;
  CHECK(world.answer(world.submit(claim)).verdict == Verdict::kDeny);
  CHECK(world.answer(world.submit(resolved(world.ask(kAlice), command("/usr/bin/id", "")))).verdict == Verdict::kDeny);

  const Ask ask = resolved(world.ask(kAlice));
  world.submit(ask);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  CHECK(world.bound(world.bind(ask)).allow);
  CHECK(world.said(world.submit(ask)) == "allow granted");
  CHECK(world.said(world.submit(resolved(ask, command("/usr/bin/id", std::string(64, 'b'))))) == "pending approval-needed");
  Ask elsewhere = ask;
  elsewhere.command.options = {"-g"};
  CHECK(world.answer(world.submit(elsewhere)).verdict != Verdict::kAllow);
}

TEST_CASE("a group is taken where it was approved, and by no wider grant", "[command]") {
  World world;
  const auto give = [&world](const Ask& ask) {
    world.submit(ask);
    CHECK(world.vote(kBob, world.only_request()).error().empty());
    CHECK(world.bound(world.bind(ask)).allow);
  };
  const auto with_group = [](Ask ask, const std::string& group) {
    ask.target_group = group;
    ask.argv.insert(ask.argv.begin(), {"sudo", "-g", group});
    return ask;
  };
  const Ask plain = resolved(world.ask(kAlice));
  SECTION("what was approved without one") {
    give(plain);
    REQUIRE(world.only_grant().scope == policy::Scope::kTty);
    Ask other = resolved(world.ask(kAlice), command("/usr/bin/ls"));
    other.argv = {"ls"};
    CHECK(world.said(world.submit(other)) == "allow granted");
    CHECK(world.said(world.submit(with_group(other, "disk"))) == "pending approval-needed");
    other.command.options = {"-g"};
    CHECK(world.said(world.submit(other)) == "pending approval-needed");
  }
  SECTION("what was approved with it") {
    give(with_group(plain, "adm"));
    CHECK(world.said(world.submit(with_group(plain, "adm"))) == "allow granted");
    CHECK(world.said(world.submit(with_group(plain, "disk"))) == "pending approval-needed");
  }
}

TEST_CASE("what a program under sudo starts", "[command]") {
  World world;
  const Ask ask = resolved(world.ask(kAlice));
  const auto requests = [&] { return world.held.requests.size(); };
  SECTION("nothing is given: refused at once, and nobody is asked") {
    CHECK(world.said(world.submit(child_of(ask))) == "deny child");
    CHECK(requests() == 0);
  }
  SECTION("a grant that lives covers it") {
    world.submit(ask);
    CHECK(world.vote(kBob, world.only_request()).error().empty());
    world.bind(ask);
    const Conn conn = world.submit(child_of(ask, "/usr/bin/whoami"));
    CHECK(world.said(conn) == "allow granted");
    CHECK(world.logged(events::kCommandAllowed) == 1);
    CHECK_FALSE(world.bound(world.bind(ask)).allow);  // it opens no session
    CHECK(requests() == 1);
    world.pass_and_tick(BootMs{3600} * 1000);
    CHECK(world.said(world.submit(child_of(ask))) == "deny child");
  }
  SECTION("the policy allows it: written down first") {
    Ask free = child_of(resolved(world.ask(kAlice, "free")));
    world.disk = World::Disk::kHeld;
    const Conn conn = world.submit(free);
    CHECK(world.silent(conn));
    world.write_one();
    CHECK(world.said(conn) == "allow policy");
    CHECK(world.held.grants.empty());
    const Conn failed = world.submit(free);
    world.write_one(false);
    CHECK(world.said(failed) == "deny unavailable");
  }
}

TEST_CASE("what must be recorded is not used where nothing is", "[command]") {
  World world;
  world.use(load_policy(rules_with("scope = \"tty\"\n[[permit]]\nid = \"free\"", "scope = \"tty\"\nrequire = [\"record\"]\n[[permit]]\nid = \"free\"")));
  Ask ask = resolved(world.ask(kAlice));
  CHECK(world.answer(world.submit(ask)).verdict == Verdict::kDeny);
  ask.recording = "/var/log/sudo-io/00/00/01";
  const Conn conn = world.submit(ask);
  CHECK(world.said(conn) == "pending approval-needed");
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  CHECK(world.decided(conn).verdict == Verdict::kAllow);
  CHECK(world.bound(world.bind(ask)).allow);
  const auto used = std::ranges::find(world.held.entries, events::kGrantClaimed, &AuditEntry::type);
  REQUIRE(used != world.held.entries.end());
  CHECK(used->fields.find("\"recording\":\"/var/log/sudo-io/00/00/01\"") != std::string::npos);
  CHECK(world.said(world.submit(ask)) == "allow granted");
  ask.recording.clear();
  CHECK(world.answer(world.submit(ask)).verdict == Verdict::kDeny);
}

TEST_CASE("who cannot wait is sent to jitctl request only where that could ask the same", "[command]") {
  const auto told = [](const std::string& rules, Ask ask) {
    World world;
    world.use(load_policy(rules));
    ask.budget_s = 0;
    ask.can_ask = false;
    const Answer answer = world.answer(world.submit(std::move(ask)));
    CHECK(answer.cause == "approval-needed");
    REQUIRE(answer.text.size() == 2);
    return answer.text[1];
  };
  const std::string only_there = "jit: it cannot be asked for ahead of time: try again at a terminal, where you can wait";
  const World world;
  Ask ask = resolved(world.ask(kAlice));
  CHECK(told(kRules, ask).starts_with("jit: ask first: jitctl request"));
  // What was asked for without the command does not cover it.
  const std::pair<std::vector<std::string>, std::string> lines[] = {
      {{"id", "-un"}, " -- id -un"},
      {{"/bin/sh", "-c", "echo $HOME; \"x\" | `id`", ""}, " -- /bin/sh -c 'echo $HOME; \"x\" | `id`' ''"},
      {{"echo", "it's"}, " -- COMMAND"},
      {{"echo", "a\nb"}, " -- COMMAND"},
      {{"echo", "back\\slash"}, " -- COMMAND"},
      {{"echo", "caf\xc3\xa9"}, " -- COMMAND"},
      {{"echo", std::string(300, 'x')}, " -- COMMAND"},
      {{}, ""},
  };
  for (const auto& [words, end] : lines) {
    Ask typed = ask;
    typed.argv = words;
    const std::string line = told(kRules, typed);
    INFO(line);
    CHECK(line == "jit: ask first: jitctl request --door sudo --as root --reason '...'" + end);
  }
  ask.recording = "/var/log/sudo-io/00/00/01";
  CHECK(told(rules_with("scope = \"tty\"\n[[permit]]\nid = \"free\"", "scope = \"tty\"\nrequire = [\"record\"]\n[[permit]]\nid = \"free\""), ask) == only_there);
}

TEST_CASE("the same command", "[command]") {
  Command claim = command();
  claim.verified = false;
  claim.sha256.clear();
  Command other = command("/bin/id");
  Command optioned = command();
  optioned.options = {"-g"};
  Command set = command();
  set.env = {"PATH"};
  CHECK(same_command(command(), command()));
  CHECK(same_command(claim, command()));       // a claim that turned out true
  CHECK_FALSE(same_command(command(), claim)); // never the other way round
  CHECK(same_command(claim, Command()));       // claims: their words are compared
  CHECK_FALSE(same_command(command(), command("/usr/bin/id", std::string(64, 'b'))));
  CHECK_FALSE(same_command(command(), command("/usr/bin/id", "")));
  for (const Command& unlike : {other, optioned, set}) {
    CHECK_FALSE(same_command(command(), unlike));
    CHECK_FALSE(same_command(claim, unlike));
  }
}

}  // namespace jit::core_test
