// SPDX-License-Identifier: Apache-2.0
#include "policy/analysis/prove.h"

#include <algorithm>
#include <set>

#include "policy/analysis/study.h"
#include "policy/evaluate.h"
#include "policy/crew.h"
#include "policy/terms.h"

namespace jit::policy::analysis {
namespace {

bool satisfies(const Offer& offer, std::string_view needs) {
  std::size_t seats = 0;
  for (const Seat& seat : offer.seats) seats += seat.count;
  if (needs == "approval") return seats > 0;
  if (needs == "approval-by-other") return seats > (offer.self ? 1U : 0U) && !offer.machines;
  if (needs == "signed") return seats > 0 && offer.votes >= Votes::kSigned;
  if (needs == "hardware") return seats > 0 && offer.votes == Votes::kHardware;
  if (needs == "reason") return offer.reason_required;
  if (needs == "ticket") return !offer.tickets.empty();
  if (needs == "record") return offer.record;
  if (needs == "notify") return !offer.notify.empty();
  if (needs == "review") return offer.review_s > 0;
  return false;  // "deny": no offer will do
}

PrincipalTest test_of(const RuleSet& rules, const std::vector<std::string>& names) {
  PrincipalTest out;
  for (const std::string& name : names) {
    const auto parsed = parse_principal(name);
    if (!parsed.principal) continue;
    const auto leaves = expand_principal(rules, *parsed.principal);
    out.leaves.insert(out.leaves.end(), leaves.begin(), leaves.end());
  }
  return out;
}

class Prover {
 public:
  Prover(const Policy& policy, const Invariant& invariant, std::int64_t now, const std::vector<std::string>* tags)
      : invariant_(invariant), tags_(tags), host_{.now = now}, study_(policy, host_) {}

  Proof prove() {
    study_.renew(50'000);
    const RuleSet& rules = study_.rules();
    const PrincipalTest who = test_of(rules, invariant_.who), as = test_of(rules, invariant_.as);
    Region asked = everything();
    if (!invariant_.who.empty()) asked = intersect(std::move(asked), for_who(who));
    if (!invariant_.as.empty()) asked = intersect(std::move(asked), for_target(as));
    Proof out;
    out.answer = Proof::Answer::kProven;
    for (const Entry& permit : study_.permits()) {
      if (invariant_.except_break_glass && permit.rule->break_glass) continue;
      for (const Door door : rules.settings.covers) {
        const bool named = invariant_.doors.empty() || std::ranges::find(invariant_.doors, door) != invariant_.doors.end();
        if (!named || (permit.doors & door_bit(door)) == 0) continue;
        Proof one = at_door(permit, door, asked);
        if (one.answer == Proof::Answer::kRefuted) return one;
        if (one.answer == Proof::Answer::kUndecided) out = std::move(one);
      }
    }
    return out;
  }

 private:
  Proof at_door(const Entry& permit, Door door, const Region& asked) {
    const RuleSet& rules = study_.rules();
    Proof out;
    out.answer = Proof::Answer::kProven;
    if (settled(rules, permit, nullptr, door)) return out;
    Region open = intersect(at_doors(doors_of({door})), intersect(permit.region, asked));
    for (const Entry& guard : study_.guards()) {
      if (may_meet(permit, guard) && !waives(*permit.rule, *guard.rule) && settled(rules, permit, guard.rule, door)) open = minus(std::move(open), guard.region);
    }
    // Each leaf of `who` alone as well: seats may be there for one requester and not for another.
    std::vector<PrincipalTest> leaves;
    if (permit.rule->tests.who) {
      for (const Principal& leaf : permit.rule->tests.who->leaves) leaves.push_back({{}, {leaf}});
    }
    bool any = false;
    for (std::size_t i = 0; i <= leaves.size(); ++i) {
      Sample found = study_.find(i == 0 ? open : intersect(for_who(leaves[i - 1]), open));
      if (found.answer == Sample::Answer::kEmpty && i == 0) return out;
      any = any || found.answer != Sample::Answer::kEmpty;
      if (found.request && broken(*found.request, permit)) {
        out.answer = Proof::Answer::kRefuted;
        out.permit = permit.rule->id;
        out.why = "permit `" + permit.rule->id + "` opens " + std::string(name_of(door)) + (invariant_.needs == "deny" ? "" : " without " + invariant_.needs);
        if (tags_ != nullptr) {
          found.request->tags = *tags_;
          found.request->tags_given = true;
        }
        out.witness = witness_text(*found.request);
        return out;
      }
    }
    if (any) {
      out.answer = Proof::Answer::kUndecided;
      out.why = "permit `" + permit.rule->id + "` may open " + std::string(name_of(door)) + ": no request was found that does, and no proof that none is";
    }
    return out;
  }

  // The permit, with this guard where it applies, is closed or asks what is needed, whatever else applies.
  bool settled(const RuleSet& rules, const Entry& permit, const Rule* guard, Door door) const {
    if (guard != nullptr && guard->deny) return true;
    const Rule* const guards[] = {guard};
    const Terms terms = terms_of(rules, *permit.rule, std::span(guards, guard != nullptr ? 1 : 0), door);
    return !terms.flaws().empty() || satisfies(terms.render(), invariant_.needs);
  }

  bool broken(AnalysisRequest& request, const Entry& permit) {
    request.via = permit.rule->id;
    const Decision decision = decide(study_.policy(), request);
    return decision.outcome != Outcome::kDeny && decision.offer && !satisfies(*decision.offer, invariant_.needs);
  }

  const Invariant& invariant_;
  const std::vector<std::string>* tags_;
  Host host_;
  Study study_;
};

std::set<std::string> tags_in(const RuleSet& rules) {
  std::set<std::string> out;
  const auto look = [&](const Tests& tests) {
    if (!tests.hosts) return;
    for (const Principal& tag : tests.hosts->tags) out.insert(tag.prefix ? tag.name + "1" : tag.name);
  };
  for (const auto* list : {&rules.permits, &rules.guards}) {
    for (const Rule& rule : *list) {
      look(rule.tests);
      if (rule.unless) look(*rule.unless);
    }
  }
  return out;
}

bool rescue_breaks(const Policy& policy, const Invariant& invariant) {
  const bool root = invariant.as.empty() || std::ranges::find(invariant.as, "user:root") != invariant.as.end();
  const bool console = invariant.doors.empty() || std::ranges::find(invariant.doors, Door::kLogin) != invariant.doors.end();
  return root && console && policy.covers(Door::kLogin) && !policy.settings().rescue.empty() && !invariant.except_rescue;
}

}  // namespace

Proof prove(const std::shared_ptr<const Policy>& policy, const Invariant& invariant, const ForTags& for_tags, std::int64_t now) {
  if (rescue_breaks(*policy, invariant)) {
    return {Proof::Answer::kRefuted, "the rescue route lets root in at " + policy->settings().rescue.front() + " with no rule asked; write except = [\"rescue\"] if that is meant", "", ""};
  }
  if (invariant.hosts.empty()) return Prover(*policy, invariant, now, nullptr).prove();
  Proof out;
  out.answer = Proof::Answer::kProven;
  for (const std::string& host : invariant.hosts) {
    const std::string tag = host.ends_with('*') ? host.substr(0, host.size() - 1) + "1" : host;
    std::set<std::string> all = tags_in(policy->rules());
    all.erase(tag);
    const std::vector<std::string> others(all.begin(), all.end());
    const bool few = others.size() <= 4;
    const std::size_t mixtures = few ? std::size_t{1} << others.size() : 2;
    for (std::size_t mixture = 0; mixture < mixtures; ++mixture) {
      std::vector<std::string> tags{tag};
      for (std::size_t i = 0; i < others.size(); ++i) {
        if (few ? (mixture >> i & 1U) != 0 : mixture == 1) tags.push_back(others[i]);
      }
      const auto compiled = for_tags ? for_tags(tags) : nullptr;
      if (compiled == nullptr) return {Proof::Answer::kUndecided, "the policy does not load for a host with the tag " + tag, "", ""};
      Proof one = Prover(*compiled, invariant, now, &tags).prove();
      if (one.answer == Proof::Answer::kRefuted) return one;
      if (one.answer == Proof::Answer::kUndecided) out = std::move(one);
    }
  }
  return out;
}

}  // namespace jit::policy::analysis
