// SPDX-License-Identifier: Apache-2.0
// The evaluator says what the oracle says.
#include "tests/catch.h"
#include <cstdio>
#include <map>

#include "tests/policy/oracle/cases.h"
#include "tests/policy/oracle/compare.h"
#include "tests/policy/oracle/counts.h"

namespace jit::policy::oracle {

TEST_CASE("the evaluator and the oracle agree, and every part of the language takes part") {
  constexpr unsigned kPolicies = 700, kAsks = 150;
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
  std::printf("%u cases of the policies from JIT_SEED=%llu on; the share in which each part took part:\n%s", counts.cases(),
              static_cast<unsigned long long>(first), counts.table().c_str());
  static_assert(kPolicies * kAsks >= 100'000);
  // Fewer say nothing about shares.
  if (count >= kPolicies) CHECK(counts.rare(0.02) == "");
}

TEST_CASE("the evaluator and the oracle agree on what a grant covers and who may vote") {
  const std::uint64_t first = first_seed();
  const unsigned count = policies(60);
  unsigned refused = 0, covered = 0, voters = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Case at = make_case(seed);
    std::map<std::string, std::string> fingerprints;  // by permit, from its offers
    for (unsigned n = 0; n < 100; ++n) {
      const Ask ask = random_ask(at.model, at.dice);
      const Request request = ask.request();
      const Decision decision = at.policy->decide(request);
      if (decision.offer) fingerprints[decision.offer->rule] = decision.offer->fingerprint;
      for (const auto& [permit, fingerprint] : fingerprints) {
        const bool expected = use_refused(at.model, permit, request);
        if (at.policy->refuses_use(permit, fingerprint, request).has_value() != expected) {
          at.fail("a grant of " + permit + (expected ? " must not" : " must") + " cover this", &ask);
        }
        if (!at.policy->refuses_use(permit, fingerprint + "x", request)) at.fail("a grant of another " + permit + " must not cover this", &ask);
        ++(expected ? refused : covered);
      }
      for (const Approval& approval : at.model.approvals) {
        for (const Need& need : approval.need) {
          const bool machines = at.dice.percent(50);
          const bool expected = may_fill(at.model, need.from.text(), ask.subject, ask.now, machines);
          if (at.policy->may_fill(need.from.text(), ask.subject, ask.now, machines) != expected) {
            at.fail("he may" + std::string(expected ? "" : " not") + " fill a seat of " + need.from.text(), &ask);
          }
          if (expected) ++voters;
        }
      }
    }
  }
  if (count >= 60) CHECK((refused > 1000 && covered > 1000 && voters > 1000));
}

}  // namespace jit::policy::oracle
