// SPDX-License-Identifier: Apache-2.0
// How far we may talk and wait here.
#pragma once

#include <array>

#include "pam_jit/options.h"
#include "pam_jit/sudo_options.h"

namespace jit::pam {

struct Manner {
  bool can_ask = false;     // a prompt reaches a person
  bool by_prompt = false;   // sshd shows text only together with a prompt: waiting and denial are said in one
  bool errors_only = false; // information would land in the command's output
  bool silent = false;      // observing
  std::uint32_t budget_s = 0;
  int peer = -1;            // the person's network connection, not owned; sshd does not look at it while we wait
  std::array<char, 48> peer_address{};  // of it, numeric, NUL-ended; empty: none
};

// At sudo. terminal: there is one. What is asked must stand on it, or a password may be the answer.
void set_sudo_manner(bool terminal, const Options& options, const SudoOptions& sudo, Manner& manner);

// The controlling terminal. False: a look failed for want of a descriptor or of memory.
bool find_terminal(bool& has);

// What was typed during a wait must not reach the shell that comes next. Only in the foreground: in the background it is
// somebody else's input.
void drop_typed_input();

}  // namespace jit::pam
