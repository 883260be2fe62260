// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <new>
#include <set>

#include "policy/combine.h"
#include "policy/compiled.h"
#include "policy/explain.h"
#include "policy/match.h"

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

// No permit matches: the nearest one, and what would have denied it anyway.
Decision nothing_permits(const RuleSet& policy, const Request& request) {
  Decision out;
  out.why.push_back(nearest_permit(policy, request));
  for (const Rule& guard : policy.guards) {
    if (!guard.deny || !guard_applies(guard, request, *request.target)) continue;
    add_reasons(out, {deny_text(guard)});
    out.rules.push_back(guard.id);
  }
  return out;
}

Decision refused(const std::vector<Proposal>& proposals) {
  Decision out;
  std::vector<const Proposal*> all;
  for (const Proposal& proposal : proposals) {
    add_reasons(out, proposal.why);
    all.push_back(&proposal);
  }
  add_rules(out, all);
  return out;
}

Decision accepted(const Proposal& best, const Request& request) {
  Decision out;
  out.offer = best.offer;
  add_rules(out, {&best});
  if (best.lacks_reason) {
    out.outcome = Outcome::kNeeds;
    out.missing = {"reason"};
    return out;
  }
  out.outcome = best.offer.seats.empty() ? Outcome::kAllow : Outcome::kApproval;
  if (best.offer.shortened) {
    out.why.push_back(format_duration(*request.asked_s) + " was asked; \"" + best.permit->id + "\" gives at most " +
                      format_duration(best.offer.max_s) + " here");
  }
  return out;
}

Decision deny(std::string why) {
  Decision out;
  out.why.push_back(std::move(why));
  return out;
}

Decision decide_with(const RuleSet& policy, const Request& request) {
  if (!usable(request)) return deny("the request is incomplete");
  if (!policy.covers(request.door)) return deny(not_covered(request.door));
  if (request.asked_s == 0U) return deny("a grant of no length was asked; ask for one of at least 1s");

  std::vector<Proposal> proposals;
  for (const Rule& permit : policy.permits) {
    if (!request.via.empty() && permit.id != request.via) continue;
    if (permit_matches(permit, request)) proposals.push_back(propose(policy, permit, request));
  }
  if (proposals.empty()) {
    if (request.via.empty()) return nothing_permits(policy, request);
    const Rule* named = policy.permit_named(request.via);
    if (named == nullptr) return deny("there is no permit \"" + std::string(request.via) + '"');
    return deny("permit \"" + named->id + "\" does not match: " + mismatch(*named, request));
  }
  std::ranges::sort(proposals, better);
  const Proposal& best = proposals.front();
  const bool open = best.state == Proposal::State::kFeasible || best.state == Proposal::State::kCannotTell;
  return open ? accepted(best, request) : refused(proposals);
}

std::optional<std::string> refusal(const RuleSet& policy, std::string_view rule, std::string_view fingerprint,
                                   const Request& request) {
  if (!usable(request)) return "the request is incomplete";
  if (!policy.covers(request.door)) return not_covered(request.door);
  const Rule* permit = policy.permit_named(rule);
  if (permit == nullptr) return "policy changed: permit \"" + std::string(rule) + "\" is gone";
  if (permit->fingerprint != fingerprint) return "policy changed: permit \"" + permit->id + "\" is not the same any more";
  if (!permit_matches(*permit, request)) {
    return "permit \"" + permit->id + "\" does not match: " + mismatch(*permit, request);
  }
  for (const Rule& guard : policy.guards) {
    if (guard.deny && guard_applies_to(*permit, guard, request)) return deny_text(guard);
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
