// SPDX-License-Identifier: Apache-2.0
// Vote codes of each type of key that makes them, at their full length.
#include "tests/catch.h"

#include "evidence/vote_code.h"
#include "tests/evidence/keys.h"

using namespace jit::evidence;
using jit::test::kTypes;
using jit::test::Make;
using jit::test::SshSigner;

namespace {

VoteCode longest(const KeyPrefix& key) {
  VoteCode out;
  out.digest = std::string(64, 'e');
  out.approve = true;
  out.duration_s = 0xffff'ffff;
  out.block_s = 0xffff'ffff;
  out.scope = 3;
  out.key = key;
  out.typed = "999999";
  out.reason = std::string(kCodeReasonMax, 'r');
  return out;
}

Make for_codes() {
  Make out;
  out.purpose = kVoteCodeNamespace;
  return out;
}

}  // namespace

TEST_CASE("D3: the longest code of each type of key fits a prompt, and no bit of it may be another", "[D3]") {
  for (const auto type : kTypes) {
    const SshSigner signer(type);
    CAPTURE(signer.name());
    const auto prefix = key_prefix(signer.key());
    if (type == SshKeyType::kRsa) {
      CHECK_FALSE(prefix);
      CHECK_FALSE(to_text(longest({}), signer.sign("x", for_codes())));
      continue;
    }
    REQUIRE(prefix);
    const VoteCode code = longest(*prefix);
    const auto text = to_text(code, signer.sign(text_of(*body_of(code)), for_codes()));
    REQUIRE(text);
    CHECK(text->size() <= kCodeMax);
    VoteCode out;
    const auto read = ReadCode::parse(*text);
    REQUIRE(read);
    CHECK(read->verify(signer.key(), out) == Flaw::kNone);
    CHECK(out == code);
    std::size_t passed = 0;
    for (std::size_t bit = 0; bit < text->size() * 8; ++bit) {
      std::string other = *text;
      other[bit / 8] = static_cast<char>(static_cast<unsigned char>(other[bit / 8]) ^ (1U << (bit % 8)));
      const auto flipped = ReadCode::parse(other);
      if (flipped && flipped->verify(signer.key(), out) == Flaw::kNone) ++passed;
    }
    CHECK(passed == 0);
  }
}

TEST_CASE("a code of a token says who was there") {
  for (const auto type : {SshKeyType::kTokenEd25519, SshKeyType::kTokenEcdsaP256}) {
    const SshSigner signer(type);
    const VoteCode code = longest(*key_prefix(signer.key()));
    const auto judged = [&](std::uint8_t flags, bool verify_required) {
      Make make = for_codes();
      make.flags = flags;
      const auto text = to_text(code, signer.sign(text_of(*body_of(code)), make));
      REQUIRE(text);
      VoteCode out;
      return std::string(name_of(ReadCode::parse(*text)->verify(signer.key(verify_required), out)));
    };
    CHECK(judged(0x01, false) == "none");
    CHECK(judged(0x00, false) == "touch");
    CHECK(judged(0x01, true) == "verify");
    CHECK(judged(0x05, true) == "none");
  }
}
