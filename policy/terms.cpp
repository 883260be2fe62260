// SPDX-License-Identifier: Apache-2.0
#include "policy/terms.h"

#include <algorithm>
#include <tuple>

#include "policy/combine.h"

namespace jit::policy {
namespace {

constexpr std::uint32_t kWait = 600;       // where no approval says it
constexpr std::uint32_t kClaim = 600;      // where the permit does not say it
constexpr std::uint32_t kRunMax = 86'400;  // likewise
constexpr std::uint32_t kWarnings[] = {300, 60};

Scope usual_scope(const Rule& permit, Door door) {
  if (door == Door::kSsh || door == Door::kLogin) return Scope::kLogin;
  return permit.tests.run ? Scope::kCommand : Scope::kTty;
}

void least(std::optional<std::uint32_t>& value, const std::optional<std::uint32_t>& other) {
  if (other) value = std::min(value.value_or(*other), *other);
}

template <class T>
void sort_unique(std::vector<T>& list) {
  std::ranges::sort(list);
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

auto order_of(const Step& step) { return std::tie(step.after_s, step.add, step.to, step.notify); }

}  // namespace

Terms::Terms(const RuleSet& policy, const Rule& permit, Door door)
    : policy_(policy), permit_(permit), door_(door), scope_(permit.scope.value_or(usual_scope(permit, door))) {
  add(permit);
}

// Per set the larger count, other sets add; in the order of names, so that the order of rules does not show.
void Terms::add_approval(const Approval& approval) {
  for (const Approval::Need& need : approval.need) {
    const auto same = std::ranges::find(seats_, need.seat.set, &Seat::set);
    if (same == seats_.end()) {
      seats_.push_back(need.seat);
    } else {
      same->count = std::max(same->count, need.seat.count);
    }
  }
  std::ranges::sort(seats_, {}, &Seat::set);
  approved_ = true;
  votes_ = std::max(votes_, approval.votes.value_or(policy_.votes.value_or(Votes::kAny)));
  machines_ = machines_ && approval.machines;
  self_ = self_ && approval.self;
  match_ = match_ || approval.match;
  for (const Approval::Rung& rung : approval.escalate) ladder_.push_back(rung.step);
  least(wait_, approval.wait_s);
}

void Terms::add_requirements(const Requirements& require) {
  if (require.reason_min) require_.reason_min = std::max(require_.reason_min.value_or(0), *require.reason_min);
  require_.tickets.insert(require_.tickets.end(), require.tickets.begin(), require.tickets.end());
  require_.record = require_.record || require.record;
  require_.notify.insert(require_.notify.end(), require.notify.begin(), require.notify.end());
  least(require_.review_s, require.review_s);
}

void Terms::add(const Rule& rule) {
  if (rule.approval != nullptr) add_approval(*rule.approval);
  add_requirements(rule.require);
  least(give_, rule.give_s);
  least(max_, rule.max_s);
  if (!rule.scope) return;
  scope_ = std::min(scope_, *rule.scope);
  if (!door_has(door_, *rule.scope)) {
    lacking_.push_back('"' + rule.id + "\" has the scope " + std::string(name_of(*rule.scope)) + ", which the door " +
                       std::string(name_of(door_)) + " does not have");
  }
}

std::uint32_t Terms::give_s() const {
  const std::uint32_t max = max_.value_or(0);
  return std::min(give_.value_or(max), max);
}

void Terms::finish(Offer& offer, const std::optional<std::uint32_t>& asked_s) const {
  offer.rule = permit_.id;
  offer.fingerprint = permit_.fingerprint;
  offer.seats = seats_;
  offer.votes = votes_;
  offer.machines = approved_ && machines_;
  offer.self = approved_ && self_;
  offer.match = match_;
  offer.wait_s = wait_.value_or(kWait);
  for (const Step& step : ladder_) {
    if (step.after_s < offer.wait_s) offer.ladder.push_back(step);
  }
  std::ranges::sort(offer.ladder, [](const Step& a, const Step& b) { return order_of(a) < order_of(b); });
  offer.ladder.erase(std::unique(offer.ladder.begin(), offer.ladder.end()), offer.ladder.end());
  offer.reason_required = require_.reason_min.has_value();
  offer.reason_min = require_.reason_min.value_or(0);
  offer.tickets = require_.tickets;
  sort_unique(offer.tickets);
  // Where a pattern must match, that there is any text says no more.
  if (offer.tickets.size() > 1) std::erase(offer.tickets, std::string());
  offer.record = require_.record;
  offer.notify = require_.notify;
  sort_unique(offer.notify);
  offer.review_s = require_.review_s.value_or(0);
  offer.max_s = max_.value_or(0);
  offer.give_s = give_s();
  offer.scope = scope_;
  offer.claim_s = permit_.claim_s.value_or(kClaim);
  offer.break_glass = permit_.break_glass;
  offer.on_expiry = permit_.on_expiry.value_or(permit_.tests.run ? Expiry::kFinish : Expiry::kEnd);
  offer.run_max_s = offer.on_expiry == Expiry::kEnd ? 0 : permit_.run_max_s.value_or(kRunMax);
  offer.warn_before_s = permit_.warn_before_s.value_or(std::vector<std::uint32_t>(std::begin(kWarnings), std::end(kWarnings)));
  if (!asked_s) return;
  offer.shortened = *asked_s > offer.max_s;
  offer.give_s = std::min(*asked_s, offer.max_s);
}

}  // namespace jit::policy
