// SPDX-License-Identifier: Apache-2.0
// Accounts that expire (shadow(5), field 8). The local file only: what another source says of an account is for the next login.
#pragma once

#include <sys/types.h>

namespace jit::enforcer {

// Of whom the process is, or of who logged in: has one of these accounts expired? False where that cannot be told, and of root.
bool account_expired(pid_t pid);

}  // namespace jit::enforcer
