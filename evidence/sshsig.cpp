// SPDX-License-Identifier: Apache-2.0
#include "evidence/sshsig.h"

#include "evidence/algorithms.h"
#include "evidence/envelope.h"
#include "evidence/host_key.h"
#include "evidence/wire.h"

namespace jit::evidence {
namespace {

constexpr std::string_view kSshsigMagic = "SSHSIG";
constexpr std::uint32_t kSshsigVersion = 1;
constexpr std::string_view kArmourHead = "-----BEGIN SSH SIGNATURE-----";
constexpr std::string_view kArmourTail = "-----END SSH SIGNATURE-----";
constexpr std::uint8_t kTouched = 0x01;   // flags of an authenticator (WebAuthn, 6.1)
constexpr std::uint8_t kVerified = 0x04;

std::optional<HashName> hash_named(std::string_view name) {
  if (name == "sha512") return HashName::kSha512;
  if (name == "sha256") return HashName::kSha256;
  return std::nullopt;
}

Flaw judge_rsa(const SshKey& key, std::string_view type, WireReader& reader, std::string_view message) {
  // "ssh-rsa" names SHA-1.
  if (type != "rsa-sha2-512" && type != "rsa-sha2-256") return Flaw::kAlgorithm;
  const auto raw = reader.string();
  if (!reader.done() || raw.size() != key.modulus.size()) return Flaw::kFormat;
  return rsa_good(key.modulus, key.exponent, type == "rsa-sha2-512" ? HashName::kSha512 : HashName::kSha256, message, raw) ? Flaw::kNone : Flaw::kSignature;
}

Flaw judge_ed25519(const SshKey& key, std::span<const std::uint8_t> raw, std::string_view message) {
  if (raw.size() != kEd25519SignatureBytes) return Flaw::kFormat;
  return ed25519_good(key.point, message, raw) ? Flaw::kNone : Flaw::kSignature;
}

Flaw judge_ecdsa(const SshKey& key, std::span<const std::uint8_t> raw, std::string_view message) {
  WireReader pair(raw);
  const auto r = positive_mpint(pair.string());
  const auto s = positive_mpint(pair.string());
  if (!pair.done() || r.empty() || s.empty()) return Flaw::kFormat;
  return p256_good(key.point, message, r, s) ? Flaw::kNone : Flaw::kSignature;
}

// `message`: what SSHSIG signs.
Flaw judge(const SshKey& key, bool verify_required, std::string_view message, std::span<const std::uint8_t> signature, std::uint32_t* counter) {
  WireReader reader(signature);
  const std::string_view type = reader.text();
  if (!reader.ok()) return Flaw::kFormat;
  if (key.type == SshKeyType::kRsa) return judge_rsa(key, type, reader, message);
  // Among the types not taken is webauthn-sk-ecdsa-...: what it signs is another document, which nobody looks at here.
  if (type != key.name) return Flaw::kAlgorithm;
  const auto raw = reader.string();
  Bytes told;
  if (in_token(key.type)) {
    const std::uint8_t flags = reader.byte();
    const std::uint32_t count = reader.number();
    if (!reader.done()) return Flaw::kFormat;
    told = WireWriter().raw(text_of(hash_of(HashName::kSha256, key.application))).raw(std::string_view(reinterpret_cast<const char*>(&flags), 1))
               .number(count).raw(text_of(hash_of(HashName::kSha256, message))).bytes();
    message = text_of(told);
    if ((flags & kTouched) == 0) return Flaw::kTouch;
    if (verify_required && (flags & kVerified) == 0) return Flaw::kVerify;
    if (counter != nullptr) *counter = count;
  }
  if (!reader.done()) return Flaw::kFormat;
  const bool edwards = key.type == SshKeyType::kEd25519 || key.type == SshKeyType::kTokenEd25519;
  return edwards ? judge_ed25519(key, raw, message) : judge_ecdsa(key, raw, message);
}

}  // namespace

Flaw verify_sshsig(const SshKey& key, bool verify_required, std::string_view purpose, std::string_view message,
                   std::span<const std::uint8_t> signature, std::uint32_t* counter) {
  if (signature.size() > kSignatureMax) return Flaw::kFormat;
  WireReader reader(signature);
  if (text_of(reader.raw(kSshsigMagic.size())) != kSshsigMagic || reader.number() != kSshsigVersion) return Flaw::kFormat;
  const auto blob = reader.string();
  const std::string_view name_space = reader.text();
  const std::string_view reserved = reader.text();
  const std::string_view hash_name = reader.text();
  const auto inner = reader.string();
  if (!reader.done() || !reserved.empty()) return Flaw::kFormat;
  if (text_of(blob) != text_of(key.blob)) return Flaw::kOtherKey;
  // An empty purpose would be one for all.
  if (purpose.empty() || name_space != purpose) return Flaw::kNamespace;
  const auto hash = hash_named(hash_name);
  if (!hash) return Flaw::kAlgorithm;
  // Only a touch is not enough to skip a PIN: a key that cannot say "verified" never is.
  if (verify_required && !in_token(key.type)) return Flaw::kVerify;
  const Bytes what = sshsig_signed_bytes(purpose, hash_name, hash_of(*hash, message));
  return judge(key, verify_required, text_of(what), inner, counter);
}

std::optional<SshKey> key_of_sshsig(std::span<const std::uint8_t> signature) {
  WireReader reader(signature);
  if (text_of(reader.raw(kSshsigMagic.size())) != kSshsigMagic || reader.number() != kSshsigVersion) return std::nullopt;
  return parse_ssh_key_blob(reader.string());
}

std::optional<Bytes> from_armour(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  if (text.size() > 2 * kSignatureMax || !text.starts_with(kArmourHead) || !text.ends_with(kArmourTail) || text.size() < kArmourHead.size() + kArmourTail.size()) {
    return std::nullopt;
  }
  text.remove_prefix(kArmourHead.size());
  text.remove_suffix(kArmourTail.size());
  std::string joined;
  for (const char c : text) {
    if (c != '\n' && c != '\r') joined += c;
  }
  return from_base64(joined);
}

std::string armour(std::span<const std::uint8_t> signature) {
  constexpr std::size_t kColumns = 70;  // as ssh-keygen has it
  const std::string text = base64(signature);
  std::string out(kArmourHead);
  for (std::size_t at = 0; at < text.size(); at += kColumns) out.append("\n").append(text, at, kColumns);
  return out.append("\n").append(kArmourTail).append("\n");
}

Bytes sshsig_message(std::string_view purpose, std::string_view message) {
  return sshsig_signed_bytes(purpose, "sha512", hash_of(HashName::kSha512, message));
}

Bytes sshsig_blob(std::span<const std::uint8_t> key_blob, std::string_view purpose, std::span<const std::uint8_t> signature) {
  return WireWriter().raw(kSshsigMagic).number(kSshsigVersion).string(key_blob).string(purpose).string(std::string_view()).string(std::string_view("sha512")).string(signature).bytes();
}

}  // namespace jit::evidence
