// SPDX-License-Identifier: Apache-2.0
// SHA-256 of many small texts: the algorithm is looked up once, a thread keeps its context.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace jit::evidence {

// Of all parts, one behind the other. Throws std::runtime_error where OpenSSL fails.
std::array<std::uint8_t, 32> sha256(std::initializer_list<std::string_view> parts);

}  // namespace jit::evidence
