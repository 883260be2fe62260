// SPDX-License-Identifier: Apache-2.0
// The host's own card: how unusual a request looks, 0 to 100. Pure; the weights stand in one table in risk.cpp.
#pragma once

#include <cstdint>
#include <string_view>

#include "policy/policy.h"

namespace jit::core {

struct Signs {
  bool first_target = false;     // this person was never granted this target here
  bool odd_hour = false;         // outside the hours in which he usually asks
  bool far_reaching = false;     // a shell, or a program that can start one or write any file
  bool unknown_command = false;  // sudo or su, and nobody can tell what will run
  bool first_seen = false;       // he never came from this network
  std::uint32_t denials = 0;     // of his, within the last hour
};

std::int64_t risk_of(const Signs& signs);

// A shell (also sudo -s and -i), an interpreter, an editor, a pager, a package manager: as good as any command.
bool far_reaching(const policy::Command& command);
bool far_reaching_program(std::string_view name);  // without its folder; "python3.11" is python

}  // namespace jit::core
