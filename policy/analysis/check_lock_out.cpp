// SPDX-License-Identifier: Apache-2.0
// Ways that close behind everybody: E10 and E14; W19.
#include <algorithm>

#include "policy/analysis/study.h"
#include "policy/evaluate.h"

namespace jit::policy::analysis {
namespace {

bool free_at(const Study& study, AnalysisRequest request, const Rule& permit) {
  request.via = permit.id;
  const Decision decision = decide(study.policy(), request);
  if (!decision.offer || !decision.offer->seats.empty()) return false;
  return decision.outcome != Outcome::kDeny && decision.then == Outcome::kAllow;
}

// At any time, for any command, whatever is known: what may be closed just when it is needed is no way out.
bool always_open(const Tests& tests) {
  return !tests.run && !tests.options && !tests.env && !tests.during && tests.flag.empty() && tests.when.empty() && tests.when_any.empty();
}

// Nobody of `who` is there, as far as the host can tell.
bool for_nobody(const Study& study, const Rule& permit) {
  if (!permit.tests.who || !study.host().known) return false;
  return std::ranges::all_of(permit.tests.who->leaves, [&](const Principal& leaf) {
    const bool user = leaf.kind == Principal::Kind::kUser && leaf.uid == kNoUid;
    if (leaf.prefix || !(user || leaf.kind == Principal::Kind::kGroup)) return false;
    return study.host().known(user ? "user" : "group", leaf.name) == false;
  });
}

// Somebody gets root by this permit with nobody asked.
bool approval_free(Study& study, const Entry& permit) {
  if (permit.rule->approval != nullptr && !permit.rule->approval->need.empty()) return false;
  if (!always_open(permit.rule->tests) || for_nobody(study, *permit.rule)) return false;
  Region region = intersect(at_doors(static_cast<Doors>(~(door_bit(Door::kPolkit) | kClaimedBit | kClaimedOtherBit))), study.root_of(permit));
  for (const Entry& guard : study.guards()) {
    const Rule& rule = *guard.rule;
    const bool closes = rule.deny || (rule.approval != nullptr && !rule.approval->need.empty());
    if (closes && !waives(*permit.rule, rule) && may_meet(permit, guard)) region = minus(std::move(region), guard.region);
  }
  for (const Door door : study.rules().settings.covers) {
    const Sample found = study.find(intersect(at_doors(door_bit(door)), region));
    if (found.answer == Sample::Answer::kCannotTell) return true;  // not proven to be closed
    if (found.request && free_at(study, *found.request, *permit.rule)) return true;
  }
  return false;
}

void check_rescue(Study& study) {
  const RuleSet& rules = study.rules();
  const bool declared = !rules.settings.rescue.empty();
  if (declared && study.host().rescue_lines.value_or(true)) {
    if (rules.covers(Door::kLogin) && study.host().root_password == false) {
      study.add("W19", rules.covers_at,
                "the rescue route lets root log in at a console, and root has no password that would do: nobody could take it; type: passwd root");
    }
    return;
  }
  // Where the consoles are left alone, root logs in there.
  if (!rules.covers(Door::kLogin)) return;
  for (const Entry& permit : study.permits()) {
    if (approval_free(study, permit)) return;
  }
  std::string why = declared ? "`rescue` is declared, but the PAM files hold no such line" : "no rescue route is declared";
  if (declared && !study.host().rescue_why.empty()) why += " (" + study.host().rescue_why + ')';
  study.add("E10", rules.covers_at,
            why + ", the consoles are covered, and no permit gives root without asking somebody: when nobody can answer, the host is "
                  "locked; type: jitctl setup login" + (declared ? "" : ", and write rescue = [\"tty[0-9]*\"] in [settings]"));
}

// Does this permit let somebody of the set in without a seat of that very set?
bool lets_in(Study& study, const Entry& permit, const PrincipalTest& set, std::string_view name, std::optional<AnalysisRequest>& shown) {
  const Doors doors = door_bit(Door::kSsh) | door_bit(Door::kLogin);
  Sample found = study.find(study.allowed_part(permit, intersect(at_doors(doors), intersect(permit.region, for_who(set)))));
  if (found.answer == Sample::Answer::kCannotTell) return true;
  if (!found.request) return false;
  found.request->via = permit.rule->id;
  const Decision decision = decide(study.policy(), *found.request);
  if (!decision.offer) return false;
  shown = found.request;
  return std::ranges::find(decision.offer->seats, name, &Seat::set) == decision.offer->seats.end();
}

void check_way_in(Study& study, const Approval& approval) {
  const RuleSet& rules = study.rules();
  if (!rules.covers(Door::kSsh) || !rules.covers(Door::kLogin)) return;
  for (const Approval::Need& need : approval.need) {
    const Principal& from = need.from.principal;
    PrincipalTest set;
    if (from.kind == Principal::Kind::kSet) {
      const auto found = rules.sets.find(from.name);
      if (found == rules.sets.end()) continue;
      set.leaves = found->second.leaves;
    } else {
      set.leaves = {from};
    }
    std::optional<AnalysisRequest> shown;
    const bool open = std::ranges::any_of(study.permits(), [&](const Entry& permit) { return lets_in(study, permit, set, need.seat.set, shown); });
    if (open || !shown) continue;
    const Rule* permit = rules.permit_named(shown->via);
    study.add("E14", need.from.place,
              "whoever may approve `" + approval.name.value + "` gets into this host only when one of " + need.seat.set +
                  " approves: once all of them are out, nobody gets in; give them a door that asks nobody, or somebody else",
              permit == nullptr ? nullptr : &permit->place, &*shown);
  }
}

}  // namespace

void check_lock_out(Study& study) {
  study.renew(20'000);
  check_rescue(study);
  for (const auto& [name, approval] : study.rules().approvals) {
    const auto guards_door = [by = &approval](const Entry& entry) {
      return entry.rule->approval == by && (entry.doors & (door_bit(Door::kSsh) | door_bit(Door::kLogin))) != 0;
    };
    if (std::ranges::any_of(study.permits(), guards_door) || std::ranges::any_of(study.guards(), guards_door)) check_way_in(study, approval);
  }
}

}  // namespace jit::policy::analysis
