// SPDX-License-Identifier: Apache-2.0
// What the host program says of this attempt, and how far we may talk and wait here.
#pragma once

#include <security/pam_modules.h>

#include <array>

#include "pam_jit/codes.h"
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

struct Manner {
  bool can_ask = false;     // a prompt reaches a person
  bool by_prompt = false;   // sshd shows text only together with a prompt: waiting and denial are said in one
  bool errors_only = false; // information would land in the command's output
  bool silent = false;      // observing
  std::uint32_t budget_s = 0;
  int peer = -1;            // the person's network connection, not owned; sshd does not look at it while we wait
  std::array<char, 48> peer_address{};  // of it, numeric, NUL-ended; empty: none
};
// False: a look failed for want of a descriptor or of memory, so that nothing is known.
bool find_manner(pam_handle_t* handle, Door door, const Items& items, const Options& options, const SudoOptions& sudo,
                 Manner& manner);

// What was typed during a wait must not reach the shell that comes next. Only in the foreground: in the background it is
// somebody else's input.
void drop_typed_input();

}  // namespace jit::pam
