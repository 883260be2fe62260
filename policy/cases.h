// SPDX-License-Identifier: Apache-2.0
// [[test]] of tests.d: a request, the facts and the time that are supposed, and the answer that is expected.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "policy/draft.h"
#include "policy/policy.h"

namespace jit::policy {

// Facts as somebody supposes them: declared ones that are not given have their initial value, built-in ones are 0 and false.
class SupposedFacts final : public Facts {
 public:
  const Reading* find(std::string_view name) const override;
  void set(std::string name, Reading reading) { given_.insert_or_assign(std::move(name), std::move(reading)); }

 private:
  std::map<std::string, Reading, std::less<>> given_;
};

// Owns all that a Request only views.
struct SupposedRequest {
  Door door = Door::kSudo;
  Identity subject, target, root;
  Origin from;
  std::optional<std::vector<std::string>> tags;    // none: those of the host
  std::vector<std::string> people;                 // further persons, each with a user of that name
  std::optional<std::vector<std::string>> argv;
  std::vector<std::string> options, env;
  bool verified = true;
  std::string path;                                // argv's first word, its folder resolved
  std::vector<std::string> words;                  // the rest of argv
  std::string reason, ticket, urgency = "normal", via;
  bool can_ask = true, recorder = true;
  std::optional<std::uint32_t> asked_s;
  std::int64_t now = 0;
  SupposedFacts facts;
  Request view() const;
};

struct Expected {
  std::optional<Outcome> outcome, then;
  std::optional<std::string> permit, text;
  std::optional<std::vector<Seat>> seats;
  std::optional<std::vector<std::string>> require;
  std::optional<std::uint32_t> lasts_s, max_s;
  std::optional<Scope> scope;
};

struct Case {
  std::string name;
  Place place;
  SupposedRequest request;
  Expected expected;
};

// What differs from `expected`, for people; empty: nothing.
std::vector<std::string> differences(const Decision& decision, const Expected& expected);

// The requirements of an offer as they are written in `require`, in the order of their texts.
std::vector<std::string> requirements_of(const Offer& offer);

// One table as in `request` of a [[test]]; wrong keys and values are findings.
std::optional<SupposedRequest> read_supposed(const Node& node, std::int64_t now, const Policy::Input& input, Report& report);

struct CaseResult {
  std::string name;
  std::string place;                     // file:line:column
  std::vector<std::string> differences;  // empty: passed
};
struct CaseRun {
  std::vector<CaseResult> results;
  std::vector<Finding> findings;  // of the files; E09 for each case that failed
};

// Runs every [[test]] of these files against the policy that `input` makes, with the tags and people that each supposes.
// `now` is the time of those that say none. [[invariant]]s are left to the analysis.
CaseRun run_cases(const Policy::Input& input, std::span<const Source> files, std::int64_t now);

}  // namespace jit::policy
