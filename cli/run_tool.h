// SPDX-License-Identifier: Apache-2.0
// A tool of the system, run to its end without a shell: what it printed, and how it ended.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace jit::cli {

struct ToolDone {
  int code = 127;       // of exit; 128 and more: of a signal
  std::string out;      // at most 1 MiB; the rest is dropped
  std::string error;    // the first line on standard error
};

// Its path first. Standard input is empty, the environment is PATH and LC_ALL=C. Nothing: it could not be started, or took more
// than a minute.
std::optional<ToolDone> run_tool(const std::vector<std::string>& words);

}  // namespace jit::cli
