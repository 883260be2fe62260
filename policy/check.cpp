// SPDX-License-Identifier: Apache-2.0
// What can be told from the whole policy without a request: approvals that nobody can fill (E06), idle guards (W02).
#include "policy/crew.h"
#include "policy/draft.h"

namespace jit::policy {
namespace {

std::vector<Seat> seats_of(const Approval& approval) {
  std::vector<Seat> out;
  for (const Approval::Need& need : approval.need) out.push_back(need.seat);
  return out;
}

void check_approval(Draft& draft, const Approval& approval) {
  const Filling filling = can_fill(*draft.out, seats_of(approval), nullptr);
  if (filling.answer == Filling::Answer::kNo) {
    draft.report.add("E06", approval.name.place,
                     "nobody can fill approval `" + approval.name.value + "`: " + filling.why);
  }
}

// A permit whose every requester would have to approve his own request.
void check_requesters(Draft& draft, const Rule& permit) {
  if (permit.approval == nullptr || !permit.tests.who) return;
  const std::vector<Seat> seats = seats_of(*permit.approval);
  const Crew requesters = crew_of(*draft.out, permit.tests.who->leaves, Machines::kCounted);
  if (requesters.open_ended || requesters.members.empty()) return;
  Filling last;
  for (const Crew::Member& member : requesters.members) {
    Identity identity;
    identity.person = member.person;
    identity.user = member.user;
    last = can_fill(*draft.out, seats, &identity);
    if (last.answer != Filling::Answer::kNo) return;
  }
  draft.report.add("E06", permit.approval_name->place,
                   "nobody can fill approval `" + permit.approval_name->value + "` for a requester of `" + permit.id +
                       "`, who never counts himself: " + last.why,
                   permit.approval->name.place);
}

void check_idle(Draft& draft, const Rule& guard) {
  if (guard.deny || guard.approval != nullptr || guard.reason_min || guard.give_s || guard.max_s || guard.scope) return;
  draft.report.add("W02", guard.place,
                   "guard `" + guard.id + "` changes nothing; give it deny, approval, require, give, max or scope");
}

}  // namespace

void check(Draft& draft) {
  for (const auto& [name, approval] : draft.out->approvals) check_approval(draft, approval);
  if (draft.report.failed()) return;  // one finding for one cause
  for (const Rule& permit : draft.out->permits) check_requesters(draft, permit);
  for (const Rule& guard : draft.out->guards) check_idle(draft, guard);
}

}  // namespace jit::policy
