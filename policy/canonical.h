// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "policy/compiled.h"

namespace jit::policy {

// A rule and all that it names, as one text: two policies that were compiled at one time have the same text where the rule
// means the same in both. (A fingerprint does not move on with the days of a calendar; this does.) Who is on duty by a roster
// is not in it.
std::string canonical_text(const RuleSet& policy, const Rule& rule);

}  // namespace jit::policy
