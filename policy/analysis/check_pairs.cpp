// SPDX-License-Identifier: Apache-2.0
// Rules against each other: W01, W02, W03, W04.
#include <algorithm>

#include "policy/analysis/study.h"
#include "policy/analysis/terms_order.h"
#include "policy/evaluate.h"

namespace jit::policy::analysis {
namespace {

constexpr std::size_t kSamples = 60'000;  // of one check

std::string named(const Rule& rule) { return '`' + rule.id + '`'; }

bool both_match(const Study& study, const AnalysisRequest& request, const Rule& a, const Rule& b) {
  const Request view = request.view();
  const Scene scene{study.rules(), view};
  return permit_matches(a, scene) && permit_matches(b, scene);
}

// Of permits that are the same in all, the one with the later id is too many.
bool shadows(const RuleSet& rules, const Entry& by, const Entry& entry) {
  return as_easy(rules, *by.rule, *entry.rule) && (!as_easy(rules, *entry.rule, *by.rule) || by.rule->id < entry.rule->id ||
                                                   !may_lie_in(by, entry));
}

void check_shadowed(Study& study) {
  study.renew(kSamples);
  for (const Entry& entry : study.permits()) {
    for (const std::size_t at : study.near(entry)) {
      const Entry& by = study.permits()[at];
      if (&by == &entry || !may_lie_in(entry, by) || !shadows(study.rules(), by, entry)) continue;
      if (study.find(minus(entry.region, by.region)).answer != Sample::Answer::kEmpty) continue;
      const bool same = as_easy(study.rules(), *entry.rule, *by.rule);
      // Where they are the same in all, only one of them is reported.
      if (same && by.rule->id > entry.rule->id && study.find(minus(by.region, entry.region)).answer == Sample::Answer::kEmpty) continue;
      Sample shown = study.find(study.allowed_part(entry, entry.region));
      if (!shown.request) shown = study.find(entry.region);
      if (shown.answer == Sample::Answer::kEmpty) break;  // it matches nothing at all, which is said elsewhere
      if (!shown.request || !both_match(study, *shown.request, *entry.rule, *by.rule)) continue;
      const Request view = shown.request->view();
      if (study.policy().prefers(*entry.rule, *by.rule, view) && !same) continue;
      study.add("W01", entry.rule->place,
                "permit " + named(*entry.rule) + " is never needed: " + named(*by.rule) + " matches all that it does, on terms that are " +
                    (same ? "the same" : "as easy or easier") + "; take it out, or make it differ",
                &by.rule->place, &*shown.request);
      break;
    }
    if (study.exhausted()) return;
  }
}

void report_overlap(Study& study, const Entry& a, const Entry& b) {
  const Region common = study.allowed_part(a, study.allowed_part(b, intersect(a.region, b.region)));
  const Sample shown = study.find(common);
  if (!shown.request || !both_match(study, *shown.request, *a.rule, *b.rule)) return;
  // One that lies in the other is an exception that somebody meant.
  if (study.find(minus(a.region, b.region)).answer != Sample::Answer::kFound) return;
  if (study.find(minus(b.region, a.region)).answer != Sample::Answer::kFound) return;
  const Decision decision = decide(study.policy(), *shown.request);
  if (!decision.offer || (decision.offer->rule != a.rule->id && decision.offer->rule != b.rule->id)) return;
  const Rule& first = decision.offer->rule == a.rule->id ? *a.rule : *b.rule;
  const Rule& second = &first == a.rule ? *b.rule : *a.rule;
  study.add("W04", a.rule->place,
            named(*a.rule) + " and " + named(*b.rule) + " overlap on different terms: a request in both gets " + named(first) +
                ", and " + named(second) + " only with --via; tell them apart, or give them the same terms",
            &b.rule->place, &*shown.request);
}

void check_overlaps(Study& study) {
  study.renew(kSamples);
  std::size_t reported = 0;
  for (std::size_t i = 0; i < study.permits().size() && !study.exhausted() && reported <= 200; ++i) {
    const Entry& a = study.permits()[i];
    for (const std::size_t j : study.near(a)) {
      const Entry& b = study.permits()[j];
      // From the one whose `who` can be listed, or from the first of two that are alike in that.
      if (j == i || (a.who.empty() == b.who.empty() ? j < i : a.who.empty())) continue;
      if (!may_meet(a, b) || a.rule->break_glass != b.rule->break_glass || same_terms(study.rules(), *a.rule, *b.rule)) continue;
      report_overlap(study, j < i ? b : a, j < i ? a : b);
      ++reported;
    }
  }
  if (study.exhausted()) study.add("W04", {}, "more permits overlap than could be compared; mend what is named first, then check again");
}

// A door at which the guard changes the offer of the permit.
Doors doors_changed(const Study& study, const Entry& permit, const Entry& guard) {
  unsigned out = 0;
  for (const Door door : study.rules().settings.covers) {
    const unsigned bits = doors_of({door});
    if ((permit.doors & guard.doors & bits) != 0 && changes(study.rules(), *permit.rule, *guard.rule, door)) out |= bits;
  }
  return static_cast<Doors>(out);
}

bool says_anything(const Rule& guard) {
  return guard.deny || guard.approval != nullptr || !guard.require.texts.empty() || guard.give_s || guard.max_s || guard.scope;
}

// Whatever `guard` adds to an offer, `by` adds too.
bool as_strict(const Rule& by, const Rule& guard) {
  const auto within = [](const auto& inner, const auto& outer, auto key) {
    return std::ranges::all_of(inner, [&](const auto& each) { return std::ranges::find(outer, key(each), key) != outer.end(); });
  };
  const auto value = [](const Text& text) -> const std::string& { return text.value; };
  const auto no_more = [](const auto& a, const auto& b) { return !b || (a && *a <= *b); };
  if (!within(by.yields_to, guard.yields_to, value)) return false;  // where it is waived, the guard still stands
  if (by.deny) return true;
  return !guard.deny && (guard.approval == nullptr || guard.approval == by.approval) && within(guard.require.texts, by.require.texts, value) &&
         no_more(by.give_s, guard.give_s) && no_more(by.max_s, guard.max_s) && no_more(by.scope, guard.scope);
}

// Another guard that makes this one superfluous; of two that are alike, the one with the later id is too many.
const Entry* covered_by(Study& study, const Entry& guard) {
  for (const Entry& by : study.guards()) {
    if (&by == &guard || !may_lie_in(guard, by) || !as_strict(*by.rule, *guard.rule)) continue;
    if (study.find(minus(guard.region, by.region)).answer != Sample::Answer::kEmpty) continue;
    const bool alike = may_lie_in(by, guard) && as_strict(*guard.rule, *by.rule) && study.find(minus(by.region, guard.region)).answer == Sample::Answer::kEmpty;
    if (!alike || by.rule->id < guard.rule->id) return &by;
  }
  return nullptr;
}

void check_idle_guards(Study& study) {
  study.renew(kSamples);
  for (const Entry& guard : study.guards()) {
    if (!says_anything(*guard.rule)) continue;  // the loader has said so
    if (const Entry* by = covered_by(study, guard)) {
      const auto shown = study.decided_by(*guard.rule);
      study.add("W02", guard.rule->place,
                "guard " + named(*guard.rule) + " changes no offer: guard " + named(*by->rule) + " applies wherever it does, and is as strict; take it out",
                &by->rule->place, shown ? &*shown : nullptr);
      continue;
    }
    bool idle = true;
    std::optional<AnalysisRequest> shown;
    for (const std::size_t at : study.near(guard)) {
      const Entry& permit = study.permits()[at];
      if (!may_meet(permit, guard)) continue;
      const Doors doors = doors_changed(study, permit, guard);
      if (doors == 0 && shown) continue;
      Region common = intersect(permit.region, guard.region);
      if (doors != 0) common = intersect(at_doors(doors), std::move(common));
      const Sample found = study.find(common);
      if (doors != 0 && found.answer != Sample::Answer::kEmpty) {
        idle = false;
        break;
      }
      if (found.request) shown = found.request;
    }
    // A guard also meets permits that share no atom with it: somebody may be in two groups.
    for (const Entry& permit : study.permits()) {
      if (!idle || guard.who.empty()) break;
      const Doors doors = may_meet(permit, guard) ? doors_changed(study, permit, guard) : Doors{0};
      if (doors != 0 && study.find(intersect(at_doors(doors), intersect(permit.region, guard.region))).answer != Sample::Answer::kEmpty) idle = false;
    }
    if (study.exhausted()) return;
    if (!idle) continue;
    study.add("W02", guard.rule->place,
              "guard " + named(*guard.rule) + (shown ? " changes no offer: each permit that it meets is as strict already; take it out"
                                                      : " meets no permit on this host; take it out, or look at its tests"),
              nullptr, shown ? &*shown : nullptr);
  }
}

void check_dead_permits(Study& study) {
  study.renew(kSamples);
  for (const Entry& guard : study.guards()) {
    if (!guard.rule->deny) continue;
    const bool all = guard.who.empty();
    const auto near = study.near(guard);
    for (const std::size_t at : near) {
      const Entry& permit = study.permits()[at];
      if (waives(*permit.rule, *guard.rule) || (permit.doors & ~guard.doors) != 0 || (permit.targets & ~guard.targets) != 0) continue;
      if (permit.who.empty() && !all) continue;
      if (study.find(minus(permit.region, guard.region)).answer != Sample::Answer::kEmpty) continue;
      Sample shown = study.find(permit.region);
      if (!shown.request) continue;
      shown.request->via = permit.rule->id;
      const Decision decision = decide(study.policy(), *shown.request);
      if (decision.outcome != Outcome::kDeny || !has(decision.rules, guard.rule->id)) continue;
      study.add("W03", guard.rule->place,
                "guard " + named(*guard.rule) + " denies everything that permit " + named(*permit.rule) + " gives; take one of them out, or write an `unless`",
                &permit.rule->place, &*shown.request);
    }
    if (study.exhausted()) return;
  }
}

}  // namespace

void check_pairs(Study& study) {
  check_shadowed(study);
  check_overlaps(study);
  check_idle_guards(study);
  check_dead_permits(study);
}

}  // namespace jit::policy::analysis
