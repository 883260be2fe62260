// SPDX-License-Identifier: Apache-2.0
// What stands on both screens, so that two people see that they speak of the same request. 22 bits: it tells requests
// apart for people, and nothing is opened by it.
#pragma once

#include <string>
#include <string_view>

namespace jit::evidence {

// Two words for a request's digest (any text). Throws std::runtime_error where OpenSSL fails.
std::string display_code(std::string_view digest);

}  // namespace jit::evidence
