// SPDX-License-Identifier: Apache-2.0
// POSIX access lists: where one stands, the group bits of the mode are only its mask.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jit::host {

struct AccessList {
  std::vector<std::uint32_t> writing_users, writing_groups;  // named ones, the mask applied
  bool owning_group_writes = false;
};

// The attribute system.posix_acl_access; nothing where it is no such list.
std::optional<AccessList> parse_access_list(std::string_view bytes);
// Of this file, no link followed; nothing: it has none, or it cannot be read.
std::optional<AccessList> access_list_of(const std::string& path);

}  // namespace jit::host
