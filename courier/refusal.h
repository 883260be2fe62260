// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace jit::courier {

// A courier that cannot begin: the broker is told, so that who waits and the admin learn of it. Then as failed().
int refused(const std::string& why);

}  // namespace jit::courier
