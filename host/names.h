// SPDX-License-Identifier: Apache-2.0
// Names of NSS. Each call may wait as long as the directory lets it: not for an event loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jit::host {

// Does NSS know this "user" or "group"? Nothing: it did not answer, which says nothing of the name.
std::optional<bool> known(std::string_view kind, std::string_view name);

// Can this user log in by a password: is there a hash that a password can match (shadow(5))? Nothing: shadow cannot be read
// (only root may), or does not know him.
std::optional<bool> has_password(const std::string& user);

// Names of uid 0 beside root, as /etc/passwd alone says: no directory is asked, so this does not wait.
std::vector<std::string> names_of_root(const std::string& passwd = "/etc/passwd");

// Names of those whose own group this is, which the group's list of members leaves out; of /etc/passwd alone, too.
std::vector<std::string> names_of_group(std::uint32_t gid, const std::string& passwd = "/etc/passwd");

// "user mallory", "group staff"; where there is no name, or no answer: "uid 1234", "gid 50".
std::string user_text(std::uint32_t uid);
std::string group_text(std::uint32_t gid);

}  // namespace jit::host
