// SPDX-License-Identifier: Apache-2.0
// What the PAM files say of our own lines: is there a rescue route, and which doors only observe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "host/pam_files.h"
#include "policy/policy.h"

namespace jit::host {

struct Rescue {
  // Nothing: nothing gates root at login (no pam_jit line whose answer counts), or it cannot be told.
  std::optional<bool> lines;
  std::string why;  // with false: "/etc/pam.d/login:7: ...", for people
};

// Does each pam_jit line of login that counts (in auth, account and session) have its rescue lines directly before it:
// KIND [success=N default=ignore] pam_succeed_if.so user = root tty =~ PATTERN, N lines before the end of the jump, and do
// their patterns together cover each of the declared terminals, each by one of them? The terminal is /dev/NAME, as Debian
// 12's login says it.
Rescue rescue_of(const PamFolders& folders, std::span<const std::string> declared);

// Doors where each pam_jit line is `optional` and says `observe`, with the Unix time since which at the latest: of the
// newest change of a file with such a line. A door of which something cannot be read is not among them.
std::map<policy::Door, std::int64_t> observing(const PamFolders& folders);

}  // namespace jit::host
