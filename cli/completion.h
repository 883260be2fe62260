// SPDX-License-Identifier: Apache-2.0
// Completion scripts, made from the table of verbs: what jitctl takes is said once.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jit::cli {

// shell: "bash", "zsh" or "fish"; empty for any other. The script asks `jitctl requests` and `jitctl grants` for ids, as the
// person who types would.
std::optional<std::string> completion_script(std::string_view shell);

}  // namespace jit::cli
