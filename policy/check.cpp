// SPDX-License-Identifier: Apache-2.0
// What can be told from the whole policy without a request: approvals that nobody can fill (E06), obligations that
// no door can honour (E08), idle guards (W02).
#include <algorithm>

#include "policy/crew.h"
#include "policy/draft.h"

namespace jit::policy {
namespace {

void check_approval(Draft& draft, const Approval& approval) {
  const std::vector<SeatRef> seats = seats_of(approval);
  const Filling filling = could_fill(*draft.out, quorum_of(*draft.out, approval, seats), nullptr);
  if (filling.answer == Filling::Answer::kNo) {
    draft.report.add("E06", approval.name.place,
                     "nobody can fill approval `" + approval.name.value + "`: " + filling.why);
  }
}

// A permit whose every requester would have to approve his own request.
void check_requesters(Draft& draft, const Rule& permit) {
  if (permit.approval == nullptr || !permit.tests.who) return;
  const std::vector<SeatRef> seats = seats_of(*permit.approval);
  const Quorum quorum = quorum_of(*draft.out, *permit.approval, seats);
  const Filling last = best_for_requesters(*draft.out, permit.tests.who->leaves, quorum);
  if (last.answer != Filling::Answer::kNo) return;
  draft.report.add("E06", permit.approval_name->place,
                   "nobody can fill approval `" + permit.approval_name->value + "` for a requester of `" + permit.id +
                       (permit.approval->self ? "`: " : "`, who never counts himself: ") + last.why,
                   permit.approval->name.place);
}

// `record` is honoured at sudo only.
void check_record(Draft& draft, const Rule& rule) {
  const auto written = std::ranges::find(rule.require.texts, "record", &Text::value);
  if (written == rule.require.texts.end()) return;
  bool any = false;
  for (const Door door : draft.out->settings.covers) {
    if (rule.tests.door && std::ranges::find(*rule.tests.door, door) == rule.tests.door->end()) continue;
    if (door == Door::kSudo) return;
    any = true;
  }
  if (!any) return;  // it stands behind no covered door at all
  draft.report.add("E08", written->place,
                   "`record` is honoured at the door sudo only, and `" + rule.id + "` is for no covered sudo; take it out, or add the door");
}

void check_idle(Draft& draft, const Rule& guard) {
  if (guard.deny || guard.approval != nullptr || !guard.require.texts.empty() || guard.give_s || guard.max_s || guard.scope) return;
  draft.report.add("W02", guard.place,
                   "guard `" + guard.id + "` changes nothing; give it deny, approval, require, give, max or scope");
}

}  // namespace

void check(Draft& draft) {
  for (const auto& [name, approval] : draft.out->approvals) check_approval(draft, approval);
  if (draft.report.failed()) return;  // one finding for one cause
  for (const Rule& permit : draft.out->permits) check_requesters(draft, permit);
  for (const Rule& permit : draft.out->permits) check_record(draft, permit);
  for (const Rule& guard : draft.out->guards) {
    check_record(draft, guard);
    check_idle(draft, guard);
  }
}

}  // namespace jit::policy
