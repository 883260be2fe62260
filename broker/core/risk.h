// SPDX-License-Identifier: Apache-2.0
// The host's own card: how unusual a request looks, 0 to 100. Pure; the weights stand in one table in risk.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace jit::core {

struct Signs {
  bool first_target = false;     // this person was never granted this target here
  bool odd_hour = false;         // outside the hours in which he usually asks
  bool far_reaching = false;     // a shell, or a program that can start one or write any file
  bool unknown_command = false;  // sudo or su, and nobody can tell what will run
  bool first_seen = false;       // he never came from this network
  std::uint32_t denials = 0;     // of his, within the last hour
  bool changeable = false;       // a file that the command runs or reads can be changed by who asks
};

std::int64_t risk_of(const Signs& signs);
// The same in words, the weightiest first; not escaped.
std::vector<std::string> signs_for_people(const Signs& signs, policy::Door door, const policy::Identity& target, const policy::Command& command);

// A shell (also sudo -s and -i), an interpreter, an editor, a pager, a package manager: as good as any command.
bool far_reaching(const policy::Command& command);
bool far_reaching_program(std::string_view name);  // without its folder; "python3.11" is python
// As good as a shell, an editor or pager that can start one, or another way to everything; kNone: not far-reaching.
enum class Reach : std::uint8_t { kNone, kShell, kEscape, kOther };
Reach reach_of(const policy::Command& command);

}  // namespace jit::core
