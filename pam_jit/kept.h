// SPDX-License-Identifier: Apache-2.0
// From account to open_session: the connection over which the gate said yes, kept in the PAM handle, so that Bind need not
// connect anew. It is a shortcut and proves nothing: the broker knows whom it said yes to by the process.
#pragma once

#include <security/pam_modules.h>

#include "pam_jit/attempt.h"

namespace jit::pam {

// Takes over the connection. False: no memory. It is closed by take() or at pam_end().
bool keep(pam_handle_t* handle, Attempt&& attempt);

// Gives what was kept, once. The attempt stays as it is where nothing was kept, in another process than the one that kept it
// (a child must not talk on its parent's), or where the host program has closed or replaced the descriptor meanwhile. False:
// libpam does not say.
bool take(pam_handle_t* handle, Attempt& attempt);

}  // namespace jit::pam
