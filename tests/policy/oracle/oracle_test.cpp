// SPDX-License-Identifier: Apache-2.0
// The evaluator says what the oracle says.
#include <catch2/catch.hpp>
#include <cstdio>

#include "tests/policy/oracle/cases.h"
#include "tests/policy/oracle/compare.h"
#include "tests/policy/oracle/counts.h"

namespace jit::policy::oracle {

TEST_CASE("the evaluator and the oracle agree, and every part of the language takes part") {
  constexpr unsigned kPolicies = 400, kAsks = 150;
  Counts counts;
  const std::uint64_t first = first_seed();
  const unsigned count = policies(kPolicies);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Case at = make_case(seed);
    for (unsigned n = 0; n < kAsks; ++n) {
      const Ask ask = random_ask(at.model, at.dice);
      const Request request = ask.request();
      const Decision expected = decide(at.model, request);
      const std::string differs = difference(at.policy->decide(request), expected);
      if (!differs.empty()) at.fail(differs + "oracle: " + show(expected), &ask);
      counts.add(at.model, ask, expected);
    }
  }
  std::printf("%u cases; the share in which each part took part:\n%s", counts.cases(), counts.table().c_str());
  // Fewer say nothing about shares.
  if (count >= kPolicies) CHECK(counts.rare(0.02) == "");
}

}  // namespace jit::policy::oracle
