// SPDX-License-Identifier: Apache-2.0
// What the host program says of this attempt, and how far we may talk and wait here.
#pragma once

#include <security/pam_modules.h>

#include "pam_jit/codes.h"
#include "pam_jit/manner.h"
#include "pam_jit/options.h"
#include "pam_jit/sudo_options.h"

namespace jit::pam {

// The PAM items; views live as long as libpam does not change them. Without data: not set.
struct Items {
  std::string_view service, user, ruser, rhost, tty;
  std::string_view ssh_auth;  // SSH_AUTH_INFO_0, at ssh only
};
// False: no service, no user, or an item that could not be read. service and user are set as far as known.
bool read_items(pam_handle_t* handle, Items& items);

// False: a look failed for want of a descriptor or of memory, so that nothing is known.
bool find_manner(pam_handle_t* handle, Door door, const Items& items, const Options& options, const SudoOptions& sudo,
                 Manner& manner);

}  // namespace jit::pam
