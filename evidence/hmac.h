// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace jit::evidence {

// HMAC-SHA256 (RFC 2104). Throws std::runtime_error where OpenSSL fails.
std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view text);

}  // namespace jit::evidence
