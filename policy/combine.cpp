// SPDX-License-Identifier: Apache-2.0
#include "policy/combine.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "policy/crew.h"
#include "policy/explain.h"
#include "policy/match.h"

namespace jit::policy {
namespace {

constexpr std::uint32_t kWait = 600;   // where no approval says it
constexpr std::uint32_t kClaim = 600;  // where the permit does not say it

Scope usual_scope(Door door) { return door == Door::kSsh || door == Door::kLogin ? Scope::kLogin : Scope::kTty; }

std::uint32_t seat_count(const Offer& offer) {
  std::uint32_t out = 0;
  for (const Seat& seat : offer.seats) out += seat.count;
  return out;
}

void least(std::optional<std::uint32_t>& value, const std::optional<std::uint32_t>& other) {
  if (other) value = std::min(value.value_or(*other), *other);
}

// Per set the larger count, other sets add; in the order of names, so that the order of rules does not show.
void add_seats(std::vector<Seat>& seats, const Approval& approval) {
  for (const Approval::Need& need : approval.need) {
    const auto same = std::ranges::find(seats, need.seat.set, &Seat::set);
    if (same == seats.end()) {
      seats.push_back(need.seat);
    } else {
      same->count = std::max(same->count, need.seat.count);
    }
  }
  std::ranges::sort(seats, {}, &Seat::set);
}

class Terms {
 public:
  Terms(const Rule& permit, Door door) : door_(door), scope_(permit.scope.value_or(usual_scope(door))) { add(permit); }

  void add(const Rule& rule) {
    if (rule.approval != nullptr) {
      add_seats(seats_, *rule.approval);
      least(wait_, rule.approval->wait_s);
    }
    if (rule.reason_min) reason_ = std::max(reason_.value_or(0), *rule.reason_min);
    least(give_, rule.give_s);
    least(max_, rule.max_s);
    if (!rule.scope) return;
    scope_ = std::min(scope_, *rule.scope);
    if (!door_has(door_, *rule.scope)) {
      lacking_.push_back('"' + rule.id + "\" has the scope " + std::string(name_of(*rule.scope)) + ", which the door " +
                         std::string(name_of(door_)) + " does not have");
    }
  }

  void finish(Proposal& out, const Request& request) const {
    Offer& offer = out.offer;
    offer.seats = seats_;
    offer.reason_required = reason_.has_value();
    offer.reason_min = reason_.value_or(0);
    offer.max_s = max_.value_or(0);
    offer.give_s = std::min(give_.value_or(offer.max_s), offer.max_s);
    offer.wait_s = wait_.value_or(kWait);
    offer.scope = scope_;
    out.give_s = offer.give_s;
    out.why = lacking_;
    if (!request.asked_s) return;
    offer.shortened = *request.asked_s > offer.max_s;
    offer.give_s = std::min(*request.asked_s, offer.max_s);
  }

 private:
  Door door_;
  Scope scope_;
  std::vector<Seat> seats_;
  std::optional<std::uint32_t> reason_, give_, max_, wait_;
  std::vector<std::string> lacking_;
};

}  // namespace

bool door_has(Door door, Scope scope) {
  switch (door) {
    case Door::kSudo: return scope != Scope::kLogin;
    case Door::kSu: return scope == Scope::kTty || scope == Scope::kSession;
    case Door::kSsh:
    case Door::kLogin: return scope == Scope::kSession || scope == Scope::kLogin;
    case Door::kPolkit: return true;  // has no effect there: the grant ends with the answer
  }
  return false;
}

std::string deny_text(const Rule& guard) { return guard.deny.value_or("guard \"" + guard.id + "\" denies"); }

Proposal propose(const RuleSet& policy, const Rule& permit, const Request& request) {
  Proposal out;
  out.permit = &permit;
  out.offer.rule = permit.id;
  out.offer.fingerprint = permit.fingerprint;
  out.offer.claim_s = permit.claim_s.value_or(kClaim);

  Terms terms(permit, request.door);
  std::vector<std::string> denials;
  for (const Rule& guard : policy.guards) {
    if (!guard_applies_to(permit, guard, request)) continue;
    out.guards.push_back(&guard);
    if (guard.deny) denials.push_back(deny_text(guard));
    terms.add(guard);
  }
  terms.finish(out, request);
  if (!denials.empty()) {
    out.state = Proposal::State::kDenied;
    out.why = std::move(denials);
    return out;
  }

  const Filling filling = can_fill(policy, out.offer.seats, request.subject);
  if (filling.answer == Filling::Answer::kCannotTell) out.state = Proposal::State::kCannotTell;
  if (filling.answer == Filling::Answer::kNo) out.why.push_back('"' + permit.id + "\" cannot be approved: " + filling.why);
  if (lacks_reason(out.offer, request.reason)) {
    out.lacks_reason = request.can_ask;
    if (!request.can_ask) out.why.push_back(reason_wanted(out.offer, request));
  }
  if (!out.why.empty()) out.state = Proposal::State::kInfeasible;
  return out;
}

bool better(const Proposal& a, const Proposal& b) {
  const auto rank = [](const Proposal& p) {
    return std::tuple(p.state, seat_count(p.offer), p.offer.reason_required ? 1 : 0,
                      std::numeric_limits<std::uint32_t>::max() - p.give_s);
  };
  const auto ra = rank(a);
  const auto rb = rank(b);
  return ra != rb ? ra < rb : a.permit->id < b.permit->id;
}

}  // namespace jit::policy
