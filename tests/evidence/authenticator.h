// SPDX-License-Identifier: Apache-2.0
// An authenticator and the browser in front of it: what they answer, right and wrong in every way that one asks for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "evidence/webauthn.h"
#include "tests/evidence/keys.h"

namespace jit::test {

std::string challenge_of(std::string_view message);  // as a page gives it for a vote

struct Answer {
  std::string type = "webauthn.get";
  std::string challenge;
  std::string origin = "https://login.example.org";
  std::string more = R"(,"crossOrigin":false)";
  std::string relying_party = "example.org";
  std::uint8_t flags = 0x05;
  std::uint32_t counter = 7;
  std::string behind;                    // the authenticator's data
  std::optional<std::string> client_data;
  std::optional<Bytes> credential;
  std::optional<Bytes> signature;
  std::string hash = "SHA256";
};

class Authenticator {
 public:
  explicit Authenticator(evidence::WebauthnAlgorithm algorithm, std::string_view credential = "credential");
  std::string name() const;
  Bytes cose() const;
  std::string text() const;  // as people.d has it
  evidence::PublicKey key(bool verify_required = false) const { return {"webauthn", text(), verify_required}; }
  evidence::Assertion assertion(const Answer& answer) const;
  const Bytes& credential() const { return credential_; }

 private:
  evidence::WebauthnAlgorithm algorithm_;
  Pair pair_;
  Bytes credential_;
};

}  // namespace jit::test
