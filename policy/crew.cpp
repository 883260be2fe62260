// SPDX-License-Identifier: Apache-2.0
#include "policy/crew.h"

#include <algorithm>
#include <limits>
#include <set>

#include "policy/match.h"

namespace jit::policy {
namespace {

class Builder {
 public:
  explicit Builder(const RuleSet& policy) : policy_(policy) {}
  Builder(const RuleSet& policy, const Crew& from) : out(from), policy_(policy) {
    for (const Crew::Member& member : from.members) seen_.insert(member.person);
  }

  void add(const Principal& leaf) {
    switch (leaf.kind) {
      case Principal::Kind::kUser: add_user(leaf); break;
      case Principal::Kind::kPerson:
        for (const Person& person : policy_.people) {
          if (leaf.matches(person.name)) add_person(person);
        }
        break;
      case Principal::Kind::kSet: out.rosters.push_back(leaf.name); break;
      case Principal::Kind::kGroup: out.open_ended = true; break;
    }
  }

  Crew out;

 private:
  void add_user(const Principal& leaf) {
    // A bare uid may belong to anybody in people.d: whose it is, only the directory can tell.
    if (leaf.prefix || leaf.uid != kNoUid) out.open_ended = true;
    if (leaf.uid != kNoUid) return;
    if (leaf.prefix) {
      for (const Person& person : policy_.people) {
        if (std::ranges::any_of(person.users, [&](const std::string& user) { return leaf.matches(user); })) add_person(person);
      }
    } else if (const Person* person = policy_.person_with(leaf.name)) {
      add_person(*person);
    } else if (seen_.insert(leaf.text()).second) {
      out.members.push_back({leaf.text(), leaf.name, nullptr});
    }
  }

  void add_person(const Person& person) {
    if (seen_.insert(person.name).second) out.members.push_back({person.name, {}, &person});
  }

  const RuleSet& policy_;
  std::set<std::string> seen_;
};

bool is_requester(const RuleSet& policy, const Crew::Member& member, const Identity* requester) {
  if (requester == nullptr) return false;
  if (member.person == requester->person) return true;
  if (requester->user.empty()) return false;
  if (member.user == requester->user) return true;
  const Person* person = policy.person_with(requester->user);
  return person != nullptr && person->name == member.person;
}

std::string people(std::size_t count) { return count == 1 ? "1 person" : std::to_string(count) + " people"; }

bool serves(const Key& key, Votes votes) { return votes == Votes::kSigned || key.hardware; }

// Seats and who may fill them, by name.
class Hall {
 public:
  Hall(const RuleSet& policy, const Quorum& quorum, const Identity* requester, std::optional<std::int64_t> now, bool timeless)
      : policy_(policy), quorum_(quorum), requester_(requester), now_(now), timeless_(timeless) {}

  Filling fill() {
    static const Crew kNobody;
    std::vector<std::vector<std::string>> eligible;  // by name
    for (const Seat& seat : quorum_.seats) {
      const auto found = policy_.crews.find(seat.set);
      const Crew& all = found == policy_.crews.end() ? kNobody : found->second;
      const bool rostered = !all.rosters.empty();
      const Crew crew = rostered && !timeless_ ? crew_at(policy_, all, *now_) : all;
      std::vector<std::string> names;
      for (const Crew::Member& member : crew.members) {
        if (fits(member)) names.push_back(member.person);
      }
      if (const Person* self = own_key(seat, crew)) names.push_back(self->name);
      const bool open = crew.open_ended || (rostered && timeless_);
      if (!open || quorum_.votes != Votes::kAny) {
        closed_.push_back(&seat);
        closed_seats_.push_back(seat);
        // Whoever cannot be listed must have a key, and so an entry in people.d.
        closed_eligible_.push_back(open ? everybody_with_keys() : names);
      }
      eligible.push_back(std::move(names));
    }
    if (fill_seats(quorum_.seats, eligible).complete) return {};
    const Filled filled = fill_seats(closed_seats_, closed_eligible_);
    if (filled.complete) return {Filling::Answer::kCannotTell, {}};
    for (std::size_t i = 0; i < closed_.size(); ++i) {
      if (filled.by_seat[i].size() < closed_[i]->count) return {Filling::Answer::kNo, shortage(*closed_[i], closed_eligible_[i].size())};
    }
    return {Filling::Answer::kNo, "the seats need more people than there are"};
  }

 private:
  bool keyed(const Person* person, Votes votes) const {
    if (votes == Votes::kAny) return true;
    if (!timeless_) return has_key(person, votes, *now_);
    return person != nullptr && std::ranges::any_of(person->keys, [&](const Key& key) {
      const auto ended = [&](const std::optional<std::int64_t>& time) { return time && now_ && *time <= *now_; };
      return serves(key, votes) && !ended(key.not_after) && !ended(key.revoked);
    });
  }

  bool fits(const Crew::Member& member) const {
    if (is_requester(policy_, member, requester_)) return false;
    if (std::ranges::find(quorum_.absent, member.person) != quorum_.absent.end()) return false;
    if (member.entry != nullptr && member.entry->machine && !quorum_.machines) return false;
    return keyed(member.entry, quorum_.votes);
  }

  // The one exception: his own hardware key fills one seat of a set that he is in, by whichever of his users.
  const Person* own_key(const Seat& seat, const Crew& crew) const {
    if (!quorum_.self || requester_ == nullptr) return nullptr;
    const Person* person = policy_.person_with(requester_->user);
    if (person == nullptr) person = policy_.person_named(requester_->person);
    if (person == nullptr || person->machine || !keyed(person, Votes::kHardware)) return nullptr;
    const ParsedPrincipal parsed = parse_principal(seat.set);
    if (!parsed.principal) return nullptr;
    const auto leaves = expand_principal(policy_, *parsed.principal);
    if (is_one_of(policy_, leaves, *requester_, Side::kOpens, now_.value_or(0)) == Truth::kTrue) return person;
    const bool named = std::ranges::any_of(crew.members, [&](const Crew::Member& member) { return member.entry == person; });
    return named ? person : nullptr;
  }

  std::vector<std::string> everybody_with_keys() const {
    std::vector<std::string> out;
    for (const Person& person : policy_.people) {
      const Crew::Member member{person.name, {}, &person};
      const bool self = quorum_.self && !person.machine && is_requester(policy_, member, requester_) && keyed(&person, Votes::kHardware);
      if (self || fits(member)) out.push_back(person.name);
    }
    return out;
  }

  std::string shortage(const Seat& seat, std::size_t able) const {
    std::string why = seat.set + ": " + people(seat.count) + (seat.count == 1 ? " is" : " are") + " needed, ";
    const std::string with = quorum_.votes == Votes::kAny
                                 ? std::string()
                                 : " with a usable " + std::string(quorum_.votes == Votes::kHardware ? "hardware key" : "key");
    const std::string away = quorum_.absent.empty() ? "" : " and can be asked now";
    if (able >= seat.count) {
      why += "but other seats need the same people";
    } else if (able == 0) {
      why += "and nobody " + std::string(requester_ == nullptr ? "" : "else ") + "is in it" + with + away;
    } else {
      why += "and " + people(able) + with + " can be asked" + std::string(quorum_.absent.empty() ? "" : " now");
    }
    return why + stale_rosters(seat);
  }

  std::string stale_rosters(const Seat& seat) const {
    const auto crew = policy_.crews.find(seat.set);
    if (crew == policy_.crews.end() || timeless_) return {};
    std::string out;
    for (const std::string& name : crew->second.rosters) out += roster_gap(policy_, name, *now_, "; ");
    return out;
  }

  const RuleSet& policy_;
  const Quorum& quorum_;
  const Identity* requester_;
  std::optional<std::int64_t> now_;  // there unless timeless_
  bool timeless_;
  std::vector<const Seat*> closed_;
  std::vector<Seat> closed_seats_;
  std::vector<std::vector<std::string>> closed_eligible_;
};

}  // namespace

std::vector<Principal> expand_principal(const RuleSet& policy, const Principal& principal) {
  if (principal.kind != Principal::Kind::kSet) return {principal};
  const auto set = policy.sets.find(principal.name);
  return set == policy.sets.end() ? std::vector<Principal>{} : set->second.leaves;
}

Crew crew_of(const RuleSet& policy, std::span<const Principal> leaves) {
  Builder builder(policy);
  for (const Principal& leaf : leaves) builder.add(leaf);
  return std::move(builder.out);
}

Crew crew_at(const RuleSet& policy, const Crew& crew, std::int64_t now) {
  Builder builder(policy, crew);
  for (const std::string& name : crew.rosters) {
    const auto roster = policy.rosters.find(name);
    if (roster != policy.rosters.end()) roster->second.on_duty(now, [&](const Principal& who) { builder.add(who); });
  }
  return std::move(builder.out);
}

bool is_machine(const RuleSet& policy, const Identity& identity) {
  const Person* by_name = policy.person_named(identity.person);
  const Person* by_user = policy.person_with(identity.user);
  return (by_name != nullptr && by_name->machine) || (by_user != nullptr && by_user->machine);
}

bool has_key(const Person* person, Votes votes, std::int64_t now) {
  if (votes == Votes::kAny) return true;
  return person != nullptr && std::ranges::any_of(person->keys, [&](const Key& key) { return serves(key, votes) && key.usable(now); });
}

std::string roster_gap(const RuleSet& policy, std::string_view set, std::int64_t now, std::string_view before) {
  const auto found = policy.rosters.find(set);
  if (found == policy.rosters.end() || !found->second.stale(now)) return {};
  const Roster& roster = found->second;
  std::string out = std::string(before) + "who is on duty in set:" + std::string(set) + " is unknown: the roster " + roster.file;
  if (now < roster.issued) return out + " was issued after now";
  const std::int64_t age = std::min<std::int64_t>(now - roster.issued, std::numeric_limits<std::uint32_t>::max());
  return out + " was issued " + format_duration(static_cast<std::uint32_t>(age)) + " ago, fresh for " + format_duration(roster.fresh_s);
}

std::vector<Seat> seats_of(const Approval& approval) {
  std::vector<Seat> out;
  for (const Approval::Need& need : approval.need) out.push_back(need.seat);
  return out;
}

Quorum quorum_of(const RuleSet& policy, const Approval& approval, std::span<const Seat> seats) {
  return {seats, approval.votes.value_or(policy.votes.value_or(Votes::kAny)), approval.machines, approval.self};
}

Filling can_fill(const RuleSet& policy, const Quorum& quorum, const Identity* requester, std::int64_t now) {
  return Hall(policy, quorum, requester, now, false).fill();
}

Filling could_fill(const RuleSet& policy, const Quorum& quorum, const Identity* requester, std::optional<std::int64_t> from) {
  return Hall(policy, quorum, requester, from, true).fill();
}

Filling best_for_requesters(const RuleSet& policy, std::span<const Principal> who, const Quorum& quorum) {
  const Crew requesters = crew_of(policy, who);
  Filling out{Filling::Answer::kCannotTell, {}};
  if (requesters.open_ended || !requesters.rosters.empty()) return out;
  for (const Crew::Member& member : requesters.members) {
    Identity identity;
    identity.person = member.person;
    identity.user = member.user;
    out = could_fill(policy, quorum, &identity);
    if (out.answer != Filling::Answer::kNo) break;
  }
  return out;
}

}  // namespace jit::policy
