// SPDX-License-Identifier: Apache-2.0
// Public keys, SSHSIG and WebAuthn. The first byte says what the rest is. Nobody here has a private key but one, so nothing may be
// found good that it did not sign, byte by byte.
#include <algorithm>

#include "evidence/host_key.h"
#include "evidence/signature.h"
#include "evidence/ssh_key.h"
#include "evidence/sshsig.h"
#include "evidence/webauthn.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace jit::evidence;
using jit::fuzz::require;

constexpr std::string_view kSigned = "what is signed";
constexpr const char* kWebauthn = "example.org https://login.example.org eddsa AAAA pAEBAycgBiFYINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

const HostKey& host() {
  static const HostKey key = *HostKey::from_secret(Bytes(kSecretBytes, 7));
  return key;
}

// A key has one text, one fingerprint, and a reason against it or none.
void judge_key(const char* kind, std::string_view text) {
  const PublicKey key{kind, std::string(text), false};
  const bool good = flaw_of(key) == Flaw::kNone;
  const std::string why = why_refused(key);
  require(why.empty() == good && fingerprint(key).empty() != good && jit::fuzz::harmless(why));
  require(good || !in_hardware(key));
  require(verify(key, "sshsig", kVoteNamespace, kSigned, Bytes(100, 1)) != Flaw::kNone);
  require(verify(key, "webauthn", kVoteNamespace, kSigned, Bytes(100, '{')) != Flaw::kNone);
  if (const auto ssh = parse_ssh_key(text)) {
    const PublicKey again{"ssh", std::string(ssh->name) + " " + base64(ssh->blob), false};
    require(fingerprint(again) == fingerprint({"ssh", std::string(text), false}));
  }
}

// Pairs of a place and what is added there.
void change_signature(std::string_view changes) {
  static const Bytes good = host().sign(kVoteNamespace, kSigned);
  Bytes changed = good;
  for (; changes.size() >= 2; changes.remove_prefix(2)) {
    std::uint8_t& byte = changed[static_cast<unsigned char>(changes[0]) % changed.size()];
    byte = static_cast<std::uint8_t>(byte + static_cast<unsigned char>(changes[1]));
  }
  const Flaw flaw = verify(host().public_key(), "sshsig", kVoteNamespace, kSigned, changed);
  require((flaw == Flaw::kNone) == (changed == good));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = jit::fuzz::text_of(data + 1, size - 1);
  switch (data[0]) {
    case 'k': judge_key("ssh", text); break;
    case 'w': judge_key("webauthn", text); break;
    case 'c': change_signature(text); break;
    case 's': {  // a signature as it comes
      (void)verify(host().public_key(), "sshsig", kVoteNamespace, kSigned, bytes_of(text));
      if (const auto key = key_of_sshsig(bytes_of(text))) require(flaw_of({"ssh", std::string(key->name) + " " + base64(key->blob), false}) == Flaw::kNone);
      break;
    }
    case 'a': {  // armoured
      if (const auto blob = from_armour(text)) require(from_armour(armour(*blob)) == *blob);
      break;
    }
    case 'j': {  // an assertion
      require(verify({"webauthn", kWebauthn, false}, "webauthn", kVoteNamespace, kSigned, bytes_of(text)) != Flaw::kNone);
      if (const auto assertion = parse_assertion(bytes_of(text))) require(std::ranges::equal(bytes_of(*assertion), bytes_of(text)));
      break;
    }
    case 'd': {  // the client data inside one
      Assertion assertion;
      assertion.authenticator_data = Bytes(37, 1);
      assertion.client_data = Bytes(text.begin(), text.end());
      assertion.credential = {0, 0, 0};
      assertion.signature = Bytes(64, 1);
      require(verify({"webauthn", kWebauthn, false}, "webauthn", kVoteNamespace, kSigned, bytes_of(assertion)) != Flaw::kNone);
      break;
    }
    default: break;
  }
  return 0;
}
