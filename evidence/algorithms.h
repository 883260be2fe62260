// SPDX-License-Identifier: Apache-2.0
// What OpenSSL says of keys and signatures. Each answer is true for exactly its 1: errors (0, -1) are a no (CVE-2008-5077).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "evidence/base64.h"

namespace jit::evidence {

enum class HashName : std::uint8_t { kSha256, kSha512 };
Bytes hash_of(HashName hash, std::string_view bytes);  // throws std::runtime_error where OpenSSL fails

inline constexpr std::size_t kEd25519KeyBytes = 32;
inline constexpr std::size_t kEd25519SignatureBytes = 64;
inline constexpr std::size_t kP256PointBytes = 65;    // 0x04, x, y
inline constexpr int kRsaBitsMin = 2048;
inline constexpr int kRsaBitsMax = 16384;             // OpenSSL's own limit

// A canonical encoding (RFC 8032, 5.1.3) of a point on the curve that is not of small order: under such a key one signature
// is good for every message.
bool ed25519_usable(std::span<const std::uint8_t> key);
bool ed25519_good(std::span<const std::uint8_t> key, std::string_view message, std::span<const std::uint8_t> signature);

bool p256_usable(std::span<const std::uint8_t> point);
// SHA-256; r and s are unsigned, most significant byte first.
bool p256_good(std::span<const std::uint8_t> point, std::string_view message, std::span<const std::uint8_t> r, std::span<const std::uint8_t> s);

// Large enough, odd, with an odd exponent from 65537 to 64 bits (small ones let cube roots pass for signatures where padding is
// checked loosely).
bool rsa_usable(std::span<const std::uint8_t> modulus, std::span<const std::uint8_t> exponent);
// RSASSA-PKCS1-v1_5; the signature is as long as the modulus.
bool rsa_good(std::span<const std::uint8_t> modulus, std::span<const std::uint8_t> exponent, HashName hash, std::string_view message,
              std::span<const std::uint8_t> signature);

}  // namespace jit::evidence
