// SPDX-License-Identifier: Apache-2.0
// Which sudo this is. sudo -l and sudo -v run no command; they reach the account phase all the same, and must raise no request.
#pragma once

#include "pam_jit/sudo_options.h"

namespace jit::pam {

// True only where all of it agrees: this process is sudo.ws (its sudoers.so, root's, is loaded, and it runs setuid or was
// started by root), sudo itself says "list" or "validate" as SUDO_COMMAND (not the environment that it was started with), and
// its options say the same. Anything less is an ordinary request.
bool is_sudo_listing(const SudoOptions& options);

// Is this sudo.ws, and has it loaded sudo_jit, root's, as a plugin of its own? Then sudo_jit asks before anything runs.
bool sudo_jit_asks();

}  // namespace jit::pam
