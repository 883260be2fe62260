// SPDX-License-Identifier: Apache-2.0
// Whom a sudo command line asks to be, by sudo's own option rules (sudo 1.9, src/parse_args.c, getopt_long of glibc with
// its abbreviations). A claim for policy and people: Bind compares it with the true target.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace jit::gate {

struct SudoTarget {
  enum class Kind : std::uint8_t { kDefault, kCaller, kName, kUid } kind = Kind::kDefault;  // kCaller: only -g is given
  std::string name;       // with kName
  std::uint32_t uid = 0;  // with kUid ("#1000"); never 4294967295
  bool operator==(const SudoTarget&) const = default;
};

// Nothing: sudo itself would refuse this line, or it names an impossible user.
std::optional<SudoTarget> sudo_target(std::span<const std::string> argv);

}  // namespace jit::gate
