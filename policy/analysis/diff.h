// SPDX-License-Identifier: Apache-2.0
// The parts of diff().
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "policy/analysis/question.h"
#include "policy/compiled.h"

namespace jit::policy::analysis {

bool says_yes(const Decision& decision);
std::string all_of(std::vector<std::string> list);  // "a, b", sorted

// Both answers for people: outcome, permit, time and seats, then each term in which they differ.
std::pair<std::string, std::string> answer_texts(const Decision& before, const Decision& after);

// What differs by name.
std::vector<NamedChange> named_changes(const RuleSet& before, const RuleSet& after);
// Facts that are something else while nobody sets them.
std::set<std::string, std::less<>> facts_that_start_otherwise(const RuleSet& before, const RuleSet& after);
// Users who are another person, or no longer one.
std::vector<std::string> users_moved(const RuleSet& before, const RuleSet& after);

}  // namespace jit::policy::analysis
