// SPDX-License-Identifier: Apache-2.0
// Credentials that live for a while: who gets new words, and which of those that are offered hold.
#include "tests/catch.h"

#include "relay/credentials/authority.h"

using namespace jit;
using namespace jit::relay;

namespace {

constexpr std::int64_t kStart = 1'700'000'000;
constexpr std::int64_t kDay = 86'400;
const std::string kFirst(32, 'a');

std::string words_in(const std::string& credentials) {
  const std::size_t begin = credentials.find('\n') + 1;
  return credentials.substr(begin, credentials.find('\n', begin) - begin);
}

}  // namespace

TEST_CASE("who has lived half of his time gets as much again", "[renewal]") {
  Authority authority = Authority::make();
  const std::string host = authority.issue_host(kFirst, kStart, 10 * kDay);
  authority.issue_host(std::string(32, 'b'), kStart, 0);
  const std::string bob = authority.issue_approver("bob", {"group:sre", "set:db"}, kStart, 4 * kDay);
  authority.issue_approver("eve", {"set:db"}, kStart, 4 * kDay);
  authority.revoke("approver", "eve", kStart + 1);
  CHECK(authority.renew(kStart + 2 * kDay - 1).empty());
  // It is written down, sets and all.
  auto read = Authority::read(authority.document());
  REQUIRE(read);
  const auto first = read->renew(kStart + 2 * kDay);
  REQUIRE(first.size() == 1);
  CHECK(first[0].name == "bob");
  CHECK(first[0].expires == kStart + 6 * kDay);
  CHECK(renews(words_in(bob), first[0].jwt));
  CHECK(read_claims(first[0].jwt)->sets == std::vector<std::string>{"group:sre", "set:db"});
  CHECK(read->renew(kStart + 2 * kDay).empty());
  const auto second = read->renew(kStart + 5 * kDay);
  REQUIRE(second.size() == 2);
  CHECK(renews(words_in(host), second[0].jwt));
  CHECK(renews(first[0].jwt, second[1].jwt));
  // What has ended is issued again, by hand.
  CHECK(read->renew(kStart + 100 * kDay).empty());
}

TEST_CASE("words that take the place of others", "[renewal]") {
  Authority authority = Authority::make();
  const std::string now = words_in(authority.issue_host(kFirst, kStart, 10 * kDay));
  const auto due = authority.renew(kStart + 6 * kDay);
  REQUIRE(due.size() == 1);
  const std::string good = due[0].jwt;
  REQUIRE(renews(now, good));
  CHECK_FALSE(renews(now, now));
  CHECK_FALSE(renews(good, now));  // it ends sooner
  CHECK_FALSE(renews(now, ""));
  CHECK_FALSE(renews("", good));
  CHECK_FALSE(renews(now, std::string(20'000, 'x')));
  // Of another user of the same account, of another authority, and with each of its letters another one.
  const std::string other = words_in(authority.issue_host(kFirst, kStart, 100 * kDay));
  CHECK_FALSE(renews(now, other));
  Authority stranger = Authority::make();
  CHECK_FALSE(renews(now, words_in(stranger.issue_host(kFirst, kStart, 100 * kDay))));
  for (std::size_t n = 0; n + 1 < good.size(); ++n) {  // of the last letter two bits mean nothing
    std::string bad = good;
    bad[n] = bad[n] == 'A' ? 'B' : 'A';
    CHECK_FALSE(renews(now, bad));
  }
  // What lasts for ever needs nothing newer.
  CHECK_FALSE(renews(words_in(authority.issue_host(kFirst, kStart, 0)), good));
}

TEST_CASE("when newer words are looked for", "[renewal]") {
  Authority authority = Authority::make();
  const auto claims = *read_credentials(authority.issue_host(kFirst, kStart, 1000));
  const auto wait = [&](std::int64_t s) { return *look_in(claims, (kStart + s) * 1000); };
  CHECK(wait(0) == 500'000);
  CHECK(wait(-kDay) == (kDay + 500) * 1000);
  CHECK(wait(600) == 50'000);
  CHECK(wait(999) == 1000);
  CHECK(wait(1000) == 60'000);
  CHECK(wait(kDay) == 60'000);
  CHECK(*look_in(*read_credentials(authority.issue_host(kFirst, kStart, 1000 * kDay)), (kStart + 500 * kDay) * 1000) == 30 * 60'000);
  CHECK_FALSE(look_in(*read_credentials(authority.issue_host(kFirst, kStart, 0)), kStart));
}

TEST_CASE("what the owner of credentials is told where he is not let in", "[renewal]") {
  Authority authority = Authority::make();
  const auto host = *read_credentials(authority.issue_host(kFirst, kStart, 60));
  const auto bob = *read_credentials(authority.issue_approver("bob", {"set:db"}, kStart, 0));
  CHECK(remark_on(host, "connection refused", kStart + 59, "/h").empty());
  CHECK(remark_on(host, "connection refused", kStart + 60, "/h") == "; the credentials have ended: jitctl relay issue-host makes new ones, for /h");
  CHECK(remark_on(bob, "connection refused", kStart + 10'000 * kDay, "/b").empty());
  for (const char* said : {"Authorization Violation", "x: 'User Authentication Revoked'", "User Authentication Expired"}) {
    CHECK(remark_on(bob, said, kStart, "/b") == "; the credentials were revoked, or are of another relay: jitctl relay issue-approver makes new ones, for /b");
  }
  CHECK(remark_on(bob, "Authentication Timeout", kStart, "/b").empty());
}

TEST_CASE("a file of credentials with newer words", "[renewal]") {
  Authority authority = Authority::make();
  const std::string file = authority.issue_host(kFirst, kStart, 10 * kDay);
  const auto due = authority.renew(kStart + 6 * kDay);
  const std::string fresh = with_jwt(file, due[0].jwt);
  CHECK(words_in(fresh) == due[0].jwt);
  const auto before = read_login(file);
  const auto after = read_login(fresh);
  REQUIRE((before && after));
  CHECK(before->sign("nonce") == after->sign("nonce"));
  CHECK(renew_from(*read_credentials(file)) == kStart + 5 * kDay);
  CHECK(renew_from(*read_credentials(fresh)) == kStart + 11 * kDay);
  CHECK(with_jwt("nothing", due[0].jwt).empty());
}
