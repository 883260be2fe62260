// SPDX-License-Identifier: Apache-2.0
// What was asked, offered and given, and what came of it.
#include <algorithm>

#include "evidence/ledger.h"
#include "evidence/text.h"

namespace jit::evidence {
namespace {

constexpr std::array<std::string_view, 5> kRepeated = {"argv", "door", "rule", "target", "uid"};

const Json* field_in(const Json& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? nullptr : &*found;
}

// A field that is no number gives nothing.
std::uint64_t seconds(const Json& value) { return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0; }

std::size_t scope_of(const Json& value, std::size_t otherwise) {
  if (!value.is_string()) return otherwise;
  const auto found = std::ranges::find(kScopes, value.get_ref<const std::string&>());
  return found == kScopes.end() ? otherwise : static_cast<std::size_t>(found - kScopes.begin());
}

template <class T>
void keep_less(std::optional<T>& kept, T value) {
  kept = std::min(kept.value_or(value), value);
}

// The group of a sudo is of the command, and stands in no grant.
Json account(Json target) {
  if (target.is_object()) target.erase("group");
  return target;
}

Json escaped(const std::vector<std::string>& words) {
  Json out = Json::array();
  for (const std::string& word : words) out.push_back(escape(word));
  return out;
}

}  // namespace

void Ledger::Ask::offer(const Entry& created) {
  for (const std::string_view name : kRepeated) {
    if (const Json* const value = field_in(created.fields, name)) repeated[std::string(name)] = name == "target" ? account(*value) : *value;
  }
  if (const Json* const name = field_in(created.fields, "user"); name != nullptr && name->is_string()) user = name->get<std::string>();
  boot = created.boot_id;
  if (const Json* const give = field_in(created.fields, "give_s")) keep_less(give_s, seconds(*give));
  if (const Json* const widest = field_in(created.fields, "scope")) keep_less(scope, scope_of(*widest, 0));
}

void Ledger::Ask::narrow(const Entry& vote) {
  if (const Json* const given = field_in(vote.fields, "duration_s")) keep_less(give_s, seconds(*given));
  if (const Json* const given = field_in(vote.fields, "scope")) keep_less(scope, scope_of(*given, 0));
}

std::string Ledger::Ask::beyond(const Entry& grant) const {
  if (!boot.empty() && grant.boot_id != boot) return "the grant is of another boot";
  for (auto asked = repeated.begin(); asked != repeated.end(); ++asked) {
    const Json* const given = field_in(grant.fields, asked.key());
    if (given != nullptr && (asked.key() == "target" ? account(*given) : *given) != *asked) return "the grant is for another " + asked.key();
  }
  if (const Json* const lifetime = field_in(grant.fields, "lifetime_s"); lifetime != nullptr && give_s && (!lifetime->is_number_unsigned() || seconds(*lifetime) > *give_s)) {
    return "the grant lasts longer than was offered and voted for";
  }
  if (const Json* const given = field_in(grant.fields, "scope"); given != nullptr && scope && scope_of(*given, kScopes.size()) > *scope) {
    return "the grant is wider than was offered and voted for";
  }
  return "";
}

void Ledger::note_end(const Entry& entry) {
  const Json* const expires = field_in(entry.fields, "expires_ms");
  if (expires != nullptr && expires->is_number_integer()) ends_[entry.grant] = expires->get<std::int64_t>();
}

std::string Ledger::longer(const Entry& entry, const std::optional<std::uint64_t>& most_s) {
  const auto before = ends_.find(entry.grant);
  const std::optional<std::int64_t> end = before == ends_.end() ? std::nullopt : std::optional(before->second);
  note_end(entry);
  if (!end || !most_s) return "";
  const std::int64_t now = ends_.find(entry.grant)->second;
  const bool more = now - *end > static_cast<std::int64_t>(std::min<std::uint64_t>(*most_s, 4294967295)) * 1000;
  return more || field_in(entry.fields, "expires_ms") == nullptr ? "grant " + entry.grant.substr(0, 8) + " got more time than was approved" : "";
}

// Whatever the entry says and was not erased, the signed request says, too. What the host hides from people is said by the entry alone.
bool Ledger::repeats(const Request& request) const {
  const Entry& entry = last_.entry;
  const auto same = [&entry](std::string_view name, const Json& value) {
    const Json* const said = field_in(entry.fields, name);
    return said == nullptr || *said == value;
  };
  Json seats = Json::array();
  for (const Request::Seat& seat : request.offer.seats) seats.push_back({{"set", escape(seat.set)}, {"count", seat.count}});
  Json target{{"name", escape(request.target.name)}, {"uid", request.target.uid}};
  if (!request.target.group.empty()) target["group"] = escape(request.target.group);
  return entry.boot_id == request.boot_id && same("kind", request.kind) && same("door", request.door) && same("service", escape(request.service)) &&
         same("person", escape(request.subject.person)) && same("user", escape(request.subject.name)) && same("uid", request.subject.uid) &&
         same("login_user", escape(request.subject.login_name)) && (!request.subject.loginuid || same("loginuid", *request.subject.loginuid)) &&
         same("origin", escape(request.subject.origin)) && same("tty", escape(request.subject.tty)) && same("target", target) &&
         same("target_verified", request.target.verified) && (!request.hidden.command.empty() || same("argv", escaped(request.command.argv))) &&
         (!request.hidden.cwd.empty() || same("cwd", escape(request.cwd))) && (!request.hidden.reason.empty() || same("reason", escape(request.reason))) &&
         same("reason_from", request.reason_from) && same("ticket", escape(request.ticket)) && same("urgency", request.urgency) && same("rule", escape(request.offer.rule)) &&
         same("seats", seats) && same("give_s", request.offer.give_s) && same("max_s", request.offer.max_s) && same("wait_s", request.offer.wait_s) &&
         same("scope", request.offer.scope) && same("policy", request.policy_hash) && same("extends", request.extends) && same("not_before_ms", request.not_before_ms);
}

}  // namespace jit::evidence
