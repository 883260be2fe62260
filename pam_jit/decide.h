// SPDX-License-Identifier: Apache-2.0
// The way of an attempt through one phase. Everything is a deny until the broker's answer is exactly "allow".
#pragma once

#include <security/pam_modules.h>

#include "pam_jit/codes.h"
#include "pam_jit/options.h"

namespace jit::pam {

// auth and account. listing: this handle only lists (sudo -l, -v); it was let through and asked nothing.
int ask_gate(pam_handle_t* handle, Phase phase, int argc, const char* const* argv);
int open_session(pam_handle_t* handle, int argc, const char* const* argv);

}  // namespace jit::pam
