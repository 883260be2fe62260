// SPDX-License-Identifier: Apache-2.0
// An evaluation as people read it.
#pragma once

#include <string>
#include <vector>

#include "policy/evaluate.h"

namespace jit::policy {

// The rules that decided: permits first, then the guards that narrow any of them, each in the order of ids.
void deciding_rules(const Evaluation& evaluation, const Request& request, std::vector<const Rule*>& out);

Decision render(const Evaluation& evaluation, const Scene& scene);

// What a guard refuses with; names what is unknown where it only may apply.
std::string deny_text(const Rule& guard, Truth applies, const Scene& scene);
// What a guard does to an offer: "deny: why", "ask 1 of set:sre; at most 30m".
std::string effect_text(const Rule& guard);
std::string not_covered(Door door);

}  // namespace jit::policy
