// SPDX-License-Identifier: Apache-2.0
// How many connections each uid holds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "policy/policy.h"

namespace jit::gate {

class Quota {
 public:
  // Up to two uids that a connection is charged to; policy::kNoUid: none.
  using Charged = std::array<std::uint32_t, 2>;

  explicit Quota(std::size_t most) : most_(most) {}
  void use(std::size_t most) { most_ = most; }

  // Charges both or nothing.
  bool take(const Charged& uids) {
    for (const auto uid : uids) {
      if (uid != policy::kNoUid && count(uid) >= most_) return false;
    }
    for (const auto uid : uids) {
      if (uid != policy::kNoUid) ++held_[uid];
    }
    return true;
  }

  void give_back(const Charged& uids) {
    for (const auto uid : uids) {
      const auto it = held_.find(uid);
      if (it != held_.end() && --it->second == 0) held_.erase(it);
    }
  }

  std::size_t count(std::uint32_t uid) const {
    const auto it = held_.find(uid);
    return it == held_.end() ? 0 : it->second;
  }

 private:
  std::size_t most_;
  std::unordered_map<std::uint32_t, std::size_t> held_;
};

}  // namespace jit::gate
