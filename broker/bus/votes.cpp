// SPDX-License-Identifier: Apache-2.0
// Votes: by who calls, and those that carry their own proof.
#include "broker/bus/handlers.h"

namespace jit::bus {

using core::Error;

namespace {

core::Outcome<bool> outcome_of(Authorized authorized) {
  switch (authorized) {
    case Authorized::kYes:
    case Authorized::kAbsent: return {Error::kNone, {}, true};
    case Authorized::kNo: return {Error::kDenied, "your password was not given, so the vote does not count", false};
    case Authorized::kNobodyAsked:
      return {Error::kDenied, "your password is needed to approve: run jitctl approve on a terminal", false};
    case Authorized::kFailed: break;
  }
  return {Error::kUnavailable, "polkit cannot be asked whether you may approve; an admin can see why: journalctl -u jit-broker", false};
}

}  // namespace

// A yes by uid alone is the weak kind: whoever sits there gives his own password, where polkit is installed. Not where polkit's
// own door is behind our gate: it would ask the approvers for an approval.
void Handlers::vote(const core::Caller& caller, const Sender& sender, const std::string& id, const core::Ballot& ballot,
                    const Reply& reply) {
  const auto link = link_.lock();
  const policy::Policy* const policy = core_.policy();
  const bool behind_us = policy == nullptr || policy->covers(policy::Door::kPolkit);
  if (!ballot.approve) return cast(caller, id, ballot, reply);
  // One request, whatever the id is short for by the time the password is given.
  const auto found = documents_.find_request(caller, id);
  if (!found) return reply({found.error, found.message, {}, 0});
  // Nobody is asked for a password for a vote that is refused anyway.
  const std::string whole = found.value.id.text();
  if (!link || behind_us || !core_.would_count(caller, found.value.id, ballot)) return cast(caller, whole, ballot, reply);
  link->authorize(sender.name, [self = weak_from_this(), caller, whole, ballot, reply](Authorized authorized) {
    const auto there = self.lock();
    if (!there) return;
    const auto may = outcome_of(authorized);
    if (!may) return reply({may.error, may.message, {}, 0});
    there->cast(caller, whole, ballot, reply);
  });
}

void Handlers::cast(const core::Caller& caller, const std::string& id, const core::Ballot& ballot, const Reply& reply) {
  documents_.remember(caller.identity);
  const auto found = documents_.find_request(caller, id);
  if (!ballot.approve || !found) return core_.vote(caller, id, ballot, answer_request(caller, id, reply));
  directory::refresh_voters(weak_from_this(), directory_, core_, found.value.id, remembers(), [self = weak_from_this(), caller, id, ballot, reply](bool known) {
    const auto there = self.lock();
    if (!there) return;
    if (!known) return reply({Error::kUnavailable, "the user directory does not answer, so nobody can say who may vote: try again", {}, 0});
    there->core_.vote(caller, id, ballot, there->answer_request(caller, id, reply));
  });
}

void Handlers::envelope(const core::Caller& caller, const std::string& id, const Reply& reply) {
  const auto found = documents_.find_request(caller, id);
  if (!found) return reply({found.error, found.message, {}, 0});
  std::string envelope = admin_.envelope(found.value);
  if (envelope.empty()) return reply({Error::kUnavailable, "this request cannot be signed: jitctl status says why", {}, 0});
  reply({Error::kNone, {}, std::move(envelope), 0});
}

void Handlers::submit_vote(const core::Caller& caller, const std::string& vote, const Reply& reply) {
  directory::carry_vote(weak_from_this(), directory_, core_, vote, remembers(), [self = weak_from_this(), caller, reply](const core::Outcome<core::Request>& outcome) {
    const auto there = self.lock();
    if (!there) return;
    if (!outcome) return reply({outcome.error, outcome.message, {}, 0});
    const core::Request& request = outcome.value;
    if (there->core_.may_see(caller, request)) return reply({Error::kNone, {}, dump(there->documents_.document(request, caller)), 0});
    reply({Error::kNone, {}, dump({{"id", request.id.text()}, {"state", core::name_of(request.state)}}), 0});
  });
}

// Who has voted, for the seats that documents show as filled.
directory::Seen Handlers::remembers() {
  return [self = weak_from_this()](const core::IdentityPtr& voter) {
    if (const auto there = self.lock()) there->documents_.remember(voter);
  };
}

}  // namespace jit::bus
