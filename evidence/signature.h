// SPDX-License-Identifier: Apache-2.0
// Signatures of people's keys, verified in this process. Accepted is exactly what OpenSSL or libfido2 answers with 1.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "evidence/base64.h"

namespace jit::evidence {

// Namespaces of SSHSIG (OpenSSH, PROTOCOL.sshsig): a signature for one purpose is none for another.
inline constexpr std::string_view kRequestNamespace = "request@pam-jit.v1";
inline constexpr std::string_view kVoteNamespace = "vote@pam-jit.v1";
inline constexpr std::string_view kVoteCodeNamespace = "vote-code@pam-jit.v1";
inline constexpr std::string_view kGrantNamespace = "grant@pam-jit.v1";
inline constexpr std::string_view kCheckpointNamespace = "checkpoint@pam-jit.v1";

// A key as people.d has it.
struct PublicKey {
  std::string kind;    // "ssh": "TYPE BASE64 [COMMENT]"; "webauthn": see webauthn.h
  std::string text;
  bool verify_required = false;  // each signature must say that the person was verified (PIN, finger)
};

enum class Flaw : std::uint8_t {
  kNone,          // the signature is good
  kKey,           // the key cannot be used: unknown type, small order, weak RSA, damaged
  kFormat,        // not a signature of this kind, or not its only encoding
  kOtherKey,      // made with another key than this one
  kNamespace,     // made for another purpose
  kAlgorithm,     // a hash or a signature type that is not taken (SHA-1, another curve)
  kTouch,         // a hardware key, and nobody touched it
  kVerify,        // the person was not verified, and the key asks for it
  kChallenge,     // WebAuthn: over something else
  kOrigin,
  kRelyingParty,
  kType,          // WebAuthn: not "webauthn.get"
  kCrossOrigin,
  kCounter,       // WebAuthn: not above the counter seen before
  kSignature,     // the mathematics say no
};
std::string_view name_of(Flaw);  // "touch", ...: stable, for logs
std::string_view text_of(Flaw);  // for people: what is wrong

// The flaw of a key that is to be enrolled; kNone: it may be.
Flaw flaw_of(const PublicKey& key);
std::string why_refused(const PublicKey& key);    // the same for people, behind "the key": "is an RSA key of ..."; empty: it may be
bool in_hardware(const PublicKey& key);           // sk-ssh-*, sk-ecdsa-*, webauthn
std::string fingerprint(const PublicKey& key);    // "SHA256:...", as ssh-keygen -l says; empty for a key that is none

// Is `signature` one of `key` over `message` for `purpose`? sshsig: the blob, not armoured. webauthn: votes only, and `message` is
// what says so. `counter`, where given: in, the count of the token seen before (0: none); out, that of this signature, if good.
// A token that counts must count on (WebAuthn, 7.2); one that does not always says 0.
Flaw verify(const PublicKey& key, std::string_view kind, std::string_view purpose, std::string_view message,
            std::span<const std::uint8_t> signature, std::uint32_t* counter = nullptr);

}  // namespace jit::evidence
