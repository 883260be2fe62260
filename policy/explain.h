// SPDX-License-Identifier: Apache-2.0
// Why not, for people: short, and what to do next. Not escaped.
#pragma once

#include <string>
#include <vector>

#include "policy/match.h"

namespace jit::policy {

// The trimmed reason is shorter than the offer wants; or it comes from the environment, which breaks no glass.
bool lacks_reason(const Offer& offer, const Request& request);
// A pattern that the whole ticket does not match; # stands for a digit.
bool lacks_ticket(const Offer& offer, std::string_view ticket);

// What to type where nobody can be asked for it. `missing`: of "reason", "ticket".
std::string text_wanted(const Offer& offer, const std::vector<std::string>& missing, const Request& request);
// What to type where only break-glass is left, and nobody can be asked.
std::string choice_wanted(const Offer& offer, const Request& request);

// The permits that came nearest, by id, and which tests of the first did not hold.
struct Nearest {
  std::vector<std::string> ids;
  std::string why;
};
Nearest nearest_permits(const Scene& scene);

// Which tests of this permit do not hold; empty where it matches.
std::string mismatch(const Rule& permit, const Scene& scene);

// What is unknown, so that this guard may apply; empty where nothing is.
std::string unknown_parts(const Rule& guard, const Scene& scene);

}  // namespace jit::policy
