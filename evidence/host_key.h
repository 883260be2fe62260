// SPDX-License-Identifier: Apache-2.0
// The key of a host (Ed25519). What it signs is an SSHSIG (OpenSSH, PROTOCOL.sshsig) with SHA-512, so any ssh-keygen checks it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "evidence/envelope.h"
#include "evidence/signature.h"

namespace jit::evidence {

inline constexpr std::size_t kSecretBytes = 32;  // the seed of RFC 8032, 5.1.5

class HostKey {
 public:
  static HostKey generate();                                                     // throws std::runtime_error where OpenSSL fails
  static std::optional<HostKey> from_secret(std::span<const std::uint8_t> secret);  // kSecretBytes of them
  HostKey(HostKey&&) noexcept;
  HostKey& operator=(HostKey&&) noexcept;
  ~HostKey();

  Bytes secret() const;  // the caller wipes it
  PublicKey public_key() const;
  std::string fingerprint() const;  // "SHA256:..."
  std::string id() const;           // of the host: the first 128 bits of SHA-256 of the public key's blob, hex
  // Deterministic (RFC 8032): the same words are the same signature. Throws std::runtime_error where OpenSSL fails.
  Bytes sign(std::string_view purpose, std::string_view message) const;
  Envelope seal(std::string_view type, std::string payload, std::string_view purpose) const;  // key id: the fingerprint

 private:
  struct Impl;
  explicit HostKey(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Of a host's public key ("ssh-ed25519 AAAA..."); empty: it is none.
std::string host_id_of(const PublicKey& key);

// What is under SSHSIG's signature itself: the purpose and a SHA-512 of the message.
Bytes sshsig_signed_bytes(std::string_view purpose, std::string_view hash_name, std::span<const std::uint8_t> hash);

}  // namespace jit::evidence
