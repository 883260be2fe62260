// SPDX-License-Identifier: Apache-2.0
// Who wants to hear of changes. Bounded; forgotten when the connection leaves the bus. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/core/core.h"

namespace jit::bus {

class Watchers {
 public:
  static constexpr std::size_t kPerUid = 8;
  static constexpr std::size_t kAll = 512;

  // A call to Watch has come; its caller is still being looked up. Only who is expected can be added, so that one who
  // left meanwhile does not stay for ever.
  void expect(const std::string& name) { expected_.insert(name); }
  bool add(const std::string& name, core::Caller caller);  // false: too many
  void refused(const std::string& name) { expected_.erase(name); }
  void left(const std::string& name);
  void clear();

  std::size_t size() const { return watchers_.size(); }
  // The unique names of those who may see it, by the policy in force.
  std::vector<std::string> concerned(const core::Core& core, const core::Request& request);
  std::vector<std::string> concerned(const core::Core& core, const core::Grant& grant);
  std::vector<std::string> concerned(const core::Core& core, const std::string& fact);

 private:
  template <class What>
  std::vector<std::string> who_may_see(const core::Core& core, const What& what);

  std::map<std::string, core::Caller> watchers_;
  std::map<std::uint32_t, std::size_t> per_uid_;
  std::set<std::string> expected_;
  std::string policy_hash_;
};

}  // namespace jit::bus
