// SPDX-License-Identifier: Apache-2.0
#include "evidence/webauthn.h"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "evidence/algorithms.h"
#include "evidence/canonical.h"
#include "evidence/envelope.h"
#include "evidence/wire.h"

namespace jit::evidence {
namespace {

constexpr std::size_t kWebauthnTextMax = 4096;
constexpr std::size_t kHostNameMax = 253;            // of a host (RFC 1035)
constexpr std::size_t kCredentialMax = 1023;     // WebAuthn, 4
constexpr std::size_t kClientDataMax = 4096;
constexpr std::size_t kAuthenticatorBytes = 37;  // hash, flags, counter
constexpr std::size_t kDerMax = 512;
constexpr int kClientDataDeepest = 8;
constexpr std::uint8_t kPersonPresent = 0x01;
constexpr std::uint8_t kPersonVerified = 0x04;
constexpr std::uint8_t kMore = 0xc0;             // attested credential data or extensions, which nobody asked for

struct FreeFidoAssertion {
  void operator()(fido_assert_t* assertion) const { fido_assert_free(&assertion); }
};
struct FreeFidoKey {
  void operator()(es256_pk_t* key) const { es256_pk_free(&key); }
  void operator()(eddsa_pk_t* key) const { eddsa_pk_free(&key); }
  void operator()(rs256_pk_t* key) const { rs256_pk_free(&key); }
};

// Cuts a word and its blank off the front; empty: there is none.
std::string_view next_word(std::string_view& text) {
  const std::size_t at = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return word;
}

bool host_name(std::string_view text) {
  return !text.empty() && text.size() <= kHostNameMax && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string_view::npos &&
         text.front() != '.' && text.back() != '.' && text.find("..") == std::string_view::npos;
}

// An origin (RFC 6454) whose host is the relying party's or below it.
bool origin_of(std::string_view origin, std::string_view relying_party) {
  constexpr std::string_view kScheme = "https://";
  if (!origin.starts_with(kScheme)) return false;
  origin.remove_prefix(kScheme.size());
  const std::size_t colon = origin.find(':');
  const std::string_view host = origin.substr(0, colon);
  if (colon != std::string_view::npos) {
    const std::string_view port = origin.substr(colon + 1);
    if (port.empty() || port.size() > 5 || port.front() == '0' || port.find_first_not_of("0123456789") != std::string_view::npos || port == "443") return false;
  }
  if (!host_name(host)) return false;
  return host == relying_party || (host.ends_with(relying_party) && host.at(host.size() - relying_party.size() - 1) == '.');
}

// The canonical CBOR of CTAP 2 leaves one form to each kind of key, so what stands around the numbers is constant.
class Cose {
 public:
  explicit Cose(std::span<const std::uint8_t> bytes) : reader_(bytes) {}
  Cose& same(std::string_view constant) {
    good_ = text_of(reader_.raw(constant.size())) == constant && good_;
    return *this;
  }
  Cose& take(std::size_t length, Bytes& out) {
    const auto got = reader_.raw(length);
    out.insert(out.end(), got.begin(), got.end());
    return *this;
  }
  bool done() const { return good_ && reader_.done(); }

 private:
  WireReader reader_;
  bool good_ = true;
};

bool read_cose(WebauthnKey& key) {
  using namespace std::string_view_literals;
  switch (key.algorithm) {
    case WebauthnAlgorithm::kEs256: {
      const bool whole = Cose(key.cose).same("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"sv).take(32, key.raw).same("\x22\x58\x20"sv).take(32, key.raw).done();
      Bytes point{0x04};
      point.insert(point.end(), key.raw.begin(), key.raw.end());
      return whole && p256_usable(point);
    }
    case WebauthnAlgorithm::kEddsa:
      return Cose(key.cose).same("\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20"sv).take(kEd25519KeyBytes, key.raw).done() && ed25519_usable(key.raw);
    case WebauthnAlgorithm::kRs256: {
      constexpr std::size_t kModulus = 256;
      const bool whole = Cose(key.cose).same("\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00"sv).take(kModulus, key.raw).same("\x21\x43"sv).take(3, key.raw).done();
      return whole && rsa_usable(std::span(key.raw).first(kModulus), std::span(key.raw).subspan(kModulus));
    }
  }
  return false;
}

// What browsers write: any order, unknown members; but each member once, so that no two readers see two values.
std::optional<Json> read_client_data(std::string_view text) {
  if (text.size() > kClientDataMax || !text.starts_with('{')) return std::nullopt;  // so no byte order mark either
  bool bad = false;
  std::vector<std::set<std::string>> names;
  const Json::parser_callback_t look = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kClientDataDeepest) bad = true;
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key && !names.back().insert(value.get<std::string>()).second) bad = true;
    return true;
  };
  Json out = Json::parse(text.begin(), text.end(), look, false);
  if (bad || !out.is_object()) return std::nullopt;
  return out;
}

bool is_text(const Json& object, const char* name, std::string_view value) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() && found->get_ref<const std::string&>() == value;
}

Flaw judge_client_data(const WebauthnKey& key, std::string_view text, std::string_view message) {
  const auto data = read_client_data(text);
  if (!data) return Flaw::kFormat;
  if (!is_text(*data, "type", "webauthn.get")) return Flaw::kType;
  if (!is_text(*data, "challenge", base64url(hash_of(HashName::kSha256, message)))) return Flaw::kChallenge;
  if (!is_text(*data, "origin", key.origin)) return Flaw::kOrigin;
  const auto cross = data->find("crossOrigin");
  if (cross != data->end() && *cross != Json(false)) return Flaw::kCrossOrigin;
  // A page that stands inside another names it, whatever it says of crossOrigin (level 3, 5.8.1).
  if (data->contains("topOrigin")) return Flaw::kCrossOrigin;
  return Flaw::kNone;
}

Flaw judge_authenticator_data(const WebauthnKey& key, bool verify_required, std::span<const std::uint8_t> data, std::uint32_t* counter) {
  if (data.size() != kAuthenticatorBytes) return Flaw::kFormat;
  WireReader reader(data);
  const auto party = reader.raw(32);
  const std::uint8_t flags = reader.byte();
  const std::uint32_t count = reader.number();
  if ((flags & kMore) != 0) return Flaw::kFormat;
  if (text_of(party) != text_of(hash_of(HashName::kSha256, key.relying_party))) return Flaw::kRelyingParty;
  if ((flags & kPersonPresent) == 0) return Flaw::kTouch;
  if (verify_required && (flags & kPersonVerified) == 0) return Flaw::kVerify;
  if (counter != nullptr) *counter = count;
  return Flaw::kNone;
}

bool assertion_good(const fido_assert_t* assertion, const WebauthnKey& key) {
  // Which mathematics are asked is the enrolled key's word alone.
  switch (key.algorithm) {
    case WebauthnAlgorithm::kEs256: {
      const std::unique_ptr<es256_pk_t, FreeFidoKey> made(es256_pk_new());
      return made && es256_pk_from_ptr(made.get(), key.raw.data(), key.raw.size()) == FIDO_OK &&
             fido_assert_verify(assertion, 0, COSE_ES256, made.get()) == FIDO_OK;
    }
    case WebauthnAlgorithm::kEddsa: {
      const std::unique_ptr<eddsa_pk_t, FreeFidoKey> made(eddsa_pk_new());
      return made && eddsa_pk_from_ptr(made.get(), key.raw.data(), key.raw.size()) == FIDO_OK &&
             fido_assert_verify(assertion, 0, COSE_EDDSA, made.get()) == FIDO_OK;
    }
    case WebauthnAlgorithm::kRs256: {
      const std::unique_ptr<rs256_pk_t, FreeFidoKey> made(rs256_pk_new());
      return made && rs256_pk_from_ptr(made.get(), key.raw.data(), key.raw.size()) == FIDO_OK &&
             fido_assert_verify(assertion, 0, COSE_RS256, made.get()) == FIDO_OK;
    }
  }
  return false;
}

}  // namespace

std::optional<WebauthnKey> parse_webauthn_key(std::string_view text, std::string* why) {
  const auto wrong = [why](const char* what) -> std::optional<WebauthnKey> {
    if (why != nullptr) *why = what;
    return std::nullopt;
  };
  if (text.size() > kWebauthnTextMax) return wrong("is longer than any key");
  WebauthnKey out;
  out.relying_party = next_word(text);
  out.origin = next_word(text);
  const std::string_view algorithm = next_word(text);
  const auto credential = from_base64(next_word(text));
  const auto cose = from_base64(text);  // the rest: nothing stands behind
  if (!host_name(out.relying_party)) return wrong("is not \"RPID ORIGIN ALG CREDENTIAL KEY\": RPID is a host name, as example.org");
  if (!origin_of(out.origin, out.relying_party)) return wrong("has an origin that is not https:// and a host name of its relying party");
  if (algorithm == "es256") out.algorithm = WebauthnAlgorithm::kEs256;
  else if (algorithm == "eddsa") out.algorithm = WebauthnAlgorithm::kEddsa;
  else if (algorithm == "rs256") out.algorithm = WebauthnAlgorithm::kRs256;
  else return wrong("is of an algorithm that is not taken (es256, eddsa, rs256)");
  if (!credential || credential->empty() || credential->size() > kCredentialMax) return wrong("has no id of a credential in base64");
  if (!cose) return wrong("has no COSE key in base64 at its end");
  out.credential = *credential;
  out.cose = *cose;
  if (!read_cose(out)) return wrong("has a COSE key that is not sound, or not one of its algorithm");
  return out;
}

std::optional<Assertion> parse_assertion(std::span<const std::uint8_t> signature) {
  const auto whole = parse_canonical(text_of(signature), kSignatureMax);
  if (!whole) return std::nullopt;
  Members members(*whole);
  Assertion out;
  out.authenticator_data = members.base64("authenticatorData", kClientDataMax);
  out.client_data = members.base64("clientDataJSON", kClientDataMax);
  out.credential = members.base64("credentialId", kCredentialMax);
  out.signature = members.base64("signature", kDerMax);
  if (!members.done()) return std::nullopt;
  return out;
}

Bytes bytes_of(const Assertion& assertion) {
  const std::string text = Json{{"authenticatorData", base64(assertion.authenticator_data)},
                                {"clientDataJSON", base64(assertion.client_data)},
                                {"credentialId", base64(assertion.credential)},
                                {"signature", base64(assertion.signature)}}.dump();
  return {text.begin(), text.end()};
}

Flaw verify_webauthn(const WebauthnKey& key, bool verify_required, std::string_view message, std::span<const std::uint8_t> signature,
                     std::uint32_t* counter) {
  const auto made = parse_assertion(signature);
  if (!made) return Flaw::kFormat;
  if (made->credential != key.credential) return Flaw::kOtherKey;
  const Flaw client = judge_client_data(key, text_of(made->client_data), message);
  if (client != Flaw::kNone) return client;
  const Flaw authenticator = judge_authenticator_data(key, verify_required, made->authenticator_data, counter);
  if (authenticator != Flaw::kNone) return authenticator;
  const std::unique_ptr<fido_assert_t, FreeFidoAssertion> assertion(fido_assert_new());
  fido_assert_t* const into = assertion.get();
  const bool set = into != nullptr && fido_assert_set_rp(into, key.relying_party.c_str()) == FIDO_OK &&
                   fido_assert_set_clientdata(into, made->client_data.data(), made->client_data.size()) == FIDO_OK &&
                   fido_assert_set_count(into, 1) == FIDO_OK &&
                   fido_assert_set_authdata_raw(into, 0, made->authenticator_data.data(), made->authenticator_data.size()) == FIDO_OK &&
                   fido_assert_set_sig(into, 0, made->signature.data(), made->signature.size()) == FIDO_OK &&
                   fido_assert_set_up(into, FIDO_OPT_TRUE) == FIDO_OK &&
                   fido_assert_set_uv(into, verify_required ? FIDO_OPT_TRUE : FIDO_OPT_OMIT) == FIDO_OK;
  return set && assertion_good(into, key) ? Flaw::kNone : Flaw::kSignature;
}

}  // namespace jit::evidence
