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

constexpr std::uint64_t kMostSeconds = 4294967295;
constexpr std::int64_t kMostMs = std::int64_t{1} << 53U;
constexpr std::int64_t kClockSteps = 3'600'000;  // a wall clock may be put right between a use and its entry

std::optional<std::int64_t> end_in(const Entry& entry) {
  const Json* const end = field_in(entry.fields, "expires_ms");
  if (end == nullptr || !end->is_number_integer() || *end > kMostMs || *end < -kMostMs) return std::nullopt;
  return end->get<std::int64_t>();
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

bool Ledger::Ask::gives(std::uint64_t lifetime_s, std::string_view of_scope) const {
  return lifetime_s <= give_s.value_or(lifetime_s) && (!scope || scope_of(Json(of_scope), kScopes.size()) <= *scope);
}

// Nothing but what tells of people can be missing, and that only where it was erased.
std::string Ledger::Ask::beyond(const Read& grant) const {
  const Json& fields = grant.entry.fields;
  if (!boot.empty() && grant.entry.boot_id != boot) return "the grant is of another boot";
  for (auto asked = repeated.begin(); asked != repeated.end(); ++asked) {
    const Json* const given = field_in(fields, asked.key());
    const bool erased = given == nullptr && std::ranges::find(grant.erased, asked.key()) != grant.erased.end();
    if (!erased && (given == nullptr || (asked.key() == "target" ? account(*given) : *given) != *asked)) return "the grant is for another " + asked.key();
  }
  const Json* const lifetime = field_in(fields, "lifetime_s");
  if (give_s && (lifetime == nullptr || !lifetime->is_number_unsigned() || seconds(*lifetime) > *give_s)) return "the grant lasts longer than was offered and voted for";
  const Json* const given = field_in(fields, "scope");
  if (scope && (given == nullptr || scope_of(*given, kScopes.size()) > *scope)) return "the grant is wider than was offered and voted for";
  return "";
}

// A use that was written late says an end of before: only its first use and more time move it.
std::string Ledger::claimed(const Entry& entry) {
  const std::optional<std::int64_t> end = end_in(entry);
  const auto known = ends_.find(entry.grant);
  if (known != ends_.end()) return end && *end > known->second ? "grant " + entry.grant.substr(0, 8) + " ends later than it did before" : "";
  const auto lifetime = lifetimes_.extract(entry.grant);
  if (!end) return lifetime && reach_ == Reach::kWhole ? "a use of grant " + entry.grant.substr(0, 8) + " does not say when it ends" : "";
  ends_[entry.grant] = *end;
  const bool longer = lifetime && *end > entry.wall_ms + static_cast<std::int64_t>(std::min(lifetime.mapped(), kMostSeconds)) * 1000 + kClockSteps;
  return longer ? "grant " + entry.grant.substr(0, 8) + " ends later than it may" : "";
}

std::string Ledger::longer(const Entry& entry, const std::optional<std::uint64_t>& most_s) {
  const std::optional<std::int64_t> end = end_in(entry);
  const auto known = ends_.find(entry.grant);
  const bool said = end && (known != ends_.end() || reach_ != Reach::kWhole);
  const bool within = said && (known == ends_.end() || !most_s || *end - known->second <= static_cast<std::int64_t>(std::min(*most_s, kMostSeconds)) * 1000);
  if (end) ends_[entry.grant] = *end;
  return within ? "" : "grant " + entry.grant.substr(0, 8) + " got more time than was approved";
}

// Whatever the entry says and was not erased, the signed request says, too. What the host hides from people is said by the entry alone.
bool Ledger::repeats(const Request& request) const {
  const Entry& entry = last_.entry;
  constexpr std::array<std::string_view, 9> kAlways = {"argv", "door", "give_s", "max_s", "rule", "scope", "target", "uid", "user"};
  const bool whole = std::ranges::all_of(kAlways, [&](std::string_view name) {
    return field_in(entry.fields, name) != nullptr || std::ranges::find(last_.erased, name) != last_.erased.end();
  });
  if (!whole) return false;
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
