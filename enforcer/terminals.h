// SPDX-License-Identifier: Apache-2.0
// Fixed words on the terminals of what runs under a grant.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace jit::enforcer {

// Terminals of these processes, or, where none of them has one, of those in the control groups; each a tty device that
// belongs to the user whose process it is (or who logged in), else it is left alone. Gives how many were written to.
int warn(const std::vector<pid_t>& leaders, const std::vector<std::string>& cgroups, const std::string& line);

// minutes 0: it is over.
std::string warning(const std::string& id, std::uint32_t minutes);

}  // namespace jit::enforcer
