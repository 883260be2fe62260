// SPDX-License-Identifier: Apache-2.0
// Three-valued matching (Kleene). Unknown never opens.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "policy/compiled.h"

namespace jit::policy {

enum class Truth : std::uint8_t { kFalse, kUnknown, kTrue };  // AND is the least, OR the greatest

constexpr Truth truth(bool value) { return value ? Truth::kTrue : Truth::kFalse; }
constexpr Truth both(Truth a, Truth b) { return std::min(a, b); }
constexpr Truth either(Truth a, Truth b) { return std::max(a, b); }

// What a test can do when it holds: open (a permit, the `unless` of a guard) or close (a guard, the `unless` of a
// permit). Opening sees the groups that all sources give, closing those that any gives.
enum class Side : std::uint8_t { kOpens, kCloses };

Truth is_one_of(std::span<const Principal> leaves, const Identity& identity, Side side);
Truth is_from(const OriginTest& test, const Origin& origin);
Truth test_all(const Tests& tests, const Request& request, const Identity& target, Side side);

// The rule as a whole, `unless` included, for one target.
bool permit_matches(const Rule& permit, const Request& request, const Identity& target);
bool guard_applies(const Rule& guard, const Request& request, const Identity& target);

// The targets that a rule must be seen with: where the target is only a claim, root too.
bool target_is_claim(const Request& request);
bool permit_matches(const Rule& permit, const Request& request);
bool guard_applies_to(const Rule& permit, const Rule& guard, const Request& request);

}  // namespace jit::policy
