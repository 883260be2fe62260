// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <new>
#include <set>

#include "policy/combine.h"
#include "policy/compiled.h"
#include "policy/explain.h"
#include "policy/facts.h"

namespace jit::policy {
namespace {

constexpr std::size_t kMostReasons = 16;

bool usable(const Request& request) {
  return request.subject != nullptr && request.target != nullptr && request.root != nullptr;
}

std::string not_covered(Door door) { return "the door " + std::string(name_of(door)) + " is not covered by the policy"; }

void add_reasons(Decision& out, const std::vector<std::string>& reasons) {
  for (const std::string& reason : reasons) {
    if (out.why.size() < kMostReasons && std::ranges::find(out.why, reason) == out.why.end()) out.why.push_back(reason);
  }
}

// The ids that decided: permits first, then guards, each in the order of ids.
void add_rules(Decision& out, const std::vector<const Proposal*>& proposals) {
  std::set<std::string> permits, guards;
  for (const Proposal* proposal : proposals) {
    permits.insert(proposal->permit->id);
    for (const Rule* guard : proposal->guards) guards.insert(guard->id);
  }
  out.rules.assign(permits.begin(), permits.end());
  out.rules.insert(out.rules.end(), guards.begin(), guards.end());
}

void add_observed(Decision& out, const std::vector<const Rule*>& guards) {
  for (const Rule* guard : guards) {
    const auto at = std::ranges::lower_bound(out.observed, guard->id, {}, &Observed::rule);
    if (at == out.observed.end() || at->rule != guard->id) out.observed.insert(at, {guard->id, effect_text(*guard)});
  }
}

// No permit matches: the nearest one, and what would have denied it anyway.
Decision nothing_permits(const Scene& scene) {
  Decision out;
  Nearest nearest = nearest_permits(scene);
  out.why.push_back(std::move(nearest.why));
  out.near = std::move(nearest.ids);
  for (const Rule& guard : scene.policy.guards) {
    if (!guard.deny && !guard.observe) continue;
    const Truth applies = guard_applies(nullptr, guard, scene);
    if (applies == Truth::kFalse) continue;
    if (guard.observe) {
      add_observed(out, {&guard});
      continue;
    }
    add_reasons(out, {deny_text(guard, applies, scene)});
    out.rules.push_back(guard.id);
  }
  return out;
}

Decision refused(const std::vector<Proposal>& proposals) {
  Decision out;
  std::vector<const Proposal*> all;
  for (const Proposal& proposal : proposals) {
    add_reasons(out, proposal.why);
    add_observed(out, proposal.observed);
    all.push_back(&proposal);
  }
  add_rules(out, all);
  return out;
}

Outcome outcome_of(const Offer& offer) { return offer.seats.empty() ? Outcome::kAllow : Outcome::kApproval; }

Decision accepted(const Proposal& best, const Request& request) {
  Decision out;
  out.offer = best.offer;
  add_rules(out, {&best});
  add_observed(out, best.observed);
  out.outcome = out.then = outcome_of(best.offer);
  if (!best.missing.empty()) {
    out.outcome = Outcome::kNeeds;
    out.missing = best.missing;
    return out;
  }
  if (best.offer.shortened) {
    out.why.push_back(format_duration(*request.asked_s) + " was asked; \"" + best.permit->id + "\" gives at most " +
                      format_duration(best.offer.max_s) + " here");
  }
  return out;
}

// Only break-glass is left: a person must choose it. The proposals are sorted; `left` are those that are open.
Decision to_choose(const std::vector<const Proposal*>& left, const std::vector<Proposal>& proposals, const Request& request) {
  const Proposal& first = *left.front();
  if (!request.can_ask) {
    Decision out = refused(proposals);
    out.why.insert(out.why.begin(), choice_wanted(first.offer, request));
    return out;
  }
  Decision out;
  out.outcome = Outcome::kNeeds;
  out.offer = first.offer;
  out.then = outcome_of(first.offer);
  out.missing = {"choice"};
  for (const Proposal* proposal : left) {
    out.choices.push_back(proposal->offer);
    add_observed(out, proposal->observed);
  }
  add_rules(out, left);
  // Why no other way is open.
  for (const Proposal& proposal : proposals) {
    if (!proposal.open()) add_reasons(out, proposal.why);
  }
  return out;
}

Decision deny(std::string why) {
  Decision out;
  out.why.push_back(std::move(why));
  return out;
}

Decision via_nothing(const Scene& scene) {
  const std::string_view via = scene.request.via;
  const Rule* named = scene.policy.permit_named(via);
  if (named == nullptr) return deny("there is no permit \"" + std::string(via) + '"');
  Decision out = deny("permit \"" + named->id + "\" does not match: " + mismatch(*named, scene));
  out.near = {named->id};
  return out;
}

Decision decide_in(const Scene& scene) {
  const Request& request = scene.request;
  if (!usable(request)) return deny("the request is incomplete");
  if (!scene.policy.covers(request.door)) return deny(not_covered(request.door));
  if (request.asked_s == 0U) return deny("a grant of no length was asked; ask for one of at least 1s");

  std::vector<Proposal> proposals;
  for (const Rule& permit : scene.policy.permits) {
    if (!request.via.empty() && permit.id != request.via) continue;
    if (permit_matches(permit, scene)) proposals.push_back(propose(permit, scene));
  }
  if (proposals.empty()) return request.via.empty() ? nothing_permits(scene) : via_nothing(scene);
  std::ranges::sort(proposals, better);
  std::vector<const Proposal*> glass;
  for (const Proposal& proposal : proposals) {
    if (!proposal.open()) continue;
    if (!proposal.permit->break_glass || !request.via.empty()) return accepted(proposal, request);
    glass.push_back(&proposal);
  }
  return glass.empty() ? refused(proposals) : to_choose(glass, proposals, request);
}

std::vector<Attribute> attributes(std::vector<const FactTest*> read, const Request& request) {
  std::ranges::sort(read, {}, &FactTest::name);
  std::vector<Attribute> out;
  for (const FactTest* test : read) {
    if (!out.empty() && out.back().name == test->name) continue;
    const Known known = look_up(*test, request);
    out.push_back({test->name, literal(known), known.known()});
  }
  return out;
}

Decision decide_with(const RuleSet& policy, const Request& request) {
  std::vector<const FactTest*> read;
  Decision out = decide_in({policy, request, &read});
  out.read = attributes(std::move(read), request);
  return out;
}

std::optional<std::string> refusal(const RuleSet& policy, std::string_view rule, std::string_view fingerprint,
                                   const Request& request) {
  if (!usable(request)) return "the request is incomplete";
  if (!policy.covers(request.door)) return not_covered(request.door);
  const Rule* permit = policy.permit_named(rule);
  if (permit == nullptr) return "policy changed: permit \"" + std::string(rule) + "\" is gone";
  if (permit->fingerprint != fingerprint) return "policy changed: permit \"" + permit->id + "\" is not the same any more";
  const Scene scene{policy, request};
  if (!permit_matches(*permit, scene)) {
    return "permit \"" + permit->id + "\" does not match: " + mismatch(*permit, scene);
  }
  for (const Rule& guard : policy.guards) {
    if (!guard.deny || guard.observe || waives(*permit, guard)) continue;
    const Truth applies = guard_applies(permit, guard, scene);
    if (applies != Truth::kFalse) return deny_text(guard, applies, scene);
  }
  return std::nullopt;
}

}  // namespace

// Where memory runs out the answer is the one that needs none: deny.
Decision Policy::decide(const Request& request) const {
  try {
    return decide_with(*compiled_, request);
  } catch (const std::bad_alloc&) {
    return {};
  }
}

std::optional<std::string> Policy::refuses_use(std::string_view rule, std::string_view fingerprint,
                                               const Request& request) const {
  try {
    return refusal(*compiled_, rule, fingerprint, request);
  } catch (const std::bad_alloc&) {
    return "out of memory";  // short enough to stand in the string itself
  }
}

}  // namespace jit::policy
