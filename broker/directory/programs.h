// SPDX-License-Identifier: Apache-2.0
// Which file a word of a command line means. Blocking; called on pool threads.
#pragma once

#include <string>

namespace jit::directory {

// An absolute path: its folder resolved (realpath), the name as it is. A bare name: the first executable file of that
// name in sudo's default secure_path. Empty: neither, or its folder is not there or not to be seen.
std::string program_path(const std::string& word);

}  // namespace jit::directory
