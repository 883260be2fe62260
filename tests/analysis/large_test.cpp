// SPDX-License-Identifier: Apache-2.0
// Large policies: findings stay few, a small change is found. What it costs is measured by bench_policy.
#include <map>

#include "policy/analysis/analyse.h"
#include "policy/analysis/question.h"
#include "world.h"

using namespace jit::policy;
using namespace jit::policy::analysis;

namespace {

std::string large(int rules) {
  std::string out = "[approval.a]\nneed = [{ from = \"group:sre\" }]\n";
  for (int i = 0; i < rules; ++i) {
    const std::string n = std::to_string(i);
    const bool guard = i % 10 == 9;
    out += (guard ? "[[guard]]\nid = \"r" : "[[permit]]\nid = \"r") + n + "\"\nwho = [\"group:g" + std::to_string(i % 500) + "\"]\n";
    out += "as = [\"user:u" + std::to_string(i % 40) + "\"]\ndoor = [\"sudo\"]\nmax = \"" + std::to_string(1 + i % 7) + "h\"\n";
    if (i % 3 == 0) out += "approval = \"a\"\n";
    if (i % 4 == 0) out += "when = [\"risk < " + std::to_string(10 + i % 50) + "\"]\n";
  }
  return out;
}

}  // namespace

TEST_CASE("three thousand rules: findings are few, and one more permit is the only difference") {
  const auto policy = test::policy_of(large(3'000)),
             changed = test::policy_of(large(3'000) + "[[permit]]\nid = \"extra\"\nwho = [\"group:g7\"]\nas = [\"user:mysql\"]\nmax = \"1h\"\n");
  Host host;
  host.now = 1'795'564'800;
  host.history_from = 0;
  std::map<std::string, std::size_t> found;
  for (const Finding& finding : analyse(*policy, host)) ++found[finding.code];
  CHECK_FALSE(found.empty());
  for (const auto& [code, count] : found) {
    INFO(code);
    CHECK(count <= 101);
  }
  CHECK_FALSE(diff(*policy, *changed, host).regions.empty());
}
