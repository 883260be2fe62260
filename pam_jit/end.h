// SPDX-License-Identifier: Apache-2.0
// How a session gets its end: the enforcer takes this process into a scope, and logind is told of the latest one.
#pragma once

#include <security/pam_modules.h>

#include "pam_jit/answer.h"
#include "pam_jit/gate.h"

namespace jit::pam {

// kNone: it will end in time, or needs no end; where systemd is not PID 1 there is nobody to hand over to, and an end counts at
// the next use only. Whatever else: nothing holds it, so there must be no session.
Fault hand_over(Waiter& waiter, const Binding& binding);

// For pam_systemd, which comes after us and makes a session of its own (pam_systemd(8), systemd.runtime_max_sec).
bool limit_session(pam_handle_t* handle, const Binding& binding);

}  // namespace jit::pam
