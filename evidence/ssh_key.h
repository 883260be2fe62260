// SPDX-License-Identifier: Apache-2.0
// Public keys of OpenSSH (RFC 4253, 6.6; RFC 5656; RFC 8709; PROTOCOL.u2f). No certificates: a key stands for itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "evidence/base64.h"

namespace jit::evidence {

enum class SshKeyType : std::uint8_t { kEd25519, kEcdsaP256, kRsa, kTokenEd25519, kTokenEcdsaP256 };

struct SshKey {
  SshKeyType type = SshKeyType::kEd25519;
  std::string_view name;    // "ssh-ed25519", ...: a constant
  Bytes blob;               // as it stands in signatures and in its fingerprint
  Bytes point;              // Ed25519: 32 bytes; P-256: 65
  Bytes modulus, exponent;  // RSA: most significant byte first, without a zero in front
  std::string application;  // of a token
  std::string comment;
};

bool in_token(SshKeyType type);

// "TYPE BASE64 [COMMENT]". Nothing: another type, not the only encoding, or a key that is too weak to be believed; `why`, where
// given, says which to people.
std::optional<SshKey> parse_ssh_key(std::string_view text, std::string* why = nullptr);
std::optional<SshKey> parse_ssh_key_blob(std::span<const std::uint8_t> blob, std::string* why = nullptr);

// The magnitude of an mpint (RFC 4251, 5); empty: not above 0, or not its shortest form.
std::span<const std::uint8_t> positive_mpint(std::span<const std::uint8_t> bytes);

}  // namespace jit::evidence
