// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/watchers.h"

#include "broker/bus/caller.h"

namespace jit::bus {

bool Watchers::add(const std::string& name, core::Caller caller) {
  if (expected_.erase(name) == 0) return true;  // he has left: there is nobody to tell
  const auto it = watchers_.find(name);
  if (it != watchers_.end()) {
    it->second = std::move(caller);
    return true;
  }
  std::size_t& mine = per_uid_[caller.identity->uid];
  if (watchers_.size() >= kAll || mine >= kPerUid) {
    if (mine == 0) per_uid_.erase(caller.identity->uid);
    return false;
  }
  ++mine;
  watchers_.emplace(name, std::move(caller));
  return true;
}

void Watchers::left(const std::string& name) {
  expected_.erase(name);
  const auto it = watchers_.find(name);
  if (it == watchers_.end()) return;
  const auto count = per_uid_.find(it->second.identity->uid);
  if (--count->second == 0) per_uid_.erase(count);
  watchers_.erase(it);
}

void Watchers::clear() {
  watchers_.clear();
  per_uid_.clear();
  expected_.clear();
}

template <class What>
std::vector<std::string> Watchers::who_may_see(const core::Core& core, const What& what) {
  const policy::Policy* const policy = core.policy();
  const std::string hash = policy == nullptr ? "none" : policy->hash();
  if (hash != policy_hash_) {
    // A role that was taken away must not go on showing requests to a watcher of long ago.
    for (auto& [name, caller] : watchers_) apply_policy(caller, policy);
    policy_hash_ = hash;
  }
  std::vector<std::string> out;
  for (const auto& [name, caller] : watchers_) {
    if (core.may_see(caller, what)) out.push_back(name);
  }
  return out;
}

std::vector<std::string> Watchers::concerned(const core::Core& core, const core::Request& request) {
  return who_may_see(core, request);
}

std::vector<std::string> Watchers::concerned(const core::Core& core, const core::Grant& grant) {
  return who_may_see(core, grant);
}

std::vector<std::string> Watchers::concerned(const core::Core& core, const std::string& fact) {
  return who_may_see(core, std::string_view(fact));
}

}  // namespace jit::bus
