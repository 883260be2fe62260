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

std::nullopt_t refuse(std::string* why, std::string text) {
  if (why != nullptr) *why = std::move(text);
  return std::nullopt;
}

constexpr std::string_view kDamagedKey = "is damaged: it is not what ssh-keygen writes";

// Reads what the type asks for; what is wrong with it, or nothing.
std::string read_numbers(SshKey& key, WireReader& reader) {
  switch (key.type) {
    case SshKeyType::kEd25519:
    case SshKeyType::kTokenEd25519:
      key.point = own(reader.string());
      return ed25519_usable(key.point) ? "" : "is no sound Ed25519 key (not on the curve, not its only encoding, or of small order)";
    case SshKeyType::kEcdsaP256:
    case SshKeyType::kTokenEcdsaP256:
      if (reader.text() != "nistp256") return std::string(kDamagedKey);
      key.point = own(reader.string());
      return p256_usable(key.point) ? "" : "is no point on the curve P-256";
    case SshKeyType::kRsa:
      key.exponent = own(positive_mpint(reader.string()));
      key.modulus = own(positive_mpint(reader.string()));
      if (!reader.ok() || key.exponent.empty() || key.modulus.empty()) return std::string(kDamagedKey);
      if (key.modulus.size() * 8 < kRsaBitsMin) return "is an RSA key of less than 2048 bits; make one of 3072 or more, or an Ed25519 key";
      return rsa_usable(key.modulus, key.exponent) ? "" : "is no sound RSA key (2048 to 16384 bits, odd, with an odd exponent from 65537)";
  }
  return std::string(kDamagedKey);
}

std::string refused_type(std::string_view name) {
  if (name.find("-cert-v01@") != std::string_view::npos) return "is a certificate; write the key itself, since nobody vouches for another here";
  return "is of a type that is not taken (ssh-ed25519, ecdsa-sha2-nistp256, ssh-rsa, sk-ssh-ed25519@openssh.com, "
         "sk-ecdsa-sha2-nistp256@openssh.com)";
}

}  // namespace

bool in_token(SshKeyType type) { return type == SshKeyType::kTokenEd25519 || type == SshKeyType::kTokenEcdsaP256; }

std::span<const std::uint8_t> positive_mpint(std::span<const std::uint8_t> bytes) {
  if (bytes.empty() || (bytes[0] & 0x80U) != 0) return {};
  if (bytes[0] != 0) return bytes;
  if (bytes.size() < 2 || (bytes[1] & 0x80U) == 0) return {};
  return bytes.subspan(1);
}

std::optional<SshKey> parse_ssh_key_blob(std::span<const std::uint8_t> blob, std::string* why) {
  if (blob.size() > kSshKeyBlobMax) return refuse(why, "is longer than any key");
  WireReader reader(blob);
  const std::string_view name = reader.text();
  if (name.empty()) return refuse(why, std::string(kDamagedKey));
  const auto known = std::ranges::find(kKeyTypes, name, &KeyTypeName::name);
  if (known == kKeyTypes.end()) return refuse(why, refused_type(name));
  SshKey out;
  out.type = known->type;
  out.name = known->name;
  out.blob = own(blob);
  if (std::string wrong = read_numbers(out, reader); !wrong.empty()) return refuse(why, std::move(wrong));
  if (in_token(out.type)) {
    out.application = reader.text();
    if (out.application.empty() || out.application.size() > kApplicationMax || !one_line(out.application)) return refuse(why, std::string(kDamagedKey));
  }
  if (!reader.done()) return refuse(why, std::string(kDamagedKey));
  return out;
}

std::optional<SshKey> parse_ssh_key(std::string_view text, std::string* why) {
  if (text.size() > kSshKeyTextMax || !one_line(text)) return refuse(why, "is not one line of at most 8 KiB without control characters");
  const std::size_t at = text.find(' ');
  if (at == std::string_view::npos) return refuse(why, "is not \"TYPE BASE64\", as a file *.pub has it");
  const std::string_view name = text.substr(0, at);
  text.remove_prefix(at + 1);
  const std::size_t end = std::min(text.find(' '), text.size());
  // What stands in front (options, an address) is not looked for: a line of another file is no key.
  if (std::ranges::find(kKeyTypes, name, &KeyTypeName::name) == kKeyTypes.end()) return refuse(why, refused_type(name));
  const auto blob = from_base64(text.substr(0, end));
  if (!blob) return refuse(why, std::string(kDamagedKey));
  auto out = parse_ssh_key_blob(*blob, why);
  if (!out) return std::nullopt;
  if (out->name != name) return refuse(why, "says one type in front and another inside");
  if (end < text.size()) out->comment = text.substr(end + 1);
  return out;
}

}  // namespace jit::evidence
