// SPDX-License-Identifier: Apache-2.0
// Why not, for people: short, and what to do next. Not escaped.
#pragma once

#include <string>
#include <vector>

#include "policy/match.h"

namespace jit::policy {

// What to type where nobody can be asked for it. `missing`: of "reason", "ticket".
std::string text_wanted(const Offer& offer, const std::vector<std::string>& missing, const Request& request);
// What to type where only break-glass is left, and nobody can be asked.
std::string choice_wanted(const Offer& offer, const Request& request);

// What an offer requires, each as a rule writes it: "reason:20", "ticket", "record", "notify:pager", "review:1d".
std::vector<std::string> requirements(const Offer& offer);

// Which tests of this permit do not hold; empty where it matches.
std::string mismatch(const Rule& permit, const Scene& scene);

// How far this permit is from the request; 0: it matches. Any that is for this subject is nearer than any that is not.
unsigned distance(const Rule& permit, const Scene& scene);

struct NearMiss {
  std::string rule;
  std::string why;
};
// The permits that come nearest, the nearest first; at most `most`.
std::vector<NearMiss> near_misses(const Scene& scene, std::size_t most);

// What is unknown, so that this guard may apply; empty where nothing is.
std::string unknown_parts(const Rule& guard, const Scene& scene);

}  // namespace jit::policy
