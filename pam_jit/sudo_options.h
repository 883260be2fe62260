// SPDX-License-Identifier: Apache-2.0
// sudo's own options, read by sudo's own rules (getopt_long with "+", variables in between): what this run of sudo was
// asked to do before the command. It only ever makes us more careful: nothing is allowed because of an option.
#pragma once

#include <string_view>

namespace jit::pam {

struct SudoOptions {
  bool understood = true;        // false: an option that we do not know; the rest was not read
  bool non_interactive = false;  // -n
  bool from_stdin = false;       // -S
  bool by_helper = false;        // -A: a program of the caller's gives every answer
  bool own_prompt = false;       // -p
  bool lists = false;            // -l
  bool validates = false;        // -v
};

SudoOptions read_sudo_options(std::string_view words);  // argv: each word ended by a NUL

}  // namespace jit::pam
