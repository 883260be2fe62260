// SPDX-License-Identifier: Apache-2.0
// Which rules a request can concern at all, without a look at the others: by door, and by the rarer of `who` and `as`.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/compiled.h"
#include "policy/match.h"

namespace jit::policy {

class Index {
 public:
  // Reused from one look-up to the next: in the steady state nothing is allocated. One a thread.
  struct Scratch {
    std::vector<std::uint32_t> seen;   // by rule: the look-up that found it
    std::uint32_t turn = 0;
    std::vector<std::uint32_t> found;  // ranks of permits, or positions in RuleSet::guards; ascending
  };

  Index() = default;
  explicit Index(const RuleSet& policy);

  // The best that a permit's offer can be, whatever guards add: no offer of a later rank with a bound beyond a given offer
  // is better than that. By state (0: feasible, 1: cannot tell), seats, requirements, and length (counted down).
  struct Bound {
    std::uint32_t state = 0, seats = 0, requirements = 0, shortness = 0;
    auto operator<=>(const Bound&) const = default;
  };
  static constexpr std::uint32_t kNoKind = 0;
  struct Ranked {
    const Rule* rule = nullptr;
    Bound bound;
    std::uint32_t kind = kNoKind;  // the same for permits whose terms are the same at every door; not of break-glass
  };
  const Ranked& permit(std::uint32_t rank) const { return ranked_[rank]; }

  // A superset of the permits that match, and of the guards that apply to the claimed target or to root.
  void permits(const Request& request, Scratch& scratch) const;
  void guards(const Request& request, Scratch& scratch) const;
  // The permits whose `who` names this subject or nobody, whatever else they test, at most `most` of them, by rank.
  void permits_for(const Identity& subject, std::size_t most, Scratch& scratch) const;

 private:
  using Posting = std::vector<std::uint32_t>;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Names {  // of one kind: whole ones, and those with a * at their end
    std::unordered_map<std::string, Posting, Hash, std::equal_to<>> whole, prefix;
    std::vector<std::size_t> lengths;  // of the prefixes, ascending, unique
    void add(const Principal& leaf, std::uint32_t rule);
    template <class Visit>
    void look(std::string_view name, Visit visit) const;
  };
  struct Anchors {
    Names users, groups, persons;
    std::unordered_map<std::uint32_t, Posting> uids;
    Posting always;  // no name to look up: every request, or a roster's people
    void add(const PrincipalTest* test, std::uint32_t rule);
    template <class Visit>
    void look(const Identity& identity, Side side, Visit visit) const;
  };
  struct AtDoor {
    Anchors who, as;
    Posting all;
  };
  static constexpr std::size_t kDoors = 5;
  using Doors = std::array<AtDoor, kDoors>;

  static void build(std::span<const Rule* const> rules, Doors& doors);
  void rank(const RuleSet& policy);
  static void begin(Scratch& scratch, std::size_t rules);

  std::vector<Ranked> ranked_;  // permits, the best bound first, then by kind, then by id
  Doors permits_, guards_;
  Anchors subjects_;  // all permits by `who`
  std::size_t guard_count_ = 0;
};

struct Policy::Compiled : RuleSet {
  Index index;  // of these very rules
};

}  // namespace jit::policy
