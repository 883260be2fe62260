// SPDX-License-Identifier: Apache-2.0
// Which public keys may be enrolled.
#include "tests/catch.h"

#include <algorithm>

#include "evidence/algorithms.h"
#include "evidence/wire.h"
#include "tests/evidence/keys.h"

using namespace jit::evidence;
using jit::test::kTypes;
using jit::test::mpint;
using jit::test::Pair;
using jit::test::SshSigner;

namespace {

PublicKey ssh(std::string_view name, const Bytes& blob) { return {"ssh", std::string(name) + " " + base64(blob), false}; }

PublicKey ed25519(const Bytes& point) {
  return ssh("ssh-ed25519", WireWriter().string(std::string_view("ssh-ed25519")).string(point).bytes());
}
PublicKey token_ed25519(const Bytes& point) {
  constexpr std::string_view kName = "sk-ssh-ed25519@openssh.com";
  return ssh(kName, WireWriter().string(kName).string(point).string(std::string_view("ssh:")).bytes());
}
PublicKey p256(const Bytes& point, std::string_view curve = "nistp256") {
  constexpr std::string_view kName = "ecdsa-sha2-nistp256";
  return ssh(kName, WireWriter().string(kName).string(curve).string(point).bytes());
}
PublicKey rsa(const Bytes& modulus, const Bytes& exponent) {
  return ssh("ssh-rsa", WireWriter().string(std::string_view("ssh-rsa")).string(exponent).string(modulus).bytes());
}

Bytes from_hex(std::string_view digits) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) out.push_back(static_cast<std::uint8_t>(std::stoul(std::string(digits.substr(i, 2)), nullptr, 16)));
  return out;
}

bool refused(const PublicKey& key) {
  // A key that may not be enrolled verifies nothing, has no fingerprint, and people are told why.
  const bool no = flaw_of(key) == Flaw::kKey;
  CHECK(no == fingerprint(key).empty());
  CHECK(no == !why_refused(key).empty());
  if (no) CHECK(verify(key, key.kind == "ssh" ? "sshsig" : "webauthn", kVoteNamespace, "x", Bytes(64)) == Flaw::kKey);
  return no;
}

}  // namespace

TEST_CASE("the text of a key has one form") {
  for (const auto type : kTypes) {
    const SshSigner signer(type);
    CAPTURE(signer.name());
    const std::string text = signer.name() + " " + base64(signer.blob());
    const auto bad = [](std::string changed) { return refused({"ssh", std::move(changed), false}); };
    CHECK_FALSE(bad(text));
    CHECK_FALSE(bad(text + " alice@example.org, her second"));
    CHECK(bad(""));
    CHECK(bad(signer.name()));
    CHECK(bad(" " + text));
    CHECK(bad(text + "\n"));
    CHECK(bad(text + "\n" + text));
    CHECK(bad(text + "\t"));
    CHECK(bad(text + "="));
    CHECK(bad(signer.name() + "  " + base64(signer.blob())));
    CHECK(bad("cert-authority " + text));
    CHECK(bad("restrict " + text));
    CHECK(bad("alice " + text));
    CHECK(bad(text + " " + std::string(10000, 'x')));
    CHECK(bad((signer.name() == "ssh-rsa" ? "ssh-ed25519 " : "ssh-rsa ") + base64(signer.blob())));
    CHECK(refused({"local", text, false}));
    CHECK(refused({"webauthn", text, false}));
    for (std::size_t length = 0; length < signer.blob().size(); ++length) {
      CHECK(bad(signer.name() + " " + base64(std::span(signer.blob()).first(length))));
    }
    Bytes longer = signer.blob();
    longer.push_back(0);
    CHECK(bad(signer.name() + " " + base64(longer)));
  }
}

TEST_CASE("D4: Ed25519 keys of small order, and points written twice", "[D4]") {
  // All eight points whose order divides 8 (RFC 7748 and 8032 name the curve; their y is 0, 1, -1 and the roots of d y^4 + 2 y^2 - 1).
  const char* const small[] = {
      "0000000000000000000000000000000000000000000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000080",
      "0100000000000000000000000000000000000000000000000000000000000000", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
      // The same with the sign of an x that is 0, and with y + p.
      "0100000000000000000000000000000000000000000000000000000000000080", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
  for (const char* digits : small) {
    CAPTURE(digits);
    CHECK(refused(ed25519(from_hex(digits))));
    CHECK(refused(token_ed25519(from_hex(digits))));
  }
  // Above p, and on the curve or not: 19 numbers, each with both signs.
  for (unsigned low = 0xed; low <= 0xff; ++low) {
    for (const std::uint8_t high : {std::uint8_t{0x7f}, std::uint8_t{0xff}}) {
      Bytes point(32, 0xff);
      point[0] = static_cast<std::uint8_t>(low);
      point[31] = high;
      CHECK(refused(ed25519(point)));
    }
  }
  CHECK(refused(ed25519(from_hex("0200000000000000000000000000000000000000000000000000000000000000"))));  // no such point
  CHECK_FALSE(refused(ed25519(from_hex("5866666666666666666666666666666666666666666666666666666666666666"))));  // the base point
  // RFC 8032, 7.1
  CHECK_FALSE(refused(ed25519(from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))));
  for (int i = 0; i < 50; ++i) CHECK(ed25519_usable(Pair(Pair::Family::kEd25519).point()));
}

TEST_CASE("D4: what a key of small order would let pass", "[D4]") {
  // Under the neutral point, R = S * B is a signature of every message: R the base point, S = 1.
  Bytes forged = from_hex("5866666666666666666666666666666666666666666666666666666666666666");
  forged.resize(64);
  forged[32] = 1;
  const Bytes neutral = from_hex("0100000000000000000000000000000000000000000000000000000000000000");
  CHECK_FALSE(ed25519_good(neutral, "any", forged));
}

TEST_CASE("D4: points that are none of P-256", "[D4]") {
  const Bytes good = Pair(Pair::Family::kP256).point();
  REQUIRE_FALSE(refused(p256(good)));
  for (const std::size_t at : {std::size_t{1}, std::size_t{32}, std::size_t{33}, std::size_t{64}}) {
    Bytes other = good;
    other[at] = static_cast<std::uint8_t>(other[at] ^ 1U);
    CHECK(refused(p256(other)));
  }
  Bytes hybrid = good;
  hybrid[0] = static_cast<std::uint8_t>(6U | (good[64] & 1U));
  CHECK(refused(p256(hybrid)));
  Bytes compressed(good.begin(), good.begin() + 33);
  compressed[0] = static_cast<std::uint8_t>(2U | (good[64] & 1U));
  CHECK(refused(p256(compressed)));
  CHECK(refused(p256({0})));  // at infinity
  CHECK(refused(p256({})));
  CHECK(refused(p256(Bytes(65, 0xff))));
  Bytes zero(65, 0);
  zero[0] = 4;
  CHECK(refused(p256(zero)));
  CHECK(refused(p256(good, "nistp384")));
  CHECK(refused(p256(good, "")));
}

TEST_CASE("D4: weak RSA", "[D4]") {
  const auto key = [](const Pair& pair) { return rsa(mpint(pair.modulus()), mpint(pair.exponent())); };
  const Pair good(Pair::Family::kRsa);
  CHECK_FALSE(refused(key(good)));
  CHECK_FALSE(refused(key(Pair(Pair::Family::kRsa, 2048, 65539))));
  CHECK(refused(key(Pair(Pair::Family::kRsa, 1024))));
  CHECK(refused(key(Pair(Pair::Family::kRsa, 2040))));
  CHECK(refused(key(Pair(Pair::Family::kRsa, 2048, 3))));
  CHECK(refused(key(Pair(Pair::Family::kRsa, 2048, 17))));
  CHECK(refused(rsa(mpint(good.modulus()), {1})));
  CHECK(refused(rsa(mpint(good.modulus()), {})));
  CHECK(refused(rsa(mpint(good.modulus()), {0x01, 0x00, 0x02})));
  CHECK(refused(rsa(mpint(good.modulus()), {0xff, 0xff, 0xff})));            // negative
  CHECK(refused(rsa(mpint(good.modulus()), {0x00, 0x01, 0x00, 0x01})));      // a zero too many
  CHECK(refused(rsa(mpint(good.modulus()), Bytes(9, 0x01))));                // above 64 bits
  CHECK(refused(rsa(good.modulus(), mpint(good.exponent()))));               // negative
  Bytes even = good.modulus();
  even.back() = static_cast<std::uint8_t>(even.back() & 0xfeU);
  CHECK(refused(rsa(mpint(even), mpint(good.exponent()))));
  CHECK(refused(rsa({}, mpint(good.exponent()))));
  CHECK(refused(rsa(Bytes(2049, 0x7f), mpint(good.exponent()))));
  CHECK(why_refused(key(Pair(Pair::Family::kRsa, 1024))).find("less than 2048") != std::string::npos);
}

TEST_CASE("D18: nobody vouches for another key", "[D18]") {
  for (const auto type : kTypes) {
    const SshSigner authority(type), subject(type);
    std::string name = subject.name();
    const std::size_t at = name.find('@');
    name.insert(std::min(at, name.size()), "-cert-v01");
    if (at == std::string::npos) name += "@openssh.com";
    // PROTOCOL.certkeys: nonce, key, serial, type, id, principals, dates, options, authority, signature
    WireReader plain(subject.blob());
    (void)plain.string();
    WireWriter body;
    body.string(std::string_view(name)).string(Bytes(32, 7)).raw(text_of(plain.raw(subject.blob().size() - 4 - subject.name().size())));
    body.number(0).number(1).number(1).string(std::string_view("alice")).string(std::string_view()).number(0).number(0).number(UINT32_MAX).number(UINT32_MAX);
    body.string(std::string_view()).string(std::string_view()).string(std::string_view()).string(authority.blob());
    const Bytes inner = authority.raw(text_of(body.bytes()));
    body.string(WireWriter().string(std::string_view(authority.name())).string(inner).bytes());
    const PublicKey certificate = ssh(name, body.bytes());
    CAPTURE(name);
    CHECK(refused(certificate));
    CHECK(why_refused(certificate).find("certificate") != std::string::npos);
    // In a signature, where a chain of two would stand: the key that counts is the enrolled one, byte by byte.
    jit::test::Make make;
    make.blob = body.bytes();
    CHECK(verify(authority.key(), "sshsig", kVoteNamespace, "x", subject.sign("x", make)) == Flaw::kOtherKey);
    CHECK(verify(subject.key(), "sshsig", kVoteNamespace, "x", subject.sign("x", make)) == Flaw::kOtherKey);
    CHECK(refused(ssh(subject.name(), body.bytes())));
  }
}

TEST_CASE("a key that cannot say who was there is not asked to") {
  for (const auto type : kTypes) {
    const SshSigner signer(type);
    CHECK((flaw_of(signer.key(true)) == Flaw::kNone) == in_token(type));
  }
}
