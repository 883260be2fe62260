// SPDX-License-Identifier: Apache-2.0
#include "cli/sudoers.h"

#include <algorithm>
#include <array>
#include "tests/catch.h"

#include "evidence/text.h"
#include "policy/policy.h"

namespace jit::cli {
namespace {

Json rule(const Json& commands, const Json& users = Json::parse(R"([{"username": "alice"}])")) {
  return {{"User_List", users}, {"Host_List", {{{"hostname", "ALL"}}}}, {"Cmnd_Specs", {{{"Commands", commands}}}}};
}

// What was carried over, which must load.
Imported import(const Json& sudoers) {
  Imported out = import_sudoers(sudoers);
  const std::array<policy::Source, 1> sources{policy::Source{"sudoers.toml", out.policy}};
  const policy::Policy::Loaded loaded = policy::Policy::load({sources, {}, {}, evidence::sha256_hex});
  for (const policy::Finding& finding : loaded.findings) UNSCOPED_INFO(finding.text());
  CHECK(loaded.policy != nullptr);
  return out;
}

bool left_out(const Imported& imported, const std::string& why) {
  return std::ranges::any_of(imported.notes, [&](const Imported::Note& note) { return note.left_out && note.why.find(why) != std::string::npos; });
}

}  // namespace

TEST_CASE("import-sudoers: a command that the language cannot say is left out, and the policy loads") {
  for (const char* command : {"/usr/bin/x \\*z", "/usr/bin/\\*z", "/usr/bin/..", "/usr/bin/. a", "/usr/bin/x a\\*"}) {
    INFO(command);
    const Imported imported = import({{"User_Specs", {rule({{{"command", command}}})}}});
    CHECK(imported.rules == 0);
    CHECK(left_out(imported, ""));
  }
  std::string many = "/usr/bin/x";
  for (int i = 0; i < 300; ++i) many += " a";
  CHECK(import({{"User_Specs", {rule({{{"command", many}}})}}}).rules == 0);
  CHECK(import({{"User_Specs", {rule({{{"command", "/usr/bin/x a*"}}})}}}).rules == 1);
}

TEST_CASE("import-sudoers: an exception in an alias that is not there leaves the rule out") {
  const Json users = Json::parse(R"([{"username": "ALL"}, {"useralias": "GONE", "negated": true}])");
  const Imported imported = import({{"User_Specs", {rule({{{"command", "ALL"}}}, users)}}});
  CHECK(imported.rules == 0);
  CHECK(left_out(imported, "no such alias"));
}

TEST_CASE("import-sudoers: a host that is excepted leaves the rule out, in either order") {
  for (const char* hosts : {R"([{"hostname": "ALL"}, {"hostname": "db1", "negated": true}])", R"([{"hostname": "db1", "negated": true}, {"hostname": "ALL"}])"}) {
    Json one = rule({{{"command", "ALL"}}});
    one["Host_List"] = Json::parse(hosts);
    const Imported imported = import({{"User_Specs", {one}}});
    CHECK(imported.rules == 0);
    CHECK(left_out(imported, "certain hosts"));
  }
}

TEST_CASE("import-sudoers: what sudo alone enforces is told") {
  Json one = rule({{{"command", "/usr/bin/id"}}});
  one["Cmnd_Specs"][0]["Options"] = Json::parse(R"([{"authenticate": false}, {"notafter": "20260101000000Z"}, {"noexec": true}])");
  one["Cmnd_Specs"][0]["runasusers"] = Json::parse(R"([{"username": "root"}])");
  one["Cmnd_Specs"][0]["runasgroups"] = Json::parse(R"([{"usergroup": "adm"}])");
  const Imported imported = import({{"User_Specs", {one}}});
  CHECK(imported.rules == 1);
  std::string told;
  for (const Imported::Note& note : imported.notes) told += note.what + "; ";
  CHECK(told == "rule 1: groups to run as; rule 1: notafter; rule 1: noexec; ");
}

TEST_CASE("import-sudoers: an exception below aliases that nest too deep leaves the rule out") {
  Json aliases = Json::object();
  for (int i = 0; i < 40; ++i) aliases["A" + std::to_string(i)] = Json::array({{{"cmndalias", "A" + std::to_string(i + 1)}}});
  aliases["A40"] = Json::parse(R"([{"command": "/usr/bin/su", "negated": true}])");
  const Imported imported =
      import({{"Command_Aliases", aliases}, {"User_Specs", {rule(Json::parse(R"([{"command": "ALL"}, {"cmndalias": "A0"}])"))}}});
  CHECK(imported.rules == 0);
  CHECK(left_out(imported, "nest too deep"));
}

TEST_CASE("import-sudoers: aliases that name each other over and over come to an end") {
  const Json twice = Json::parse(R"({"A": [{"useralias": "A"}, {"useralias": "A"}, {"useralias": "A"}]})");
  const Json commands = Json::parse(R"({"C": [{"cmndalias": "C"}, {"cmndalias": "C"}, {"command": "/usr/bin/id"}]})");
  const Imported imported = import({{"User_Aliases", twice},
                                    {"Command_Aliases", commands},
                                    {"User_Specs",
                                     {rule({{{"command", "ALL"}}}, Json::parse(R"([{"useralias": "A"}])")),
                                      rule(Json::parse(R"([{"cmndalias": "C"}])"))}}});
  CHECK(imported.rules == 0);
  CHECK(left_out(imported, "more than"));
}

}  // namespace jit::cli
