// SPDX-License-Identifier: Apache-2.0
// Each rule as one English sentence, for people who did not write it. Not escaped.
#pragma once

#include <string>
#include <vector>

#include "policy/compiled.h"

namespace jit::policy {

struct Sentence {
  std::string id;
  bool permit = false;
  Place place;
  std::string text;  // ends with a full stop
};

// Permits first, then guards, each in the order of ids.
std::vector<Sentence> sentences(const RuleSet& policy);

std::string sentence_of(const RuleSet& policy, const Rule& rule);

}  // namespace jit::policy
