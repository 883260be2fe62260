// SPDX-License-Identifier: Apache-2.0
// Who besides root may put another program in the place of this one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace jit::host {

struct Tree {
  std::string root = {};    // in front of each path; nothing above it is looked at
  std::uint32_t owner = 0;  // who counts as root, and whose group `group` is
  std::uint32_t group = 0;
};

// Looks at the program, at each folder above it, and at each symbolic link on the way together with where it leads: a
// foreign owner, write access for a group, for an access list's user or group, or for everybody. A sticky folder keeps
// others from replacing what is not theirs, but not from making what is not there. "user mallory", "group staff",
// "everybody"; nothing: nobody, or it cannot be told.
std::optional<std::string> writer_of(const std::string& path, const Tree& tree = {});

}  // namespace jit::host
