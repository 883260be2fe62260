// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include <array>
#include <stdexcept>

#include "evidence/text.h"

namespace jit::evidence {

std::string sha256_hex(std::string_view bytes) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  // An empty digest would compare equal to another empty one: no answer is better than a wrong one.
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &length, EVP_sha256(), nullptr) != 1 || length != 32) {
    throw std::runtime_error("SHA-256 is not available");
  }
  return hex(std::span(out).first(length));
}

}  // namespace jit::evidence
