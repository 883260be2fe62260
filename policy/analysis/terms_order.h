// SPDX-License-Identifier: Apache-2.0
// Terms of rules against each other.
#pragma once

#include "policy/compiled.h"

namespace jit::policy::analysis {

// Whatever guards apply, `a` asks nothing that `b` does not ask, and gives as much at each door that both are for.
bool as_easy(const RuleSet& policy, const Rule& a, const Rule& b);
bool same_terms(const RuleSet& policy, const Rule& a, const Rule& b);

// Does the guard change what the permit offers at one of these doors?
bool changes(const RuleSet& policy, const Rule& permit, const Rule& guard, Door door);

// One offer against another at the same request: what a requester feels.
enum class TermsChange : std::uint8_t { kSame, kEasier, kHarder, kOther };
TermsChange compare(const Offer& before, const Offer& after);

}  // namespace jit::policy::analysis
