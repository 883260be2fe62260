// SPDX-License-Identifier: Apache-2.0
#include "evidence/signature.h"

#include "evidence/algorithms.h"
#include "evidence/sshsig.h"
#include "evidence/webauthn.h"

namespace jit::evidence {
namespace {

struct ParsedKey {
  std::optional<SshKey> ssh;
  std::optional<WebauthnKey> webauthn;
  bool usable() const { return ssh || webauthn; }
};

ParsedKey parsed_key(const PublicKey& key) {
  ParsedKey out;
  if (key.kind == "ssh") out.ssh = parse_ssh_key(key.text);
  if (key.kind == "webauthn") out.webauthn = parse_webauthn_key(key.text);
  return out;
}

}  // namespace

std::string_view name_of(Flaw flaw) {
  switch (flaw) {
    case Flaw::kNone: return "none";
    case Flaw::kKey: return "key";
    case Flaw::kFormat: return "format";
    case Flaw::kOtherKey: return "other-key";
    case Flaw::kNamespace: return "namespace";
    case Flaw::kAlgorithm: return "algorithm";
    case Flaw::kTouch: return "touch";
    case Flaw::kVerify: return "verify";
    case Flaw::kChallenge: return "challenge";
    case Flaw::kOrigin: return "origin";
    case Flaw::kRelyingParty: return "relying-party";
    case Flaw::kType: return "type";
    case Flaw::kCrossOrigin: return "cross-origin";
    case Flaw::kCounter: return "counter";
    case Flaw::kSignature: return "signature";
  }
  return "unknown";
}

std::string_view text_of(Flaw flaw) {
  switch (flaw) {
    case Flaw::kNone: return "the signature is good";
    case Flaw::kKey: return "the key cannot be used";
    case Flaw::kFormat: return "this is no signature, or it is damaged";
    case Flaw::kOtherKey: return "it was signed with another key";
    case Flaw::kNamespace: return "it was signed for another purpose";
    case Flaw::kAlgorithm: return "it was signed with a method that is not accepted";
    case Flaw::kTouch: return "nobody touched the hardware key; sign again and touch it";
    case Flaw::kVerify: return "the hardware key did not check who you are; sign again with its PIN or your finger";
    case Flaw::kChallenge: return "something else was signed";
    case Flaw::kOrigin: return "it was signed on another web page";
    case Flaw::kRelyingParty: return "it was signed for another web site";
    case Flaw::kType: return "it is not an answer to a question, but something else of the same key";
    case Flaw::kCrossOrigin: return "it was signed inside a page of somebody else";
    case Flaw::kCounter: return "the hardware key counts backwards; it may have been copied";
    case Flaw::kSignature: return "the signature is wrong";
  }
  return "unknown";
}

Flaw flaw_of(const PublicKey& key) { return why_refused(key).empty() ? Flaw::kNone : Flaw::kKey; }

std::string why_refused(const PublicKey& key) {
  std::string why;
  if (key.kind == "ssh") {
    const auto made = parse_ssh_key(key.text, &why);
    // It never says that anybody was verified, so nothing that it signs would count.
    if (made && key.verify_required && !in_token(made->type)) why = "is in no hardware token, so it cannot say that a person was verified (verify-required)";
  } else if (key.kind == "webauthn") {
    (void)parse_webauthn_key(key.text, &why);
  } else {
    why = "is of no known kind (ssh, webauthn)";
  }
  return why;
}

bool in_hardware(const PublicKey& key) {
  const ParsedKey parsed = parsed_key(key);
  return parsed.webauthn || (parsed.ssh && in_token(parsed.ssh->type));
}

std::string fingerprint(const PublicKey& key) {
  const ParsedKey parsed = parsed_key(key);
  if (!parsed.usable()) return {};
  std::string out = "SHA256:" + base64(hash_of(HashName::kSha256, text_of(parsed.ssh ? parsed.ssh->blob : parsed.webauthn->cose)));
  while (out.ends_with('=')) out.pop_back();
  return out;
}

Flaw verify(const PublicKey& key, std::string_view kind, std::string_view purpose, std::string_view message,
            std::span<const std::uint8_t> signature, std::uint32_t* counter) {
  const ParsedKey parsed = parsed_key(key);
  if (!parsed.usable()) return Flaw::kKey;
  if (kind != (parsed.ssh ? "sshsig" : "webauthn")) return Flaw::kFormat;
  std::uint32_t now = 0;
  Flaw flaw = Flaw::kNone;
  if (parsed.ssh) {
    flaw = verify_sshsig(*parsed.ssh, key.verify_required, purpose, message, signature, &now);
  } else {
    // An assertion names no purpose; its message is a vote's envelope, which does.
    flaw = purpose == kVoteNamespace ? verify_webauthn(*parsed.webauthn, key.verify_required, message, signature, &now) : Flaw::kNamespace;
  }
  if (flaw != Flaw::kNone || counter == nullptr) return flaw;
  if ((now != 0 || *counter != 0) && now <= *counter) return Flaw::kCounter;
  *counter = now;
  return Flaw::kNone;
}

}  // namespace jit::evidence
