// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace jit::config {

// Hex SHA-256 of a host's tags, in whatever order they stand: each record of a decision holds it, and a replay compares.
std::string tags_hash(std::vector<std::string> tags);

}  // namespace jit::config
