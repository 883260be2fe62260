// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "setup/edit.h"
#include "setup/lines.h"

namespace jit::setup {
namespace {

constexpr std::size_t kContext = 3;
constexpr std::size_t kMost = 2000;  // lines on each side that are compared; more, and the rest is one change

struct Step {
  char sign = ' ';
  std::string_view line;
  std::size_t old_at = 0, new_at = 0;  // lines before it, on each side
};

// By the longest common subsequence.
std::vector<Step> steps(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b) {
  const std::size_t n = std::min(a.size(), kMost), m = std::min(b.size(), kMost);
  std::vector<std::vector<std::uint16_t>> common(n + 1, std::vector<std::uint16_t>(m + 1));
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = m; j-- > 0;) {
      common[i][j] = a[i] == b[j] ? static_cast<std::uint16_t>(common[i + 1][j + 1] + 1) : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<Step> out;
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    const bool both = i < n && j < m;
    if (both && a[i] == b[j]) {
      out.push_back({' ', a[i], i, j});
      ++i, ++j;
    } else if (j == b.size() || (i < a.size() && (!both || common[i + 1][j] >= common[i][j + 1]))) {
      out.push_back({'-', a[i], i, j});
      ++i;
    } else {
      out.push_back({'+', b[j], i, j});
      ++j;
    }
  }
  return out;
}

std::string range(std::size_t at, std::size_t count) {
  return std::to_string(count == 0 ? at : at + 1) + (count == 1 ? "" : "," + std::to_string(count));
}

}  // namespace

std::string unified_diff(std::string_view old_text, std::string_view new_text, std::string_view old_name, std::string_view new_name) {
  const auto all = steps(lines_of(old_text), lines_of(new_text));
  std::string out;
  for (std::size_t at = 0; at < all.size();) {
    if (all[at].sign == ' ') {
      ++at;
      continue;
    }
    const std::size_t begin = at - std::min(at, kContext);
    std::size_t last = at;  // the last change of this hunk
    for (std::size_t k = at; k < all.size() && k <= last + 2 * kContext + 1; ++k) {
      if (all[k].sign != ' ') last = k;
    }
    const std::size_t end = std::min(last + 1 + kContext, all.size());
    std::size_t removed = 0, added = 0;
    std::string body;
    for (std::size_t k = begin; k < end; ++k) {
      removed += all[k].sign != '+' ? 1U : 0U;
      added += all[k].sign != '-' ? 1U : 0U;
      body += all[k].sign + std::string(all[k].line);
      if (!all[k].line.ends_with('\n')) body += "\n\\ No newline at end of file\n";
    }
    if (out.empty()) out = "--- " + std::string(old_name) + "\n+++ " + std::string(new_name) + "\n";
    out += "@@ -" + range(all[begin].old_at, removed) + " +" + range(all[begin].new_at, added) + " @@\n" + body;
    at = end;
  }
  return out;
}

}  // namespace jit::setup
