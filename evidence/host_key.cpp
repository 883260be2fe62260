// SPDX-License-Identifier: Apache-2.0
#include "evidence/host_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <stdexcept>

#include "evidence/text.h"
#include "evidence/wire.h"

namespace jit::evidence {
namespace {

constexpr std::string_view kType = "ssh-ed25519";
constexpr std::size_t kPublicBytes = 32;
constexpr std::size_t kSignatureBytes = 64;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using PKey = std::unique_ptr<EVP_PKEY, FreeKey>;

Bytes blob_of(std::span<const std::uint8_t> raw) { return WireWriter().string(kType).string(raw).bytes(); }

}  // namespace

struct HostKey::Impl {
  PKey key;
  Bytes blob;  // of the public key

  explicit Impl(PKey made) : key(std::move(made)) {
    std::array<std::uint8_t, kPublicBytes> raw{};
    std::size_t length = raw.size();
    if (EVP_PKEY_get_raw_public_key(key.get(), raw.data(), &length) != 1 || length != raw.size()) {
      throw std::runtime_error("the host key has no public part");
    }
    blob = blob_of(raw);
  }
};

HostKey::HostKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HostKey::HostKey(HostKey&&) noexcept = default;
HostKey& HostKey::operator=(HostKey&&) noexcept = default;
HostKey::~HostKey() = default;

HostKey HostKey::generate() {
  PKey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) throw std::runtime_error("no Ed25519 key can be made");
  return HostKey(std::make_unique<Impl>(std::move(key)));
}

std::optional<HostKey> HostKey::from_secret(std::span<const std::uint8_t> secret) {
  if (secret.size() != kSecretBytes) return std::nullopt;
  PKey key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret.data(), secret.size()));
  if (!key) return std::nullopt;
  return HostKey(std::make_unique<Impl>(std::move(key)));
}

Bytes HostKey::secret() const {
  Bytes out(kSecretBytes);
  std::size_t length = out.size();
  if (EVP_PKEY_get_raw_private_key(impl_->key.get(), out.data(), &length) != 1 || length != out.size()) {
    throw std::runtime_error("the host key has no secret part");
  }
  return out;
}

PublicKey HostKey::public_key() const { return {"ssh", std::string(kType) + " " + base64(impl_->blob), false}; }

// As ssh-keygen -l says it.
std::string HostKey::fingerprint() const {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> hash{};
  unsigned length = 0;
  if (EVP_Digest(impl_->blob.data(), impl_->blob.size(), hash.data(), &length, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 is not available");
  }
  std::string text = base64(std::span(hash).first(length));
  while (text.ends_with('=')) text.pop_back();
  return "SHA256:" + text;
}

std::string HostKey::id() const { return sha256_hex(text_of(impl_->blob)).substr(0, 32); }

Bytes sshsig_signed_bytes(std::string_view purpose, std::string_view hash_name, std::span<const std::uint8_t> hash) {
  return WireWriter().raw("SSHSIG").string(purpose).string(std::string_view()).string(hash_name).string(hash).bytes();
}

Bytes HostKey::sign(std::string_view purpose, std::string_view message) const {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> hash{};
  unsigned hash_length = 0;
  if (EVP_Digest(message.data(), message.size(), hash.data(), &hash_length, EVP_sha512(), nullptr) != 1) {
    throw std::runtime_error("SHA-512 is not available");
  }
  const Bytes what = sshsig_signed_bytes(purpose, "sha512", std::span(hash).first(hash_length));
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
  std::array<std::uint8_t, kSignatureBytes> raw{};
  std::size_t length = raw.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, impl_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), raw.data(), &length, what.data(), what.size()) != 1 || length != raw.size()) {
    throw std::runtime_error("the host key cannot sign");
  }
  const Bytes signature = WireWriter().string(kType).string(raw).bytes();
  return WireWriter().raw("SSHSIG").number(1).string(impl_->blob).string(purpose).string(std::string_view()).string(std::string_view("sha512")).string(signature).bytes();
}

Envelope HostKey::seal(std::string_view type, std::string payload, std::string_view purpose) const {
  Bytes signature = sign(purpose, pae(type, payload));
  return {std::string(type), std::move(payload), {{fingerprint(), "sshsig", std::move(signature)}}};
}

std::string host_id_of(const PublicKey& key) {
  const std::size_t at = key.text.find(' ');
  if (key.kind != "ssh" || key.text.substr(0, at) != kType || at == std::string::npos) return {};
  const std::size_t end = key.text.find(' ', at + 1);
  const auto blob = from_base64(std::string_view(key.text).substr(at + 1, end == std::string::npos ? end : end - at - 1));
  return blob ? sha256_hex(text_of(*blob)).substr(0, 32) : std::string();
}

}  // namespace jit::evidence
