// SPDX-License-Identifier: Apache-2.0
// Commands in rules: a claim opens only what says so, and lifts nothing; what else changes a command must be listed.
#include "policy/compiled.h"
#include "world.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

const std::string kCommands = "command.ls = [[\"/bin/ls\", \"**\"]]\ncommand.id = [[\"/bin/id\"]]\n";

std::string guard(const std::string& rest) { return "[[guard]]\nid = \"g\"\ndeny = \"no\"\n" + rest + '\n'; }

bool allowed(const std::string& rules, const Request& request) {
  return policy_of(kCommands + rules)->decide(request).outcome == Outcome::kAllow;
}

}  // namespace

TEST_CASE("run, options and env") {
  World w;
  const std::string run = "run = [\"command:ls\"]\n", ok = "unverified-ok = [\"command\"]\n", any = permit("");
  struct Case {
    const char* what;
    std::string rules;
    Ran ran;
    bool verified, claimed;  // is it allowed where the command is verified, and where it is a claim
  };
  const Ran ls{"/bin/ls", {"-l"}, {}, {}}, id{"/bin/id", {}, {}, {}}, none{"", {}, {}, {}};
  const Ran chdir{"/bin/ls", {}, {"-D"}, {}}, lang{"/bin/ls", {}, {}, {"LANG"}}, many{"/bin/ls", {}, {"-D", "-s"}, {"LANG", "LC_TIME"}};
  const Case cases[] = {
      {"the command", permit(run), ls, true, false},
      {"the command, claims are good", permit(run + ok), ls, true, true},
      {"another command", permit(run + ok), id, false, false},
      {"one of two", permit("run = [\"command:id\", \"command:ls\"]\n" + ok), ls, true, true},
      {"no path", permit(run + ok), none, false, false},
      {"no run: any command", any, id, true, true},
      {"an option that is not listed", permit(run + ok), chdir, false, false},
      {"an option that is", permit(run + ok + "options = [\"-D\"]\n"), chdir, true, true},
      {"one of two options", permit(run + ok + "options = [\"-D\"]\nenv = [\"L*\"]\n"), many, false, false},
      {"all options and variables", permit(run + ok + "options = [\"-D\", \"-s\"]\nenv = [\"L*\"]\n"), many, true, true},
      {"a variable that is not listed", permit(run + ok), lang, false, false},
      {"a variable that is", permit(run + ok + "env = [\"LANG\"]\n"), lang, true, true},
      {"a prefix that is longer", permit(run + ok + "env = [\"LANGUAGE*\"]\n"), lang, false, false},
      {"options without run", permit("options = [\"-D\"]\n"), chdir, true, false},
      {"options without run, another", permit("options = [\"-g\"]\n"), chdir, false, false},
      {"options without run, none used", permit("options = [\"-g\"]\n"), ls, true, false},
      {"a guard on an option", any + guard("options = [\"-D\"]\n"), many, false, false},
      {"a guard on an option that is not used", any + guard("options = [\"-D\"]\n"), ls, true, false},
      {"a guard on a variable", any + guard("env = [\"LC_*\"]\n"), many, false, false},
      {"a guard that the command lifts", any + guard("unless.run = [\"command:ls\"]\n"), ls, true, false},
      {"a guard that it does not", any + guard("unless.run = [\"command:ls\"]\n"), id, false, false},
      {"claims lift no guard", permit(ok) + guard("unless.run = [\"command:ls\"]\n"), ls, true, false},
      {"unless takes it away", permit(run + ok + "unless.run = [\"command:id\"]\n"), ls, true, false},
      {"unless of an option", permit(run + "options = [\"-D\"]\nunless.options = [\"-D\"]\n"), chdir, false, false},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    Request request = w.request();
    request.command = c.ran.command(true);
    CHECK(allowed(c.rules, request) == c.verified);
    request.command = c.ran.command(false);
    CHECK(allowed(c.rules, request) == c.claimed);
    // Nothing is known of it: what names a command opens nothing and lifts nothing.
    request.command = {};
    if (c.rules.find("run") != std::string::npos) CHECK_FALSE(allowed(c.rules, request));
  }
}

TEST_CASE("run is unknown at every door but sudo; sudo's options are used at none of them") {
  World w;
  const Ran ls{"/bin/ls", {}, {}, {}};
  for (const Door door : {Door::kSu, Door::kSsh, Door::kLogin}) {
    Request request = door == Door::kSu ? w.request() : w.login(door, w.alice);
    request.door = door;
    request.command = ls.command();
    CHECK_FALSE(allowed(permit("run = [\"command:ls\"]\nunverified-ok = [\"command\"]\n"), request));
    CHECK_FALSE(allowed(permit("") + guard("unless.run = [\"command:ls\"]\n"), request));
    CHECK_FALSE(allowed(permit("unless.run = [\"command:ls\"]\n"), request));
    CHECK(allowed(permit("options = [\"-D\"]\nenv = [\"A\"]\n") + guard("options = [\"-D\"]\n"), request));
  }
  Request su = w.request();
  su.door = Door::kSu;
  CHECK(all(policy_of(kCommands + permit("run = [\"command:ls\"]\n"))->decide(su).why).find("only the door sudo knows") != std::string::npos);
}

TEST_CASE("a digest must be bound") {
  World w;
  const std::string rules = permit("run = [\"command:ls\"]\ndigest = true\nunverified-ok = [\"command\"]\n");
  const Ran ls{"/bin/ls", {}, {}, {}};
  for (const bool verified : {false, true}) {
    for (const bool bound : {false, true}) {
      Request request = w.request();
      request.command = ls.command(verified);
      request.command.digest_bound = bound;
      CHECK(allowed(rules, request) == (verified && bound));
    }
  }
  Request request = w.request();
  request.command = ls.command();
  CHECK(all(policy_of(kCommands + rules)->decide(request).why).find("the SHA-256 of the program is not bound here") != std::string::npos);
}

TEST_CASE("folders of commands are resolved as the system has them") {
  const std::vector<Source> rules{{"p.toml", "schema = 1\nsettings.covers = [\"sudo\"]\n" + kCommands + permit("run = [\"command:id\"]")}};
  Policy::Input input{rules, {}, {}, jit::evidence::sha256_hex};
  input.real_folder = [](std::string_view folder) { return folder == "/bin" ? std::string("/usr/bin") : std::string(folder); };
  const auto policy = Policy::load(input).policy;
  REQUIRE(policy);
  World w;
  Request request = w.request();
  const Ran merged{"/usr/bin/id", {}, {}, {}}, written{"/bin/id", {}, {}, {}};
  request.command = merged.command();
  CHECK(policy->decide(request).outcome == Outcome::kAllow);
  request.command = written.command();
  CHECK(policy->decide(request).outcome == Outcome::kDeny);
  CHECK(policy->rules().commands.find("id")->second.patterns.front().written == std::vector<std::string>{"/bin/id"});
}
