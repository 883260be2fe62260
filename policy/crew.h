// SPDX-License-Identifier: Apache-2.0
// Who may fill a seat: by name as people.d, static members and rosters tell, and for one voter as he stands there.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "policy/compiled.h"
#include "policy/matching.h"

namespace jit::policy {

// The principal itself, or the members of its set; nothing for a set that is not defined.
std::span<const Principal> expand_principal(const RuleSet& policy, const Principal& principal);

// Of the leaves of one `from`. Whom it or its rosters name without an entry in people.d gets a number.
Crew make_crew(RuleSet& policy, std::span<const Principal> leaves);

// Those whom leaves name, each once, for people. Groups, globs over users and bare uids cannot be listed: open_ended is then true.
struct Listing {
  struct Somebody {
    const Person* entry = nullptr;  // in RuleSet::people; null: none
    std::string_view user;          // of who has none: as the leaf says
    std::string name() const;       // as Identity.person; "user:NAME" where there is no entry and so no uid that is known here
  };
  std::vector<Somebody> people;
  bool open_ended = false;
};
// With those who are on duty at `now`, nobody of a roster that is stale; at no time in particular they cannot be listed.
Listing list_people(const RuleSet& policy, std::span<const Principal> leaves, std::optional<std::int64_t> now = {});

bool is_machine(const RuleSet& policy, const Identity& identity);

// Has he a key of the kind that such a vote needs, usable at `now`?
bool has_key(const Person* person, Votes votes, std::int64_t now);

// Why nobody is on duty in a set from a roster: `before`, then a text for people; empty where it is fresh.
std::string roster_gap(const RuleSet& policy, std::string_view set, std::int64_t now, std::string_view before);

// So many of a set, of all needs that name it.
struct SeatRef {
  const Approval::Need* need = nullptr;
  std::uint32_t count = 0;
};

// What must be filled, and how a vote must be.
struct Quorum {
  std::span<const SeatRef> seats;
  Votes votes = Votes::kAny;
  bool machines = false;
  bool self = false;
  std::span<const std::string> absent = {};  // as in a request
};

std::vector<SeatRef> seats_of(const Approval& approval);
Quorum quorum_of(const RuleSet& policy, const Approval& approval, std::span<const SeatRef> seats);

// Can one person each fill these seats, the requester left out (unless `self`)?
struct Filling {
  enum class Answer : std::uint8_t { kYes, kCannotTell, kNo } answer = Answer::kYes;
  std::string why;  // with kNo: names the set, for people
};
Filling can_fill(const RuleSet& policy, const Quorum& quorum, const Identity* requester, std::int64_t now);
// The same without the text, in memory that is reused.
struct Seating {
  Matching matching;
  std::vector<std::uint32_t> absent;
};
Filling::Answer can_fill(const RuleSet& policy, const Quorum& quorum, const Identity* requester, std::int64_t now, Seating& room);
// At no time in particular: who is on duty cannot be told, and a key counts until it has ended at `from`; without `from` each
// key counts, so that the answer is the same whenever it is asked.
Filling could_fill(const RuleSet& policy, const Quorum& quorum, const Identity* requester, std::optional<std::int64_t> from = {});
// The best of what each of these requesters gets, himself left out; kCannotTell where they cannot be listed.
Filling best_for_requesters(const RuleSet& policy, std::span<const Principal> who, const Quorum& quorum);

}  // namespace jit::policy
