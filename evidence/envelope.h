// SPDX-License-Identifier: Apache-2.0
// DSSE (secure-systems-lab/dsse, v1.0.2): a payload, carried as it was signed, with its type inside what is signed.
// Verified first, parsed second: the payload means nothing until a signature over pae() was found good.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/base64.h"

namespace jit::evidence {

inline constexpr std::size_t kEnvelopeMax = 256 * 1024;  // bytes, as JSON
inline constexpr std::size_t kSignaturesMax = 16;
inline constexpr std::size_t kSignatureMax = 8 * 1024;   // bytes; a WebAuthn assertion with its client data fits

struct Signature {
  std::string key_id;
  std::string kind;  // "sshsig", "webauthn"
  Bytes bytes;
  bool operator==(const Signature&) const = default;
};

struct Envelope {
  std::string type;     // "application/vnd.pam-jit.request.v1+json", ...
  std::string payload;  // the bytes that were signed
  std::vector<Signature> signatures;
  bool operator==(const Envelope&) const = default;
};

// "DSSEv1" SP len SP type SP len SP payload
std::string pae(std::string_view type, std::string_view payload);
std::string digest_of(std::string_view type, std::string_view payload);  // hex SHA-256 of the PAE

std::string to_json(const Envelope& envelope);  // canonical; at most kEnvelopeMax, else empty
// Nothing: longer than kEnvelopeMax or not canonical, an unknown member or kind, no signature or too many, or the same key twice.
std::optional<Envelope> parse_envelope(std::string_view json);

}  // namespace jit::evidence
