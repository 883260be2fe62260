// SPDX-License-Identifier: Apache-2.0
// Keys of NATS (nats-io/nkeys): Ed25519, written in base32 with a letter for what the key is of and a CRC-16 behind it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "evidence/base64.h"

namespace jit::evidence {

enum class NkeyKind : char { kOperator = 'O', kAccount = 'A', kUser = 'U' };

class Nkey {
 public:
  static Nkey generate(NkeyKind kind);                        // throws std::runtime_error where OpenSSL fails
  static std::optional<Nkey> from_seed(std::string_view seed);  // "SU...", "SA...", "SO..."
  Nkey(Nkey&&) noexcept;
  Nkey& operator=(Nkey&&) noexcept;
  ~Nkey();

  NkeyKind kind() const;
  std::string public_text() const;  // "U..." of 56 characters
  std::string seed() const;         // "SU..." of 58 characters; a secret
  Bytes sign(std::string_view message) const;  // 64 bytes (RFC 8032); throws std::runtime_error where OpenSSL fails

 private:
  struct Impl;
  explicit Nkey(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Is it the public part of a key of this kind, in its only form?
bool is_nkey(std::string_view text, NkeyKind kind);

// Is `signature` (64 bytes) one over `message` by the key whose public part this is?
bool verify_nkey(std::string_view public_text, NkeyKind kind, std::string_view message, std::span<const std::uint8_t> signature);

std::string base32(std::span<const std::uint8_t> bytes);  // RFC 4648, without padding

}  // namespace jit::evidence
