// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

#include <algorithm>

#include "policy/crew.h"
#include "policy/index.h"
#include "policy/match.h"

namespace jit::policy {

const Rule* RuleSet::permit_named(std::string_view id) const {
  const auto found = std::ranges::lower_bound(permits, id, {}, [](const Rule& rule) { return std::string_view(rule.id); });
  return found == permits.end() || found->id != id ? nullptr : &*found;
}

const Person* RuleSet::person_named(std::string_view name) const {
  const auto found = person_by_name.find(name);
  return found == person_by_name.end() ? nullptr : &people[found->second];
}

const Person* RuleSet::person_with(std::string_view user) const {
  const auto found = person_by_user.find(user);
  return found == person_by_user.end() ? nullptr : &people[found->second];
}

bool RuleSet::covers(Door door) const {
  return std::ranges::find(settings.covers, door) != settings.covers.end();
}

bool Key::usable(std::int64_t now) const {
  return (!not_before || now >= *not_before) && (!not_after || now < *not_after) && (!revoked || now < *revoked);
}

Policy::Policy(std::unique_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
Policy::~Policy() = default;

bool Policy::may_fill(std::string_view set, const Identity& voter, std::int64_t now, bool machines) const {
  // He may have been told apart by another people.d: what he is now counts, or that he is nobody now. Who has no account here is
  // known by his key, and has only his person's name.
  const bool no_account = voter.user.empty() && voter.uid == kNoUid;
  if (const std::string now_called = no_account ? voter.person : person_name(voter.user, voter.uid); now_called != voter.person) {
    Identity as_known = voter;
    as_known.person = now_called;
    return may_fill(set, as_known, now, machines);
  }
  const ParsedPrincipal parsed = parse_principal(set);
  if (!parsed.principal || (!machines && is_machine(*compiled_, voter))) return false;
  const auto leaves = expand_principal(*compiled_, *parsed.principal);
  return is_one_of(*compiled_, leaves, voter, Side::kOpens, now) == Truth::kTrue;
}

bool Policy::may_hold(std::string_view permit, const Identity& holder, std::int64_t now) const {
  const Rule* rule = compiled_->permit_named(permit);
  if (rule == nullptr || !rule->tests.who) return true;
  return is_one_of(*compiled_, rule->tests.who->leaves, holder, Side::kOpens, now) != Truth::kFalse;
}

Policy::Members Policy::members(std::string_view set, std::int64_t now) const {
  Members out;
  const ParsedPrincipal parsed = parse_principal(set);
  if (!parsed.principal) return out;
  const Listing listing = list_people(*compiled_, expand_principal(*compiled_, *parsed.principal), now);
  for (const Listing::Somebody& member : listing.people) {
    if (member.entry == nullptr || !member.entry->machine) out.persons.push_back(member.name());
  }
  out.open_ended = listing.open_ended;
  return out;
}

std::span<const FactRule> Policy::facts() const { return compiled_->facts; }
const Settings& Policy::settings() const { return compiled_->settings; }
bool Policy::covers(Door door) const { return compiled_->covers(door); }
std::span<const Person> Policy::people() const { return compiled_->people; }
std::span<const PeopleFile> Policy::people_files() const { return compiled_->people_files; }
const Person* Policy::person_of(std::string_view user) const { return compiled_->person_with(user); }

std::string Policy::person_name(std::string_view user, std::uint32_t uid) const {
  const Person* person = compiled_->person_with(user);
  return person != nullptr ? person->name : "uid:" + std::to_string(uid);
}

bool Policy::has_role(std::string_view user, std::string_view role) const {
  const Person* person = compiled_->person_with(user);
  return person != nullptr && std::ranges::find(person->roles, role) != person->roles.end();
}

const std::string& Policy::hash() const { return compiled_->hash; }
const RuleSet& Policy::rules() const { return *compiled_; }
std::size_t Policy::rule_count() const { return compiled_->permits.size() + compiled_->guards.size(); }

}  // namespace jit::policy
