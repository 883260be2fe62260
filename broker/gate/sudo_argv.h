// SPDX-License-Identifier: Apache-2.0
// Whom a sudo command line asks to be, by sudo's own option rules (sudo 1.9, src/parse_args.c, getopt_long of glibc with
// its abbreviations). A claim for policy and people: Bind compares it with the true target.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace jit::gate {

struct SudoTarget {
  enum class Kind : std::uint8_t { kDefault, kCaller, kName, kUid } kind = Kind::kDefault;  // kCaller: only -g is given
  std::string name;       // with kName
  std::uint32_t uid = 0;  // with kUid ("#1000"); never 4294967295
  bool operator==(const SudoTarget&) const = default;
};

// Nothing: sudo itself would refuse this line, or it names an impossible user.
std::optional<SudoTarget> sudo_target(std::span<const std::string> argv);

// What is shown, and compared as "the command": the words that sudo runs, where none of its options changes what they
// mean (-n, -u, -p and the like do not); with any that does (-i -s -e -g -h -C -D -E -R -T -P -r -t, or an environment
// assignment), under another name than sudo, and where there is no command, the whole line. So `sudo -n id` is the `id` that was asked for ahead of
// time, and `sudo -e id` is not.
std::span<const std::string> sudo_command(std::span<const std::string> argv);

// The command of the line as policy sees it: where it begins, and what changes its meaning.
struct SudoCommand {
  std::size_t at = 0;                // of its first word; argv.size(): none (a shell, a listing)
  std::vector<std::string> options;  // "-D", "-i", ... in their short form, sorted, each once; sudoedit is "-e"
  std::vector<std::string> env;      // names of the assignments, sorted, each once
  bool operator==(const SudoCommand&) const = default;
};

// Nothing: sudo itself would refuse this line.
std::optional<SudoCommand> sudo_parts(std::span<const std::string> argv);

}  // namespace jit::gate
