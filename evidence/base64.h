// SPDX-License-Identifier: Apache-2.0
// RFC 4648. Decoding takes exactly what encoding makes: no white space, right padding, zero bits behind the end.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jit::evidence {

using Bytes = std::vector<std::uint8_t>;

inline std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string base64(std::span<const std::uint8_t> bytes);      // with padding
std::optional<Bytes> from_base64(std::string_view text);
std::string base64url(std::span<const std::uint8_t> bytes);   // without padding
std::optional<Bytes> from_base64url(std::string_view text);

}  // namespace jit::evidence
