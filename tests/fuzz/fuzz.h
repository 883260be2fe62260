// SPDX-License-Identifier: Apache-2.0
// What every fuzz target needs. A broken promise aborts, so that libFuzzer keeps the input.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace jit::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Printable ASCII on one line.
inline bool harmless(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

inline bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// The lines of a seed as words: seeds stay readable. No word for what follows the last line's end.
inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

}  // namespace jit::fuzz
