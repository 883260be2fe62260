// SPDX-License-Identifier: Apache-2.0
// Command patterns as sets of command lines.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/command.h"

namespace jit::policy::analysis {

struct SampleCommand {
  std::string path;
  std::vector<std::string> words;  // after argv[0]
};

// What both match; nothing where that is empty.
std::optional<WordPattern> intersection(const WordPattern& a, const WordPattern& b);
std::optional<CommandPattern> intersection(const CommandPattern& a, const CommandPattern& b);

// A command line that `in` matches and none of the others; nothing where there is none, or where it would take too long.
std::optional<SampleCommand> sample_command(const CommandPattern& in, const std::vector<const CommandPattern*>& outside = {});

}  // namespace jit::policy::analysis
