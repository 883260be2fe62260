// SPDX-License-Identifier: Apache-2.0
// A proof out of files: the parts of the archive, and an export.
#pragma once

#include <string>
#include <vector>

#include "cli/commands.h"

namespace jit::cli {

// id: the beginning of one, all of it afterwards.
Result<std::string> proof_in(const std::vector<std::string>& files, std::string& id);

}  // namespace jit::cli
