// SPDX-License-Identifier: Apache-2.0
#include "evidence/display_code.h"

#include <cstdint>

#include "evidence/text.h"
#include "evidence/words.h"

namespace jit::evidence {

namespace {

std::string_view word_at(std::uint32_t index) {
  std::size_t at = 0;
  for (; index > 0; --index) at = kWords.find(' ', at) + 1;
  return kWords.substr(at, kWords.find(' ', at) - at);
}

}  // namespace

std::string display_code(std::string_view digest) {
  // Its own domain: these bits say nothing about any other use of the digest.
  const std::string hex = sha256_hex("pam-jit display code 1:" + std::string(digest));
  const auto bits = static_cast<std::uint32_t>(std::stoul(hex.substr(0, 8), nullptr, 16)) >> 10;
  return std::string(word_at(bits >> 11)) + " " + std::string(word_at(bits & 2047));
}

}  // namespace jit::evidence
