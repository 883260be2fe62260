// SPDX-License-Identifier: Apache-2.0
// Runs the program of a fact and takes what it prints.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "cli/exit.h"

namespace jit::cli {

inline constexpr std::size_t kOutputMax = 4096;

// Without a shell, in a process group and an environment of its own, stdin empty. What it prints, without the end of its
// one line. A failure: it could not start, took too long (the whole group is killed), failed, or printed too much.
Result<std::string> run_provider(std::span<const std::string> command, std::int64_t timeout_ms);

}  // namespace jit::cli
