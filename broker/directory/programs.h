// SPDX-License-Identifier: Apache-2.0
// Which file a word of a command line means. Blocking; called on pool threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jit::directory {

// An absolute path: its folder resolved (realpath), the name as it is. A bare name: the first executable file of that
// name in sudo's default secure_path. Empty: neither, or its folder is not there or not to be seen.
std::string program_path(const std::string& word);

// Who asks, as the kernel knows him; no gids: not known, and then any group may be his.
struct Requester {
  std::uint32_t uid = 0;
  std::optional<std::vector<std::uint32_t>> gids;
  bool anybody = false;  // everybody but root at once
};
// Can he change what this command runs or reads: the program, a file or a folder among its words, or anything on the way
// there? A word with a '/' is a path, also after '=' and glued to a short option, and one that is not there yet counts
// where he can make it; a word without is looked for in `cwd`. True also for what nobody here can look at (a home), and
// for more words than anybody looks at.
bool can_change(const Requester& asker, const std::string& program, const std::string& cwd, const std::vector<std::string>& words);

// The SHA-256 (hex) of the file behind this descriptor, where it is what the path means and only root can change it or put another
// in its place; else empty.
std::string bound_digest(int program, const std::string& path);

inline constexpr std::size_t kWordsLookedAt = 64;

}  // namespace jit::directory
