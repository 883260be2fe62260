// SPDX-License-Identifier: Apache-2.0
// The example policies of the language: no errors, and the warnings that they are known to get.
#include <fstream>
#include <set>
#include <sstream>

#include "policy/analysis/analyse.h"
#include "world.h"

using namespace jit::policy;
using namespace jit::policy::analysis;

namespace {

std::string example(const std::string& name) {
  std::ifstream in(std::string(JIT_CORPUS) + "/../policy/examples/" + name, std::ios::binary);
  REQUIRE(in);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

TEST_CASE("the example policies get no errors") {
  const std::pair<const char*, std::set<std::string>> cases[] = {
      {"laptop", {"W16"}}, {"database", {"W04", "W16"}}, {"bastion", {"W04", "W16"}}};
  for (const auto& [name, expected] : cases) {
    INFO(name);
    const std::vector<Source> rules{{name, example(std::string(name) + ".toml")}}, people{{"people.toml", test::kPeople}};
    const std::vector<Source> calendars{{"holidays-2026.ics", example("holidays-2026.ics")}}, rosters{{"oncall.toml", example("oncall.toml")}};
    const std::vector<std::string> tags{"db", "production"};
    Policy::Input input{rules, people, tags, jit::evidence::sha256_hex};
    input.calendars = calendars;
    input.rosters = rosters;
    Host host;
    input.now = host.now = 1'795'597'200;  // 2026-11-25T09:00:00Z
    const auto loaded = Policy::load(input);
    REQUIRE(loaded.policy);
    std::set<std::string> codes;
    std::string text;
    for (const Finding& finding : analyse(*loaded.policy, host)) {
      text += finding.text() + '\n' + finding.witness + '\n';
      codes.insert(finding.code);
    }
    INFO(text);
    CHECK(codes == expected);
  }
}
