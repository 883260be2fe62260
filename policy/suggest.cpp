// SPDX-License-Identifier: Apache-2.0
#include "policy/suggest.h"

#include <algorithm>

namespace jit::policy {
namespace {

constexpr std::size_t kLongestWord = 64;

// Optimal string alignment: insert, delete, replace, swap two neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& words) {
  if (word.empty() || word.size() > kLongestWord) return {};
  std::string_view best;
  std::size_t least = word.size() <= 3 ? 2 : 3;  // one past the farthest that still helps
  for (const std::string_view candidate : words) {
    if (candidate == word || candidate.size() > kLongestWord) continue;
    const std::size_t far = distance(word, candidate);
    if (far < least && far < candidate.size()) {
      least = far;
      best = candidate;
    }
  }
  return best.empty() ? std::string() : "; did you mean `" + std::string(best) + "`?";
}

}  // namespace jit::policy
