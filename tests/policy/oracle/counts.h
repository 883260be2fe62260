// SPDX-License-Identifier: Apache-2.0
// How often each part of the language took part in a case: a rule that names it matched or applied.
#pragma once

#include <map>
#include <string>

#include "tests/policy/oracle/model.h"

namespace jit::policy::oracle {

class Counts {
 public:
  void add(const Model& model, const Ask& ask, const Decision& oracle);
  // A line for each part, rarest first.
  std::string table() const;
  // Parts that occurred in less than that share of the cases, or never, with their counts.
  std::string rare(double share) const;
  unsigned cases() const { return cases_; }

 private:
  std::map<std::string, unsigned> counts_;
  unsigned cases_ = 0;
};

}  // namespace jit::policy::oracle
