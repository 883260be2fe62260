// SPDX-License-Identifier: Apache-2.0
// sudo -l and sudo -v run no command; they reach the account phase all the same, and must raise no request.
#pragma once

#include "pam_jit/sudo_options.h"

namespace jit::pam {

// True only where all of it agrees: this process is sudo.ws (its sudoers.so, root's, is loaded, and it runs setuid or was
// started by root), sudo itself says "list" or "validate" as SUDO_COMMAND (not the environment that it was started with), and
// its options say the same. Anything less is an ordinary request.
bool is_sudo_listing(const SudoOptions& options);

}  // namespace jit::pam
