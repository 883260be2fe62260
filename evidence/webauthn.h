// SPDX-License-Identifier: Apache-2.0
// Assertions of WebAuthn (W3C, level 2, 7.2), checked with libfido2 without a device. A key in people.d is one line:
//   RPID ORIGIN ALG CREDENTIAL KEY
// "example.org https://login.example.org es256 BASE64 BASE64": ALG is es256, eddsa or rs256, CREDENTIAL the id of the credential,
// KEY its COSE_Key in the one encoding of CTAP 2 (RSA: 2048 bits). A signature is canonical JSON of "authenticatorData",
// "clientDataJSON", "credentialId" and "signature", each in base64. There is no user handle: who signed follows from the key.
#pragma once

#include <optional>

#include "evidence/signature.h"

namespace jit::evidence {

enum class WebauthnAlgorithm : std::uint8_t { kEs256, kEddsa, kRs256 };

struct WebauthnKey {
  std::string relying_party;
  std::string origin;
  WebauthnAlgorithm algorithm = WebauthnAlgorithm::kEs256;
  Bytes credential;
  Bytes cose;
  Bytes raw;  // as libfido2 takes it: ES256 x || y, EdDSA 32 bytes, RS256 n || e
};

// Nothing: a field is missing or not its only form, the origin is none of the relying party, the algorithm is not that of the
// key, or the key is too weak; `why`, where given, says which to people.
std::optional<WebauthnKey> parse_webauthn_key(std::string_view text, std::string* why = nullptr);

struct Assertion {
  Bytes authenticator_data;
  Bytes client_data;
  Bytes credential;
  Bytes signature;
};
std::optional<Assertion> parse_assertion(std::span<const std::uint8_t> signature);
Bytes bytes_of(const Assertion& assertion);

Flaw verify_webauthn(const WebauthnKey& key, bool verify_required, std::string_view message, std::span<const std::uint8_t> signature,
                     std::uint32_t* counter);

}  // namespace jit::evidence
