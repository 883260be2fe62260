// SPDX-License-Identifier: Apache-2.0
// What is checked before the text goes to the TOML parser, which recurses on nesting.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jit::policy {

inline constexpr unsigned kDeepest = 64;  // arrays, tables and the parts of dotted keys

struct TextFault {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  std::string message;
};

// A byte order mark, a NUL byte, or nesting deeper than kDeepest.
std::optional<TextFault> scan_text(std::string_view text);

}  // namespace jit::policy
