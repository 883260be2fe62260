// SPDX-License-Identifier: Apache-2.0
// Signatures of the five key types: good ones, and everything that is almost one.
#include "tests/catch.h"

#include "evidence/algorithms.h"
#include "evidence/host_key.h"
#include "evidence/sshsig.h"
#include "evidence/wire.h"
#include "tests/evidence/keys.h"

using namespace jit::evidence;
using jit::test::kTypes;
using jit::test::Make;
using jit::test::SshSigner;

namespace {

constexpr std::string_view kMessage = "what is signed";

std::string judged(const SshSigner& signer, const Bytes& signature, bool verify_required = false) {
  return std::string(name_of(verify(signer.key(verify_required), "sshsig", kVoteNamespace, kMessage, signature)));
}

std::string judged(const SshSigner& signer, const Make& make, bool verify_required = false) {
  return judged(signer, signer.sign(kMessage, make), verify_required);
}

Make with_raw(Bytes raw) {
  Make out;
  out.raw = std::move(raw);
  return out;
}

// The numbers of a good signature, for changes.
Bytes raw_of(const SshSigner& signer, const Make& make = {}) {
  return signer.raw(text_of(sshsig_message(make.purpose, kMessage)), make);
}

// r and s of ECDSA as strings, whatever they hold.
Bytes two(const Bytes& r, const Bytes& s) { return WireWriter().string(r).string(s).bytes(); }

std::pair<Bytes, Bytes> split(const Bytes& raw) {
  WireReader reader(raw);
  const auto r = reader.string();
  const auto s = reader.string();
  return {Bytes(r.begin(), r.end()), Bytes(s.begin(), s.end())};
}

bool wrong(const std::string& flaw) { return flaw == "format" || flaw == "signature"; }

const Bytes kOrderP256 = {0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
                          0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
// L of Ed25519, least significant byte first.
const Bytes kOrder25519 = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                           0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10};

}  // namespace

TEST_CASE("a good signature of each type") {
  for (const auto type : kTypes) {
    const SshSigner signer(type);
    CAPTURE(signer.name());
    CHECK(flaw_of(signer.key()) == Flaw::kNone);
    CHECK(judged(signer, Make()) == "none");
    Make other_hash;
    other_hash.hash = "sha256";
    CHECK(judged(signer, other_hash) == "none");
    CHECK(in_hardware(signer.key()) == in_token(type));
  }
  const SshSigner rsa(SshKeyType::kRsa, 3072);
  Make sha256;
  sha256.type = "rsa-sha2-256";
  CHECK(judged(rsa, sha256) == "none");
  const HostKey host = HostKey::generate();
  CHECK(verify(host.public_key(), "sshsig", kGrantNamespace, kMessage, host.sign(kGrantNamespace, kMessage)) == Flaw::kNone);
}

TEST_CASE("a signature is for one key, one purpose, one message") {
  for (const auto type : kTypes) {
    const SshSigner signer(type), other(type);
    CAPTURE(signer.name());
    const Bytes good = signer.sign(kMessage);
    CHECK(verify(other.key(), "sshsig", kVoteNamespace, kMessage, good) == Flaw::kOtherKey);
    CHECK(verify(signer.key(), "sshsig", kRequestNamespace, kMessage, good) == Flaw::kNamespace);
    CHECK(verify(signer.key(), "sshsig", "", kMessage, good) == Flaw::kNamespace);
    CHECK(verify(signer.key(), "sshsig", kVoteNamespace, "another", good) == Flaw::kSignature);
    CHECK(verify(signer.key(), "webauthn", kVoteNamespace, kMessage, good) == Flaw::kFormat);
    CHECK(verify(signer.key(), "local", kVoteNamespace, kMessage, good) == Flaw::kFormat);
    Make foreign;  // its signature, with the enrolled key's blob in front
    foreign.blob = signer.blob();
    CHECK(verify(signer.key(), "sshsig", kVoteNamespace, kMessage, other.sign(kMessage, foreign)) == Flaw::kSignature);
    Make nameless;
    nameless.purpose.clear();
    CHECK(verify(signer.key(), "sshsig", "", kMessage, signer.sign(kMessage, nameless)) == Flaw::kNamespace);
  }
}

TEST_CASE("the frame of a signature has one form") {
  const auto changed = [](auto change) {
    Make make;
    change(make);
    return make;
  };
  for (const auto type : kTypes) {
    const SshSigner signer(type);
    CAPTURE(signer.name());
    CHECK(judged(signer, changed([](Make& m) { m.magic = "SSHSIH"; })) == "format");
    CHECK(judged(signer, changed([](Make& m) { m.version = 2; })) == "format");
    CHECK(judged(signer, changed([](Make& m) { m.version = 0; })) == "format");
    CHECK(judged(signer, changed([](Make& m) { m.reserved = "x"; })) == "format");
    CHECK(judged(signer, changed([](Make& m) { m.behind = "x"; })) == "format");
    CHECK(judged(signer, changed([](Make& m) { m.behind_inner = "x"; })) == "format");
    for (const char* hash : {"sha1", "md5", "sha384", "SHA512", ""}) CHECK(judged(signer, changed([&](Make& m) { m.hash = hash; })) == "algorithm");
    for (const char* name : {"ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp384", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
                             "ssh-ed25519-cert-v01@openssh.com", "ssh-ed448"}) {
      CHECK(judged(signer, changed([&](Make& m) { m.type = name; })) == "algorithm");
    }
    const Bytes good = signer.sign(kMessage);
    for (std::size_t length = 0; length < good.size(); ++length) {
      CHECK(wrong(judged(signer, Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)))));
    }
  }
}

TEST_CASE("each flipped bit is refused") {
  for (const auto type : kTypes) {
    const SshSigner signer(type);
    CAPTURE(signer.name());
    Bytes signature = signer.sign(kMessage);
    std::size_t accepted = 0;
    for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
      signature[bit / 8] = static_cast<std::uint8_t>(signature[bit / 8] ^ (1U << (bit % 8)));
      if (judged(signer, signature) == "none") ++accepted;
      signature[bit / 8] = static_cast<std::uint8_t>(signature[bit / 8] ^ (1U << (bit % 8)));
    }
    CHECK(accepted == 0);
    CHECK(judged(signer, signature) == "none");
  }
}

TEST_CASE("D4: lengths and junk", "[D4]") {
  for (const auto type : kTypes) {
    const SshSigner signer(type);
    CAPTURE(signer.name());
    const Bytes good = raw_of(signer);
    REQUIRE(judged(signer, with_raw(good)) == "none");
    CHECK(wrong(judged(signer, Bytes())));
    CHECK(wrong(judged(signer, with_raw({}))));
    for (std::size_t length = 0; length < good.size(); ++length) {
      CHECK(wrong(judged(signer, with_raw(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length))))));
    }
    for (const std::uint8_t more : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{0xff}}) {
      Bytes longer = good;
      longer.push_back(more);
      CHECK(wrong(judged(signer, with_raw(longer))));
      longer = good;
      longer.insert(longer.begin(), more);
      CHECK(wrong(judged(signer, with_raw(longer))));
    }
    for (const std::uint8_t fill : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{0x30}, std::uint8_t{0xff}}) {
      CHECK(wrong(judged(signer, with_raw(Bytes(good.size(), fill)))));
      CHECK(wrong(judged(signer, with_raw(Bytes(std::size_t{1} << 20U, fill)))));
      CHECK(wrong(judged(signer, Bytes(std::size_t{1} << 20U, fill))));
    }
  }
}

TEST_CASE("D4: Ed25519", "[D4]") {
  for (const auto type : {SshKeyType::kEd25519, SshKeyType::kTokenEd25519}) {
    const SshSigner signer(type);
    Bytes raw = raw_of(signer);
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {  // S + L: the same number, modulo the order
      carry += raw[32 + i] + kOrder25519[i];
      raw[32 + i] = static_cast<std::uint8_t>(carry);
      carry >>= 8U;
    }
    REQUIRE(carry == 0);
    CHECK(judged(signer, with_raw(raw)) == "signature");
    std::copy(kOrder25519.begin(), kOrder25519.end(), raw.begin() + 32);  // S = L
    CHECK(judged(signer, with_raw(raw)) == "signature");
    std::fill(raw.begin() + 32, raw.end(), std::uint8_t{0});              // S = 0, with R whatever it was, and neutral
    CHECK(judged(signer, with_raw(raw)) == "signature");
    std::fill(raw.begin(), raw.end(), std::uint8_t{0});
    raw[0] = 1;
    CHECK(judged(signer, with_raw(raw)) == "signature");
  }
}

TEST_CASE("D4: ECDSA", "[D4]") {
  for (const auto type : {SshKeyType::kEcdsaP256, SshKeyType::kTokenEcdsaP256}) {
    const SshSigner signer(type);
    const auto parts = split(raw_of(signer));
    const Bytes& r = parts.first;
    const Bytes& s = parts.second;
    REQUIRE(judged(signer, with_raw(two(r, s))) == "none");
    const Bytes one = {1};
    Bytes order_and_more = kOrderP256;
    order_and_more.back() = static_cast<std::uint8_t>(order_and_more.back() + 1);
    const std::vector<Bytes> numbers = {{}, {0}, one, kOrderP256, order_and_more, Bytes(33, 0x7f), Bytes(32, 0x7f), Bytes(32, 0xff), {0xff}, {0x80}};
    for (const Bytes& first : numbers) {
      for (const Bytes& second : numbers) CHECK(wrong(judged(signer, with_raw(two(first, second)))));
      CHECK(wrong(judged(signer, with_raw(two(first, s)))));
      CHECK(wrong(judged(signer, with_raw(two(r, first)))));
    }
    Bytes padded = r;
    padded.insert(padded.begin(), 0);
    CHECK(judged(signer, with_raw(two(padded, s))) == "format");
    CHECK(wrong(judged(signer, with_raw(two(s, r)))));
    // As X.509 has it, and what looks like that.
    const Bytes der = signer.pair().sign(text_of(sshsig_message(kVoteNamespace, kMessage)), "SHA256");
    CHECK(wrong(judged(signer, with_raw(der))));
    CHECK(wrong(judged(signer, with_raw({0x30, 0x80, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01, 0, 0}))));
    CHECK(wrong(judged(signer, with_raw({0x30, 0x06, 0x02, 0x01, 0, 0x02, 0x01, 0}))));
    // Of another curve's size.
    CHECK(wrong(judged(signer, with_raw(two(Bytes(48, 0x11), Bytes(48, 0x22))))));
  }
}

TEST_CASE("D4: RSA", "[D4]") {
  const SshSigner signer(SshKeyType::kRsa);
  Make sha1;
  sha1.type = "ssh-rsa";
  CHECK(judged(signer, sha1) == "algorithm");
  Make swapped = with_raw(raw_of(signer));  // made with SHA-512, said to be SHA-256
  swapped.type = "rsa-sha2-256";
  CHECK(judged(signer, swapped) == "signature");
  Bytes above = signer.pair().modulus();
  CHECK(judged(signer, with_raw(above)) == "signature");  // s = n
  CHECK(judged(signer, with_raw(Bytes(256, 0xff))) == "signature");
}

TEST_CASE("tokens: touch, person, counter") {
  for (const auto type : {SshKeyType::kTokenEd25519, SshKeyType::kTokenEcdsaP256}) {
    const SshSigner signer(type);
    CAPTURE(signer.name());
    for (unsigned flags = 0; flags < 256; ++flags) {
      Make make;
      make.flags = static_cast<std::uint8_t>(flags);
      const bool touched = (flags & 1U) != 0, person = (flags & 4U) != 0;
      CHECK(judged(signer, make) == (touched ? "none" : "touch"));
      CHECK(judged(signer, make, true) == (!touched ? "touch" : person ? "none" : "verify"));
    }
    Make said;  // the flags are under the signature
    said.flags = 0x05;
    said.raw = raw_of(signer);
    CHECK(judged(signer, said, true) == "signature");

    std::uint32_t counter = 0;
    const auto count = [&](std::uint32_t value) {
      Make make;
      make.counter = value;
      return name_of(verify(signer.key(), "sshsig", kVoteNamespace, kMessage, signer.sign(kMessage, make), &counter));
    };
    CHECK(count(0) == "none");
    CHECK(count(0) == "none");
    CHECK(count(9) == "none");
    CHECK(counter == 9);
    CHECK(count(9) == "counter");
    CHECK(count(8) == "counter");
    CHECK(count(0) == "counter");
    CHECK(counter == 9);
    CHECK(count(UINT32_MAX) == "none");
  }
  for (const auto type : {SshKeyType::kEd25519, SshKeyType::kEcdsaP256, SshKeyType::kRsa}) {
    const SshSigner signer(type);
    CHECK(judged(signer, Make(), true) == "verify");  // it never says who was there
    std::uint32_t counter = 0;
    CHECK(verify(signer.key(), "sshsig", kVoteNamespace, kMessage, signer.sign(kMessage), &counter) == Flaw::kNone);
    CHECK(counter == 0);
  }
}

TEST_CASE("armour") {
  const SshSigner signer(SshKeyType::kRsa);
  const Bytes signature = signer.sign(kMessage);
  const std::string text = armour(signature);
  CHECK(from_armour(text) == signature);
  CHECK(from_armour(text.substr(0, text.size() - 1)) == signature);
  CHECK_FALSE(from_armour("").has_value());
  CHECK_FALSE(from_armour("-----BEGIN SSH SIGNATURE-----").has_value());
  CHECK_FALSE(from_armour("x" + text).has_value());
  CHECK_FALSE(from_armour(text + "x").has_value());
  CHECK_FALSE(from_armour(text.substr(0, 40) + "*" + text.substr(41)).has_value());
}
