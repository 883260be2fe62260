// SPDX-License-Identifier: Apache-2.0
#include "tests/evidence/voters.h"

#include <algorithm>
#include <cstdint>

#include "tests/evidence/authenticator.h"

namespace jit::test {

namespace {

using evidence::Bytes;
using evidence::WebauthnAlgorithm;

constexpr std::size_t kFlips = 16;
constexpr std::size_t kSignatureField = 80;  // at least, of an SSHSIG's end: what a code holds of it

Hand ssh_hand(const SshSigner& signer, const Make& make = {}) {
  return {signer.key(), [signer, make](std::string_view purpose, std::string_view message) {
            Make made = make;
            if (made.purpose == Make().purpose) made.purpose = purpose;
            return signer.sign(message, made);
          }};
}

Hand webauthn_hand(const Authenticator& authenticator, const Answer& answer = {}) {
  return {authenticator.key(), [authenticator, answer](std::string_view, std::string_view message) {
            Answer given = answer;
            if (given.challenge.empty()) given.challenge = challenge_of(message);
            return bytes_of(authenticator.assertion(given));
          }};
}

// One bit of what it signs is another one, in this part of kFlips of its last bytes.
Hand flipped(const Hand& hand, std::size_t part, std::size_t last) {
  return {hand.key, [hand, part, last](std::string_view purpose, std::string_view message) {
            Bytes out = hand.sign(purpose, message);
            const std::size_t of = std::min(last, out.size());
            std::uint8_t& byte = out.at(out.size() - of + (2 * part + 1) * of / (2 * kFlips));
            byte = static_cast<std::uint8_t>(byte ^ 1U);
            return out;
          }};
}

Hand with_key(Hand hand, const evidence::PublicKey& key) {
  hand.key = key;
  return hand;
}

template <typename Value, typename Change>
Value changed(Change change) {
  Value out;
  change(out);
  return out;
}

Voter ssh_voter(SshKeyType type) {
  const SshSigner one(type), other(type);
  const auto with = [&](auto change) { return ssh_hand(one, changed<Make>(change)); };
  Voter out{one.name().substr(0, one.name().find('@')), evidence::in_token(type), {ssh_hand(one), with([](Make& m) { m.hash = "sha256"; })}, {}, {}, {}};
  out.bad = {with_key(ssh_hand(other), one.key()),
             with_key(ssh_hand(other, changed<Make>([&](Make& m) { m.blob = one.blob(); })), one.key()),
             with([](Make& m) { m.behind_inner = "x"; })};
  if (type == SshKeyType::kRsa) {
    out.good.push_back(with([](Make& m) { m.type = "rsa-sha2-256"; }));
    out.bad.push_back(with([](Make& m) { m.type = "ssh-rsa"; }));
  }
  if (out.hardware) {
    out.good.push_back(with([](Make& m) { m.flags = 0x05; }));
    out.bad.push_back(with([](Make& m) { m.flags = 0x04; }));
  }
  if (type != SshKeyType::kRsa) {
    out.good_codes = out.good;
    out.bad_codes = out.bad;
    for (std::size_t part = 0; part < kFlips; ++part) out.bad_codes.push_back(flipped(out.good.front(), part, kSignatureField));
  }
  out.bad.push_back(with([](Make& m) { m.purpose = evidence::kRequestNamespace; }));  // a code names none
  return out;
}

Voter webauthn_voter(WebauthnAlgorithm algorithm) {
  const Authenticator one(algorithm), other(algorithm);
  const auto with = [&](auto change) { return webauthn_hand(one, changed<Answer>(change)); };
  Voter out{"webauthn-" + one.name(), true, {}, {}, {}, {}};
  out.good = {webauthn_hand(one), with([](Answer& a) { a.more.clear(); }), with([](Answer& a) { a.flags = 0x01; }), with([](Answer& a) { a.more = R"(,"other":{"a":[1,{"b":2}]})"; })};
  out.bad = {with_key(webauthn_hand(other), one.key()),
             with([](Answer& a) { a.challenge = challenge_of("another"); }),
             with([](Answer& a) { a.type = "webauthn.create"; }),
             with([](Answer& a) { a.origin = "https://evil.example.org"; }),
             with([](Answer& a) { a.more = R"(,"crossOrigin":true)"; }),
             with([](Answer& a) { a.more = R"(,"topOrigin":"https://evil.example.org")"; }),
             with([](Answer& a) { a.more = R"(,"type":"webauthn.get")"; }),
             with([](Answer& a) { a.relying_party = "login.example.org"; }),
             with([](Answer& a) { a.flags = 0x04; }),
             with([](Answer& a) { a.flags = 0x45; }),
             with([](Answer& a) { a.behind = "x"; }),
             with([](Answer& a) { a.credential = Bytes{1}; })};
  if (algorithm != WebauthnAlgorithm::kEddsa) out.bad.push_back(with([](Answer& a) { a.hash = "SHA1"; }));
  return out;
}

}  // namespace

std::vector<Voter> voters() {
  std::vector<Voter> out;
  for (const SshKeyType type : kTypes) out.push_back(ssh_voter(type));
  for (const auto algorithm : {WebauthnAlgorithm::kEs256, WebauthnAlgorithm::kEddsa, WebauthnAlgorithm::kRs256}) out.push_back(webauthn_voter(algorithm));
  for (Voter& each : out) {
    for (std::size_t part = 0; part < kFlips; ++part) each.bad.push_back(flipped(each.good.front(), part, SIZE_MAX));
  }
  return out;
}

std::string signers_of(const std::vector<Voter>& voters) {
  std::string out;
  for (const Voter& each : voters) {
    const evidence::PublicKey& key = each.good.front().key;
    out += each.name + (key.kind == "webauthn" ? " webauthn " : " ") + key.text + "\n";
  }
  return out;
}

}  // namespace jit::test
