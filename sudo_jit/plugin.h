// SPDX-License-Identifier: Apache-2.0
// The question that is asked before sudo runs a command.
#pragma once

#include "sudo_jit/sudo.h"

namespace jit::sudo {

// What sudo gave to open(); it stays its own, and valid until close().
struct Opened {
  sudo_conv_t conversation;
  char* const* settings;
  char* const* user_info;
  char* const* options;
};

// True: yes. Otherwise the person was told why.
bool check(const Opened& opened, char* const command_info[], char* const run_argv[]);

}  // namespace jit::sudo
