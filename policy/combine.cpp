// SPDX-License-Identifier: Apache-2.0
#include "policy/combine.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "policy/crew.h"
#include "policy/explain.h"
#include "policy/terms.h"

namespace jit::policy {
namespace {

std::size_t seat_count(const Offer& offer) {
  std::size_t out = 0;
  for (const Seat& seat : offer.seats) out += seat.count;
  return out;
}

std::size_t requirement_count(const Offer& offer) {
  return (offer.reason_required ? 1U : 0U) + offer.tickets.size() + (offer.record ? 1U : 0U) + offer.notify.size() +
         (offer.review_s > 0 ? 1U : 0U);
}

// What this front end cannot do; closed, never dropped.
void add_dishonoured(Proposal& out, const Request& request) {
  const Offer& offer = out.offer;
  const std::string head = '"' + out.permit->id + "\" requires ";
  if (offer.record && request.door != Door::kSudo) {
    out.why.push_back(head + "record, which only the door sudo can honour");
  } else if (offer.record && !request.recorder) {
    out.why.push_back(head + "record, which cannot be honoured: sudo's I/O log is not on for this call");
  }
  if (!offer.notify.empty() && !request.can_notify) {
    out.why.push_back(head + "notify:" + offer.notify.front() + ", which cannot be honoured: no message can be queued here");
  }
  if (offer.review_s > 0 && !request.can_review) {
    out.why.push_back(head + "review:" + format_duration(offer.review_s) + ", which cannot be honoured: no review can be kept here");
  }
}

void add_part(std::string& out, const std::string& part) { out += (out.empty() ? "" : "; ") + part; }

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

bool waives(const Rule& permit, const Rule& guard) {
  return permit.break_glass && std::ranges::find(guard.yields_to, permit.id, &Text::value) != guard.yields_to.end();
}

std::string deny_text(const Rule& guard, Truth applies, const Scene& scene) {
  std::string out = guard.deny.value_or("guard \"" + guard.id + "\" denies");
  if (applies == Truth::kTrue) return out;
  const std::string unknown = unknown_parts(guard, scene);
  return unknown.empty() ? out : out + " (" + unknown + ')';
}

std::string effect_text(const Rule& guard) {
  if (guard.deny) return "deny: " + *guard.deny;
  std::string out;
  if (guard.approval != nullptr) {
    for (const Approval::Need& need : guard.approval->need) {
      add_part(out, "ask " + std::to_string(need.seat.count) + " of " + need.seat.set);
    }
  }
  for (const Text& text : guard.require.texts) add_part(out, "require " + text.value);
  if (guard.give_s) add_part(out, "give " + format_duration(*guard.give_s));
  if (guard.max_s) add_part(out, "at most " + format_duration(*guard.max_s));
  if (guard.scope) add_part(out, "scope " + std::string(name_of(*guard.scope)));
  return out.empty() ? "nothing" : out;
}

Proposal propose(const Rule& permit, const Scene& scene) {
  const RuleSet& policy = scene.policy;
  const Request& request = scene.request;
  Proposal out;
  out.permit = &permit;

  Terms terms(policy, permit, request.door);
  std::vector<std::string> denials;
  for (const Rule& guard : policy.guards) {
    if (waives(permit, guard)) continue;
    const Truth applies = guard_applies(&permit, guard, scene);
    if (applies == Truth::kFalse) continue;
    if (guard.observe) {
      out.observed.push_back(&guard);
      continue;
    }
    out.guards.push_back(&guard);
    if (guard.deny) denials.push_back(deny_text(guard, applies, scene));
    terms.add(guard);
  }
  terms.finish(out.offer, request.asked_s);
  out.give_s = terms.give_s();
  out.why = terms.lacking();
  if (!denials.empty()) {
    out.state = Proposal::State::kDenied;
    out.why = std::move(denials);
    return out;
  }

  const Offer& offer = out.offer;
  const Filling filling = can_fill(policy, {offer.seats, offer.votes, offer.machines, offer.self}, request.subject, request.now);
  if (filling.answer == Filling::Answer::kCannotTell) out.state = Proposal::State::kCannotTell;
  if (filling.answer == Filling::Answer::kNo) out.why.push_back('"' + permit.id + "\" cannot be approved: " + filling.why);
  add_dishonoured(out, request);
  if (lacks_reason(offer, request)) out.missing.emplace_back("reason");
  if (lacks_ticket(offer, request.ticket)) out.missing.emplace_back("ticket");
  if (!out.missing.empty() && !request.can_ask) {
    out.why.push_back(text_wanted(offer, out.missing, request));
    out.missing.clear();
  }
  if (!out.why.empty()) out.state = Proposal::State::kInfeasible;
  return out;
}

bool better(const Proposal& a, const Proposal& b) {
  const auto rank = [](const Proposal& p) {
    return std::tuple(p.state, seat_count(p.offer), requirement_count(p.offer), std::numeric_limits<std::uint32_t>::max() - p.give_s);
  };
  const auto ra = rank(a);
  const auto rb = rank(b);
  return ra != rb ? ra < rb : a.permit->id < b.permit->id;
}

}  // namespace jit::policy
