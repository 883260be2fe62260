// SPDX-License-Identifier: Apache-2.0
// Two decisions side by side, and what the laws say of two offers.
#pragma once

#include <string>

#include "policy/policy.h"
#include "tests/policy/oracle/model.h"

namespace jit::policy::oracle {

// Empty: the evaluator says what the oracle says, in all that the oracle says.
std::string difference(const Decision& evaluator, const Decision& oracle);

// Empty: `after` asks at least what `before` asked, on no wider terms. Both are offers of one permit.
std::string eased(const Offer& before, const Offer& after);

// How far a decision is from a yes: 0 an offer, 1 a choice of break-glass, 2 a deny.
int distance(const Decision& decision);

std::string show(const Decision& decision);

}  // namespace jit::policy::oracle
