// SPDX-License-Identifier: Apache-2.0
// The words after pam_jit.so on a PAM line, and after sudo_jit.so in sudo.conf. None of them opens anything.
#pragma once

#include <optional>

#include "pam_jit/guest.h"

namespace jit::pam {

struct Options {
  std::optional<std::uint32_t> budget_s;  // budget=SECONDS, at most a day
  bool observe = false;                   // never waits, says nothing to the person, returns its true answer
  bool debug = false;                     // more in the system log
};

inline constexpr std::uint32_t kBudgetMax = 86'400;

// Empty: an option that is not known or a number that is none; its name is logged. The caller denies.
std::optional<Options> read_options(int argc, const char* const* argv);

}  // namespace jit::pam
