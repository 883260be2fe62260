// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace jit::policy {

// A word of a policy as messages show it: `word`. Not "quoted": <iomanip> of the standard library has one, found by its argument.
inline std::string ticked(std::string_view word) { return '`' + std::string(word) + '`'; }

}  // namespace jit::policy
