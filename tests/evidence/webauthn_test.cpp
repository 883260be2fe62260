// SPDX-License-Identifier: Apache-2.0
// Assertions of WebAuthn: each check of its section 7.2 by a flaw of its own.
#include "tests/catch.h"

#include "evidence/algorithms.h"
#include "evidence/canonical.h"
#include "evidence/webauthn.h"
#include "evidence/wire.h"
#include "tests/evidence/authenticator.h"

using namespace jit::evidence;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view kVoted = "DSSEv1 ... a vote";

struct Answer : jit::test::Answer {
  Answer() { challenge = jit::test::challenge_of(kVoted); }
};

struct Authenticator : jit::test::Authenticator {
  using jit::test::Authenticator::Authenticator;
  Assertion assertion(const Answer& answer = {}) const { return jit::test::Authenticator::assertion(answer); }
  std::string judged(const Answer& answer, bool verify_required = false) const { return judged(bytes_of(assertion(answer)), verify_required); }
  std::string judged(const Bytes& signature, bool verify_required = false) const {
    return std::string(name_of(verify(key(verify_required), "webauthn", kVoteNamespace, kVoted, signature)));
  }
};

constexpr WebauthnAlgorithm kAll[] = {WebauthnAlgorithm::kEs256, WebauthnAlgorithm::kEddsa, WebauthnAlgorithm::kRs256};

template <typename Change>
Answer changed(Change change) {
  Answer out;
  change(out);
  return out;
}

}  // namespace

TEST_CASE("a good assertion of each algorithm") {
  for (const auto algorithm : kAll) {
    const Authenticator one(algorithm);
    CAPTURE(one.name());
    CHECK(flaw_of(one.key()) == Flaw::kNone);
    CHECK(in_hardware(one.key()));
    CHECK(one.judged(Answer()) == "none");
    CHECK(one.judged(Answer(), true) == "none");
    CHECK(one.judged(changed([](Answer& a) { a.more.clear(); })) == "none");
    // What browsers may add (5.8.1: "future versions"), in any order and spacing.
    CHECK(one.judged(changed([](Answer& a) { a.more = R"(,"other":{"a":[1,{"b":2}]},"note":"\u00e9\ud83d\ude00")"; })) == "none");
    CHECK(one.judged(changed([](Answer& a) {
      a.client_data = R"({ "origin" : "https://login.example.org" , "challenge":")" + a.challenge + R"(", "type":"webauthn.get"})";
    })) == "none");
    CHECK(one.judged(changed([](Answer& a) { a.flags = 0x1d; })) == "none");  // may be, and is, backed up
    CHECK(verify(one.key(), "sshsig", kVoteNamespace, kVoted, bytes_of(one.assertion())) == Flaw::kFormat);
    CHECK(verify(one.key(), "webauthn", kVoteCodeNamespace, kVoted, bytes_of(one.assertion())) == Flaw::kNamespace);
    CHECK(verify(one.key(), "webauthn", kRequestNamespace, kVoted, bytes_of(one.assertion())) == Flaw::kNamespace);
  }
}

TEST_CASE("D8: each check of WebAuthn has its own flaw", "[D8]") {
  for (const auto algorithm : kAll) {
    const Authenticator one(algorithm);
    CAPTURE(one.name());
    for (const char* type : {"webauthn.create", "payment.get", "webauthn.get ", "WEBAUTHN.GET", ""}) CHECK(one.judged(changed([&](Answer& a) { a.type = type; })) == "type");
    for (const std::string& challenge : {base64url(hash_of(HashName::kSha256, "another")), std::string(), Answer().challenge + "=", Answer().challenge + "A",
                                         base64(hash_of(HashName::kSha256, kVoted)), std::string(kVoted)}) {
      CHECK(one.judged(changed([&](Answer& a) { a.challenge = challenge; })) == "challenge");
    }
    for (const char* origin : {"https://evil-example.com", "https://evil-login.example.org", "https://a.login.example.org", "https://example.org",
                               "http://login.example.org", "https://login.example.org:444", "https://login.example.org/", "https://LOGIN.example.org",
                               "https://login.example.org.evil.com", "null", ""}) {
      CHECK(one.judged(changed([&](Answer& a) { a.origin = origin; })) == "origin");
    }
    for (const char* more : {R"(,"crossOrigin":true)", R"(,"crossOrigin":"false")", R"(,"crossOrigin":null)", R"(,"crossOrigin":0)",
                             R"(,"crossOrigin":false,"topOrigin":"https://evil.example.org")"}) {
      CHECK(one.judged(changed([&](Answer& a) { a.more = more; })) == "cross-origin");
    }
    for (const char* party : {"evil-example.com", "login.example.org", "example.com", "EXAMPLE.ORG", "https://example.org", ""}) {
      CHECK(one.judged(changed([&](Answer& a) { a.relying_party = party; })) == "relying-party");
    }
    CHECK(one.judged(changed([](Answer& a) { a.flags = 0x04; })) == "touch");
    CHECK(one.judged(changed([](Answer& a) { a.flags = 0x00; })) == "touch");
    CHECK(one.judged(changed([](Answer& a) { a.flags = 0x01; })) == "none");
    CHECK(one.judged(changed([](Answer& a) { a.flags = 0x01; }), true) == "verify");
    CHECK(one.judged(changed([](Answer& a) { a.flags = 0x45; })) == "format");
    CHECK(one.judged(changed([](Answer& a) { a.flags = 0x85; a.behind = "\xa0"; })) == "format");
    CHECK(one.judged(changed([](Answer& a) { a.behind = "x"; })) == "format");

    std::uint32_t counter = 0;
    const auto count = [&](std::uint32_t value) {
      return name_of(verify(one.key(), "webauthn", kVoteNamespace, kVoted, bytes_of(one.assertion(changed([&](Answer& a) { a.counter = value; }))), &counter));
    };
    CHECK(count(0) == "none");
    CHECK(count(5) == "none");
    CHECK(count(5) == "counter");
    CHECK(count(4) == "counter");
    CHECK(count(0) == "counter");
    CHECK(count(6) == "none");
  }
}

TEST_CASE("D8: client data that two readers could read as two things", "[D8]") {
  const Authenticator one(WebauthnAlgorithm::kEs256);
  const auto data = [&](const std::string& text) { return one.judged(changed([&](Answer& a) { a.client_data = text; })); };
  const std::string challenge = "\"challenge\":\"" + Answer().challenge + "\"";
  const std::string good = R"({"type":"webauthn.get",)" + challenge + R"(,"origin":"https://login.example.org")";
  REQUIRE(data(good + "}") == "none");
  CHECK(data("\xef\xbb\xbf" + good + "}") == "format");
  CHECK(data("\xff\xfe" + good + "}") == "format");
  CHECK(data(" " + good + "}") == "format");
  CHECK(data(good + "} x") == "format");
  CHECK(data(good + R"(,"type":"webauthn.get"})") == "format");
  CHECK(data(good + R"(,"typ\u0065":"webauthn.create"})") == "format");
  CHECK(data(good + "," + challenge + "}") == "format");
  CHECK(data(good + R"(,"origin":"https://evil-example.com"})") == "format");
  CHECK(data(good + R"(,"x":{"y":1,"y":2}})") == "format");
  CHECK(data(good + R"(,"x":[{"y":1},{"y":2}]})") == "none");
  CHECK(data(good + R"(,"x":)" + std::string(20, '[') + std::string(20, ']') + "}") == "format");
  CHECK(data(good) == "format");
  CHECK(data("") == "format");
  CHECK(data("[]") == "format");
  CHECK(data(good + ",}") == "format");
  CHECK(data(good + ",\"x\":\"\xff\"}") == "format");
  CHECK(data(good + ",\"x\":\"" + std::string(5000, 'a') + "\"}") == "format");
  CHECK(data(R"({"type":["webauthn.get"],)" + challenge + R"(,"origin":"https://login.example.org"})") == "type");
  CHECK(data("{" + challenge + R"(,"origin":"https://login.example.org"})") == "type");
  CHECK(data(R"({"type":"webauthn.get","origin":"https://login.example.org"})") == "challenge");
  CHECK(data(R"({"type":"webauthn.get",)" + challenge + "}") == "origin");
  CHECK(data(R"({"Type":"webauthn.get",)" + challenge + R"(,"origin":"https://login.example.org"})") == "type");
}

TEST_CASE("D8: the algorithm is that of the enrolled key", "[D8]") {
  for (const auto algorithm : kAll) {
    for (const auto other : kAll) {
      if (algorithm == other) continue;
      const Authenticator one(algorithm), two(other);
      CHECK(one.judged(bytes_of(two.assertion())) == "signature");
      // The name of one algorithm before the key of another.
      std::string text = one.text();
      text.replace(text.find(" " + one.name() + " "), one.name().size() + 2, " " + two.name() + " ");
      CHECK(flaw_of({"webauthn", text, false}) == Flaw::kKey);
    }
  }
  CHECK(Authenticator(WebauthnAlgorithm::kEs256).judged(changed([](Answer& a) { a.hash = "SHA1"; })) == "signature");
  CHECK(Authenticator(WebauthnAlgorithm::kRs256).judged(changed([](Answer& a) { a.hash = "SHA1"; })) == "signature");
}

TEST_CASE("D7: an assertion is its credential's, whatever it says", "[D7]") {
  for (const auto algorithm : kAll) {
    const Authenticator alice(algorithm, "of alice"), mallory(algorithm, "of mallory");
    CAPTURE(alice.name());
    const Assertion hers = mallory.assertion();
    CHECK(mallory.judged(bytes_of(hers)) == "none");
    CHECK(alice.judged(bytes_of(hers)) == "other-key");
    Assertion relabelled = hers;  // the id is not under the signature, the key is
    relabelled.credential = alice.credential();
    CHECK(alice.judged(bytes_of(relabelled)) == "signature");
    CHECK(mallory.judged(bytes_of(relabelled)) == "other-key");
    // A user handle or a name beside it is not read past: there is no such member.
    for (const char* member : {"userHandle", "name", "person", "user"}) {
      auto json = Json::parse(text_of(bytes_of(hers)));
      json[member] = base64(bytes_of("alice"));
      const std::string text = json.dump();
      CHECK(mallory.judged(Bytes(text.begin(), text.end())) == "format");
      CHECK(alice.judged(Bytes(text.begin(), text.end())) == "format");
    }
  }
}

TEST_CASE("the frame of an assertion has one form") {
  const Authenticator one(WebauthnAlgorithm::kEs256);
  const Bytes good = bytes_of(one.assertion());
  for (std::size_t length = 0; length < good.size(); ++length) {
    CHECK(one.judged(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length))) == "format");
  }
  std::string text(text_of(good));
  for (const std::string& other : {" " + text, text + "\n", "{ " + text.substr(1), "[" + text + "]", "\xef\xbb\xbf" + text}) {
    CHECK(one.judged(Bytes(other.begin(), other.end())) == "format");
  }
  for (const char* member : {"authenticatorData", "clientDataJSON", "credentialId", "signature"}) {
    auto json = Json::parse(text);
    json.erase(member);
    const std::string less = json.dump();
    CHECK(one.judged(Bytes(less.begin(), less.end())) == "format");
    json[member] = 1;
    const std::string number = json.dump();
    CHECK(one.judged(Bytes(number.begin(), number.end())) == "format");
  }
  CHECK(one.judged(Bytes(std::size_t{1} << 20U, '{')) == "format");
}

TEST_CASE("D3: no part of one assertion stands in another of the same credential", "[D3]") {
  for (const auto algorithm : kAll) {
    const Authenticator one(algorithm);
    CAPTURE(one.name());
    const Assertion yes = one.assertion();
    const Assertion other = one.assertion(changed([](Answer& a) {
      a.challenge = base64url(hash_of(HashName::kSha256, "another vote"));
      a.counter = 99;
      a.flags = 0x01;
    }));
    REQUIRE(one.judged(bytes_of(yes)) == "none");
    CHECK(one.judged(bytes_of(other)) == "challenge");
    for (const auto part : {&Assertion::authenticator_data, &Assertion::client_data, &Assertion::signature}) {
      Assertion mixed = yes;
      mixed.*part = other.*part;
      CHECK(one.judged(bytes_of(mixed)) != "none");
      mixed = other;
      mixed.*part = yes.*part;
      CHECK(one.judged(bytes_of(mixed)) != "none");
    }
  }
}

TEST_CASE("D3: each flipped bit of an assertion is refused", "[D3]") {
  for (const auto algorithm : kAll) {
    const Authenticator one(algorithm);
    Bytes signature = bytes_of(one.assertion());
    std::size_t accepted = 0;
    for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
      signature[bit / 8] = static_cast<std::uint8_t>(signature[bit / 8] ^ (1U << (bit % 8)));
      if (one.judged(signature) == "none") ++accepted;
      signature[bit / 8] = static_cast<std::uint8_t>(signature[bit / 8] ^ (1U << (bit % 8)));
    }
    CHECK(accepted == 0);
  }
}

TEST_CASE("D4: signatures inside assertions", "[D4]") {
  for (const auto algorithm : kAll) {
    const Authenticator one(algorithm);
    CAPTURE(one.name());
    const Bytes good = one.assertion().signature;
    const auto with = [&](const Bytes& raw) { return one.judged(changed([&](Answer& a) { a.signature = raw; })); };
    for (std::size_t length = 0; length < good.size(); ++length) CHECK(with(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length))) != "none");
    Bytes longer = good;
    longer.push_back(0);
    CHECK(with(longer) != "none");
    CHECK(with(Bytes(good.size(), 0)) == "signature");
    CHECK(with({0x30, 0x06, 0x02, 0x01, 0, 0x02, 0x01, 0}) == "signature");
    CHECK(with({0x30, 0x80, 0x02, 0x01, 1, 0x02, 0x01, 1, 0, 0}) == "signature");
    CHECK(with(Bytes(std::size_t{1} << 20U, 0x30)) == "format");
  }
}

TEST_CASE("the text of a WebAuthn key has one form") {
  for (const auto algorithm : kAll) {
    const Authenticator one(algorithm);
    CAPTURE(one.name());
    const std::string tail = " " + one.name() + " " + base64(one.credential()) + " " + base64(one.cose());
    const auto flaw = [](const std::string& text) {
      const PublicKey key{"webauthn", text, false};
      CHECK((flaw_of(key) == Flaw::kKey) == !why_refused(key).empty());
      return flaw_of(key);
    };
    for (const char* head : {"example.org https://example.org", "example.org https://a.b.example.org", "example.org https://example.org:8443", "localhost https://localhost"}) {
      CHECK(flaw(head + tail) == Flaw::kNone);
    }
    for (const char* head : {"example.org https://evil-example.org", "example.org https://example.org.evil.com", "example.org http://example.org",
                             "example.org https://example.org/", "example.org https://example.org:0443", "example.org https://example.org:443",
                             "example.org https://example.org:", "example.org https://u@example.org", "EXAMPLE.org https://example.org",
                             ".org https://example..org", " https://example.org", "example.org", "example.org  https://example.org"}) {
      CHECK(flaw(head + tail) == Flaw::kKey);
    }
    const std::string head = "example.org https://example.org ";
    CHECK(flaw(head + "ES256 " + base64(one.credential()) + " " + base64(one.cose())) == Flaw::kKey);
    CHECK(flaw(head + one.name() + "  " + base64(one.cose())) == Flaw::kKey);
    CHECK(flaw(head + one.name() + " " + base64(Bytes(1024, 1)) + " " + base64(one.cose())) == Flaw::kKey);
    CHECK(flaw("example.org https://example.org" + tail + " comment") == Flaw::kKey);
    const Bytes cose = one.cose();
    const std::string before = head + one.name() + " " + base64(one.credential()) + " ";
    for (std::size_t length = 0; length < cose.size(); ++length) CHECK(flaw(before + base64(std::span(cose).first(length))) == Flaw::kKey);
    Bytes longer = cose;
    longer.push_back(0);
    CHECK(flaw(before + base64(longer)) == Flaw::kKey);
    for (std::size_t at = 0; at < 9; ++at) {  // the labels, types and lengths
      Bytes other = cose;
      other[at] = static_cast<std::uint8_t>(other[at] ^ 1U);
      CHECK(flaw(before + base64(other)) == Flaw::kKey);
    }
  }
  // Small order, as at SSH's keys.
  CHECK(flaw_of({"webauthn", "example.org https://example.org eddsa AAAA " +
                                 base64(WireWriter().raw("\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20"sv).raw(std::string(32, '\0')).bytes()), false}) == Flaw::kKey);
}
