// SPDX-License-Identifier: Apache-2.0
// A signed vote as short text, carried by hand: at most kCodeMax characters, so that it fits the answer to a PAM prompt (512).
// The layout is fixed and signed as it is: "jc1" in front, then base64url of
//   version 1 | flags | D (32) | duration (4) | block (4) | scope | key prefix (8) | typed code (4) | length, reason (at most 80) |
//   hash of the SSHSIG | the SSHSIG's signature field
// Numbers are big-endian. Ed25519, ECDSA P-256 and sk keys only: what RSA or WebAuthn sign does not fit.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "evidence/signature.h"

namespace jit::evidence {

inline constexpr std::size_t kCodeMax = 500;
inline constexpr std::size_t kCodeReasonMax = 80;

using KeyPrefix = std::array<std::uint8_t, 8>;  // of SHA-256 of the public key's blob
std::optional<KeyPrefix> key_prefix(const PublicKey& key);  // nothing: a key that makes no codes

struct VoteCode {
  std::string digest;  // of the request: 64 hex digits
  bool approve = false;
  std::optional<std::uint32_t> duration_s;
  std::optional<std::uint32_t> block_s;
  std::optional<std::uint8_t> scope;  // 0 to 3, the narrowest first
  KeyPrefix key{};
  std::string typed;   // six digits; empty: none was asked
  std::string reason;  // at most kCodeReasonMax bytes
  bool operator==(const VoteCode&) const = default;
};

// What is signed, for the purpose kVoteCodeNamespace; nothing: a field does not fit.
std::optional<Bytes> body_of(const VoteCode& vote);
// The text; nothing: the signature is not an SSHSIG of a key that makes codes.
std::optional<std::string> to_text(const VoteCode& vote, std::span<const std::uint8_t> sshsig);

class ReadCode {
 public:
  // Nothing: not a code. White space in it is left out, since people copy it by hand.
  static std::optional<ReadCode> parse(std::string_view text);
  const KeyPrefix& key() const { return vote_.key; }          // of whom it says it is
  // The vote, once it was found to be signed by this key.
  Flaw verify(const PublicKey& key, VoteCode& out) const;
  std::string digest_hint() const { return vote_.digest; }    // unverified: to find the request
  std::string signed_digest() const;                          // hex SHA-256 of what was signed, good or not

 private:
  VoteCode vote_;
  Bytes body_;
  std::string_view hash_;
  Bytes signature_;
};

}  // namespace jit::evidence
