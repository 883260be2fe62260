// SPDX-License-Identifier: Apache-2.0
#include "relay/credentials/authority.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace jit::relay {
namespace {

using Json = nlohmann::json;
using evidence::Nkey;
using evidence::NkeyKind;

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 24 * kHour;

std::string text_in(const Json& json, const char* name) {
  const auto at = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::int64_t number_in(const Json& json, const char* name) {
  const auto at = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && at != json.end() && at->is_number_integer() ? at->get<std::int64_t>() : 0;
}

std::vector<std::string> texts_in(const Json& json, const char* name) {
  std::vector<std::string> out;
  const auto at = json.is_object() ? json.find(name) : json.end();
  if (!json.is_object() || at == json.end() || !at->is_array()) return out;
  for (const Json& each : *at) {
    if (each.is_string()) out.push_back(each.get<std::string>());
  }
  return out;
}

std::string port_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  return colon == std::string::npos ? "6222" : address.substr(colon + 1);
}

}  // namespace

Authority::Authority(Nkey authority, Nkey relay, Nkey hosts, Nkey approvers, Nkey system)
    : operator_(std::move(authority)), relay_(std::move(relay)), hosts_(std::move(hosts)), approvers_(std::move(approvers)), system_(std::move(system)) {}

Authority Authority::make() {
  return {Nkey::generate(NkeyKind::kOperator), Nkey::generate(NkeyKind::kAccount), Nkey::generate(NkeyKind::kAccount),
          Nkey::generate(NkeyKind::kAccount), Nkey::generate(NkeyKind::kAccount)};
}

std::optional<Authority> Authority::read(std::string_view document) {
  const Json json = Json::parse(document, nullptr, false);
  if (!json.is_object() || number_in(json, "version") != 1) return std::nullopt;
  const auto key = [&](const char* name, NkeyKind kind) {
    auto read = Nkey::from_seed(text_in(json.value("keys", Json::object()), name));
    if (read && read->kind() != kind) read.reset();
    return read;
  };
  auto authority = key("operator", NkeyKind::kOperator);
  auto relay = key("relay", NkeyKind::kAccount);
  auto hosts = key("hosts", NkeyKind::kAccount);
  auto approvers = key("approvers", NkeyKind::kAccount);
  auto system = key("system", NkeyKind::kAccount);
  if (!authority || !relay || !hosts || !approvers || !system) return std::nullopt;
  Authority out(std::move(*authority), std::move(*relay), std::move(*hosts), std::move(*approvers), std::move(*system));
  out.replicas = number_in(json, "replicas") == 3 ? 3 : 1;
  for (const Json& each : json.value("urls", Json::array())) {
    if (each.is_string()) out.urls.push_back(each.get<std::string>());
  }
  for (const Json& each : json.value("issued", Json::array())) {
    out.issued_.push_back({text_in(each, "kind"), text_in(each, "name"), text_in(each, "user"), number_in(each, "issued"), number_in(each, "expires"), texts_in(each, "sets")});
  }
  out.claimed_ = number_in(json, "claimed");
  const Json revoked = json.value("revoked", Json::object());
  for (auto it = revoked.begin(); it != revoked.end(); ++it) {
    if (it->is_number_integer()) out.revoked_.until[it.key()] = it->get<std::int64_t>();
  }
  return out;
}

std::string Authority::document() const {
  Json issued = Json::array();
  for (const Issued& each : issued_) {
    issued.push_back({{"kind", each.kind}, {"name", each.name}, {"user", each.user}, {"issued", each.issued}, {"expires", each.expires}, {"sets", each.sets}});
  }
  return Json{{"version", 1},
              {"keys", {{"operator", operator_.seed()}, {"relay", relay_.seed()}, {"hosts", hosts_.seed()}, {"approvers", approvers_.seed()}, {"system", system_.seed()}}},
              {"urls", urls},
              {"replicas", replicas},
              {"issued", std::move(issued)},
              {"claimed", claimed_},
              {"revoked", revoked_.until}}
             .dump(1) + "\n";
}

Accounts Authority::accounts() const {
  return {relay_.public_text(), hosts_.public_text(), approvers_.public_text(), system_.public_text()};
}

std::string Authority::account_of(std::string_view kind) const { return kind == "host" ? hosts_.public_text() : approvers_.public_text(); }

// What everybody may, and that he may ask for new words for his own key.
std::string Authority::claims_of(const Issued& about) const {
  const bool host = about.kind == "host";
  Permissions permissions = host ? host_permissions(about.name) : approver_permissions(about.name, about.sets);
  permissions.publish.push_back(last_of(kRenewStream, renewal_subject(about.user)));
  return user_jwt(host ? hosts_ : approvers_, about.user, about.name, &permissions, about.issued, about.expires);
}

std::string Authority::issue(Issued about) {
  const Nkey user = Nkey::generate(NkeyKind::kUser);
  about.user = user.public_text();
  std::set<std::string> over;
  for (const Issued& each : issued_) {
    if (each.kind == about.kind && each.name == about.name && is_over(each, about.issued)) over.insert(each.user);
  }
  std::erase_if(issued_, [&](const Issued& each) { return over.contains(each.user); });
  std::erase_if(revoked_.until, [&](const auto& each) { return over.contains(each.first); });
  issued_.push_back(std::move(about));
  return credentials(claims_of(issued_.back()), user.seed());
}

std::string Authority::issue_host(const std::string& host, std::int64_t now, std::int64_t lasts) {
  return issue({"host", host, {}, now, lasts == 0 ? 0 : now + lasts, {}});
}

std::string Authority::issue_approver(const std::string& person, const std::vector<std::string>& sets, std::int64_t now, std::int64_t lasts) {
  return issue({"approver", person, {}, now, lasts == 0 ? 0 : now + lasts, sets});
}

std::vector<Renewal> Authority::renew(std::int64_t now) {
  std::vector<Renewal> out;
  for (Issued& each : issued_) {
    const std::int64_t life = each.expires - each.issued;
    if (each.expires == 0 || each.expires <= now || now < each.issued + life / 2 || revoked_.until.contains(each.user)) continue;
    each.issued = now;
    each.expires = now + life;
    out.push_back({each.kind, each.name, each.user, claims_of(each), each.expires});
  }
  return out;
}

std::size_t Authority::revoke(std::string_view kind, std::string_view name, std::int64_t now) {
  claimed_ = std::max(now, claimed_ + 1);
  std::size_t count = 0;
  for (const Issued& each : issued_) {
    if (each.kind != kind || each.name != name) continue;
    std::int64_t& until = revoked_.until[each.user];
    until = std::max(until, now);
    ++count;
  }
  return count;
}

// No server lets anybody in with it, whatever is revoked: words that were brought and not written down hold for as long again, unless
// they would be newer than its revocation, and a server's clock may be off.
bool Authority::is_over(const Issued& about, std::int64_t now) const {
  const auto revoked = revoked_.until.find(about.user);
  const std::int64_t last = revoked == revoked_.until.end() ? about.expires : revoked->second;
  return about.expires != 0 && now > last + (about.expires - about.issued) + kDay;
}

Revocations Authority::revoked_of(std::string_view kind, std::int64_t now) const {
  Revocations out;
  for (const Issued& each : issued_) {
    const auto at = revoked_.until.find(each.user);
    if (each.kind == kind && at != revoked_.until.end() && !is_over(each, now)) out.until.insert(*at);
  }
  return out;
}

std::string Authority::keeper_credentials(std::int64_t now) const {
  const Nkey user = Nkey::generate(NkeyKind::kUser);
  return credentials(user_jwt(relay_, user.public_text(), "keeper", nullptr, now, now + kHour), user.seed());
}

std::string Authority::system_credentials(std::int64_t now) const {
  const Nkey user = Nkey::generate(NkeyKind::kUser);
  return credentials(user_jwt(system_, user.public_text(), "system", nullptr, now, now + kHour), user.seed());
}

std::vector<std::string> Authority::account_claims(std::int64_t now) const {
  now = std::max(now, claimed_);
  const Accounts all = accounts();
  return {relay_account_jwt(operator_, all, now), hosts_account_jwt(operator_, all, revoked_of("host", now), now),
          approvers_account_jwt(operator_, all, revoked_of("approver", now), now), system_account_jwt(operator_, all, now)};
}

std::string Authority::server_config(const Server& self, const std::vector<Server>& servers, const std::string& folder, std::int64_t now) const {
  const Accounts all = accounts();
  const auto claims = account_claims(now);
  // interval: how soon one that was away asks the others who was revoked meanwhile; a few bytes where nobody was.
  std::string out =
      "# Made by jitctl relay init. Certificates are yours: put them where tls says.\n"
      "server_name: " + self.name + "\n"
      "listen: \"0.0.0.0:" + std::to_string(self.port) + "\"\n"
      "max_payload: " + std::to_string(kClaimsMax) + "\n"
      "tls {\n  cert_file: \"" + folder + "/server.crt\"\n  key_file: \"" + folder + "/server.key\"\n}\n"
      "jetstream {\n  store_dir: \"" + folder + "/jetstream\"\n}\n"
      "operator: " + operator_jwt(operator_, all.system, now) + "\n"
      "system_account: " + all.system + "\n"
      "resolver {\n  type: full\n  dir: \"" + folder + "/accounts\"\n  allow_delete: false\n  interval: \"2s\"\n}\n"
      "resolver_preload {\n";
  const std::string keys[] = {all.relay, all.hosts, all.approvers, all.system};
  for (std::size_t i = 0; i < claims.size(); ++i) out += "  " + keys[i] + ": " + claims[i] + "\n";
  out += "}\n";
  if (servers.size() < 2) return out;
  out += "cluster {\n  name: jit\n  listen: \"0.0.0.0:" + port_of(self.address) + "\"\n"
         "  tls {\n    cert_file: \"" + folder + "/server.crt\"\n    key_file: \"" + folder + "/server.key\"\n    ca_file: \"" + folder + "/ca.crt\"\n  }\n"
         "  routes: [\n";
  for (const Server& each : servers) {
    if (each.name != self.name) out += "    \"nats-route://" + each.address + "\"\n";
  }
  return out + "  ]\n}\n";
}

}  // namespace jit::relay
