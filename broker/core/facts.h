// SPDX-License-Identifier: Apache-2.0
// The information point of the policy: facts that were set, with their age, and those that the broker knows itself.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/history.h"
#include "broker/core/model.h"
#include "broker/core/risk.h"

namespace jit::core {

inline constexpr std::size_t kFactTextMax = 1024;  // bytes of a string fact
inline constexpr std::size_t kFactsMax = 4096;     // that are set

// Why this cannot be the value of that fact; empty: it can. For people.
std::string unfit(const policy::FactRule& rule, const policy::Value& value);
std::string_view name_of(policy::FactRule::Type type);  // "bool", "int", "float", "string"

// The declared facts. A value is of its boot, by CLOCK_BOOTTIME; after a restart of the host it is as old as the wall
// clock says, never younger, and unknown once the wall clock stands before the time at which it was set.
class FactTable {
 public:
  void declare(std::span<const policy::FactRule> rules);  // those of the policy in force
  const policy::FactRule* rule(std::string_view name) const;
  std::span<const policy::FactRule> rules() const { return rules_; }

  void put(Fact fact, std::string_view boot_id, BootMs now, WallMs wall);
  void clear(std::string_view name);
  bool full(std::string_view name) const { return !set_.contains(name) && set_.size() >= kFactsMax; }
  const Fact* set(std::string_view name) const;

  void refresh(BootMs now, WallMs wall);  // the ages, before each evaluation
  const policy::Reading* find(std::string_view name) const;
  // Milliseconds; nothing: it cannot be told, or it is not set.
  std::optional<std::int64_t> age(std::string_view name, BootMs now, WallMs wall) const;
  // Set, and neither gone stale nor of a type that the policy does not declare.
  bool known(std::string_view name, BootMs now, WallMs wall) const;
  // When the next value that is known goes stale.
  std::optional<BootMs> next_end(BootMs now, WallMs wall) const;

 private:
  struct Held {
    Fact fact;
    bool other_boot = false;
    BootMs as_if_set = 0;  // on this boot's clock; below 0 for one of another boot
    bool lost = false;     // the wall clock stood before it
    policy::Reading reading;
  };
  std::optional<std::int64_t> age(const Held& held, BootMs now, WallMs wall) const;
  std::optional<std::uint64_t> limit_s(const Held& held) const;

  std::vector<policy::FactRule> rules_;  // by name
  std::map<std::string, Held, std::less<>> set_;
};

// Everything that facts are made of.
struct Senses {
  FactTable table;
  History history;
  Networks networks;
  std::function<std::optional<double>()> load;  // the 1-minute average; empty or nothing: unknown
  std::function<bool()> notifies;               // is there somebody who sends messages; empty: there is not
};

// What the built-in facts of one evaluation are about.
struct Scene {
  BootMs now = 0;
  WallMs wall = 0;
  WallMs starts = 0;  // when what is asked for begins: later than `wall` where it is asked for ahead of time
  std::string_view person;
  policy::Door door = policy::Door::kSudo;
  policy::Origin from;
  std::uint32_t target = policy::kNoUid;
  policy::Command command;
  Id own_request, own_grant;  // left out of the counts
  bool changeable = false;    // who asks can change a file that the command runs or reads
  bool unseen = false;        // nobody has looked at those files
};

Signs signs_of(const Senses& senses, const Scene& scene);

// The facts of one evaluation. Built-in ones are computed when first asked for, into a buffer of its own: no allocation.
class Evaluated final : public policy::Facts {
 public:
  Evaluated(Senses& senses, const Scene& scene);
  Evaluated(const Evaluated&) = delete;
  Evaluated& operator=(const Evaluated&) = delete;
  const policy::Reading* find(std::string_view name) const override;

 private:
  static constexpr std::size_t kSlots = 64;     // built-in facts of one policy; past it: cannot be told
  static constexpr std::size_t kNameMost = 40;  // "count.break-glass.315360000s" has 28
  struct Slot {
    std::array<char, kNameMost> name{};
    std::size_t size = 0;
    bool known = false;
    policy::Reading reading;
  };
  bool compute(std::string_view name, policy::Value& out) const;

  const Senses& senses_;
  const Scene& scene_;
  mutable std::array<Slot, kSlots> slots_;
  mutable std::size_t used_ = 0;
};

}  // namespace jit::core
