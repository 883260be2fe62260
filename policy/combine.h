// SPDX-License-Identifier: Apache-2.0
// One permit, narrowed by every guard that applies: its offer, or why there is none.
#pragma once

#include <string>
#include <vector>

#include "policy/compiled.h"

namespace jit::policy {

struct Proposal {
  enum class State : std::uint8_t { kFeasible, kCannotTell, kInfeasible, kDenied } state = State::kFeasible;
  const Rule* permit = nullptr;
  std::vector<const Rule*> guards;  // those that apply, by id
  Offer offer;
  std::uint32_t give_s = 0;         // of the rules, before what was asked: orders the offers
  bool lacks_reason = false;        // and the front end can ask for it
  std::vector<std::string> why;     // kDenied: the deny texts; kInfeasible: what cannot be honoured
};

// `permit` must match the request.
Proposal propose(const RuleSet& policy, const Rule& permit, const Request& request);

// The order in which offers are preferred; total, so that the order of files and rules means nothing.
bool better(const Proposal& a, const Proposal& b);

std::string deny_text(const Rule& guard);
bool door_has(Door door, Scope scope);

}  // namespace jit::policy
