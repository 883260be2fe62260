// SPDX-License-Identifier: Apache-2.0
// Three-valued matching (Kleene). Unknown never opens.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "policy/compiled.h"

namespace jit::policy {

enum class Truth : std::uint8_t { kFalse, kUnknown, kTrue };  // AND is the least, OR the greatest

constexpr Truth truth(bool value) { return value ? Truth::kTrue : Truth::kFalse; }
constexpr Truth both(Truth a, Truth b) { return std::min(a, b); }
constexpr Truth either(Truth a, Truth b) { return std::max(a, b); }

// What a test can do when it holds: open (a permit, the `unless` of a guard) or close (a guard, the `unless` of a
// permit). Opening sees the groups that all sources give, closing those that any gives.
enum class Side : std::uint8_t { kOpens, kCloses };

// What rules are held against. What it names must outlive it.
struct Scene {
  const RuleSet& policy;
  const Request& request;
  std::vector<const FactTest*>* read = nullptr;  // collects the facts that were read; null: nobody asks
};

// In which part of which rule tests stand.
struct Part {
  Side side = Side::kOpens;
  bool permit = false;    // the tests of a permit itself: `options` and `env` must list all that is used, elsewhere one
  bool claims_ok = false; // a claimed command counts; elsewhere it is unknown
  bool digest = false;    // only a program whose SHA-256 is bound
};
Part part_of(const Rule& rule);
Part unless_of(const Rule& rule);

Truth is_one_of(const RuleSet& policy, std::span<const Principal> leaves, const Identity& identity, Side side, std::int64_t now);
Truth is_from(const OriginTest& test, const Origin& origin);
Truth runs(const RunTest& test, const Request& request, const Part& part);
// `used`: what the request uses of them; a null test is one without names.
Truth has_words(const WordTest* test, std::span<const std::string> used, const Request& request, const Part& part);
Truth has_digest(const Request& request);
Truth is_during(const WindowTest& test, std::int64_t now);
Truth test_fact(const FactTest& test, const Scene& scene);
Truth test_all(const Tests& tests, const Scene& scene, const Identity& target, const Part& part);

// The rule as a whole, `unless` included, for one target. A permit matches only where this is true; a guard applies
// unless it is false.
Truth whole(const Rule& rule, const Scene& scene, const Identity& target);

// The targets that a rule must be seen with: where the target is only a claim, root too.
bool target_is_claim(const Request& request);
bool permit_matches(const Rule& permit, const Scene& scene);
// How it applies to what a permit opens; false: not at all. `permit` null: to the request as it stands, whatever permits it.
Truth guard_applies(const Rule* permit, const Rule& guard, const Scene& scene);

}  // namespace jit::policy
