// SPDX-License-Identifier: Apache-2.0
// One dimension each: a value for which all literals have a wanted truth.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "policy/analysis/region.h"

namespace jit::policy::analysis {

using Literals = std::vector<const Literal*>;

enum class Try : std::uint8_t { kFound, kNone, kTooMuch };

// Who: literals of kWho and kAs over one identity, at one time. `fixed`: the user whom it must be; `but_root`:
// whom it must not be.
std::optional<Identity> find_identity(const Universe& universe, const Literals& literals, std::int64_t now,
                                      const std::optional<std::string>& fixed, std::string_view fresh, bool but_root = false);

// Command, options, environment and digest at sudo; literals of kRun, kOptions, kEnv and kDigest whose truth is not fixed
// there. Fills in the parts of `out` that say them.
Try find_command(const Literals& literals, AnalysisRequest& out);

// Facts, and the urgency.
Try find_facts(const Literals& literals, AnalysisRequest& out);

}  // namespace jit::policy::analysis
