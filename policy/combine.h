// SPDX-License-Identifier: Apache-2.0
// One permit, narrowed by every guard that applies: its offer, or why there is none.
#pragma once

#include <string>
#include <vector>

#include "policy/match.h"

namespace jit::policy {

struct Proposal {
  enum class State : std::uint8_t { kFeasible, kCannotTell, kInfeasible, kDenied } state = State::kFeasible;
  const Rule* permit = nullptr;
  std::vector<const Rule*> guards;    // those that apply, by id
  std::vector<const Rule*> observed;  // those that would apply, but only observe
  Offer offer;
  std::uint32_t give_s = 0;           // of the rules, before what was asked: orders the offers
  std::vector<std::string> missing;   // text that the front end can ask for: "reason", "ticket"
  std::vector<std::string> why;       // kDenied: the deny texts; kInfeasible: what cannot be honoured
  bool open() const { return state == State::kFeasible || state == State::kCannotTell; }
};

// `permit` must match the request.
Proposal propose(const Rule& permit, const Scene& scene);

// The order in which offers are preferred; total, so that the order of files and rules means nothing.
bool better(const Proposal& a, const Proposal& b);

// A break-glass permit waives the guards that yield to it.
bool waives(const Rule& permit, const Rule& guard);

// What a guard refuses with; names what is unknown where it only may apply.
std::string deny_text(const Rule& guard, Truth applies, const Scene& scene);
// What a guard does to an offer, for people: "deny: why", "ask 1 of set:sre; at most 30m".
std::string effect_text(const Rule& guard);
bool door_has(Door door, Scope scope);

}  // namespace jit::policy
