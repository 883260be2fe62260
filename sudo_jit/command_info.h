// SPDX-License-Identifier: Apache-2.0
// What sudo says of itself and of the command: vectors of NAME=VALUE (sudo_plugin(5)).
#pragma once

#include "pam_jit/guest.h"

namespace jit::sudo {

// The value of the last entry of this name, as sudo itself reads them; without data: there is none. Null vectors are empty.
std::string_view value_of(char* const list[], std::string_view name);
bool is_true(char* const list[], std::string_view name);

// What sudo will run. Views into command_info.
struct CommandInfo {
  std::string_view command;  // as sudo found it; perhaps relative
  std::string_view user;     // the name, or "#uid"
  std::string_view group;    // of -g, where it is not the user's own
  std::uint32_t uid = 0;
  std::string_view folder;   // where it will run, where sudo goes there first
  std::string_view recording;  // of its I/O log, where any stream goes there
  bool child = false;        // a program that a command starts (Defaults intercept)
  bool edits = false;        // sudoedit: what runs is an editor, as the caller
  bool chroot = false;       // the path means another file than here
};

// False: no user, or a number that is none.
bool read_command_info(char* const list[], CommandInfo& out);

}  // namespace jit::sudo
