// SPDX-License-Identifier: Apache-2.0
// One layout for policy files, so that a difference between two of them is a difference of meaning.
#pragma once

#include <string>
#include <string_view>

#include "policy/report.h"

namespace jit::policy {

inline constexpr std::size_t kLineWidth = 120;  // columns; a longer list is broken, one element a line

// The same keys, values and comments in the same order, laid out: one blank in and around what needs one, one blank line
// before each table, lists on one line where they fit and hold no comment. Applied twice it changes nothing more.
// Nothing, and a finding, where the text is not TOML, or where the result would not say the same.
std::optional<std::string> lay_out(std::uint32_t file, std::string_view text, Report& report);

}  // namespace jit::policy
