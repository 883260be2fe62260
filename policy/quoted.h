// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace jit::policy {

// A word of a policy as messages show it: `word`.
inline std::string quoted(std::string_view word) { return '`' + std::string(word) + '`'; }

}  // namespace jit::policy
