// SPDX-License-Identifier: Apache-2.0
#include "evidence/nkey.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace jit::evidence {
namespace {

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::size_t kKeyBytes = 32;
constexpr std::uint8_t kSeedByte = 18U << 3U;  // 'S'

// The first letter of what base32 makes of it is the kind's.
constexpr std::uint8_t byte_of(NkeyKind kind) { return static_cast<std::uint8_t>((static_cast<unsigned>(kind) - 'A') << 3U); }

std::optional<NkeyKind> kind_of(std::uint8_t byte) {
  for (const NkeyKind kind : {NkeyKind::kOperator, NkeyKind::kAccount, NkeyKind::kUser}) {
    if (byte_of(kind) == byte) return kind;
  }
  return std::nullopt;
}

std::optional<Bytes> from_base32(std::string_view text) {
  Bytes out;
  unsigned held = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::size_t at = kBase32.find(c);
    if (at == std::string_view::npos) return std::nullopt;
    held = (held << 5U) | static_cast<unsigned>(at);
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<std::uint8_t>(held >> bits));
    held &= (1U << bits) - 1U;
  }
  if (bits >= 5 || held != 0) return std::nullopt;  // not the only form of these bytes
  return out;
}

// CRC-16/XMODEM.
std::uint16_t crc16(std::span<const std::uint8_t> bytes) {
  std::uint16_t crc = 0;
  for (const std::uint8_t byte : bytes) {
    crc = static_cast<std::uint16_t>(crc ^ (static_cast<unsigned>(byte) << 8U));
    for (int bit = 0; bit < 8; ++bit) {
      const unsigned shifted = static_cast<unsigned>(crc) << 1U;
      crc = static_cast<std::uint16_t>((crc & 0x8000U) != 0 ? shifted ^ 0x1021U : shifted);
    }
  }
  return crc;
}

std::string with_crc(Bytes bytes) {
  const std::uint16_t crc = crc16(bytes);
  bytes.push_back(static_cast<std::uint8_t>(crc & 0xffU));
  bytes.push_back(static_cast<std::uint8_t>(crc >> 8U));
  std::string out = base32(bytes);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return out;
}

std::optional<Bytes> without_crc(std::string_view text, std::size_t bytes) {
  auto all = from_base32(text);
  if (!all || all->size() != bytes + 2) return std::nullopt;
  const std::uint16_t crc = crc16(std::span(*all).first(bytes));
  if ((*all)[bytes] != (crc & 0xffU) || (*all)[bytes + 1] != crc >> 8U) return std::nullopt;
  all->resize(bytes);
  return all;
}

struct FreeNkey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeNkeyDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

std::string base32(std::span<const std::uint8_t> bytes) {
  std::string out;
  unsigned held = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    held = (held << 8U) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += kBase32[(held >> bits) & 31U];
    }
    held &= (1U << bits) - 1U;
  }
  if (bits > 0) out += kBase32[(held << (5U - bits)) & 31U];
  return out;
}

struct Nkey::Impl {
  NkeyKind kind;
  std::unique_ptr<EVP_PKEY, FreeNkey> key;
};

Nkey::Nkey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Nkey::Nkey(Nkey&&) noexcept = default;
Nkey& Nkey::operator=(Nkey&&) noexcept = default;
Nkey::~Nkey() = default;

Nkey Nkey::generate(NkeyKind kind) {
  std::unique_ptr<EVP_PKEY, FreeNkey> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) throw std::runtime_error("no Ed25519 key can be made");
  return Nkey(std::make_unique<Impl>(Impl{kind, std::move(key)}));
}

std::optional<Nkey> Nkey::from_seed(std::string_view seed) {
  auto all = without_crc(seed, 2 + kKeyBytes);
  if (!all || ((*all)[0] & 0xf8U) != kSeedByte) return std::nullopt;
  const auto kind = kind_of(static_cast<std::uint8_t>((((*all)[0] & 7U) << 5U) | ((*all)[1] >> 3U)));
  if (!kind || ((*all)[1] & 7U) != 0) return std::nullopt;
  std::unique_ptr<EVP_PKEY, FreeNkey> key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, all->data() + 2, kKeyBytes));
  OPENSSL_cleanse(all->data(), all->size());
  if (!key) return std::nullopt;
  return Nkey(std::make_unique<Impl>(Impl{*kind, std::move(key)}));
}

NkeyKind Nkey::kind() const { return impl_->kind; }

std::string Nkey::public_text() const {
  Bytes all(1 + kKeyBytes);
  all[0] = byte_of(impl_->kind);
  std::size_t length = kKeyBytes;
  if (EVP_PKEY_get_raw_public_key(impl_->key.get(), all.data() + 1, &length) != 1 || length != kKeyBytes) {
    throw std::runtime_error("a key of the relay has no public part");
  }
  return with_crc(std::move(all));
}

std::string Nkey::seed() const {
  Bytes all(2 + kKeyBytes);
  const unsigned kind = byte_of(impl_->kind);
  all[0] = static_cast<std::uint8_t>(kSeedByte | (kind >> 5U));
  all[1] = static_cast<std::uint8_t>((kind & 31U) << 3U);
  std::size_t length = kKeyBytes;
  if (EVP_PKEY_get_raw_private_key(impl_->key.get(), all.data() + 2, &length) != 1 || length != kKeyBytes) {
    throw std::runtime_error("a key of the relay has no secret part");
  }
  return with_crc(std::move(all));
}

Bytes Nkey::sign(std::string_view message) const {
  const std::unique_ptr<EVP_MD_CTX, FreeNkeyDigest> context(EVP_MD_CTX_new());
  Bytes out(64);
  std::size_t length = out.size();
  const auto bytes = bytes_of(message);
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, impl_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), out.data(), &length, bytes.data(), bytes.size()) != 1 || length != out.size()) {
    throw std::runtime_error("a key of the relay cannot sign");
  }
  return out;
}

bool is_nkey(std::string_view text, NkeyKind kind) {
  const auto bytes = without_crc(text, 1 + kKeyBytes);
  return bytes && (*bytes)[0] == byte_of(kind);
}

bool verify_nkey(std::string_view public_text, NkeyKind kind, std::string_view message, std::span<const std::uint8_t> signature) {
  const auto bytes = without_crc(public_text, 1 + kKeyBytes);
  if (!bytes || (*bytes)[0] != byte_of(kind) || signature.size() != 64) return false;
  const std::unique_ptr<EVP_PKEY, FreeNkey> key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes->data() + 1, kKeyBytes));
  const std::unique_ptr<EVP_MD_CTX, FreeNkeyDigest> context(EVP_MD_CTX_new());
  const auto text = bytes_of(message);
  return key && context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), text.data(), text.size()) == 1;
}

}  // namespace jit::evidence
