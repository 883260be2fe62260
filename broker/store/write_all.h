// SPDX-License-Identifier: Apache-2.0
// A whole text into a file, and onto the disk.
#pragma once

#include <string_view>

namespace jit::store {

bool write_all(int fd, std::string_view text);  // false: errno

}  // namespace jit::store
