// SPDX-License-Identifier: Apache-2.0
#include "policy/crew.h"

#include <algorithm>
#include <set>

#include "policy/match.h"

namespace jit::policy {
namespace {

class Builder {
 public:
  Builder(const RuleSet& policy, Machines machines) : policy_(policy), machines_(machines) {}

  void add(const Principal& leaf) {
    switch (leaf.kind) {
      case Principal::Kind::kUser: add_user(leaf); break;
      case Principal::Kind::kPerson:
        for (const Person& person : policy_.people) {
          if (leaf.matches(person.name)) add_person(person);
        }
        break;
      default: out.open_ended = true; break;
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
      out.members.push_back({leaf.text(), leaf.name});
    }
  }

  void add_person(const Person& person) {
    if (person.machine && machines_ == Machines::kLeftOut) return;
    if (seen_.insert(person.name).second) out.members.push_back({person.name, {}});
  }

  const RuleSet& policy_;
  Machines machines_;
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

}  // namespace

std::vector<Principal> expand_principal(const RuleSet& policy, const Principal& principal) {
  if (principal.kind != Principal::Kind::kSet) return {principal};
  const auto set = policy.sets.find(principal.name);
  return set == policy.sets.end() ? std::vector<Principal>{} : set->second.leaves;
}

Crew crew_of(const RuleSet& policy, std::span<const Principal> leaves, Machines machines) {
  Builder builder(policy, machines);
  for (const Principal& leaf : leaves) builder.add(leaf);
  return std::move(builder.out);
}

bool is_machine(const RuleSet& policy, const Identity& identity) {
  const Person* by_name = policy.person_named(identity.person);
  const Person* by_user = policy.person_with(identity.user);
  return (by_name != nullptr && by_name->machine) || (by_user != nullptr && by_user->machine);
}

Filling can_fill(const RuleSet& policy, std::span<const Seat> seats, const Identity* requester) {
  static const Crew kNobody;
  std::vector<std::vector<std::string>> eligible;
  std::vector<Seat> closed;
  std::vector<std::vector<std::string>> closed_eligible;
  for (const Seat& seat : seats) {
    const auto found = policy.crews.find(seat.set);
    const Crew& crew = found == policy.crews.end() ? kNobody : found->second;
    std::vector<std::string> names;
    for (const Crew::Member& member : crew.members) {
      if (!is_requester(policy, member, requester)) names.push_back(member.person);
    }
    if (!crew.open_ended) {
      closed.push_back(seat);
      closed_eligible.push_back(names);
    }
    eligible.push_back(std::move(names));
  }
  if (fill_seats(seats, eligible).complete) return {};

  const Filled filled = fill_seats(closed, closed_eligible);
  if (filled.complete) return {Filling::Answer::kCannotTell, {}};
  for (std::size_t i = 0; i < closed.size(); ++i) {
    if (filled.by_seat[i].size() >= closed[i].count) continue;
    const std::size_t able = closed_eligible[i].size();
    std::string why = closed[i].set + ": " + people(closed[i].count) + (closed[i].count == 1 ? " is" : " are") + " needed, ";
    if (able >= closed[i].count) {
      why += "but other seats need the same people";
    } else if (able == 0) {
      why += "and nobody " + std::string(requester == nullptr ? "is in it" : "else is in it");
    } else {
      why += "and " + people(able) + " can be asked";
    }
    return {Filling::Answer::kNo, why};
  }
  return {Filling::Answer::kNo, "the seats need more people than there are"};
}

}  // namespace jit::policy
