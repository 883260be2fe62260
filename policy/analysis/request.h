// SPDX-License-Identifier: Apache-2.0
// A concrete request that owns what it is made of: what a region is sampled to, and what a [[test]] asks.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace jit::policy::analysis {

// Facts by name. What is not there: a declared fact has its initial value; `zeroes`: a built-in one is 0 or false.
class FactTable final : public Facts {
 public:
  const Reading* find(std::string_view name) const override;
  std::map<std::string, Reading, std::less<>> readings;
  std::vector<std::string> unknown;  // of these nothing is known, whatever stands in readings
  bool zeroes = true;
};

struct AnalysisRequest {
  Door door = Door::kSudo;
  Identity subject, target, root;    // at ssh and login the target is the subject
  bool verified = true;              // false: target and command are claims
  Origin from;
  std::vector<std::string> tags;     // of the host, where they are not those of the policy; without "tag:"
  bool tags_given = false;
  std::string tty;
  std::optional<std::string> path;   // of the command; none: not known
  std::vector<std::string> words, options, env;
  bool digest_bound = false;
  std::string reason, ticket, urgency = "normal", via;
  bool can_ask = true, recorder = true;
  std::int64_t now = 0;              // Unix time, seconds
  FactTable facts;

  // Its views point into this, which must outlive the answer and stay where it is.
  Request view() const;
};

Decision decide(const Policy& policy, const AnalysisRequest& request);

// "2026-11-24T21:10:00Z"; years 0 to 9999.
std::string time_text(std::int64_t unix_s);
// A TOML string with its quotes.
std::string toml_text(std::string_view text);

// The lines `at`, `request` and, where any stands in it, `facts` of a [[test]] that asks the same again.
std::string witness_text(const AnalysisRequest& request);

}  // namespace jit::policy::analysis
