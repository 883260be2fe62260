// SPDX-License-Identifier: Apache-2.0
#include "policy/crew.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "policy/match.h"

namespace jit::policy {
namespace {

using Answer = Filling::Answer;
using Somebody = Listing::Somebody;

constexpr std::uint32_t kNobody = Matching::kNobody;

// A bare uid may belong to anybody in people.d: whose it is, only the directory can tell.
bool is_open(const Principal& leaf) {
  return leaf.kind == Principal::Kind::kGroup || (leaf.kind == Principal::Kind::kUser && (leaf.prefix || leaf.uid != kNoUid));
}

// Visits whom a leaf names, as far as people.d tells.
template <class Visit>
void each_member(const RuleSet& policy, const Principal& leaf, Visit visit) {
  const auto each_person = [&](auto is_named) {
    for (const Person& person : policy.people) {
      if (is_named(person)) visit(Somebody{&person, {}});
    }
  };
  if (leaf.kind == Principal::Kind::kPerson) {
    if (leaf.prefix) {
      each_person([&](const Person& person) { return leaf.matches(person.name); });
    } else if (const Person* person = policy.person_named(leaf.name)) {
      visit(Somebody{person, {}});
    }
  } else if (leaf.kind == Principal::Kind::kUser && leaf.uid == kNoUid) {
    if (leaf.prefix) {
      each_person([&](const Person& person) { return std::ranges::any_of(person.users, [&](const std::string& user) { return leaf.matches(user); }); });
    } else if (const Person* person = policy.person_with(leaf.name)) {
      visit(Somebody{person, {}});
    } else {
      visit(Somebody{nullptr, leaf.name});
    }
  }
}

template <class Visit>
void each_on_duty(const RuleSet& policy, std::string_view set, std::int64_t now, Visit visit) {
  const auto roster = policy.rosters.find(set);
  if (roster != policy.rosters.end()) roster->second.on_duty(now, visit);
}

std::uint32_t number_of(const RuleSet& policy, const Person& person) { return static_cast<std::uint32_t>(&person - policy.people.data()); }

std::uint32_t stranger(const RuleSet& policy, std::string_view user) {
  const auto found = policy.strangers.find(user);
  return found == policy.strangers.end() ? kNobody : found->second;
}

std::uint32_t number_of(const RuleSet& policy, const Somebody& who) {
  return who.entry != nullptr ? number_of(policy, *who.entry) : stranger(policy, who.user);
}

std::uint32_t number_of_user(const RuleSet& policy, std::string_view user) {
  const Person* person = policy.person_with(user);
  return person != nullptr ? number_of(policy, *person) : stranger(policy, user);
}

// A person, or "user:NAME" of who has no entry in people.d.
std::uint32_t number_called(const RuleSet& policy, std::string_view name) {
  constexpr std::string_view kUser = "user:";
  if (name.starts_with(kUser)) return stranger(policy, name.substr(kUser.size()));
  const Person* person = policy.person_named(name);
  return person != nullptr ? number_of(policy, *person) : kNobody;
}

void enroll(RuleSet& policy, const Principal& leaf) {
  if (leaf.prefix) return;  // of these, only people.d tells who they are
  each_member(policy, leaf, [&](const Somebody& who) {
    if (who.entry != nullptr) return;
    policy.strangers.try_emplace(std::string(who.user), static_cast<std::uint32_t>(policy.people.size() + policy.strangers.size()));
  });
}

std::string people(std::size_t count) { return count == 1 ? "1 person" : std::to_string(count) + " people"; }

bool serves(const Key& key, Votes votes) { return votes == Votes::kSigned || key.hardware; }

// Seats and who may fill them, by number.
class Hall {
 public:
  Hall(const RuleSet& policy, const Quorum& quorum, const Identity* requester, std::optional<std::int64_t> now, bool timeless, Seating& room)
      : policy_(policy), quorum_(quorum), requester_(requester), now_(now), timeless_(timeless), room_(room), matching_(room.matching) {
    room_.absent.clear();
    for (const std::string& name : quorum_.absent) room_.absent.push_back(number_called(policy_, name));
    if (requester_ == nullptr) return;
    const std::uint32_t user = number_of_user(policy_, requester_->user), person = number_called(policy_, requester_->person);
    requester_is_ = {user, person};
    const std::uint32_t self = entry(user) != nullptr ? user : person;
    if (has_own_key(self)) self_ = self;
  }

  Answer answer() {
    matching_.clear();
    for (const SeatRef& seat : quorum_.seats) matching_.rows.push_back(row_of(seat));
    const std::size_t numbers = policy_.people.size() + policy_.strangers.size();
    if (matching_.fill(numbers)) return Answer::kYes;
    close();
    return matching_.fill(numbers) ? Answer::kCannotTell : Answer::kNo;
  }

  // After kNo, for people.
  std::string why() const {
    const auto least = std::ranges::find_if(matching_.rows, [](const Matching::Row& row) { return row.filled < row.count; });
    return shortage(quorum_.seats[static_cast<std::size_t>(least - matching_.rows.begin())], least->last - least->first);
  }

 private:
  const Person* entry(std::uint32_t number) const { return number < policy_.people.size() ? &policy_.people[number] : nullptr; }

  bool keyed(const Person* person, Votes votes) const {
    if (votes == Votes::kAny) return true;
    if (!timeless_) return has_key(person, votes, *now_);
    return person != nullptr && std::ranges::any_of(person->keys, [&](const Key& key) {
      const auto ended = [&](const std::optional<std::int64_t>& time) { return time && now_ && *time <= *now_; };
      return serves(key, votes) && !ended(key.not_after) && !ended(key.revoked);
    });
  }

  bool is_requester(std::uint32_t number) const { return number == requester_is_[0] || number == requester_is_[1]; }

  // The one exception: his own hardware key.
  bool has_own_key(std::uint32_t number) const {
    const Person* person = entry(number);
    return quorum_.self && person != nullptr && !person->machine && is_requester(number) && keyed(person, Votes::kHardware);
  }

  bool fits(std::uint32_t number) const {
    if (is_requester(number)) return false;
    if (std::ranges::find(room_.absent, number) != room_.absent.end()) return false;
    const Person* person = entry(number);
    if (person != nullptr && person->machine && !quorum_.machines) return false;
    return keyed(person, quorum_.votes);
  }

  Matching::Row row_of(const SeatRef& seat) {
    const Crew& crew = *seat.need->crew;
    auto& people = matching_.people;
    Matching::Row row{seat.count, people.size(), 0, crew.open_ended};
    bool names_self = false;
    const auto add = [&](std::uint32_t number) {
      names_self = names_self || number == self_;
      if (fits(number)) people.push_back(number);
    };
    for (const std::uint32_t number : crew.members) add(number);
    for (const std::string& set : crew.rosters) add_on_duty(set, row, add);
    if (!crew.rosters.empty()) {
      const auto begin = people.begin() + static_cast<std::ptrdiff_t>(row.first);
      std::sort(begin, people.end());
      people.erase(std::unique(begin, people.end()), people.end());
    }
    // It fills one seat of a set that he is in, by whichever of his users.
    if (self_ != kNobody && (names_self || is_in(seat))) people.push_back(self_);
    row.last = people.size();
    return row;
  }

  template <class Add>
  void add_on_duty(const std::string& set, Matching::Row& row, Add add) const {
    if (timeless_) {
      row.open = true;
      return;
    }
    each_on_duty(policy_, set, *now_, [&](const Principal& who) {
      row.open = row.open || is_open(who);
      each_member(policy_, who, [&](const Somebody& one) { add(number_of(policy_, one)); });
    });
  }

  bool is_in(const SeatRef& seat) const {
    const auto leaves = expand_principal(policy_, seat.need->from.principal);
    return is_one_of(policy_, leaves, *requester_, Side::kOpens, now_.value_or(0)) == Truth::kTrue;
  }

  // What is open to others can be filled, perhaps; but who must have a key must have an entry in people.d, whatever he is called.
  void close() {
    const std::size_t first = matching_.people.size();
    for (Matching::Row& row : matching_.rows) {
      if (!row.open) continue;
      if (quorum_.votes == Votes::kAny) {
        row.count = 0;
        continue;
      }
      if (matching_.people.size() == first) add_everybody_with_keys();
      row.first = first;
      row.last = matching_.people.size();
    }
  }

  void add_everybody_with_keys() {
    for (std::uint32_t number = 0; number < policy_.people.size(); ++number) {
      if (has_own_key(number) || fits(number)) matching_.people.push_back(number);
    }
  }

  std::string shortage(const SeatRef& seat, std::size_t able) const {
    std::string why = seat.need->seat.set + ": " + people(seat.count) + (seat.count == 1 ? " is" : " are") + " needed, ";
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
    if (timeless_) return why;
    for (const std::string& set : seat.need->crew->rosters) why += roster_gap(policy_, set, *now_, "; ");
    return why;
  }

  const RuleSet& policy_;
  const Quorum& quorum_;
  const Identity* requester_;
  std::optional<std::int64_t> now_;  // there unless timeless_
  bool timeless_;
  Seating& room_;
  Matching& matching_;
  std::array<std::uint32_t, 2> requester_is_{kNobody, kNobody};
  std::uint32_t self_ = kNobody;  // who may fill a seat of what he asks for himself
};

Filling with_text(const RuleSet& policy, const Quorum& quorum, const Identity* requester, std::optional<std::int64_t> now, bool timeless) {
  Seating room;
  Hall hall(policy, quorum, requester, now, timeless, room);
  const Answer answer = hall.answer();
  return {answer, answer == Answer::kNo ? hall.why() : std::string()};
}

}  // namespace

std::span<const Principal> expand_principal(const RuleSet& policy, const Principal& principal) {
  if (principal.kind != Principal::Kind::kSet) return {&principal, 1};
  const auto set = policy.sets.find(principal.name);
  return set == policy.sets.end() ? std::span<const Principal>() : set->second.leaves;
}

Crew make_crew(RuleSet& policy, std::span<const Principal> leaves) {
  Crew out;
  for (const Principal& leaf : leaves) {
    enroll(policy, leaf);
    out.open_ended = out.open_ended || is_open(leaf);
    each_member(policy, leaf, [&](const Somebody& who) { out.members.push_back(number_of(policy, who)); });
    if (leaf.kind != Principal::Kind::kSet) continue;
    out.rosters.push_back(leaf.name);
    const auto roster = policy.rosters.find(leaf.name);
    if (roster == policy.rosters.end()) continue;
    for (const Shift& shift : roster->second.shifts) {
      for (const Principal& who : shift.who) enroll(policy, who);
    }
  }
  std::ranges::sort(out.members);
  out.members.erase(std::unique(out.members.begin(), out.members.end()), out.members.end());
  return out;
}

std::string Listing::Somebody::name() const { return entry != nullptr ? entry->name : "user:" + std::string(user); }

Listing list_people(const RuleSet& policy, std::span<const Principal> leaves, std::optional<std::int64_t> now) {
  Listing out;
  std::set<std::pair<const Person*, std::string_view>> seen;
  const auto add = [&](const Principal& leaf) {
    out.open_ended = out.open_ended || is_open(leaf);
    each_member(policy, leaf, [&](const Somebody& who) {
      if (seen.emplace(who.entry, who.user).second) out.people.push_back(who);
    });
  };
  for (const Principal& leaf : leaves) add(leaf);
  for (const Principal& leaf : leaves) {
    if (leaf.kind != Principal::Kind::kSet) continue;
    if (now) each_on_duty(policy, leaf.name, *now, add);
    out.open_ended = out.open_ended || !now;
  }
  return out;
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

std::vector<SeatRef> seats_of(const Approval& approval) {
  std::vector<SeatRef> out;
  for (const Approval::Need& need : approval.need) out.push_back({&need, need.seat.count});
  return out;
}

Quorum quorum_of(const RuleSet& policy, const Approval& approval, std::span<const SeatRef> seats) {
  return {seats, approval.votes.value_or(policy.votes.value_or(Votes::kAny)), approval.machines, approval.self};
}

Filling can_fill(const RuleSet& policy, const Quorum& quorum, const Identity* requester, std::int64_t now) {
  return with_text(policy, quorum, requester, now, false);
}

Answer can_fill(const RuleSet& policy, const Quorum& quorum, const Identity* requester, std::int64_t now, Seating& room) {
  return Hall(policy, quorum, requester, now, false, room).answer();
}

Filling could_fill(const RuleSet& policy, const Quorum& quorum, const Identity* requester, std::optional<std::int64_t> from) {
  return with_text(policy, quorum, requester, from, true);
}

Filling best_for_requesters(const RuleSet& policy, std::span<const Principal> who, const Quorum& quorum) {
  const Listing requesters = list_people(policy, who);
  Filling out{Answer::kCannotTell, {}};
  if (requesters.open_ended) return out;
  for (const Somebody& each : requesters.people) {
    Identity identity;
    identity.person = each.name();
    identity.user = each.user;
    out = could_fill(policy, quorum, &identity);
    if (out.answer != Answer::kNo) break;
  }
  return out;
}

}  // namespace jit::policy
