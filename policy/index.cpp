// SPDX-License-Identifier: Apache-2.0
#include "policy/index.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>

#include "policy/terms.h"

namespace jit::policy {
namespace {

constexpr std::array kAllDoors{Door::kSudo, Door::kSu, Door::kSsh, Door::kLogin, Door::kPolkit};

std::size_t at(Door door) { return static_cast<std::size_t>(door); }

// How many rules name each leaf of a property: the rarest are the best to look up.
class Frequencies {
 public:
  void count(const std::optional<PrincipalTest>& test) {
    if (!test) return;
    for (const Principal& leaf : test->leaves) ++counts_[leaf.text()];
  }
  // Of the most frequent leaf; a property that is left out matches everybody.
  std::size_t of(const std::optional<PrincipalTest>& test, std::size_t rules) const {
    if (!test) return rules + 1;
    std::size_t most = 0;
    for (const Principal& leaf : test->leaves) most = std::max(most, counts_.find(leaf.text())->second);
    return most;
  }

 private:
  std::map<std::string, std::size_t> counts_;
};

}  // namespace

void Index::Names::add(const Principal& leaf, std::uint32_t rule) {
  Posting& posting = (leaf.prefix ? prefix : whole)[leaf.name];
  if (posting.empty() || posting.back() != rule) posting.push_back(rule);
  if (!leaf.prefix) return;
  const auto place = std::ranges::lower_bound(lengths, leaf.name.size());
  if (place == lengths.end() || *place != leaf.name.size()) lengths.insert(place, leaf.name.size());
}

template <class Visit>
void Index::Names::look(std::string_view name, Visit visit) const {
  if (const auto found = whole.find(name); found != whole.end()) visit(found->second);
  for (const std::size_t length : lengths) {
    if (length > name.size()) break;
    if (const auto found = prefix.find(name.substr(0, length)); found != prefix.end()) visit(found->second);
  }
}

void Index::Anchors::add(const PrincipalTest* test, std::uint32_t rule) {
  bool anywhere = test == nullptr;
  if (test != nullptr) {
    for (const Principal& leaf : test->leaves) {
      switch (leaf.kind) {
        case Principal::Kind::kUser:
          if (leaf.uid == kNoUid) {
            users.add(leaf, rule);
          } else if (Posting& posting = uids[leaf.uid]; posting.empty() || posting.back() != rule) {
            posting.push_back(rule);
          }
          break;
        case Principal::Kind::kGroup: groups.add(leaf, rule); break;
        case Principal::Kind::kPerson: persons.add(leaf, rule); break;
        default: anywhere = true; break;  // who is on duty changes with the time
      }
    }
  }
  if (anywhere) always.push_back(rule);
}

template <class Visit>
void Index::Anchors::look(const Identity& identity, Side side, Visit visit) const {
  visit(always);
  if (!identity.user.empty()) users.look(identity.user, visit);
  // Another name for uid 0 is root to what closes.
  if (side == Side::kCloses && identity.uid == 0 && identity.user != "root") users.look("root", visit);
  if (!uids.empty()) {
    if (const auto found = uids.find(identity.uid); found != uids.end()) visit(found->second);
  }
  if (!groups.whole.empty() || !groups.prefix.empty()) {
    for (const std::string& group : side == Side::kOpens ? identity.groups_all : identity.groups_any) groups.look(group, visit);
  }
  if (!persons.whole.empty() || !persons.prefix.empty()) persons.look(identity.person, visit);
}

namespace {

// All that Terms takes from a permit, and which guards concern it: permits with the same text here have the same offer.
std::string terms_text(const Rule& permit) {
  std::string out;
  const auto number = [&](std::uint64_t value) { out += std::to_string(value) + ' '; };
  const auto perhaps = [&](const std::optional<std::uint32_t>& value) { value ? number(*value) : void(out += "- "); };
  number(reinterpret_cast<std::uintptr_t>(permit.approval));
  perhaps(permit.give_s);
  perhaps(permit.max_s);
  perhaps(permit.require.reason_min);
  perhaps(permit.require.review_s);
  number(permit.scope ? 1 + static_cast<std::uint64_t>(*permit.scope) : 0);
  number((permit.tests.run ? 4U : 0U) + (permit.require.record ? 2U : 0U) + (permit.unverified_as ? 1U : 0U));
  for (const auto* texts : {&permit.require.tickets, &permit.require.notify}) {
    number(texts->size());
    for (const std::string& text : *texts) out += std::to_string(text.size()) + ':' + text;
  }
  return out;
}

}  // namespace

// What guards add only makes an offer worse in each part of the bound, so a permit alone says how good it can get.
void Index::rank(const RuleSet& policy) {
  std::unordered_map<std::string, std::uint32_t> kinds;
  for (const Rule& permit : policy.permits) {
    Terms terms;
    terms.begin(policy, permit, Door::kSudo);
    Bound bound;
    bound.seats = terms.seat_count();
    bound.requirements = terms.requirement_count();
    bound.shortness = ~std::min(permit.give_s.value_or(permit.max_s.value_or(0)), permit.max_s.value_or(0));
    if (permit.approval != nullptr && !permit.approval->self) {
      // With somebody on duty, or a machine, it may be told after all.
      bound.state = std::ranges::any_of(permit.approval->need, [](const Approval::Need& need) {
        return need.known.open_ended && need.known.people == 0 && !need.known.varies;
      });
    }
    const auto next = static_cast<std::uint32_t>(kinds.size() + 1);
    const std::uint32_t kind = permit.break_glass ? kNoKind : kinds.try_emplace(terms_text(permit), next).first->second;
    ranked_.push_back({&permit, bound, kind});
  }
  const auto key = [](const Ranked& one) { return std::tie(one.bound, one.kind, one.rule->id); };
  std::ranges::sort(ranked_, {}, key);
}

void Index::build(std::span<const Rule* const> rules, Doors& doors) {
  Frequencies who, as;
  for (const Rule* rule : rules) {
    who.count(rule->tests.who);
    as.count(rule->tests.as);
  }
  for (std::uint32_t i = 0; i < rules.size(); ++i) {
    const Tests& tests = rules[i]->tests;
    const bool by_who = who.of(tests.who, rules.size()) <= as.of(tests.as, rules.size());
    const std::optional<PrincipalTest>& test = by_who ? tests.who : tests.as;
    for (const Door door : kAllDoors) {
      if (tests.door && std::ranges::find(*tests.door, door) == tests.door->end()) continue;
      AtDoor& here = doors[at(door)];
      here.all.push_back(i);
      (by_who ? here.who : here.as).add(test ? &*test : nullptr, i);
    }
  }
}

Index::Index(const RuleSet& policy) : guard_count_(policy.guards.size()) {
  rank(policy);
  std::vector<const Rule*> rules;
  for (const Ranked& ranked : ranked_) rules.push_back(ranked.rule);
  build(rules, permits_);
  for (std::uint32_t i = 0; i < rules.size(); ++i) {
    const auto& who = rules[i]->tests.who;
    subjects_.add(who ? &*who : nullptr, i);
  }
  rules.clear();
  for (const Rule& guard : policy.guards) rules.push_back(&guard);
  build(rules, guards_);
}

void Index::begin(Scratch& scratch, std::size_t rules) {
  if (scratch.seen.size() < rules) scratch.seen.resize(rules, 0);
  if (++scratch.turn == 0) {  // all 2^32 turns are used: none of the old marks may count
    std::ranges::fill(scratch.seen, 0U);
    scratch.turn = 1;
  }
  scratch.found.clear();
  if (scratch.found.capacity() < rules) scratch.found.reserve(rules);
}

namespace {

void take(Index::Scratch& scratch, std::span<const std::uint32_t> posting) {
  for (const std::uint32_t rule : posting) {
    if (scratch.seen[rule] == scratch.turn) continue;
    scratch.seen[rule] = scratch.turn;
    scratch.found.push_back(rule);
  }
}

// What cannot be told of somebody makes every name a "perhaps", and a guard applies unless false.
bool open_questions(const Identity& identity) {
  return identity.user.empty() || identity.uid == kNoUid || !identity.groups_known;
}

}  // namespace

void Index::permits(const Request& request, Scratch& scratch) const {
  begin(scratch, ranked_.size());
  const AtDoor& here = permits_[at(request.door)];
  const auto visit = [&](const Posting& posting) { take(scratch, posting); };
  here.who.look(*request.subject, Side::kOpens, visit);
  here.as.look(*request.target, Side::kOpens, visit);  // one that must hold for root too holds for the claim as well
  std::ranges::sort(scratch.found);
}

void Index::guards(const Request& request, Scratch& scratch) const {
  begin(scratch, guard_count_);
  const AtDoor& here = guards_[at(request.door)];
  const bool claim = target_is_claim(request);
  if (open_questions(*request.subject) || open_questions(*request.target) || (claim && open_questions(*request.root))) {
    scratch.found.assign(here.all.begin(), here.all.end());
    return;
  }
  const auto visit = [&](const Posting& posting) { take(scratch, posting); };
  here.who.look(*request.subject, Side::kCloses, visit);
  here.as.look(*request.target, Side::kCloses, visit);
  if (claim) here.as.look(*request.root, Side::kCloses, visit);
  std::ranges::sort(scratch.found);
}

void Index::permits_for(const Identity& subject, std::size_t most, Scratch& scratch) const {
  begin(scratch, ranked_.size());
  subjects_.look(subject, Side::kOpens, [&](const Posting& posting) { take(scratch, posting); });
  std::ranges::sort(scratch.found);
  if (scratch.found.size() > most) scratch.found.resize(most);
}

}  // namespace jit::policy
