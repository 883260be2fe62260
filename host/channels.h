// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace jit::host {

// Names of the channels that files of this folder define, well or not; nothing: it cannot be read. No folder: there are none.
std::optional<std::vector<std::string>> channels(const std::string& folder);

}  // namespace jit::host
