// SPDX-License-Identifier: Apache-2.0
#include "relay/credentials/jwt.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "evidence/canonical.h"
#include "evidence/sha256.h"

namespace jit::relay {
namespace {

using Json = nlohmann::json;
using evidence::Nkey;

std::string encoded(const std::string& text) { return evidence::base64url(evidence::bytes_of(text)); }

std::string signed_jwt(const Nkey& issuer, Json claims, std::int64_t now) {
  claims["iss"] = issuer.public_text();
  claims["iat"] = now;
  claims["jti"] = evidence::base32(evidence::sha256({claims.dump()}));
  const std::string words = encoded(R"({"typ":"JWT","alg":"ed25519-nkey"})") + "." + encoded(claims.dump());
  return words + "." + evidence::base64url(issuer.sign(words));
}

// -1: as much as there is. JetStream in the account RELAY only.
Json limits(bool streams) {
  Json out{{"subs", -1}, {"data", -1}, {"payload", -1}, {"imports", -1}, {"exports", -1}, {"wildcards", true}, {"conn", -1}, {"leaf", -1}};
  if (streams) out.update(Json{{"mem_storage", -1}, {"disk_storage", -1}, {"streams", -1}, {"consumer", -1}});
  return out;
}

Json account(const Json& more, bool streams, const std::string& key, std::string_view name) {
  Json nats{{"type", "account"}, {"version", 2}, {"limits", limits(streams)}, {"default_permissions", {{"pub", Json::object()}, {"sub", Json::object()}}}};
  nats.update(more);
  return Json{{"sub", key}, {"name", name}, {"nats", std::move(nats)}};
}

Json imports(const Accounts& accounts, bool hosts) {
  Json out = Json::array();
  for (const Shared& each : shared_subjects()) {
    if (hosts ? !each.hosts : !each.approvers) continue;
    Json one{{"name", each.name}, {"subject", each.subject}, {"account", accounts.relay}, {"type", each.service ? "service" : "stream"}};
    if (!each.local.empty()) one["local_subject"] = each.local;
    out.push_back(std::move(one));
  }
  return out;
}

Json with_revoked(Json out, const Revocations& revoked) {
  if (revoked.until.empty()) return out;
  for (const auto& [user, until] : revoked.until) out["revocations"][user] = until;
  return out;
}

constexpr std::string_view kNotLetIn[] = {"Authorization Violation", "Authentication Revoked", "Authentication Expired"};  // nats-server's
constexpr std::string_view kJwtHead = "-----BEGIN NATS USER JWT-----\n";
constexpr std::int64_t kTimeMax = std::int64_t{1} << 53U;  // exact in every reader of JSON
constexpr std::string_view kJwtLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
constexpr std::size_t kJwtMax = 16 * 1024;
constexpr std::int64_t kLookMost = 30 * 60'000;
constexpr std::int64_t kLookLeast = 1000;
constexpr std::int64_t kLookEnded = 60'000;
constexpr std::string_view kSeedHead = "-----BEGIN USER NKEY SEED-----\n";

std::string_view line_below(std::string_view text, std::string_view head) {
  const std::size_t at = text.find(head);
  if (at == std::string_view::npos) return {};
  const std::string_view below = text.substr(at + head.size());
  return below.substr(0, below.find_first_of("\r\n"));
}

}  // namespace

std::string operator_jwt(const Nkey& key, const std::string& system_account, std::int64_t now) {
  return signed_jwt(key, {{"sub", key.public_text()}, {"name", "pam_jit relay"}, {"nats", {{"type", "operator"}, {"version", 2}, {"system_account", system_account}}}}, now);
}

std::string relay_account_jwt(const Nkey& authority, const Accounts& accounts, std::int64_t now) {
  Json exports = Json::array();
  for (const Shared& each : shared_subjects()) {
    exports.push_back({{"name", each.name}, {"subject", each.subject}, {"type", each.service ? "service" : "stream"}});
  }
  return signed_jwt(authority, account({{"exports", std::move(exports)}}, true, accounts.relay, "RELAY"), now);
}

std::string hosts_account_jwt(const Nkey& authority, const Accounts& accounts, const Revocations& revoked, std::int64_t now) {
  return signed_jwt(authority, account(with_revoked({{"imports", imports(accounts, true)}}, revoked), false, accounts.hosts, "HOSTS"), now);
}

std::string approvers_account_jwt(const Nkey& authority, const Accounts& accounts, const Revocations& revoked, std::int64_t now) {
  return signed_jwt(authority, account(with_revoked({{"imports", imports(accounts, false)}}, revoked), false, accounts.approvers, "APPROVERS"), now);
}

std::string system_account_jwt(const Nkey& authority, const Accounts& accounts, std::int64_t now) {
  return signed_jwt(authority, account(Json::object(), false, accounts.system, "SYSTEM"), now);
}

std::string user_jwt(const Nkey& account, const std::string& user, std::string_view name, const Permissions* permissions, std::int64_t now,
                     std::int64_t expires) {
  Json nats{{"type", "user"}, {"version", 2}, {"subs", -1}, {"data", -1}, {"payload", -1}, {"pub", Json::object()}, {"sub", Json::object()}};
  if (permissions != nullptr) {
    nats["pub"]["allow"] = permissions->publish;
    nats["sub"]["allow"] = permissions->subscribe;
    nats["payload"] = kMessageMax;
  }
  Json claims{{"sub", user}, {"name", name}, {"nats", std::move(nats)}};
  if (expires != 0) claims["exp"] = expires;
  return signed_jwt(account, std::move(claims), now);
}

std::string credentials(const std::string& jwt, const std::string& seed) {
  return std::string(kJwtHead) + jwt + "\n------END NATS USER JWT------\n\n" + std::string(kSeedHead) + seed + "\n------END USER NKEY SEED------\n";
}

std::optional<Login> read_login(std::string_view text) {
  auto key = Nkey::from_seed(line_below(text, kSeedHead));
  const std::string_view jwt = line_below(text, kJwtHead);
  if (!key || key->kind() != evidence::NkeyKind::kUser || jwt.empty() || jwt.find_first_not_of(kJwtLetters) != std::string_view::npos) return std::nullopt;
  return Login{std::string(jwt), [key = std::make_shared<const Nkey>(std::move(*key))](std::string_view nonce) {
    const evidence::Bytes signature = key->sign(nonce);
    return std::string(signature.begin(), signature.end());
  }};
}

std::optional<UserClaims> read_credentials(std::string_view text) { return read_claims(line_below(text, kJwtHead)); }

std::optional<UserClaims> read_claims(std::string_view jwt) {
  const std::size_t first = jwt.find('.');
  const std::size_t second = jwt.find('.', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  const auto bytes = evidence::from_base64url(jwt.substr(first + 1, second - first - 1));
  if (!bytes) return std::nullopt;
  const Json claims = evidence::parse_foreign(evidence::text_of(*bytes));
  if (!claims.is_object()) return std::nullopt;
  const auto word = [&](const char* name) {
    const auto at = claims.find(name);
    return at != claims.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  const auto number = [&](const char* name) {
    const auto at = claims.find(name);
    return at != claims.end() && at->is_number_integer() ? at->get<std::int64_t>() : 0;
  };
  UserClaims out{word("name"), word("sub"), word("iss"), number("iat"), number("exp"), {}};
  if (std::min(out.issued, out.expires) < 0 || std::max(out.issued, out.expires) > kTimeMax) return std::nullopt;
  const Json nats = claims.value("nats", Json::object());
  const Json subscribe = nats.is_object() ? nats.value("sub", Json::object()) : Json::object();
  const Json allowed = subscribe.is_object() ? subscribe.value("allow", Json::array()) : Json::array();
  constexpr std::string_view kBefore = "jit.v1.req.";
  constexpr std::string_view kBehind = ".*.*";
  for (const Json& each : allowed) {
    const std::string subject = each.is_string() ? each.get<std::string>() : std::string();
    if (!subject.starts_with(kBefore) || !subject.ends_with(kBehind)) continue;
    if (const auto set = name_of_token(std::string_view(subject).substr(kBefore.size(), subject.size() - kBefore.size() - kBehind.size()))) out.sets.push_back(*set);
  }
  return out;
}

std::string remark_on(const UserClaims& claims, std::string_view why, std::int64_t now, const std::string& path) {
  const bool ended = claims.expires != 0 && now >= claims.expires;
  if (!ended && std::ranges::none_of(kNotLetIn, [&](std::string_view words) { return why.find(words) != std::string_view::npos; })) return {};
  return std::string(ended ? "; the credentials have ended" : "; the credentials were revoked, or are of another relay") + ": jitctl relay " +
         (claims.sets.empty() ? "issue-host" : "issue-approver") + " makes new ones, for " + path;
}

std::int64_t renew_from(const UserClaims& claims) { return claims.expires == 0 ? 0 : claims.issued + (claims.expires - claims.issued) / 2; }

std::optional<std::int64_t> look_in(const UserClaims& claims, std::int64_t unix_ms) {
  const std::int64_t from = renew_from(claims) * 1000;
  const std::int64_t left = claims.expires * 1000 - unix_ms;
  if (from == 0) return std::nullopt;
  if (unix_ms < from) return from - unix_ms;
  return left <= 0 ? kLookEnded : std::clamp(left / 8, kLookLeast, kLookMost);
}

bool renews(std::string_view current, std::string_view offered) {
  const auto now = read_claims(current);
  const auto then = offered.size() <= kJwtMax ? read_claims(offered) : std::nullopt;
  if (!now || !then || now->expires == 0 || then->user != now->user || then->account != now->account || then->name != now->name) return false;
  if (then->expires != 0 && then->expires <= now->expires) return false;
  const std::size_t end = offered.rfind('.');
  const auto signature = evidence::from_base64url(offered.substr(end + 1));
  return signature && evidence::verify_nkey(now->account, evidence::NkeyKind::kAccount, offered.substr(0, end), *signature);
}

std::string with_jwt(std::string_view text, const std::string& jwt) {
  const std::string_view seed = line_below(text, kSeedHead);
  return seed.empty() ? std::string() : credentials(jwt, std::string(seed));
}

}  // namespace jit::relay
