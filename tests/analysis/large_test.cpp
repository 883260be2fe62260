// SPDX-License-Identifier: Apache-2.0
// Large policies: the checks end in time that grows about as the rules do. The goals are 2 s for all checks and 3 s for a
// diff of 10,000 rules; a loaded machine and the sanitizers get ten times that.
#include <chrono>

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

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

TEST_CASE("ten thousand rules are checked and compared in time") {
  const auto policy = test::policy_of(large(10'000)),
             changed = test::policy_of(large(10'000) + "[[permit]]\nid = \"extra\"\nwho = [\"group:g7\"]\nas = [\"user:mysql\"]\nmax = \"1h\"\n");
  Host host;
  host.now = 1'795'564'800;
  std::size_t found = 0;
  const double checks = seconds([&] { found = analyse(*policy, host).size(); });
  Differences differences;
  const double compared = seconds([&] { differences = diff(*policy, *changed, host.now); });
  INFO("checks " << checks << " s, " << found << " findings; diff " << compared << " s, " << differences.regions.size() << " regions");
  CHECK(found > 0);
  CHECK_FALSE(differences.regions.empty());
  CHECK(checks < 20);
  CHECK(compared < 30);
}
