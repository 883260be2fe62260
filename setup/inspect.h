// SPDX-License-Identifier: Apache-2.0
// What is wrong with our lines in a service, as the whole of its stack says. Pure; a try of the door (probe/) proves what this only reads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/pam_files.h"
#include "setup/services.h"

namespace jit::setup {

// kHole: somebody gets through whom the policy would stop. kFault: it does not work as it should, and nobody gets through by that.
// kOpen: a way that nobody means to gate. kNote: good to know.
enum class Level : std::uint8_t { kHole, kFault, kOpen, kNote };
std::string_view name_of(Level level);

struct Finding {
  Level level = Level::kNote;
  std::string where;  // "/etc/pam.d/sudo:7", "sshd", "sudoers"
  std::string what;   // one line
  std::string todo;   // one line
  bool operator==(const Finding&) const = default;
};

// kNone: no line of ours. kObserves: they all observe. kAuthOnly: only in auth.
enum class Stands : std::uint8_t { kNone, kObserves, kAuthOnly, kAccount, kUnknown };

struct Inspected {
  Stands stands = Stands::kNone;
  std::vector<Finding> findings;
};

// Does its account say no to everybody, as "account required pam_deny.so" does? False where that is not plain to see.
bool lets_nobody_through(const host::PamService& read);

Inspected inspect(const Service& service, const host::PamService& read);

}  // namespace jit::setup
