// SPDX-License-Identifier: Apache-2.0
// What a change of policy means: regions whose answer changed, each shown by a request that both policies answer. An answer
// can only change where a rule that differs matches, so only there is looked.
#include <algorithm>
#include <map>
#include <set>

#include "policy/analysis/question.h"
#include "policy/analysis/study.h"
#include "policy/analysis/terms_order.h"
#include "policy/evaluate.h"

namespace jit::policy::analysis {
namespace {

std::string answer_text(const Decision& decision) {
  if (decision.outcome == Outcome::kDeny || !decision.offer) return "deny";
  const Outcome then = decision.outcome == Outcome::kNeeds ? decision.then : decision.outcome;
  std::string out = std::string(name_of(then)) + " by " + decision.offer->rule + ", " + format_duration(decision.offer->give_s);
  for (const Seat& seat : decision.offer->seats) out += ", " + std::to_string(seat.count) + " of " + seat.set;
  return out;
}

class Differ {
 public:
  Differ(const Policy& before, const Policy& after, const Host& host) : before_(before, host), after_(after, host) {}

  Differences run() {
    before_.renew(20'000);
    after_.renew(20'000);
    look(before_, after_);
    look(after_, before_);
    out_.complete = out_.complete && !before_.exhausted() && !after_.exhausted();
    return std::move(out_);
  }

 private:
  static const Rule* named(const Study& study, const Rule& rule) {
    if (rule.permit) return study.rules().permit_named(rule.id);
    const auto& guards = study.rules().guards;
    const auto found = std::ranges::lower_bound(guards, rule.id, {}, &Rule::id);
    return found == guards.end() || found->id != rule.id ? nullptr : &*found;
  }

  // The fingerprint says of a permit whether it and all that it names is the same; guards have none.
  static bool same(const Rule& rule, const Rule* other) {
    return rule.permit && other != nullptr && rule.fingerprint == other->fingerprint;
  }

  void look(Study& in, Study& other) {
    for (const Entry& entry : in.permits()) {
      const Rule* twin = named(other, *entry.rule);
      if (!same(*entry.rule, twin)) ask_around(in, other, entry, twin, entry.region);
    }
    for (const Entry& guard : in.guards()) {
      const Rule* twin = named(other, *guard.rule);
      for (const std::size_t at : in.near(guard)) {
        const Entry& permit = in.permits()[at];
        if (!may_meet(permit, guard) || told_.size() > 1000) continue;
        ask_around(in, other, guard, twin, intersect(permit.region, guard.region));
      }
    }
  }

  // The middle of the region, and its part outside of what the rule was, where the rule was there at all.
  void ask_around(Study& in, Study& other, const Entry& entry, const Rule* twin, const Region& region) {
    for (const Door door : in.rules().settings.covers) {
      if ((entry.doors & door_bit(door)) == 0) continue;
      const Region here = intersect(at_doors(door_bit(door)), region);
      ask(in, other, *entry.rule, here);
      if (twin == nullptr) continue;
      // Regions of another policy may be used here: they hold its tests, which outlive this.
      ask(in, other, *entry.rule, minus(here, region_of(*twin)));
    }
  }

  void ask(Study& in, Study& other, const Rule& rule, const Region& region) {
    for (Study* study : {&in, &other}) {
      const Sample found = study->find(region);
      if (found.answer == Sample::Answer::kCannotTell) out_.complete = false;
      if (found.request) compare_at(*found.request, rule);
    }
  }

  void compare_at(AnalysisRequest request, const Rule& rule) {
    const Decision old = decide(before_.policy(), request), now = decide(after_.policy(), request);
    Difference out;
    out.before = answer_text(old);
    out.after = answer_text(now);
    if (old.offer && now.offer) {
      switch (compare(*old.offer, *now.offer)) {
        case Change::kSame: return;
        case Change::kEasier: out.kind = Difference::Kind::kEasier; break;
        case Change::kHarder: out.kind = Difference::Kind::kHarder; break;
        case Change::kOther: out.kind = Difference::Kind::kOther; break;
      }
    } else if (old.offer.has_value() == now.offer.has_value()) {
      return;
    } else {
      out.kind = now.offer ? Difference::Kind::kAllowed : Difference::Kind::kDenied;
    }
    if (!told_.insert(rule.id + '\n' + std::string(name_of(request.door)) + std::to_string(static_cast<int>(out.kind)) + out.before + '\n' + out.after).second) return;
    out.door = request.door;
    out.rule = rule.id;
    out.witness = witness_text(request);
    out_.regions.push_back(std::move(out));
  }

  Study before_, after_;
  std::set<std::string> told_;
  Differences out_;
};

}  // namespace

Differences diff(const Policy& before, const Policy& after, const Host& host) { return Differ(before, after, host).run(); }

}  // namespace jit::policy::analysis
