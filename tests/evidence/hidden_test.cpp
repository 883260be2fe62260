// SPDX-License-Identifier: Apache-2.0
// What a host does not let out: nothing of it is in what is signed, and nothing else than it can be put in its place.
#include "evidence/hidden.h"

#include "tests/catch.h"

using namespace jit::evidence;

namespace {

Request secret_request() {
  Request out;
  out.id = std::string(32, '1');
  out.kind = "elevation";
  out.host_id = std::string(32, '2');
  out.host_name = "web1";
  out.boot_id = std::string(32, '3');
  out.nonce = std::string(64, '4');
  out.subject.name = out.subject.person = "alice";
  out.door = out.service = "sudo";
  out.target.name = "root";
  out.command.argv = {"psql", "-c", "select secret from \xff"};
  out.command.path = "/usr/bin/psql";
  out.command.known = out.command.changeable = true;
  out.command.words_at = 1;
  out.command.env = {"PGUSER=secret"};
  out.cwd = "/home/alice/secret";
  out.reason = "the secret customer called";
  out.urgency = "normal";
  out.offer.rule = "db";
  out.offer.fingerprint = out.policy_hash = std::string(64, '5');
  out.offer.votes = "signed";
  out.offer.scope = "command";
  out.offer.on_expiry = "end";
  return out;
}

const PrivateFields kAll{true, true, true};

Request sealed(const PrivateFields& what, std::string_view secret = "of the host") {
  Request out = secret_request();
  hide(out, what, secret);
  return out;
}

}  // namespace

TEST_CASE("nothing of what is private is in what is signed", "[private]") {
  const Request hidden = sealed(kAll);
  const std::string payload = payload_of(hidden);
  CHECK(payload.find("secret") == std::string::npos);
  CHECK(payload.find("psql") == std::string::npos);
  CHECK(payload.find(base64(bytes_of("psql"))) == std::string::npos);
  CHECK(payload.find("alice") != std::string::npos);
  CHECK((hidden.command.known && hidden.command.changeable));  // what warns is said
  CHECK(closed_fields(hidden) == std::vector<std::string>{"command", "cwd", "reason"});
  const auto read = read_request(payload);
  REQUIRE(read);
  CHECK(*read == hidden);
}

TEST_CASE("without anything private a request is written as it always was", "[private]") {
  const Request open = sealed({});
  CHECK(open == secret_request());
  CHECK(payload_of(open).find("private") == std::string::npos);
  REQUIRE(read_request(payload_of(open)));
  // One way to write a thing: an empty member is none of ours.
  std::string text = payload_of(open);
  Json with = Json::parse(text);
  with["private"] = {{"command", nullptr}, {"cwd", nullptr}, {"reason", nullptr}};
  CHECK_FALSE(read_request(with.dump()));
}

TEST_CASE("what is told on the host is what was signed", "[private]") {
  for (const PrivateFields& what : {kAll, PrivateFields{true, false, false}, PrivateFields{false, true, false}, PrivateFields{false, false, true}}) {
    Request shown = sealed(what);
    const auto openings = openings_of(secret_request(), shown, "of the host");
    CHECK(openings.size() == closed_fields(shown).size());
    const auto carried = read_openings(Json::parse(to_json(openings).dump()));
    REQUIRE(carried);
    CHECK(*carried == openings);
    REQUIRE(open(shown, *carried));
    CHECK(shown == secret_request());
    CHECK_FALSE(open(shown, *carried));  // nothing is hidden any more
  }
}

TEST_CASE("nothing else can be put in its place", "[private][C9]") {
  const Request hidden = sealed(kAll);
  const auto good = openings_of(secret_request(), hidden, "of the host");
  REQUIRE(good.size() == 3);
  const auto refused = [&](std::vector<Opening> openings) {
    Request shown = hidden;
    CHECK_FALSE(open(shown, openings));
    CHECK(shown == hidden);
  };
  Request other = secret_request();
  other.command.argv[2] = "drop table secret";
  other.cwd = "/";
  other.reason = "because";
  CHECK(openings_of(other, hidden, "of the host").empty());
  CHECK(openings_of(secret_request(), hidden, "of another host").empty());
  for (std::size_t n = 0; n < good.size(); ++n) {
    for (const auto& change : {+[](Opening& o) { o.value.insert(o.value.size() - 2, "x"); }, +[](Opening& o) { o.salt[0] = o.salt[0] == '0' ? '1' : '0'; },
                               +[](Opening& o) { o.field = o.field == "cwd" ? "reason" : "cwd"; }, +[](Opening& o) { o.field = "target"; },
                               +[](Opening& o) { o.value = ""; }}) {
      auto bad = good;
      change(bad[n]);
      refused(bad);
    }
  }
  refused({good[0], good[0]});
  // A salt is of one field of one request.
  Request second = secret_request();
  second.nonce = std::string(64, '6');
  hide(second, kAll, "of the host");
  CHECK(second.hidden.reason != hidden.hidden.reason);
  CHECK(openings_of(secret_request(), second, "of the host")[2].salt != good[2].salt);
  CHECK(good[1].salt != good[2].salt);
}

TEST_CASE("openings that are none", "[private]") {
  for (const char* text : {"null", "{}", "[1]", "[{}]", R"([{"field":"cwd","salt":"00","value":"{}"}])", "[[],[],[],[]]"}) {
    CAPTURE(text);
    CHECK_FALSE(read_openings(Json::parse(text)));
  }
}
