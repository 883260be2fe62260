// SPDX-License-Identifier: Apache-2.0
#include "tests/evidence/authenticator.h"

#include "evidence/algorithms.h"
#include "evidence/wire.h"

namespace jit::test {

using evidence::base64;
using evidence::HashName;
using evidence::hash_of;
using evidence::text_of;
using evidence::WebauthnAlgorithm;
using evidence::WireWriter;
using namespace std::string_view_literals;

namespace {

Pair::Family pair_of(WebauthnAlgorithm algorithm) {
  return algorithm == WebauthnAlgorithm::kEs256 ? Pair::Family::kP256 : algorithm == WebauthnAlgorithm::kEddsa ? Pair::Family::kEd25519 : Pair::Family::kRsa;
}

}  // namespace

std::string challenge_of(std::string_view message) { return evidence::base64url(hash_of(HashName::kSha256, message)); }

Authenticator::Authenticator(WebauthnAlgorithm algorithm, std::string_view credential)
    : algorithm_(algorithm), pair_(pair_of(algorithm)), credential_(credential.begin(), credential.end()) {}

std::string Authenticator::name() const {
  return algorithm_ == WebauthnAlgorithm::kEs256 ? "es256" : algorithm_ == WebauthnAlgorithm::kEddsa ? "eddsa" : "rs256";
}

Bytes Authenticator::cose() const {
  if (algorithm_ == WebauthnAlgorithm::kEddsa) return WireWriter().raw("\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20"sv).raw(text_of(pair_.point())).bytes();
  if (algorithm_ == WebauthnAlgorithm::kRs256) {
    return WireWriter().raw("\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00"sv).raw(text_of(pair_.modulus())).raw("\x21\x43"sv).raw(text_of(pair_.exponent())).bytes();
  }
  const Bytes point = pair_.point();
  return WireWriter().raw("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"sv).raw(text_of(std::span(point).subspan(1, 32)))
      .raw("\x22\x58\x20"sv).raw(text_of(std::span(point).subspan(33))).bytes();
}

std::string Authenticator::text() const { return "example.org https://login.example.org " + name() + " " + base64(credential_) + " " + base64(cose()); }

evidence::Assertion Authenticator::assertion(const Answer& answer) const {
  const std::string data = answer.client_data ? *answer.client_data
                                              : R"({"type":")" + answer.type + R"(","challenge":")" + answer.challenge + R"(","origin":")" +
                                                    answer.origin + "\"" + answer.more + "}";
  evidence::Assertion out;
  const char flags = static_cast<char>(answer.flags);
  out.authenticator_data = WireWriter().raw(text_of(hash_of(HashName::kSha256, answer.relying_party))).raw({&flags, 1}).number(answer.counter).raw(answer.behind).bytes();
  out.client_data = Bytes(data.begin(), data.end());
  out.credential = answer.credential.value_or(credential_);
  const Bytes what = WireWriter().raw(text_of(out.authenticator_data)).raw(text_of(hash_of(HashName::kSha256, data))).bytes();
  out.signature = answer.signature ? *answer.signature : pair_.sign(text_of(what), answer.hash);
  return out;
}

}  // namespace jit::test
