// SPDX-License-Identifier: Apache-2.0
// Keys that tests hold, tokens among them, and what they sign: right, and wrong in every way that one asks for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "evidence/base64.h"
#include "evidence/signature.h"
#include "evidence/ssh_key.h"

namespace jit::test {

using evidence::Bytes;
using evidence::SshKeyType;

inline constexpr SshKeyType kTypes[] = {SshKeyType::kEd25519, SshKeyType::kEcdsaP256, SshKeyType::kRsa, SshKeyType::kTokenEd25519, SshKeyType::kTokenEcdsaP256};

struct Opaque;  // an EVP_PKEY

class Pair {  // a private key and its public one, without a format around them
 public:
  enum class Family { kEd25519, kP256, kRsa };
  explicit Pair(Family family, unsigned bits = 2048, unsigned exponent = 65537);
  Bytes point() const;     // Ed25519: 32 bytes; P-256: 65
  Bytes modulus() const;   // RSA, and its exponent
  Bytes exponent() const;
  Bytes sign(std::string_view message, std::string_view hash) const;  // Ed25519: 64 bytes; P-256: DER; RSA: PKCS #1
 private:
  std::shared_ptr<Opaque> key_;
};

Bytes mpint(Bytes magnitude);      // RFC 4251, 5
Bytes pair_of_der(const Bytes& der);  // r and s as two mpints

// What a signature is made of; each part can be another than it should be.
struct Make {
  std::string purpose = std::string(evidence::kVoteNamespace);
  std::string hash = "sha512";
  std::string type;                // "": the key's own; RSA: rsa-sha2-512
  std::string magic = "SSHSIG", reserved, behind, behind_inner;
  std::uint32_t version = 1;
  std::uint8_t flags = 0x01;
  std::uint32_t counter = 7;
  std::optional<Bytes> blob;       // of the key in the signature
  std::optional<Bytes> raw;        // instead of what the key says
};

class SshSigner {
 public:
  explicit SshSigner(SshKeyType type, unsigned bits = 2048);
  std::string name() const { return std::string(name_); }
  const Bytes& blob() const { return blob_; }
  std::string text() const;  // "TYPE BASE64 test"
  evidence::PublicKey key(bool verify_required = false) const { return {"ssh", text(), verify_required}; }
  Bytes raw(std::string_view message, const Make& make = {}) const;  // what stands in the signature as its number(s)
  Bytes sign(std::string_view message, const Make& make = {}) const;
  SshKeyType type() const { return type_; }
  const Pair& pair() const { return pair_; }

 private:
  SshKeyType type_;
  std::string_view name_;
  Pair pair_;
  Bytes blob_;
};

}  // namespace jit::test
