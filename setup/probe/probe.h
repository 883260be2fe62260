// SPDX-License-Identifier: Apache-2.0
// A real PAM transaction with a door's service, by this very program: the broker knows its executable, and says no to it in words of
// its own. So a yes is a hole, and no other no proves anything.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jit::setup::probe {

// What the broker says to this program, and to nobody else.
inline constexpr std::string_view kText = "jit: probe: this door asks the broker";
inline constexpr std::string_view kNotCovered = "jit: probe: the policy does not cover this door";

enum class Phase : std::uint8_t { kAuth, kAccount };

struct Result {
  int code = -1;         // of PAM; -1: it could not be tried
  bool passed = false;   // PAM_SUCCESS
  bool asked = false;    // the broker was asked, and recognised us
  bool covered = true;   // with asked: the policy covers this door
  std::string said;      // what the modules said, one a line
  std::string error;     // PAM's own words for the code, or why it could not be tried
};

// pam_start, then pam_acct_mgmt (or pam_authenticate) as root, in a child that has 20 s.
Result try_door(const std::string& service, Phase phase = Phase::kAccount);

}  // namespace jit::setup::probe
