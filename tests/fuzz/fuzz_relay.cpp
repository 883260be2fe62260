// SPDX-License-Identifier: Apache-2.0
// What couriers read, by the first letter: 's' relay.toml, 'c' a file of credentials, 'j' a subject, 'a' the authority's document,
// 'n' newer words for credentials, 'o' what a host tells of its private fields.
#include <algorithm>

#include "evidence/hidden.h"
#include "relay/credentials/authority.h"
#include "relay/credentials/settings_file.h"
#include "relay/credentials/subjects.h"
#include "tests/fuzz/fuzz.h"

using namespace jit::relay;
using jit::fuzz::harmless;
using jit::fuzz::require;

namespace {

void settings(std::string_view text) {
  for (const char* table : {"", "relay"}) {
    std::string why;
    const auto read = read_settings(text, table, why);
    require(read.has_value() == why.empty() && harmless(why));
    if (!read || read->none) continue;
    require(!read->servers.empty() && read->credentials.starts_with('/'));
    for (const std::string& server : read->servers) require(server.starts_with("tls://"));
  }
}

void credentials_file(std::string_view text) {
  const auto claims = read_credentials(text);
  if (claims && claims->expires >= claims->issued) require(renew_from(*claims) <= claims->expires);
  const auto login = read_login(text);
  if (!login) return;
  require(login->sign("nonce").size() == 64);
  const auto again = read_login(with_jwt(text, login->jwt));
  require(again && again->jwt == login->jwt && again->sign("nonce") == login->sign("nonce"));
}

void subject(std::string_view text) {
  if (const auto request = read_request_subject(text)) require(request_subject(request->set, request->host, request->request) == text);
  if (const auto end = read_end_subject(text)) require(end_subject(end->host, end->request) == text);
  if (const auto vote = read_vote_subject(text)) require(vote_subject(vote->host, vote->request, vote->person) == text);
  // A name is one token, and no other name's.
  if (text.empty() || text.size() > 256) return;
  const std::string token = token_of(text);
  require(token.find_first_of(".*> \t\r\n") == std::string::npos);
  if (const auto name = name_of_token(token)) require(*name == text);
}

void authority(std::string_view text) {
  const auto read = Authority::read(text);
  if (!read) return;
  const std::string written = read->document();
  const auto again = Authority::read(written);
  require(again && again->document() == written);
}

// Nobody has the account's key here: nothing that was not issued ever takes a place.
void newer(std::string_view text) {
  static Authority issuer = Authority::make();
  static const std::string file = issuer.issue_host(std::string(32, 'a'), 1'700'000'000, 3600);
  require(!renews(read_login(file)->jwt, text));
}

void openings(std::string_view text) {
  using namespace jit::evidence;
  const auto read = read_openings(Json::parse(text.begin(), text.end(), nullptr, false));
  if (!read) return;
  Request request;
  request.reason = "because";
  hide(request, {true, true, true}, "secret");
  const Request before = request;
  require(!open(request, *read) || read->empty());
  require(request == before);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 's': settings(text); break;
    case 'c': credentials_file(text); break;
    case 'j': subject(text); break;
    case 'a': authority(text); break;
    case 'n': newer(text); break;
    case 'o': openings(text); break;
    default: break;
  }
  return 0;
}
