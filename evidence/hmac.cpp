// SPDX-License-Identifier: Apache-2.0
#include "evidence/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace jit::evidence {

std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view text) {
  std::array<std::uint8_t, 32> out{};
  unsigned length = 0;
  const auto* const made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &length);
  if (made == nullptr || length != out.size()) throw std::runtime_error("HMAC-SHA256 is not available");
  return out;
}

}  // namespace jit::evidence
