// SPDX-License-Identifier: Apache-2.0
#include "policy/analysis/prove.h"

#include <algorithm>
#include <array>
#include <map>

#include "policy/analysis/mixtures.h"
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

Proof said(Proof::Answer answer, std::string why) {
  Proof out;
  out.answer = answer;
  out.why = std::move(why);
  return out;
}

PrincipalTest test_of(const RuleSet& rules, const std::vector<Text>& names) {
  PrincipalTest out;
  for (const Text& name : names) {
    const auto parsed = parse_principal(name.value);
    if (!parsed.principal) continue;
    const auto leaves = expand_principal(rules, *parsed.principal);
    out.leaves.insert(out.leaves.end(), leaves.begin(), leaves.end());
  }
  return out;
}

bool asks_at(const Invariant& invariant, Door door) {
  return invariant.doors.empty() || std::ranges::find(invariant.doors, door) != invariant.doors.end();
}

class Prover {
 public:
  Prover(const Policy& policy, const Invariant& invariant, const Host& host, std::vector<std::string> tags, bool tags_given)
      : invariant_(invariant), tags_(std::move(tags)), tags_given_(tags_given), host_(host), study_(policy, host_),
        who_(test_of(study_.rules(), invariant.who)), as_(test_of(study_.rules(), invariant.as)), asked_(everything()) {
    if (!invariant_.who.empty()) asked_ = intersect(std::move(asked_), for_who(who_, Side::kCloses));
    if (!invariant_.as.empty()) asked_ = intersect(std::move(asked_), for_target(as_));
  }

  const Study& study() const { return study_; }

  // Does a permit that was asked about open any of it? Only then is its proof worth something.
  bool met() const { return met_; }

  Proof prove() {
    Proof out;
    out.answer = Proof::Answer::kProven;
    for (const Entry& permit : study_.permits()) {
      Proof one = prove(permit);
      if (one.answer == Proof::Answer::kRefuted) return one;
      if (one.answer == Proof::Answer::kUndecided) out = std::move(one);
    }
    out.idle = !met_;
    return out;
  }

  // Of this permit only; one that is not for such a host opens nothing.
  Proof prove(std::string_view id) {
    const auto permit = std::ranges::find(study_.permits(), id, [](const Entry& entry) -> std::string_view { return entry.rule->id; });
    if (permit != study_.permits().end()) return prove(*permit);
    Proof out;
    out.answer = Proof::Answer::kProven;
    return out;
  }

  Sample::Answer any_request() {
    study_.renew(1'000);
    Doors doors = 0;
    for (const Door door : study_.rules().settings.covers) doors |= asks_at(invariant_, door) ? doors_of({door}) : Doors{0};
    return study_.find(intersect(at_doors(doors), asked_)).answer;
  }

 private:
  Proof prove(const Entry& permit) {
    Proof out;
    out.answer = Proof::Answer::kProven;
    if (invariant_.except_break_glass && permit.rule->break_glass) return out;
    study_.renew(50'000);
    for (const Door door : study_.rules().settings.covers) {
      if (!asks_at(invariant_, door) || (permit.doors & door_bit(door)) == 0) continue;
      if (!met_) met_ = study_.find(intersect(at_doors(doors_of({door})), intersect(permit.region, asked_))).answer != Sample::Answer::kEmpty;
      Proof one = at_door(permit, door, asked_);
      if (one.answer == Proof::Answer::kRefuted) return one;
      if (one.answer == Proof::Answer::kUndecided) out = std::move(one);
    }
    return out;
  }

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
        if (tags_given_) {
          found.request->tags = tags_;
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
  const std::vector<std::string> tags_;
  const bool tags_given_;
  const Host& host_;
  Study study_;
  PrincipalTest who_, as_;
  Region asked_;
  bool met_ = false;
};

// Hosts with a tag, whatever others they have. A permit is proven for each outcome of the tests on tags that it and the
// guards that can meet it hold; the policy is compiled once for each list of tags.
class Fleet {
 public:
  Fleet(const Policy& policy, const Invariant& invariant, const ForTags& for_tags, const Host& host)
      : policy_(policy), invariant_(invariant), for_tags_(for_tags), host_(host), left_(std::clamp<std::size_t>(200'000 / (policy.rule_count() + 1), 16, 1'000)) {}

  bool met() const {
    return std::ranges::any_of(provers_, [](const auto& each) { return each.second->met(); });
  }

  Proof prove(const std::string& base) {
    Proof out;
    out.answer = Proof::Answer::kProven;
    for (const Rule& permit : policy_.rules().permits) {
      if (invariant_.except_break_glass && permit.break_glass) continue;
      const Mixtures hosts = mixtures(tests_for(permit), base, 4'096);
      bool all = hosts.all;
      for (const auto& tags : hosts.tags) {
        const bool here = !permit.tests.hosts || std::ranges::any_of(permit.tests.hosts->tags, [&](const Principal& tag) {
          return std::ranges::any_of(tags, [&](const std::string& each) { return tag.matches(each); });
        });
        if (!here) continue;
        Prover* prover = prover_for(tags, all);
        if (prover == nullptr && all) return said(Proof::Answer::kUndecided, "the policy does not load for a host with the tags " + listed(tags));
        if (prover == nullptr) break;
        Proof one = prover->prove(permit.id);
        if (one.answer == Proof::Answer::kRefuted) return one;
        if (one.answer == Proof::Answer::kUndecided) out = std::move(one);
      }
      if (!all) out = said(Proof::Answer::kUndecided, "rules name so many tags that not all kinds of hosts with tag:" + base + " could be tried");
    }
    return out;
  }

 private:
  static std::string listed(const std::vector<std::string>& tags) {
    std::string out;
    for (const std::string& tag : tags) out += (out.empty() ? "" : ", ") + tag;
    return out;
  }

  static bool doors_meet(const Rule& a, const Rule& b) {
    if (!a.tests.door || !b.tests.door) return true;
    return std::ranges::any_of(*a.tests.door, [&](Door door) { return std::ranges::find(*b.tests.door, door) != b.tests.door->end(); });
  }

  std::vector<const TagTest*> tests_for(const Rule& permit) const {
    std::vector<const TagTest*> out;
    add_tag_tests(permit, out);
    for (const Rule& guard : policy_.rules().guards) {
      if (!guard.observe && doors_meet(permit, guard) && !waives(permit, guard)) add_tag_tests(guard, out);
    }
    return out;
  }

  // Null: the policy does not load there, or, with `all` made false, there were too many.
  Prover* prover_for(const std::vector<std::string>& tags, bool& all) {
    const auto found = provers_.find(tags);
    if (found != provers_.end()) return found->second.get();
    if (left_ == 0) {
      all = false;
      return nullptr;
    }
    --left_;
    auto compiled = for_tags_ ? for_tags_(tags) : nullptr;
    if (compiled == nullptr) return nullptr;
    policies_.push_back(std::move(compiled));
    return provers_.emplace(tags, std::make_unique<Prover>(*policies_.back(), invariant_, host_, tags, true)).first->second.get();
  }

  const Policy& policy_;
  const Invariant& invariant_;
  const ForTags& for_tags_;
  const Host& host_;
  std::size_t left_;
  std::vector<std::shared_ptr<const Policy>> policies_;
  std::map<std::vector<std::string>, std::unique_ptr<Prover>> provers_;
};

// Root at a console, with no rule asked: is that among the requests that the invariant speaks of?
bool rescue_breaks(const Policy& policy, const Invariant& invariant) {
  if (invariant.except_rescue || !asks_at(invariant, Door::kLogin) || !policy.covers(Door::kLogin) || policy.settings().rescue.empty()) return false;
  const Identity root = identity_of(policy.rules(), "root", 0, {"root"});
  return std::ranges::all_of(std::array{&invariant.who, &invariant.as}, [&](const std::vector<Text>* names) {
    return names->empty() || is_one_of(policy.rules(), test_of(policy.rules(), *names).leaves, root, Side::kCloses, 0) == Truth::kTrue;
  });
}

}  // namespace

Proof prove(const std::shared_ptr<const Policy>& policy, const Invariant& invariant, const ForTags& for_tags, const Host& host) {
  if (rescue_breaks(*policy, invariant)) {
    return said(Proof::Answer::kRefuted, "the rescue route lets root in at " + policy->settings().rescue.front() + " with no rule asked; write except = [\"rescue\"] if that is meant");
  }
  if (invariant.hosts.empty()) return Prover(*policy, invariant, host, {}, false).prove();
  Proof out;
  out.answer = Proof::Answer::kProven;
  Fleet fleet(*policy, invariant, for_tags, host);
  for (const std::string& tag : invariant.hosts) {
    Proof one = fleet.prove(tag);
    if (one.answer == Proof::Answer::kRefuted) return one;
    if (one.answer == Proof::Answer::kUndecided) out = std::move(one);
  }
  out.idle = !fleet.met();
  return out;
}

bool matches_nothing(const Policy& policy, const Invariant& invariant, const Host& host) {
  return Prover(policy, invariant, host, {}, false).any_request() == Sample::Answer::kEmpty;
}

}  // namespace jit::policy::analysis
