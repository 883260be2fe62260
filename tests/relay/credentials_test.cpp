// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.h"

#include <nlohmann/json.hpp>

#include "relay/credentials/authority.h"

using namespace jit;
using namespace jit::relay;
using evidence::Nkey;
using evidence::NkeyKind;
using Json = nlohmann::json;

namespace {

constexpr std::int64_t kNow = 1'700'000'000;
const std::string kHost(32, 'a');

Json part(const std::string& jwt, int number) {
  std::size_t at = 0;
  for (int n = 0; n < number; ++n) at = jwt.find('.', at) + 1;
  const auto bytes = evidence::from_base64url(jwt.substr(at, jwt.find('.', at) - at));
  REQUIRE(bytes);
  return Json::parse(bytes->begin(), bytes->end());
}

std::string jwt_in(const std::string& credentials) {
  const std::size_t begin = credentials.find('\n') + 1;
  return credentials.substr(begin, credentials.find('\n', begin) - begin);
}

}  // namespace

TEST_CASE("a key of NATS is written as nats-io/nkeys writes it") {
  for (const NkeyKind kind : {NkeyKind::kOperator, NkeyKind::kAccount, NkeyKind::kUser}) {
    const Nkey made = Nkey::generate(kind);
    const std::string letter(1, static_cast<char>(kind));
    CHECK(made.public_text().starts_with(letter));
    CHECK(made.public_text().size() == 56);
    CHECK(made.seed().starts_with("S" + letter));
    CHECK(made.seed().size() == 58);
    CHECK(is_nkey(made.public_text(), kind));
    const auto again = Nkey::from_seed(made.seed());
    REQUIRE(again);
    CHECK(again->public_text() == made.public_text());
    CHECK(again->kind() == kind);
    CHECK(again->sign("x") == made.sign("x"));
    CHECK(made.sign("x") != made.sign("y"));
  }
}

TEST_CASE("what is no key is none") {
  const Nkey key = Nkey::generate(NkeyKind::kUser);
  std::string text = key.public_text();
  CHECK_FALSE(is_nkey(text, NkeyKind::kAccount));
  CHECK_FALSE(is_nkey(text + "A", NkeyKind::kUser));
  CHECK_FALSE(is_nkey(text.substr(1), NkeyKind::kUser));
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string other = text;
    other[at] = other[at] == 'A' ? 'B' : 'A';
    CHECK_FALSE(is_nkey(other, NkeyKind::kUser));
  }
  std::string seed = key.seed();
  for (std::size_t at = 0; at < seed.size(); ++at) {
    std::string other = seed;
    other[at] = other[at] == 'A' ? 'B' : 'A';
    CHECK_FALSE(Nkey::from_seed(other));
  }
  CHECK_FALSE(Nkey::from_seed(""));
  CHECK_FALSE(Nkey::from_seed(text));
}

TEST_CASE("claims of a host say what it may, who says so, and until when") {
  Authority authority = Authority::make();
  const std::string credentials = authority.issue_host(kHost, kNow, 3600);
  const std::string jwt = jwt_in(credentials);
  CHECK(part(jwt, 0) == Json{{"typ", "JWT"}, {"alg", "ed25519-nkey"}});
  const Json claims = part(jwt, 1);
  CHECK(claims["name"] == kHost);
  CHECK(claims["iss"] == authority.account_of("host"));
  CHECK(claims["iat"] == kNow);
  CHECK(claims["exp"] == kNow + 3600);
  auto may = host_permissions(kHost).publish;
  may.push_back(last_of(kRenewStream, renewal_subject(claims["sub"].get<std::string>())));  // and ask for newer words of its own
  CHECK(claims["nats"]["pub"]["allow"] == Json(may));
  CHECK(claims["nats"]["sub"]["allow"] == Json(host_permissions(kHost).subscribe));
  CHECK(claims["nats"]["payload"] == kMessageMax);
  CHECK(is_nkey(claims["sub"].get<std::string>(), NkeyKind::kUser));
  const auto read = read_credentials(credentials);
  REQUIRE(read);
  CHECK(read->name == kHost);
  CHECK(read->expires == kNow + 3600);
  CHECK(read->sets.empty());
  const auto bob = read_credentials(authority.issue_approver("bob", {"group:sre", "a.b"}, kNow, 0));
  REQUIRE(bob);
  CHECK(bob->expires == 0);
  CHECK(bob->sets == std::vector<std::string>{"group:sre", "a.b"});
  for (const char* bad : {"", "x", "-----BEGIN NATS USER JWT-----\n", "-----BEGIN NATS USER JWT-----\na.b.c\n", "-----BEGIN NATS USER JWT-----\na.!!.c\n"}) CHECK_FALSE(read_credentials(bad));
}

TEST_CASE("an authority is read as it was written") {
  Authority authority = Authority::make();
  authority.urls = {"tls://relay:4222"};
  authority.replicas = 3;
  authority.issue_host(kHost, kNow, 0);
  authority.issue_approver("bob", {"group:sre"}, kNow, 60);
  CHECK(authority.revoke("host", kHost, kNow + 1) == 1);
  const std::string document = authority.document();
  auto again = Authority::read(document);
  REQUIRE(again);
  CHECK(again->document() == document);
  CHECK(again->issued().size() == 2);
  // Said again, it is told to the servers again.
  CHECK(again->revoke("host", kHost, kNow + 2) == 1);
  CHECK(again->revoked().begin()->second == kNow + 2);
  CHECK(again->revoke("host", std::string(32, 'b'), kNow + 2) == 0);
  for (const std::string& bad : {std::string(), std::string("{}"), std::string("[1]"), document.substr(0, document.size() / 2)}) CHECK_FALSE(Authority::read(bad));
  Json other = Json::parse(document);
  std::swap(other["keys"]["operator"], other["keys"]["relay"]);
  CHECK_FALSE(Authority::read(other.dump()));
  other = Json::parse(document);
  other["version"] = 2;
  CHECK_FALSE(Authority::read(other.dump()));
}

TEST_CASE("who was revoked stands in the claims of his account, and nobody else") {
  Authority authority = Authority::make();
  const std::string first = part(jwt_in(authority.issue_host(kHost, kNow, 0)), 1)["sub"];
  const std::string second = part(jwt_in(authority.issue_host(std::string(32, 'b'), kNow, 0)), 1)["sub"];
  const std::string bob = part(jwt_in(authority.issue_approver("bob", {"x"}, kNow, 0)), 1)["sub"];
  authority.revoke("host", kHost, kNow + 5);
  authority.revoke("approver", "bob", kNow + 6);
  const auto claims = authority.account_claims(kNow + 7);
  REQUIRE(claims.size() == 4);
  CHECK(part(claims[1], 1)["nats"]["revocations"] == Json{{first, kNow + 5}});
  CHECK(part(claims[2], 1)["nats"]["revocations"] == Json{{bob, kNow + 6}});
  CHECK_FALSE(part(claims[0], 1)["nats"].contains("revocations"));
  CHECK(claims[1].find(second) == std::string::npos);
  // Only the account that holds the streams may have any.
  CHECK(part(claims[0], 1)["nats"]["limits"]["streams"] == -1);
  for (const int other : {1, 2, 3}) CHECK_FALSE(part(claims[static_cast<std::size_t>(other)], 1)["nats"]["limits"].contains("streams"));
}

TEST_CASE("of two revocations within a second the later one is newer") {
  Authority authority = Authority::make();
  authority.issue_host(kHost, kNow, 0);
  authority.issue_host(std::string(32, 'b'), kNow, 0);
  const auto at = [&](const Authority& one, std::int64_t now) { return part(one.account_claims(now)[1], 1)["iat"].get<std::int64_t>(); };
  authority.revoke("host", kHost, kNow);
  CHECK(at(authority, kNow) == kNow);
  // By another jitctl, whose clock is behind.
  auto again = Authority::read(authority.document());
  REQUIRE(again);
  again->revoke("host", std::string(32, 'b'), kNow - 60);
  CHECK(at(*again, kNow - 60) == kNow + 1);
  CHECK(at(*Authority::read(again->document()), kNow) == kNow + 1);
  CHECK(at(*again, kNow + 9) == kNow + 9);
}

TEST_CASE("the servers are told of what is revoked and could still be used") {
  constexpr std::int64_t kDay = 86'400;
  Authority authority = Authority::make();
  const auto told = [&](std::int64_t now) {
    const Json nats = part(authority.account_claims(now)[1], 1)["nats"];
    return nats.contains("revocations") ? nats["revocations"].size() : 0;
  };
  const auto revoke_new = [&](char name, std::int64_t lasts) {
    authority.issue_host(std::string(32, name), kNow, lasts);
    authority.revoke("host", std::string(32, name), kNow + kDay);
  };
  revoke_new('a', 0);
  revoke_new('b', 10 * kDay);
  // Words of the day that it was revoked on would hold for ten days.
  CHECK(told(kNow + 12 * kDay) == 2);
  CHECK(told(kNow + 12 * kDay + 1) == 1);
  CHECK(told(kNow + 10'000 * kDay) == 1);
  // Where it was revoked late, they hold from then.
  authority.issue_host(std::string(32, 'c'), kNow, 10 * kDay);
  authority.revoke("host", std::string(32, 'c'), kNow + 9 * kDay);
  CHECK(told(kNow + 20 * kDay) == 2);
  CHECK(told(kNow + 20 * kDay + 1) == 1);
  // What is over is forgotten where the same host gets new ones, and nothing else is.
  authority.issue_host(std::string(32, 'b'), kNow + 12 * kDay, 10 * kDay);
  CHECK(authority.issued().size() == 4);
  authority.issue_host(std::string(32, 'b'), kNow + 13 * kDay, 10 * kDay);
  CHECK(authority.issued().size() == 4);
  CHECK(authority.revoked().size() == 2);
  authority.issue_host(std::string(32, 'd'), kNow, 10 * kDay);  // of words of before nobody knows: twice as long, and a day
  authority.issue_host(std::string(32, 'd'), kNow + 21 * kDay, 10 * kDay);
  CHECK(authority.issued().size() == 6);
  authority.issue_host(std::string(32, 'd'), kNow + 21 * kDay + 1, 10 * kDay);
  CHECK(authority.issued().size() == 6);
}

TEST_CASE("the servers of a cluster know each other, one alone knows nobody") {
  Authority authority = Authority::make();
  const std::vector<Server> one = {{"node-1", "relay:6222", 4222}};
  const std::string alone = authority.server_config(one[0], one, "/var/lib/nats", kNow);
  CHECK(alone.find("cluster {") == std::string::npos);
  CHECK(alone.find("tls {") != std::string::npos);
  CHECK(alone.find("allow_delete: false") != std::string::npos);
  const Json secrets = Json::parse(authority.document())["keys"];
  for (const auto& each : secrets) CHECK(alone.find(each.get<std::string>()) == std::string::npos);
  const std::vector<Server> three = {{"node-1", "a:6222", 4222}, {"node-2", "b:6222", 4222}, {"node-3", "c:6222", 4222}};
  const std::string second = authority.server_config(three[1], three, "/var/lib/nats", kNow);
  CHECK(second.find("nats-route://a:6222") != std::string::npos);
  CHECK(second.find("nats-route://b:6222") == std::string::npos);
  CHECK(second.find("nats-route://c:6222") != std::string::npos);
}
