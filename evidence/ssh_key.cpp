// SPDX-License-Identifier: Apache-2.0
#include "evidence/ssh_key.h"

#include <algorithm>
#include <array>

#include "evidence/algorithms.h"
#include "evidence/wire.h"

namespace jit::evidence {
namespace {

constexpr std::size_t kSshKeyBlobMax = 4096;         // RSA of 16384 bits fits
constexpr std::size_t kSshKeyTextMax = 8 * 1024;     // with its comment
constexpr std::size_t kApplicationMax = 256;

struct KeyTypeName {
  std::string_view name;
  SshKeyType type;
};
constexpr std::array kKeyTypes{
    KeyTypeName{"ssh-ed25519", SshKeyType::kEd25519},
    KeyTypeName{"ecdsa-sha2-nistp256", SshKeyType::kEcdsaP256},
    KeyTypeName{"ssh-rsa", SshKeyType::kRsa},
    KeyTypeName{"sk-ssh-ed25519@openssh.com", SshKeyType::kTokenEd25519},
    KeyTypeName{"sk-ecdsa-sha2-nistp256@openssh.com", SshKeyType::kTokenEcdsaP256},
};

Bytes own(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

bool one_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool read_fields(SshKey& key, WireReader& reader) {
  switch (key.type) {
    case SshKeyType::kEd25519:
    case SshKeyType::kTokenEd25519:
      key.point = own(reader.string());
      return ed25519_usable(key.point);
    case SshKeyType::kEcdsaP256:
    case SshKeyType::kTokenEcdsaP256:
      if (reader.text() != "nistp256") return false;
      key.point = own(reader.string());
      return p256_usable(key.point);
    case SshKeyType::kRsa:
      key.exponent = own(positive_mpint(reader.string()));
      key.modulus = own(positive_mpint(reader.string()));
      return rsa_usable(key.modulus, key.exponent);
  }
  return false;
}

}  // namespace

bool in_token(SshKeyType type) { return type == SshKeyType::kTokenEd25519 || type == SshKeyType::kTokenEcdsaP256; }

std::span<const std::uint8_t> positive_mpint(std::span<const std::uint8_t> bytes) {
  if (bytes.empty() || (bytes[0] & 0x80U) != 0) return {};
  if (bytes[0] != 0) return bytes;
  if (bytes.size() < 2 || (bytes[1] & 0x80U) == 0) return {};
  return bytes.subspan(1);
}

std::optional<SshKey> parse_ssh_key_blob(std::span<const std::uint8_t> blob) {
  if (blob.size() > kSshKeyBlobMax) return std::nullopt;
  WireReader reader(blob);
  const auto known = std::ranges::find(kKeyTypes, reader.text(), &KeyTypeName::name);
  if (known == kKeyTypes.end()) return std::nullopt;
  SshKey out;
  out.type = known->type;
  out.name = known->name;
  out.blob = own(blob);
  if (!read_fields(out, reader)) return std::nullopt;
  if (in_token(out.type)) {
    out.application = reader.text();
    if (out.application.empty() || out.application.size() > kApplicationMax || !one_line(out.application)) return std::nullopt;
  }
  if (!reader.done()) return std::nullopt;
  return out;
}

std::optional<SshKey> parse_ssh_key(std::string_view text) {
  if (text.size() > kSshKeyTextMax || !one_line(text)) return std::nullopt;
  const std::size_t at = text.find(' ');
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view name = text.substr(0, at);
  text.remove_prefix(at + 1);
  const std::size_t end = std::min(text.find(' '), text.size());
  const auto blob = from_base64(text.substr(0, end));
  if (!blob) return std::nullopt;
  auto out = parse_ssh_key_blob(*blob);
  if (!out || out->name != name) return std::nullopt;
  if (end < text.size()) out->comment = text.substr(end + 1);
  return out;
}

}  // namespace jit::evidence
