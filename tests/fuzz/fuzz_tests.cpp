// SPDX-License-Identifier: Apache-2.0
// Any text as a file of tests.d: tests or findings, never both; what a test asks is answered, and its witness asks the same.
#include <array>

#include "evidence/text.h"
#include "policy/analysis/test_file.h"
#include "tests/fuzz/fuzz.h"

using namespace jit;
using namespace jit::fuzz;

namespace {

constexpr const char* kRules = R"(schema = 1
settings.covers = ["sudo", "su", "ssh", "login", "polkit"]
set.dba = ["group:dba"]
command.restart = [["/usr/bin/systemctl", "restart", "**"]]
fact.freeze = { type = "bool", fresh = "10m", initial = false, by = ["uid:990"] }
approval.one = { need = [{ from = "set:dba" }] }
[[permit]]
id = "restart"
who = ["set:dba"]
run = ["command:restart"]
max = "30m"
[[permit]]
id = "root"
as = ["user:root"]
approval = "one"
require = ["reason"]
max = "1h"
[[guard]]
id = "freeze"
flag = ["freeze"]
deny = "frozen"
)";

std::shared_ptr<const policy::Policy> rules() {
  const std::array<policy::Source, 1> sources{policy::Source{"rules.toml", kRules}};
  return policy::Policy::load({sources, {}, {}, evidence::sha256_hex}).policy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto policy = rules();
  require(policy != nullptr);
  const std::array<policy::Source, 1> sources{policy::Source{"tests.toml", std::string(text_of(data, size))}};
  const policy::analysis::TestSuite suite = policy::analysis::read_tests(sources);
  require(suite.findings.empty() || (suite.tests.empty() && suite.invariants.empty()));
  for (const policy::Finding& finding : suite.findings) require(!finding.message.empty() && !finding.text().empty());
  for (const policy::analysis::TestCase& test : suite.tests) {
    const policy::Decision decision = policy::analysis::decide(*policy, test.request);
    require(decision.offer.has_value() || (decision.outcome == policy::Outcome::kDeny && !decision.why.empty()));
    if (!test.at_given) continue;
    const std::array<policy::Source, 1> again{policy::Source{
        "again.toml", "[[test]]\nname = \"again\"\n" + policy::analysis::witness_text(test.request) + "\nexpect = { outcome = \"deny\" }\n"}};
    const policy::analysis::TestSuite second = policy::analysis::read_tests(again);
    require(second.findings.empty() && second.tests.size() == 1);
    require(second.tests.front().request.door == test.request.door && second.tests.front().request.now == test.request.now);
  }
  return 0;
}
