// SPDX-License-Identifier: Apache-2.0
// Policies of any size for the benchmarks, and the people and requests to ask them about. The same size is the same text.
#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"

namespace jit::bench {

inline constexpr std::size_t kTeam = 10;  // rules

// A fleet's policy: teams of ten rules each, nine permits to one guard; half of the permits ask people, a third name
// commands, some a window or a fact.
// In files that are each within what a loader takes.
std::vector<policy::Source> usual_policy(std::size_t rules);

// Every rule matches every request of `worst_request`, and no permit is better than another by what stands in it alone.
std::vector<policy::Source> worst_policy(std::size_t rules);

// Two of ten people of people.d, with keys of their own: they are matched to the seats one by one.
std::vector<policy::Source> signed_policy();

std::string people_file(std::size_t people);  // each with a key

// Somebody of a team in the middle, who asks for what one of its permits gives.
class Asked {
 public:
  explicit Asked(std::size_t rules);
  policy::Request request() const;

 private:
  policy::Identity subject_, root_;
  std::vector<std::string> words_{"restart", "app.service"};
};

}  // namespace jit::bench
