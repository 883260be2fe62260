// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace jit::cli {

bool write_all(int fd, std::string_view text);

// All or nothing: a new file with the old one's owner and mode takes its place. What is wrong, or empty.
std::string replace_file(const std::string& path, std::string_view text);

}  // namespace jit::cli
