// SPDX-License-Identifier: Apache-2.0
// Does an invariant hold of every request? A proof, or a request that breaks it.
#pragma once

#include <string>

#include "policy/analysis/analyse.h"
#include "policy/analysis/test_file.h"

namespace jit::policy::analysis {

struct Proof {
  enum class Answer : std::uint8_t { kProven, kRefuted, kUndecided } answer = Answer::kUndecided;
  bool idle = false;    // kProven: no permit opens any of it, whatever it asks
  std::string why;      // of the last two, for people
  std::string permit;   // kRefuted: the one that opens it; empty: the rescue route
  std::string witness;  // kRefuted: lines of a [[test]], replayed; empty for the rescue route, which no rule decides
};

// Over all requests of a host with a working directory, at the covered doors, within 400 days from `host.now` on; names of
// uid 0 are those of `host`. With `hosts`: for hosts with such a tag, whatever other tags they have; `for_tags` compiles the
// policy for them. Where rules name so many tags that not all can be tried, it is undecided.
Proof prove(const std::shared_ptr<const Policy>& policy, const Invariant& invariant, const ForTags& for_tags, const Host& host);

// Is there no request at all of which the invariant speaks? It would hold whatever the rules say.
bool matches_nothing(const Policy& policy, const Invariant& invariant, const Host& host);

}  // namespace jit::policy::analysis
