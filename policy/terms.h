// SPDX-License-Identifier: Apache-2.0
// Terms unite to the strictest: seats, requirements, times, scope.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/compiled.h"

namespace jit::policy {

class Terms {
 public:
  Terms(const RuleSet& policy, const Rule& permit, Door door);
  void add(const Rule& rule);  // a guard that applies

  // What was gathered. asked_s: what the request asks for, at most `max` of it.
  void finish(Offer& offer, const std::optional<std::uint32_t>& asked_s) const;
  std::uint32_t give_s() const;                                   // before what was asked
  const std::vector<std::string>& lacking() const { return lacking_; }  // scopes that the door lacks, for people

 private:
  void add_approval(const Approval& approval);
  void add_requirements(const Requirements& require);

  const RuleSet& policy_;
  const Rule& permit_;
  Door door_;
  Scope scope_;
  std::vector<Seat> seats_;
  bool approved_ = false;  // by any approval; without one nothing of the following says anything
  Votes votes_ = Votes::kAny;
  bool machines_ = true, self_ = true, match_ = false;
  std::vector<Step> ladder_;
  Requirements require_;
  std::optional<std::uint32_t> give_, max_, wait_;
  std::vector<std::string> lacking_;
};

}  // namespace jit::policy
