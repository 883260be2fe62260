// SPDX-License-Identifier: Apache-2.0
#include "policy/analysis/terms_order.h"

#include <algorithm>
#include <set>

#include "policy/evaluate.h"
#include "policy/terms.h"

namespace jit::policy::analysis {
namespace {

constexpr std::uint32_t kUsualWait = 600, kUsualClaim = 600;

// -1: a is easier, 1: b is; gathered over all terms.
class Scale {
 public:
  template <class T>
  void less_is_easier(const T& a, const T& b) {
    easier_ = easier_ || a < b;
    harder_ = harder_ || b < a;
  }
  template <class T>
  void more_is_easier(const T& a, const T& b) {
    less_is_easier(b, a);
  }
  void subset_is_easier(const std::set<std::string>& a, const std::set<std::string>& b) {
    harder_ = harder_ || !std::ranges::includes(b, a);
    easier_ = easier_ || !std::ranges::includes(a, b);
  }
  bool easier() const { return easier_; }
  bool harder() const { return harder_; }

 private:
  bool easier_ = false, harder_ = false;
};

std::set<std::string> seats_of(const std::vector<Seat>& seats) {
  std::set<std::string> out;
  for (const Seat& seat : seats) {
    for (std::uint32_t i = 0; i < seat.count; ++i) out.insert(seat.set + '*' + std::to_string(i));
  }
  return out;
}

std::set<std::string> set_of(const std::vector<std::string>& list) { return {list.begin(), list.end()}; }

void weigh(Scale& scale, const Offer& a, const Offer& b) {
  scale.subset_is_easier(seats_of(a.seats), seats_of(b.seats));
  scale.less_is_easier(a.reason_required ? a.reason_min + 1U : 0U, b.reason_required ? b.reason_min + 1U : 0U);
  std::set<std::string> ours = set_of(a.tickets), theirs = set_of(b.tickets);
  // Any text will do where a pattern is asked as well.
  if (!theirs.empty()) ours.erase("");
  if (!ours.empty()) theirs.erase("");
  scale.subset_is_easier(ours, theirs);
  if (ours.empty() && theirs.empty()) scale.subset_is_easier(set_of(a.tickets), set_of(b.tickets));
  scale.less_is_easier(a.record, b.record);
  scale.subset_is_easier(set_of(a.notify), set_of(b.notify));
  const auto haste = [](std::uint32_t review) { return review == 0 ? 0U : 0xffffffffU - review; };
  scale.less_is_easier(haste(a.review_s), haste(b.review_s));
  scale.more_is_easier(a.give_s, b.give_s);
  scale.more_is_easier(a.max_s, b.max_s);
  scale.more_is_easier(a.scope, b.scope);
  scale.more_is_easier(a.claim_s, b.claim_s);
  scale.more_is_easier(a.on_expiry, b.on_expiry);
  if (a.on_expiry != Expiry::kEnd && b.on_expiry != Expiry::kEnd) scale.more_is_easier(a.run_max_s, b.run_max_s);
  scale.less_is_easier(a.break_glass, b.break_glass);
  if (a.seats.empty() || b.seats.empty()) return;
  scale.less_is_easier(a.votes, b.votes);
  scale.more_is_easier(a.machines, b.machines);
  scale.more_is_easier(a.self, b.self);
  scale.less_is_easier(a.match, b.match);
  scale.more_is_easier(a.wait_s, b.wait_s);
  const auto rungs = [](const Offer& offer) {
    std::set<std::string> out;
    for (const Step& step : offer.ladder) out.insert(std::to_string(step.after_s) + ' ' + step.add + ' ' + step.to);
    return out;
  };
  scale.subset_is_easier(rungs(b), rungs(a));  // more candidates are easier
}

Offer offer_of(const RuleSet& policy, const Rule& rule, Door door) {
  return terms_of(policy, rule, {}, door).render();
}

// What an approval says beyond its own seats, of those that guards add: votes, machines, self, match, wait.
bool approval_as_easy(const RuleSet& policy, const Approval* a, const Approval* b) {
  if (a == nullptr) return true;
  const auto votes = [&](const Approval* each) { return each == nullptr ? Votes::kAny : each->votes.value_or(policy.votes.value_or(Votes::kAny)); };
  const std::uint32_t wait = a->wait_s.value_or(kUsualWait), other = b == nullptr ? kUsualWait : b->wait_s.value_or(kUsualWait);
  return votes(a) <= votes(b) && a->machines >= (b == nullptr || b->machines) && a->self >= (b == nullptr || b->self) &&
         a->match <= (b != nullptr && b->match) && wait >= other;
}

// Guards that leave `b` alone leave `a` alone too.
bool waived_alike(const RuleSet& policy, const Rule& a, const Rule& b) {
  if (!b.break_glass) return true;
  return std::ranges::all_of(policy.guards, [&](const Rule& guard) { return !waives(b, guard) || waives(a, guard); });
}

std::uint32_t claim_of(const Rule& rule) { return rule.claim_s.value_or(kUsualClaim); }

}  // namespace

bool as_easy(const RuleSet& policy, const Rule& a, const Rule& b) {
  if (b.unverified_as && !a.unverified_as) return false;
  if (a.break_glass && !b.break_glass) return false;
  if (claim_of(a) < claim_of(b) || !approval_as_easy(policy, a.approval, b.approval) || !waived_alike(policy, a, b)) return false;
  for (const Door door : policy.settings.covers) {
    const auto for_door = [&](const Rule& rule) { return !rule.tests.door || std::ranges::find(*rule.tests.door, door) != rule.tests.door->end(); };
    if (!for_door(a) || !for_door(b)) continue;
    if (a.scope && !door_has(door, *a.scope) && !(b.scope && !door_has(door, *b.scope))) return false;
    Scale scale;
    weigh(scale, offer_of(policy, a, door), offer_of(policy, b, door));
    if (scale.harder()) return false;
  }
  return true;
}

bool same_terms(const RuleSet& policy, const Rule& a, const Rule& b) { return as_easy(policy, a, b) && as_easy(policy, b, a); }

bool changes(const RuleSet& policy, const Rule& permit, const Rule& guard, Door door) {
  if (waives(permit, guard)) return false;
  if (guard.deny) return true;
  const Rule* const guards[] = {&guard};
  const Terms alone = terms_of(policy, permit, {}, door), guarded = terms_of(policy, permit, guards, door);
  return !(alone.render() == guarded.render()) || alone.flaws().size() != guarded.flaws().size();
}

TermsChange compare(const Offer& before, const Offer& after) {
  Scale scale;
  weigh(scale, after, before);
  if (scale.easier() && scale.harder()) return TermsChange::kOther;
  if (scale.easier()) return TermsChange::kEasier;
  return scale.harder() ? TermsChange::kHarder : TermsChange::kSame;
}

}  // namespace jit::policy::analysis
