// SPDX-License-Identifier: Apache-2.0
// What a policy says of a request, as a document of jitctl(1): why, and by which rules. Every text is escaped.
#pragma once

#include <nlohmann/json.hpp>

#include <span>

#include "policy/explain.h"
#include "policy/policy.h"

namespace jit::policy {

inline constexpr std::size_t kNearest = 5;  // permits that are named with what each lacks

// {outcome, then, offer, choices, missing, why, rules, near, observed, facts, not_by}; offer and choices hold {rule, seats,
// votes, require, give_s, max_s, wait_s, scope, break_glass}.
nlohmann::ordered_json explanation(const Decision& decision, std::span<const NearMiss> not_by);

}  // namespace jit::policy
