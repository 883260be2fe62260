// SPDX-License-Identifier: Apache-2.0
// Why not, for people: short, and what to do next. Not escaped.
#pragma once

#include <string>

#include "policy/compiled.h"

namespace jit::policy {

// The trimmed reason is shorter than the offer wants.
bool lacks_reason(const Offer& offer, std::string_view reason);

// What to type where nobody can be asked for the reason.
std::string reason_wanted(const Offer& offer, const Request& request);

// The permit that came nearest, and which of its tests did not hold.
std::string nearest_permit(const RuleSet& policy, const Request& request);

// Which tests of this permit do not hold; empty where it matches.
std::string mismatch(const Rule& permit, const Request& request);

}  // namespace jit::policy
