// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/options.h"

#include <charconv>

#include "pam_jit/log.h"

namespace jit::pam {
namespace {

constexpr std::string_view kBudget = "budget=";

bool read_seconds(std::string_view text, std::optional<std::uint32_t>& out) {
  std::uint32_t seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seconds);
  if (text.empty() || error != std::errc{} || stop != end || seconds > kBudgetMax) return false;
  out = seconds;
  return true;
}

}  // namespace

std::optional<Options> read_options(int argc, const char* const* argv) {
  Options options;
  for (int i = 0; i < argc; ++i) {
    std::string_view word = argv[i];
    if (word == "observe") {
      options.observe = true;
    } else if (word == "debug") {
      options.debug = true;
    } else if (starts_with(word, kBudget)) {
      word.remove_prefix(kBudget.size());
      if (!read_seconds(word, options.budget_s)) {
        log_line(LOG_ERR, "denied: budget= wants whole seconds, 0 to %u", kBudgetMax);
        return std::nullopt;
      }
    } else {
      log_line(LOG_ERR, "denied: option %d is not known; there are budget=SECONDS, observe, debug", i + 1);
      return std::nullopt;
    }
  }
  return options;
}

}  // namespace jit::pam
