// SPDX-License-Identifier: Apache-2.0
// The system log, without syslog(3): that one keeps its socket open in the host program, and on the lowest free
// descriptor, which may be the stderr that the host closed.
#pragma once

#include <syslog.h>

#include "pam_jit/guest.h"

namespace jit::pam {

// Who logs: "pam_jit", unless the module defines its own.
extern const char kModule[];  // NOLINT(bugprone-dynamic-static-initializers): a text

// One line to LOG_AUTHPRIV. The format and its arguments are our own words, numbers and ids, never text from people.
// What cannot be sent within half a second is lost: a stopped log daemon must not hold a door.
[[gnu::format(printf, 2, 3)]] void log_line(int priority, const char* format, ...);

}  // namespace jit::pam
