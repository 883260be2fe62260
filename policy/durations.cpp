// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <utility>

#include "policy/policy.h"

namespace jit::policy {
namespace {

constexpr std::array<std::pair<char, std::uint32_t>, 4> kUnits{{{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};
constexpr std::uint64_t kLongest = 10ULL * 365 * 86400;

}  // namespace

std::optional<std::uint32_t> parse_duration(std::string_view text) {
  // No sign, blank or leading zero: one way to write each number.
  if (text.size() < 2 || text.front() < '1' || text.front() > '9') return std::nullopt;
  const char unit = text.back();
  text.remove_suffix(1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > kLongest) return std::nullopt;
  for (const auto& [letter, seconds] : kUnits) {
    if (letter != unit) continue;
    const std::uint64_t total = number * seconds;
    return total > kLongest ? std::nullopt : std::optional(static_cast<std::uint32_t>(total));
  }
  return std::nullopt;
}

std::string format_duration(std::uint32_t seconds) {
  std::string out;
  for (const auto& [letter, length] : kUnits) {
    const std::uint32_t count = seconds / length;
    if (count == 0) continue;
    out += std::to_string(count) + letter;
    seconds %= length;
  }
  return out.empty() ? "0s" : out;
}

}  // namespace jit::policy
