// SPDX-License-Identifier: Apache-2.0
// Names of NSS. Each call may wait as long as the directory lets it: not for an event loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jit::host {

// Does NSS know this "user" or "group"? Nothing: it did not answer, which says nothing of the name.
std::optional<bool> known(std::string_view kind, std::string_view name);

// "user mallory", "group staff"; where there is no name, or no answer: "uid 1234", "gid 50".
std::string user_text(std::uint32_t uid);
std::string group_text(std::uint32_t gid);

}  // namespace jit::host
