// SPDX-License-Identifier: Apache-2.0
// Bytes as dice: a policy and requests are rolled with them, and the evaluator must say what the oracle says.
#include <algorithm>

#include "tests/fuzz/fuzz.h"
#include "tests/policy/oracle/compare.h"
#include "tests/policy/oracle/oracle.h"
#include "tests/policy/oracle/random.h"

namespace {

using namespace jit::policy;
using namespace jit::policy::oracle;

constexpr unsigned kAsks = 20;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Dice dice(std::span(data, size));
  const Model model = random_model(dice);
  const Policy::Loaded loaded = load(model, print(model));
  if (!loaded.policy) {
    // Chance makes approvals that nobody can fill, and nothing else that does not load.
    const auto other = [](const Finding& finding) { return finding.code.starts_with('E') && finding.code != "E06" && finding.code != "E07"; };
    jit::fuzz::require(std::ranges::none_of(loaded.findings, other));
    return 0;
  }
  for (unsigned n = 0; n < kAsks; ++n) {
    const Ask ask = random_ask(model, dice);
    const Request request = ask.request();
    jit::fuzz::require(difference(loaded.policy->decide(request), decide(model, request)).empty());
  }
  return 0;
}
