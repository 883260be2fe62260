// SPDX-License-Identifier: Apache-2.0
// What `cvtsudoers -f json` says (sudo 1.9), as a policy. sudo goes on to enforce its own file: the policy is a second
// gate, so what cannot be said in it is left out and named, never widened.
#pragma once

#include <string>
#include <vector>

#include "cli/client.h"

namespace jit::cli {

struct Imported {
  std::string policy;  // text of a file for policy.d
  std::size_t rules = 0;
  struct Note {
    std::string what;  // as sudoers has it
    std::string why;   // why it was left out or is narrower, and what to do
    bool left_out = false;
  };
  std::vector<Note> notes;
};

Imported import_sudoers(const Json& sudoers);

}  // namespace jit::cli
