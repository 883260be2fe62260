// SPDX-License-Identifier: Apache-2.0
// The one table of return codes.
#pragma once

#include "pam_jit/guest.h"

namespace jit::pam {

enum class Door : std::uint8_t { kSudo, kSu, kLogin, kSsh, kOther };
enum class Phase : std::uint8_t { kAuth, kAccount, kSession, kCommand };
enum class Verdict : std::uint8_t { kDeny, kAllow };

Door door_of(std::string_view service);
const char* word_of(Door door);
const char* word_of(Phase phase);  // "auth", "account", "session", "command"

// Of PAM's own three phases: PAM_SUCCESS for kAllow, else the code that ends this phase of this door at once.
int code_for(Door door, Phase phase, Verdict verdict);

}  // namespace jit::pam
