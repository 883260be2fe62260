// SPDX-License-Identifier: Apache-2.0
// Who may fill a seat: by name as people.d, static members and rosters tell, and for one voter as he stands there.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "policy/compiled.h"

namespace jit::policy {

// The principal itself, or the members of its set; nothing for a set that is not defined.
std::vector<Principal> expand_principal(const RuleSet& policy, const Principal& principal);

// Groups, globs over users and bare uids cannot be listed: open_ended is then true.
Crew crew_of(const RuleSet& policy, std::span<const Principal> leaves);
// With those who are on duty at `now`; nobody of a roster that is stale.
Crew crew_at(const RuleSet& policy, const Crew& crew, std::int64_t now);

bool is_machine(const RuleSet& policy, const Identity& identity);

// Has he a key of the kind that such a vote needs, usable at `now`?
bool has_key(const Person* person, Votes votes, std::int64_t now);

// Why nobody is on duty in a set from a roster: `before`, then a text for people; empty where it is fresh.
std::string roster_gap(const RuleSet& policy, std::string_view set, std::int64_t now, std::string_view before);

// What must be filled, and how a vote must be.
struct Quorum {
  std::span<const Seat> seats;
  Votes votes = Votes::kAny;
  bool machines = false;
  bool self = false;
  std::span<const std::string> absent = {};  // as in a request
};

std::vector<Seat> seats_of(const Approval& approval);
Quorum quorum_of(const RuleSet& policy, const Approval& approval, std::span<const Seat> seats);

// Can one person each fill these seats, the requester left out (unless `self`)?
struct Filling {
  enum class Answer : std::uint8_t { kYes, kCannotTell, kNo } answer = Answer::kYes;
  std::string why;  // with kNo: names the set, for people
};
Filling can_fill(const RuleSet& policy, const Quorum& quorum, const Identity* requester, std::int64_t now);
// At no time in particular: who is on duty cannot be told, and a key counts until it has ended at `from`; without `from` each
// key counts, so that the answer is the same whenever it is asked.
Filling could_fill(const RuleSet& policy, const Quorum& quorum, const Identity* requester, std::optional<std::int64_t> from = {});
// The best of what each of these requesters gets, himself left out; kCannotTell where they cannot be listed.
Filling best_for_requesters(const RuleSet& policy, std::span<const Principal> who, const Quorum& quorum);

}  // namespace jit::policy
