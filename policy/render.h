// SPDX-License-Identifier: Apache-2.0
// An evaluation as people read it.
#pragma once

#include <string>

#include "policy/evaluate.h"

namespace jit::policy {

Decision render(const Evaluation& evaluation, const Scene& scene);

// What a guard refuses with; names what is unknown where it only may apply.
std::string deny_text(const Rule& guard, Truth applies, const Scene& scene);
// What a guard does to an offer: "deny: why", "ask 1 of set:sre; at most 30m".
std::string effect_text(const Rule& guard);
std::string not_covered(Door door);

}  // namespace jit::policy
