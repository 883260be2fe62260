// SPDX-License-Identifier: Apache-2.0
// Hosts, as far as rules can hold them apart: a host is its tags, and tags matter by the tests that they pass.
#pragma once

#include <string>
#include <vector>

#include "policy/compiled.h"

namespace jit::policy::analysis {

struct Mixtures {
  // One list of tags for each way in which the tests can come out together; fewest tags first.
  std::vector<std::vector<std::string>> tags;
  bool all = true;  // false: there are more than that
};

// For hosts that have a tag like `base` (a name, or a beginning and *), and any others. Tags of one list are sorted.
Mixtures mixtures(const std::vector<const TagTest*>& tests, const std::string& base, std::size_t most);

// The `hosts` of a rule, and of its `unless`, into `out`.
void add_tag_tests(const Rule& rule, std::vector<const TagTest*>& out);

}  // namespace jit::policy::analysis
