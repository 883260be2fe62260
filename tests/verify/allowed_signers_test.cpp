// SPDX-License-Identifier: Apache-2.0
#include "evidence/allowed_signers.h"

#include "tests/catch.h"

#include "log_maker.h"

using namespace jit::evidence;

namespace {
const std::string kKey = jit::test::key_of(3).public_key().text;
}

TEST_CASE("An allowed_signers file of ssh-keygen is read", "[allowed-signers]") {
  const auto read = parse_allowed_signers("# people\n\nalice,bob " + kKey + " a comment\n\"carol\" namespaces=\"vote@pam-jit.v1,file\",valid-after=\"20260101\",VALID-BEFORE=20270101120000Z " +
                                          kKey + "\r\n");
  INFO(read.error);
  REQUIRE(read.bad_line == 0);
  REQUIRE(read.all.size() == 2);
  CHECK(read.all[0].may("alice", "anything", 0));
  CHECK(read.all[0].may("bob", "anything", 0));
  CHECK_FALSE(read.all[0].may("carol", "anything", 0));
  const AllowedSigner& carol = read.all[1];
  CHECK(*carol.valid_after_s == 1'767'225'600);
  CHECK(*carol.valid_before_s == 1'798'804'800);
  CHECK(carol.may("carol", "vote@pam-jit.v1", 1'780'000'000));
  CHECK(parse_allowed_signers("bob namespaces=\"file,*\" " + kKey).all.at(0).may("bob", "vote@pam-jit.v1", 0));
  CHECK_FALSE(carol.may("carol", "vote-code@pam-jit.v1", 1'780'000'000));
  CHECK_FALSE(carol.may("carol", "vote@pam-jit.v1", 1'767'225'599));
  CHECK_FALSE(carol.may("carol", "vote@pam-jit.v1", 1'798'804'800));
}

TEST_CASE("What cannot be taken is named with its line", "[allowed-signers]") {
  for (const std::string& bad : {std::string("alice"), std::string("alice ssh-ed25519"), "*@example.org " + kKey, "!bob " + kKey, "alice cert-authority " + kKey,
                                 "alice valid-after=\"2026\" " + kKey, "alice valid-after=20261301 " + kKey, "alice unknown=1 " + kKey, "alice namespaces=\"\" " + kKey,
                                 "alice namespaces=\"x " + kKey, std::string("alice webauthn x"), kKey}) {
    INFO(bad);
    const auto read = parse_allowed_signers("# one\n" + bad + "\n");
    CHECK(read.bad_line == 2);
    CHECK(read.all.empty());
    CHECK_FALSE(read.error.empty());
  }
  CHECK(parse_allowed_signers(std::string(kAllowedSignersMax + 1, '#')).bad_line == 1);
}
