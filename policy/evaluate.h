// SPDX-License-Identifier: Apache-2.0
// The decision itself, as references to the rules that made it. An Evaluation is reused from one request to the next: in
// the steady state a decision and its explanation allocate nothing. What people read is rendered from it (render.h).
#pragma once

#include <cstdint>
#include <vector>

#include "policy/compiled.h"
#include "policy/index.h"
#include "policy/match.h"
#include "policy/terms.h"

namespace jit::policy {

struct Evaluation {
  // Why there is no offer at all; with kNone the flaws say it, or there is an offer.
  enum class Refusal : std::uint8_t { kNone, kIncomplete, kNotCovered, kNoLength, kNoSuchPermit, kNamedMismatch, kNothingPermits, kOnlyBreakGlass };
  enum class State : std::uint8_t { kFeasible, kCannotTell, kInfeasible };
  struct Hit {
    const Rule* guard = nullptr;
    bool claimed = false;  // it applies to the claimed target
    bool root = false;     // to root, where the target is only a claim
  };
  struct Reason {
    const Rule* permit = nullptr;
    Flaw flaw;
  };
  struct Proposal {
    const Rule* permit = nullptr;
    State state = State::kInfeasible;
    Terms terms;
  };

  struct Choice {
    const Rule* permit = nullptr;
    Index::Bound bound;
  };

  Outcome outcome = Outcome::kDeny;
  Refusal refusal = Refusal::kNone;
  Proposal best;                        // what is offered; of several choices the first
  std::vector<Choice> choices;          // break-glass permits, best first; empty: there is nothing to choose
  std::vector<Hit> hits;                // guards that apply, in the order of ids; those that only observe too
  std::vector<const Rule*> matched;     // permits that were looked at and match
  std::vector<Reason> reasons;          // of the offers that are none, at most kMostReasons
  std::vector<const Rule*> near;        // permits that came nearest, where none matches
  static constexpr std::size_t kMostReasons = 64;

  std::vector<const FactTest*> read;    // facts that were read; some more than once

  // Working memory.
  Index::Scratch permits, guards;
  Proposal current;
  struct Shared {  // what the guards add that no permit waives
    bool known = false;
    Terms terms;
  };
  Shared for_claims, for_either;
  Seating room;
};

// A break-glass permit waives the guards that yield to it.
bool waives(const Rule& permit, const Rule& guard);
// Does this guard concern what that permit opens? (Whether it only observes is another question.)
bool concerns(const Evaluation::Hit& hit, const Rule& permit, const Request& request);

// Of two permits that both match: is the offer of `a` preferred to that of `b`?
bool preferred(const Rule& a, const Rule& b, const RuleSet& policy, const Index& index, const Request& request);

void evaluate(const RuleSet& policy, const Index& index, const Request& request, Evaluation& out);

}  // namespace jit::policy
