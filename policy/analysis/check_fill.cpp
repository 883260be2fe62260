// SPDX-License-Identifier: Apache-2.0
// Seats that nobody can fill: E06 over a permit and the guards that always narrow it, E07 in a hole of a roster.
#include <algorithm>

#include "policy/analysis/study.h"
#include "policy/evaluate.h"
#include "policy/crew.h"
#include "policy/terms.h"

namespace jit::policy::analysis {
namespace {

std::string quoted(std::string_view name) { return '`' + std::string(name) + '`'; }

// The seats that every request of this permit must fill.
void check_merged(Study& study, const Entry& permit) {
  const RuleSet& rules = study.rules();
  std::vector<const Entry*> always;
  for (const Entry& guard : study.guards()) {
    const Rule& rule = *guard.rule;
    if (rule.approval == nullptr || rule.approval->need.empty() || waives(*permit.rule, rule) || !may_lie_in(permit, guard)) continue;
    if (study.find(minus(permit.region, guard.region)).answer == Sample::Answer::kEmpty) always.push_back(&guard);
  }
  if (always.empty()) return;
  Sample shown = study.find(study.allowed_part(permit, permit.region));
  if (!shown.request) return;
  std::vector<const Rule*> guards;
  for (const Entry* guard : always) guards.push_back(guard->rule);
  const Offer offer = terms_of(rules, *permit.rule, guards, shown.request->door).render();
  const Filling filling = could_fill(rules, {offer.seats, offer.votes, offer.machines, offer.self}, nullptr, study.host().now);
  if (filling.answer != Filling::Answer::kNo) return;
  shown.request->via = permit.rule->id;
  if (decide(study.policy(), *shown.request).outcome != Outcome::kDeny) return;
  const Rule& guard = *always.front()->rule;
  study.add("E06", permit.rule->place,
            "nobody can fill the seats that permit " + quoted(permit.rule->id) + " and the guards on it ask together: " + filling.why,
            &guard.place, &*shown.request);
}

bool used(const RuleSet& rules, const Approval& approval) {
  const auto uses = [&](const Rule& rule) { return rule.approval == &approval; };
  return std::ranges::any_of(rules.permits, uses) || std::ranges::any_of(rules.guards, uses);
}

// The first stretch, from now to the end of the last shift, in which nobody is on duty; zero length: there is none.
struct Hole {
  std::int64_t from = 0, to = 0;
};
Hole longest_hole(const std::vector<const Roster*>& rosters, std::int64_t now) {
  std::vector<std::pair<std::int64_t, std::int64_t>> shifts;
  for (const Roster* roster : rosters) {
    for (const Shift& shift : roster->shifts) {
      if (shift.to > now) shifts.emplace_back(shift.from, shift.to);
    }
  }
  std::ranges::sort(shifts);
  Hole out;
  std::int64_t until = now;
  for (const auto& [from, to] : shifts) {
    if (from - until > out.to - out.from) out = {until, from};
    until = std::max(until, to);
  }
  return out;
}

void check_roster_holes(Study& study, const Approval& approval) {
  const std::int64_t wait = approval.wait_s.value_or(600);
  for (const Approval::Need& need : approval.need) {
    const auto crew = study.rules().crews.find(need.seat.set);
    if (crew == study.rules().crews.end() || crew->second.rosters.empty() || crew->second.open_ended || !crew->second.members.empty()) continue;
    std::vector<const Roster*> rosters;
    std::string files;
    for (const std::string& name : crew->second.rosters) {
      const auto roster = study.rules().rosters.find(name);
      if (roster == study.rules().rosters.end()) continue;
      rosters.push_back(&roster->second);
      files += (files.empty() ? "" : ", ") + roster->second.file;
    }
    const Hole hole = longest_hole(rosters, study.host().now);
    if (hole.to - hole.from < wait) continue;
    study.add("E07", need.from.place,
              "nobody of " + need.seat.set + " is on duty from " + time_text(hole.from) + " to " + time_text(hole.to) + " (" + files +
                  "), longer than approval " + quoted(approval.name.value) + " waits; fill the roster, or ask another set",
              &approval.name.place);
  }
}

}  // namespace

void check_fill(Study& study) {
  study.renew(20'000);
  const bool guards_ask = std::ranges::any_of(study.guards(), [](const Entry& guard) {
    return guard.rule->approval != nullptr && !guard.rule->approval->need.empty();
  });
  if (guards_ask) {
    for (const Entry& permit : study.permits()) check_merged(study, permit);
  }
  for (const auto& [name, approval] : study.rules().approvals) {
    if (used(study.rules(), approval)) check_roster_holes(study, approval);
  }
}

}  // namespace jit::policy::analysis
