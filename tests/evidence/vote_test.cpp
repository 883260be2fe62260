// SPDX-License-Identifier: Apache-2.0
// Documents and votes: one form of each, and no bit of it that may be another.
#include <array>

#include "tests/catch.h"
#include <zlib.h>

#include "evidence/carried.h"
#include "evidence/canonical.h"
#include "evidence/grant.h"
#include "evidence/host_key.h"
#include "evidence/request.h"
#include "evidence/text.h"
#include "evidence/vote.h"
#include "evidence/vote_code.h"

using namespace jit::evidence;

namespace {

HostKey voter_key(std::uint8_t number) {
  const std::array<std::uint8_t, kSecretBytes> secret{number};
  return std::move(*HostKey::from_secret(secret));
}

Vote a_vote(const HostKey& key, char fill) {
  Vote vote;
  vote.digest = std::string(64, fill);
  vote.request = std::string(32, fill);
  vote.host_id = std::string(32, fill);
  vote.boot_id = std::string("boot-") + fill;
  vote.approve = fill == 'a';
  vote.duration_s = fill == 'a' ? 300U : 600U;
  vote.scope = fill == 'a' ? "tty" : "command";
  if (fill != 'a') vote.block_s = 60;
  vote.reason = std::string("because ") + fill;
  vote.person = std::string("person-") + fill;
  vote.key_id = key.fingerprint();
  vote.typed = fill == 'a' ? "123456" : "654321";
  vote.time_ms = fill;
  return vote;
}

// As a host does it, its own state apart.
std::optional<Vote> accepted(std::string_view text, const HostKey& key) {
  const auto envelope = parse_envelope(text);
  if (!envelope || envelope->signatures.size() != 1 || envelope->signatures[0].key_id != key.fingerprint()) return std::nullopt;
  const Signature& signature = envelope->signatures[0];
  const Flaw flaw = verify(key.public_key(), signature.kind, kVoteNamespace, pae(envelope->type, envelope->payload), signature.bytes);
  if (flaw != Flaw::kNone || envelope->type != kVoteType) return std::nullopt;
  return read_vote(envelope->payload);
}

VoteCode a_code(const HostKey& key) {
  VoteCode code;
  code.digest = std::string(64, 'c');
  code.approve = true;
  code.duration_s = 900;
  code.scope = 1;
  code.key = *key_prefix(key.public_key());
  code.typed = "000123";
  code.reason = "fine by me";
  return code;
}

std::string text_for(const HostKey& key, const VoteCode& code) {
  return *to_text(code, key.sign(kVoteCodeNamespace, text_of(*body_of(code))));
}

Request a_request() {
  Request request;
  request.id = std::string(32, '1');
  request.kind = "elevation";
  request.host_id = std::string(32, '2');
  request.host_name = "web\x1b[1m";
  request.boot_id = "b";
  request.nonce = std::string(64, '3');
  request.subject = {"al\"ice", 1000, 1000, "", "alice", "local", "/dev/pts/1", std::nullopt};
  request.door = "sudo";
  request.service = "sudo";
  request.target = {"root", 0, false, "adm\n"};
  request.command.argv = {"sudo", std::string("a\0b", 3), "\xff", ""};
  request.command.known = true;
  request.cwd = "/home/alice";
  request.reason = "caf\xc3\xa9";
  request.urgency = "normal";
  request.offer.rule = "r";
  request.offer.seats = {{"group:sre", 2}};
  request.offer.ladder = {{60, "set:lead", "group:sre", ""}};
  request.offer.votes = "signed";
  request.offer.scope = "tty";
  request.offer.warn_before_s = {300, 60};
  request.offer.tickets = {"", "CHG-#"};
  request.offer.on_expiry = "end";
  request.policy_hash = std::string(64, '4');
  request.risk_signs = {"first time here"};
  return request;
}

}  // namespace

TEST_CASE("no bit of a signed vote may be another", "[D3]") {
  const HostKey key = voter_key(1);
  const Vote vote = a_vote(key, 'a');
  const std::string text = to_json(key.seal(kVoteType, payload_of(vote), kVoteNamespace));
  REQUIRE(accepted(text, key) == vote);
  std::size_t passed = 0;
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string other = text;
    other[bit / 8] = static_cast<char>(static_cast<unsigned char>(other[bit / 8]) ^ (1U << (bit % 8)));
    if (accepted(other, key)) ++passed;
  }
  CHECK(passed == 0);
  for (std::size_t length = 0; length < text.size(); ++length) {
    if (accepted(std::string_view(text).substr(0, length), key)) ++passed;
  }
  CHECK(passed == 0);
}

TEST_CASE("no field of one vote stands in another", "[D3]") {
  const HostKey key = voter_key(1);
  const HostKey other_key = voter_key(2);
  const std::string one = payload_of(a_vote(key, 'a'));
  const std::string two = payload_of(a_vote(other_key, 'b'));
  const Envelope first = key.seal(kVoteType, one, kVoteNamespace);
  const Envelope second = other_key.seal(kVoteType, two, kVoteNamespace);
  const Json from = Json::parse(two);
  std::size_t swapped = 0;
  for (const auto& [name, value] : from.items()) {
    Json mixed = Json::parse(one);
    mixed[name] = value;
    CHECK_FALSE(accepted(to_json({first.type, mixed.dump(), first.signatures}), key));
    CHECK_FALSE(accepted(to_json({first.type, mixed.dump(), second.signatures}), other_key));
    ++swapped;
  }
  CHECK(swapped == 13);
  CHECK_FALSE(accepted(to_json({first.type, first.payload, second.signatures}), other_key));
  CHECK_FALSE(accepted(to_json({second.type, second.payload, first.signatures}), key));
  Envelope renamed = second;
  renamed.signatures[0].key_id = key.fingerprint();
  CHECK_FALSE(accepted(to_json(renamed), key));
  for (const std::string_view type : {kRequestType, kGrantType, std::string_view("application/vnd.pam-jit.vote.v2+json"), std::string_view("")}) {
    CHECK_FALSE(accepted(to_json({std::string(type), first.payload, first.signatures}), key));
    CHECK_FALSE(accepted(to_json(key.seal(type, one, kVoteNamespace)), key));
  }
  CHECK_FALSE(accepted(to_json(key.seal(kVoteType, one, kGrantNamespace)), key));
}

// Of one person's two votes, and of two people's: each of two payloads with each name of a key, kind and signature.
TEST_CASE("no part of one signed vote stands in another", "[D3]") {
  const HostKey key = voter_key(1);
  const HostKey other = voter_key(2);
  for (const HostKey* const second : {&key, &other}) {
    const std::array<const HostKey*, 2> keys{&key, second};
    const std::array<Envelope, 2> votes{key.seal(kVoteType, payload_of(a_vote(key, 'a')), kVoteNamespace), second->seal(kVoteType, payload_of(a_vote(*second, 'b')), kVoteNamespace)};
    std::size_t good = 0;
    for (std::size_t cell = 0; cell < 32; ++cell) {
      const std::size_t payload = cell & 1U, named = (cell >> 1U) & 1U, signature = (cell >> 2U) & 1U, checked = (cell >> 3U) & 1U;
      const bool webauthn = (cell & 16U) != 0;
      Envelope mixed{std::string(kVoteType), votes.at(payload).payload, votes.at(signature).signatures};
      mixed.signatures[0].key_id = votes.at(named).signatures[0].key_id;
      if (webauthn) mixed.signatures[0].kind = "webauthn";
      const bool whole = !webauthn && payload == signature && keys.at(named) == keys.at(payload) && keys.at(checked) == keys.at(payload);
      CHECK(accepted(to_json(mixed), *keys.at(checked)).has_value() == whole);
      good += whole ? 1 : 0;
    }
    CHECK(good == (second == &key ? 8 : 2));
  }
}

TEST_CASE("no bit of a vote code may be another", "[D3]") {
  const HostKey key = voter_key(1);
  const std::string text = text_for(key, a_code(key));
  CHECK(text.size() <= kCodeMax);
  VoteCode out;
  REQUIRE(ReadCode::parse(text));
  REQUIRE(ReadCode::parse(text)->verify(key.public_key(), out) == Flaw::kNone);
  CHECK(out == a_code(key));
  std::size_t passed = 0;
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string other = text;
    other[bit / 8] = static_cast<char>(static_cast<unsigned char>(other[bit / 8]) ^ (1U << (bit % 8)));
    const auto read = ReadCode::parse(other);
    if (read && read->verify(key.public_key(), out) == Flaw::kNone) ++passed;
  }
  CHECK(passed == 0);
  CHECK(ReadCode::parse(text)->verify(voter_key(2).public_key(), out) == Flaw::kOtherKey);
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto read = ReadCode::parse(std::string_view(text).substr(0, length));
    CHECK((!read || read->verify(key.public_key(), out) != Flaw::kNone));
  }
}

TEST_CASE("no field of one vote code stands in another", "[D3]") {
  const HostKey key = voter_key(1);
  const VoteCode one = a_code(key);
  VoteCode other;
  other.digest = std::string(64, 'd');
  other.key = one.key;
  other.approve = !one.approve;
  other.duration_s = 77;
  other.block_s = 88;
  other.typed = "654321";
  other.scope = 2;
  other.reason = "another";
  const Bytes signed_one = key.sign(kVoteCodeNamespace, text_of(*body_of(one)));
  const Bytes signed_other = key.sign(kVoteCodeNamespace, text_of(*body_of(other)));
  const auto counts = [&](const VoteCode& code, const Bytes& signature) {
    VoteCode out;
    const auto text = to_text(code, signature);
    const auto read = text ? ReadCode::parse(*text) : std::nullopt;
    return read && read->verify(key.public_key(), out) == Flaw::kNone;
  };
  REQUIRE(counts(one, signed_one));
  REQUIRE(counts(other, signed_other));
  CHECK_FALSE(counts(one, signed_other));
  std::size_t mixed_ones = 0;
  const auto mix = [&](auto member) {
    VoteCode mixed = one;
    mixed.*member = other.*member;
    REQUIRE(mixed != one);
    CHECK_FALSE(counts(mixed, signed_one));
    CHECK_FALSE(counts(mixed, signed_other));
    ++mixed_ones;
  };
  mix(&VoteCode::digest);
  mix(&VoteCode::approve);
  mix(&VoteCode::duration_s);
  mix(&VoteCode::block_s);
  mix(&VoteCode::typed);
  mix(&VoteCode::scope);
  mix(&VoteCode::reason);
  CHECK(mixed_ones == 7);
}

TEST_CASE("a vote code holds what fits, and says what does not") {
  const HostKey key = voter_key(1);
  VoteCode code = a_code(key);
  code.reason = std::string(kCodeReasonMax, 'x');
  CHECK(text_for(key, code).size() <= kCodeMax);
  code.reason += 'x';
  CHECK_FALSE(body_of(code));
  code = a_code(key);
  code.typed = "12345";
  CHECK_FALSE(body_of(code));
  code = a_code(key);
  code.scope = 4;
  CHECK_FALSE(body_of(code));
  CHECK_FALSE(to_text(a_code(key), key.sign(kVoteNamespace, "x")));
  CHECK_FALSE(key_prefix({"webauthn", "x", false}));
  CHECK_FALSE(key_prefix({"ssh", "ssh-rsa AAAA", false}));
}

TEST_CASE("documents have one form", "[D17]") {
  const Request request = a_request();
  const std::string text = payload_of(request);
  REQUIRE(read_request(text) == request);
  const std::string bad[] = {"",
                             text + " ",
                             " " + text,
                             "\xef\xbb\xbf" + text,
                             text + text,
                             text.substr(0, text.size() - 1),
                             text.substr(0, text.size() - 1) + ",\"zzz\":1}",                    // an unknown member
                             "{\"asked\":{\"duration_s\":null,\"scope\":null}," + text.substr(1),  // a member twice
                             std::string(kRequestMax + 1, ' '),
                             "[" + text + "]"};
  for (const std::string& each : bad) CHECK_FALSE(read_request(each));
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string out = text;
    REQUIRE(out.find(from) != std::string::npos);
    return out.replace(out.find(from), from.size(), to);
  };
  for (const auto& [from, to] : std::initializer_list<std::pair<std::string, std::string>>{
           {"\"epoch\":1", "\"epoch\":1.0"}, {"\"epoch\":1", "\"epoch\":1e0"}, {"\"epoch\":1", "\"epoch\":-0"}, {"\"epoch\":1", "\"epoch\":01"},
           {"\"epoch\":1", "\"epoch\":99999999999999999999"}, {"\"epoch\":1", "\"epoch\":\"1\""}, {"\"uid\":1000", "\"uid\":4294967296"},
           {"\"uid\":1000", "\"uid\":-1"}, {"\"door\":\"sudo\"", "\"door\":\"\\u0073udo\""}, {"\"door\":\"sudo\"", "\"door\":\"s\xc3\xb6\"" },
           {"\\\\u{e9}", "e\\\\u{301}\\\\u{zz}"}, {"\"machines\":false", "\"machines\":0"}, {"\"machines\":false,", ""}, {"\"kind\"", "\"Kind\""}}) {
    INFO(to);
    CHECK_FALSE(read_request(replaced(from, to)));
  }
  CHECK_FALSE(parse_canonical(std::string(4000, '['), 8000));
  std::string deep = "{\"a\":";
  for (int i = 0; i < 2000; ++i) deep += "[";
  CHECK_FALSE(parse_canonical(deep, 8000));

  Grant grant;
  grant.id = std::string(32, '1');
  grant.host_id = std::string(32, '2');
  grant.boot_id = "b";
  grant.subject = "al\"ice";
  grant.person = "alice";
  grant.votes = {std::string(64, 'a'), std::string(64, 'b')};
  REQUIRE(read_grant(payload_of(grant)) == grant);
  grant.head = "";
  CHECK(payload_of(grant).find("\"head\":null") != std::string::npos);
  REQUIRE(read_grant(payload_of(grant)) == grant);
  grant.head = "12:" + std::string(64, 'c');
  REQUIRE(read_grant(payload_of(grant)) == grant);
  std::swap(grant.votes[0], grant.votes[1]);
  CHECK_FALSE(read_grant(payload_of(grant)));
}

// Found by the fuzzer: a grant without its request threw.
TEST_CASE("a document without one of its members, or with another type there, is none", "[D17]") {
  Grant grant;
  grant.id = std::string(32, '1');
  grant.host_id = std::string(32, '2');
  grant.boot_id = "b";
  grant.subject = grant.person = "alice";
  const auto each = [](const std::string& whole, const auto& read) {
    REQUIRE(read(whole));
    const Json document = Json::parse(whole);
    for (const auto& member : document.items()) {
      CAPTURE(member.key());
      Json less = document;
      less.erase(member.key());
      CHECK_FALSE(read(less.dump()));
      for (const Json& other : {Json(), Json(1.5), Json("x"), Json(-1), Json(true), Json::array({nullptr}), Json{{"x", 1}}}) {
        Json changed = document;
        changed[member.key()] = other;
        if (const auto made = read(changed.dump())) CHECK(payload_of(*made) == changed.dump());
      }
    }
  };
  each(payload_of(grant), [](const std::string& text) { return read_grant(text); });
  each(payload_of(a_request()), [](const std::string& text) { return read_request(text); });
  each(payload_of(a_vote(voter_key(1), 'a')), [](const std::string& text) { return read_vote(text); });
}

TEST_CASE("what is carried comes back as it was") {
  const HostKey key = voter_key(3);
  const std::string envelope = to_json(key.seal(kRequestType, payload_of(a_request()), kRequestNamespace));
  std::string text = to_carried(envelope);
  CHECK(from_carried(text) == envelope);
  CHECK(from_carried(" \n" + text.substr(0, 50) + "\r\n " + text.substr(50) + "\n") == envelope);
  CHECK(from_carried(envelope + "\n") == envelope);
  for (const std::string& bad : {std::string(), std::string("jr2"), std::string("jr2AAAA"), text + "AAAA", text.substr(0, text.size() - 8), "x" + text,
                                 std::string(4 * kEnvelopeMax, 'A')}) {
    CHECK_FALSE(from_carried(bad));
  }
  CHECK(to_carried("{}").empty());
}

TEST_CASE("what is carried is one envelope, whole and of a bounded size") {
  using namespace std::string_literals;
  const auto packed = [](const std::string& parts) {
    uLongf size = compressBound(static_cast<uLong>(parts.size()));
    Bytes out(size);
    REQUIRE(compress2(out.data(), &size, reinterpret_cast<const Bytef*>(parts.data()), static_cast<uLong>(parts.size()), 9) == Z_OK);
    out.resize(size);
    return "jr2" + base64url(out);
  };
  const std::string good = "t\0k\0sshsig\0\0\2ab{}"s;
  REQUIRE(from_carried(packed(good)) == R"({"payload":"e30=","payloadType":"t","signatures":[{"keyid":"k","kind":"sshsig","sig":"YWI="}]})");
  for (std::size_t size = 0; size < good.size() - 2; ++size) CHECK_FALSE(from_carried(packed(good.substr(0, size))));
  CHECK_FALSE(from_carried(packed("\xff\0k\0sshsig\0\0\2ab{}"s)));
  CHECK_FALSE(from_carried(packed("t\0k\0\xed\xa0\x80\0\0\2ab{}"s)));
  CHECK_FALSE(from_carried(packed("t\0k\0sshsig\0\0\2ab"s + std::string(2 * kEnvelopeMax, ' '))));  // would grow without end
  CHECK_FALSE(from_carried(packed("t\0k\0sshsig\0\0\2ab"s + std::string(kEnvelopeMax - 100, ' '))));  // as JSON it would
}
