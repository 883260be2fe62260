// SPDX-License-Identifier: Apache-2.0
#include "evidence/envelope.h"

#include <algorithm>

#include "evidence/canonical.h"
#include "evidence/text.h"

namespace jit::evidence {
namespace {

constexpr std::size_t kTypeMax = 128;
constexpr std::size_t kKeyIdMax = 256;

}  // namespace

std::string pae(std::string_view type, std::string_view payload) {
  std::string out = "DSSEv1 " + std::to_string(type.size()) + " ";
  out.append(type).append(" ").append(std::to_string(payload.size())).append(" ").append(payload);
  return out;
}

std::string digest_of(std::string_view type, std::string_view payload) { return sha256_hex(pae(type, payload)); }

std::string to_json(const Envelope& envelope) {
  Json signatures = Json::array();
  for (const Signature& each : envelope.signatures) {
    signatures.push_back({{"keyid", each.key_id}, {"kind", each.kind}, {"sig", base64(each.bytes)}});
  }
  std::string out = Json{{"payload", base64(bytes_of(envelope.payload))}, {"payloadType", envelope.type}, {"signatures", std::move(signatures)}}.dump();
  return out.size() <= kEnvelopeMax ? out : std::string();
}

std::optional<Envelope> parse_envelope(std::string_view json) {
  const auto whole = parse_canonical(json, kEnvelopeMax);
  if (!whole) return std::nullopt;
  Members members(*whole);
  Envelope out;
  out.type = members.text("payloadType", kTypeMax);
  out.payload = text_of(members.base64("payload", kEnvelopeMax));
  for (const Json& each : members.array("signatures", kSignaturesMax)) {
    Members one(each);
    Signature signature{one.text("keyid", kKeyIdMax), one.text("kind", 16), one.base64("sig", kSignatureMax)};
    const bool known = signature.kind == "sshsig" || signature.kind == "webauthn";
    const bool again = std::ranges::find(out.signatures, signature.key_id, &Signature::key_id) != out.signatures.end();
    if (!one.done() || !known || again || signature.key_id.empty() || signature.bytes.empty()) return std::nullopt;
    out.signatures.push_back(std::move(signature));
  }
  if (!members.done() || out.type.empty() || out.signatures.empty()) return std::nullopt;
  return out;
}

}  // namespace jit::evidence
