// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "policy/analysis/sampling.h"

namespace jit::policy::analysis {
namespace {

using Leaves = std::vector<const Principal*>;

struct Clause {
  Leaves leaves;
  Side side = Side::kOpens;
  bool stale = false;  // it names a roster that is stale: unknown where no leaf is true
};

class Finder {
 public:
  Finder(const Universe& universe, std::int64_t now, std::string_view fresh)
      : policy_(universe.policy()), roots_(universe.roots()), now_(now), fresh_(fresh) {}

  // False: no identity has a truth that is wanted of this test.
  bool add(const Literal& literal) {
    Clause clause = clause_of(*std::get<const PrincipalTest*>(literal.test));
    clause.side = literal.part.side;
    const bool t = (literal.wanted & kTrueBit) != 0, u = (literal.wanted & kUnknownBit) != 0, f = (literal.wanted & kFalseBit) != 0;
    const bool miss = clause.stale ? u : f;  // what it has where no leaf matches is wanted
    if (t && miss) return true;
    if (!t && !miss) return false;
    (t ? wanted_ : banned_).push_back(std::move(clause));
    return true;
  }

  std::optional<Identity> find(const std::optional<std::string>& fixed, bool but_root) {
    for (const std::string& user : fixed ? std::vector{*fixed} : users()) {
      for (const auto& uid : uids(user)) {
        if (but_root && user == "root" && uid.value_or(0) == 0) continue;
        if (auto found = with(user, uid)) return found;
      }
    }
    return std::nullopt;
  }

 private:
  Clause clause_of(const PrincipalTest& test) const {
    Clause out;
    for (const Principal& leaf : test.leaves) {
      if (leaf.kind != Principal::Kind::kSet) {
        out.leaves.push_back(&leaf);
        continue;
      }
      const auto roster = policy_.rosters.find(leaf.name);
      if (roster == policy_.rosters.end() || roster->second.stale(now_)) {
        out.stale = true;
      } else {
        for (const Shift& shift : roster->second.shifts) {
          if (now_ < shift.from || now_ >= shift.to) continue;
          for (const Principal& who : shift.who) out.leaves.push_back(&who);
        }
      }
    }
    return out;
  }

  template <class Visit>
  void each_leaf(Visit visit) const {
    for (const auto* list : {&wanted_, &banned_}) {
      for (const Clause& clause : *list) {
        for (const Principal* leaf : clause.leaves) visit(*leaf);
      }
    }
  }

  // A name that begins so, and that no test singles out.
  std::string unnamed(const std::string& begin) const {
    std::string out = begin;
    for (char c = 'a'; c <= 'z'; ++c) {
      out = begin + c;
      bool used = false;
      each_leaf([&](const Principal& leaf) { used = used || leaf.name.starts_with(out); });
      if (!used) return out;
    }
    return out + "9";
  }

  std::vector<std::string> users() const {
    std::vector<std::string> out;
    std::set<std::string> seen;
    const auto add = [&](const std::string& user) {
      if (seen.insert(user).second) out.push_back(user);
    };
    for (const Clause& clause : wanted_) {
      for (const Principal* leaf : clause.leaves) {
        if (leaf->kind == Principal::Kind::kUser && leaf->uid == kNoUid && !leaf->prefix) add(leaf->name);
        if (leaf->kind == Principal::Kind::kUser && leaf->prefix && !leaf->name.empty()) add(unnamed(leaf->name));
        if (leaf->kind == Principal::Kind::kPerson) {
          for (const Person& person : policy_.people) {
            if (!leaf->matches(person.name)) continue;
            for (const std::string& user : person.users) add(user);
          }
        }
      }
    }
    const bool root = std::ranges::any_of(wanted_, [](const Clause& clause) {
      return std::ranges::any_of(clause.leaves, [&](const Principal* leaf) {
        return leaf->kind == Principal::Kind::kUser && !leaf->prefix && (leaf->uid == 0 || (leaf->name == "root" && clause.side == Side::kCloses));
      });
    });
    if (root) std::ranges::for_each(roots_, add);
    // Somebody of whom nothing is said, but for his groups.
    std::string somebody(fresh_);
    bool taken = policy_.person_with(somebody) != nullptr;
    each_leaf([&](const Principal& leaf) { taken = taken || (leaf.kind == Principal::Kind::kUser && !leaf.name.empty() && leaf.matches(somebody)); });
    const std::string other = taken ? unnamed(somebody) : somebody;
    if (wanted_.empty()) {
      out.insert(out.begin(), other);
    } else {
      out.push_back(other);
    }
    return out;
  }

  std::vector<std::optional<std::uint32_t>> uids(const std::string& user) const {
    std::vector<std::optional<std::uint32_t>> out;
    const bool root = std::ranges::find(roots_, user) != roots_.end();
    if (root) out.emplace_back(0);
    out.emplace_back(std::nullopt);
    bool named = policy_.person_with(user) != nullptr;
    each_leaf([&](const Principal& leaf) { named = named || (leaf.kind == Principal::Kind::kUser && !leaf.prefix && leaf.name == user); });
    for (const Clause& clause : wanted_) {
      for (const Principal* leaf : clause.leaves) {
        // An account that rules name is root only where somebody said so: else postgres might be.
        if (leaf->kind == Principal::Kind::kUser && leaf->uid != kNoUid && (leaf->uid != 0 || !named)) out.emplace_back(leaf->uid);
      }
    }
    return out;
  }

  bool matches(const Principal& leaf, const Identity& identity, Side side) const {
    return is_one_of(policy_, std::span(&leaf, 1), identity, side, now_) == Truth::kTrue;
  }

  bool group_banned(const std::string& group) const {
    return std::ranges::any_of(banned_, [&](const Clause& clause) {
      return std::ranges::any_of(clause.leaves, [&](const Principal* leaf) { return leaf->kind == Principal::Kind::kGroup && leaf->matches(group); });
    });
  }

  std::optional<Identity> with(const std::string& user, const std::optional<std::uint32_t>& uid) const {
    Identity bare = identity_of(policy_, user, uid, {});
    const auto any = [&](const Clause& clause) {
      return std::ranges::any_of(clause.leaves, [&](const Principal* leaf) { return matches(*leaf, bare, clause.side); });
    };
    if (std::ranges::any_of(banned_, any)) return std::nullopt;
    std::vector<std::string> groups;
    for (const Clause& clause : wanted_) {
      if (any(clause)) continue;
      const auto has = [&](const Principal* leaf) {
        return leaf->kind == Principal::Kind::kGroup && std::ranges::any_of(groups, [&](const std::string& group) { return leaf->matches(group); });
      };
      if (std::ranges::any_of(clause.leaves, has)) continue;
      const auto usable = std::ranges::find_if(clause.leaves, [&](const Principal* leaf) {
        return leaf->kind == Principal::Kind::kGroup && !group_banned(leaf->prefix ? unnamed(leaf->name) : leaf->name);
      });
      if (usable == clause.leaves.end()) return std::nullopt;
      groups.push_back((*usable)->prefix ? unnamed((*usable)->name) : (*usable)->name);
    }
    std::ranges::sort(groups);
    return identity_of(policy_, user, uid, std::move(groups));
  }

  const RuleSet& policy_;
  const std::vector<std::string>& roots_;
  std::int64_t now_;
  std::string_view fresh_;
  std::vector<Clause> wanted_, banned_;
};

}  // namespace

std::optional<Identity> find_identity(const Universe& universe, const Literals& literals, std::int64_t now,
                                      const std::optional<std::string>& fixed, std::string_view fresh, bool but_root) {
  Finder finder(universe, now, fresh);
  for (const Literal* literal : literals) {
    if (!finder.add(*literal)) return std::nullopt;
  }
  return finder.find(fixed, but_root);
}

}  // namespace jit::policy::analysis
