// SPDX-License-Identifier: Apache-2.0
// May only root have written this? What a file or folder must be before its text counts.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>

namespace jit::config {

enum class Kind { kFile, kFolder };

// Why this does not count, and what to do; nothing: it is safe. `fd` is open for reading. With check_owner false only
// the kind is looked at.
std::optional<std::string> unsafe(int fd, const struct stat& st, Kind kind, bool check_owner);

// Does this value of system.posix_acl_access (acl(5), version 2, little endian) let anybody but root write? A value
// that makes no sense does.
bool acl_lets_others_write(std::string_view value);

}  // namespace jit::config
