// SPDX-License-Identifier: Apache-2.0
// Patterns of terminals, as fnmatch(3) without flags reads them.
#pragma once

#include <optional>
#include <string_view>

namespace jit::host {

// Does `wide` match each printable name that `narrow` matches? Nothing: cannot be told (classes like [[:digit:]], more
// than 60 characters, or too much to try).
std::optional<bool> covers(std::string_view wide, std::string_view narrow);

}  // namespace jit::host
