// SPDX-License-Identifier: Apache-2.0
// Who may fill a seat: by name as people.d and static members tell, and for one voter as he stands there.
#pragma once

#include <span>
#include <vector>

#include "policy/compiled.h"

namespace jit::policy {

enum class Machines : std::uint8_t { kLeftOut, kCounted };

// The principal itself, or the members of its set; nothing for a set that is not defined.
std::vector<Principal> expand_principal(const RuleSet& policy, const Principal& principal);

// Groups, globs over users and bare uids cannot be listed: open_ended is then true.
Crew crew_of(const RuleSet& policy, std::span<const Principal> leaves, Machines machines);

// A machine fills no seat: the key `machines` of an approval is not part of this version, and its default is false.
bool is_machine(const RuleSet& policy, const Identity& identity);

// One seat each for these needs, the requester left out?
struct Filling {
  enum class Answer : std::uint8_t { kYes, kCannotTell, kNo } answer = Answer::kYes;
  std::string why;  // with kNo: names the set, for people
};
Filling can_fill(const RuleSet& policy, std::span<const Seat> seats, const Identity* requester);

}  // namespace jit::policy
