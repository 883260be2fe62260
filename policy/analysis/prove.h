// SPDX-License-Identifier: Apache-2.0
// Does an invariant hold of every request? A proof, or a request that breaks it.
#pragma once

#include <string>

#include "policy/analysis/test_file.h"

namespace jit::policy::analysis {

struct Proof {
  enum class Answer : std::uint8_t { kProven, kRefuted, kUndecided } answer = Answer::kUndecided;
  std::string why;      // of the last two, for people
  std::string permit;   // kRefuted: the one that opens it; empty: the rescue route
  std::string witness;  // kRefuted: lines of a [[test]], replayed; empty for the rescue route, which no rule decides
};

// Over all requests of a host with a working directory, at the covered doors, within 400 days from `now` on (Unix time).
// With `hosts`: for these tags with every mixture of four more that the policy names, of more than four with all or none
// of them; `for_tags` compiles the policy for each.
Proof prove(const std::shared_ptr<const Policy>& policy, const Invariant& invariant, const ForTags& for_tags, std::int64_t now);

}  // namespace jit::policy::analysis
