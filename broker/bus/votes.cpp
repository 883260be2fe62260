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
  refresh_voters(found.value.id, [self = weak_from_this(), caller, id, ballot, reply](bool known) {
    const auto there = self.lock();
    if (!there) return;
    if (!known) return reply({Error::kUnavailable, "the user directory does not answer, so nobody can say who may vote: try again", {}, 0});
    there->core_.vote(caller, id, ballot, there->answer_request(caller, id, reply));
  });
}

// Who was taken out of a group, or is known no more, stops counting before a vote can complete what he began.
void Handlers::refresh_voters(const core::Id& request, std::function<void(bool known)> done) {
  struct State {
    std::size_t missing = 1;
    bool known = true;
  };
  const auto state = std::make_shared<State>();
  const auto answered = [state, done = std::move(done)] {
    if (--state->missing == 0) done(state->known);
  };
  for (const core::Vote& vote : core_.votes_on(request)) {
    if (vote.uid == policy::kNoUid) continue;  // a person without an account here
    ++state->missing;
    directory_.forget(vote.uid);
    directory_.by_uid(vote.uid, [self = weak_from_this(), uid = vote.uid, state, answered](const directory::User& user) {
      const auto there = self.lock();
      if (!there) return;
      if (user.status == directory::Status::kUnknown) state->known = false;
      if (user.status == directory::Status::kAbsent) there->core_.know_voter(uid, nullptr);
      if (user.status == directory::Status::kFound) {
        const auto now = std::make_shared<const policy::Identity>(identity_of(user, there->core_.policy()));
        there->documents_.remember(now);
        there->core_.know_voter(uid, now);
      }
      answered();
    });
  }
  answered();
}

void Handlers::envelope(const core::Caller& caller, const std::string& id, const Reply& reply) {
  const auto found = documents_.find_request(caller, id);
  if (!found) return reply({found.error, found.message, {}, 0});
  std::string envelope = admin_.envelope(found.value);
  if (envelope.empty()) return reply({Error::kUnavailable, "this request cannot be signed: jitctl status says why", {}, 0});
  reply({Error::kNone, {}, std::move(envelope), 0});
}

// Its person is who signed it. What he may answer hangs on his groups, so his accounts are looked up anew.
void Handlers::submit_vote(const core::Caller& caller, const std::string& vote, const Reply& reply) {
  const auto by = core_.signed_by(vote);
  if (!by) return reply({by.error, by.message, {}, 0});
  struct Accounts {
    std::vector<core::IdentityPtr> found;
    std::size_t missing = 1;
    bool known = true;
  };
  const auto accounts = std::make_shared<Accounts>();
  const auto answered = [self = weak_from_this(), accounts, caller, vote, reply, request = by.value.request] {
    if (--accounts->missing != 0) return;
    const auto there = self.lock();
    if (!there) return;
    const auto unknown = [reply] {
      reply({Error::kUnavailable, "the user directory does not answer, so nobody can say who may vote: try again", {}, 0});
    };
    if (!accounts->known) return unknown();
    there->refresh_voters(request, [self, accounts, caller, vote, reply, unknown](bool known) {
      const auto still = self.lock();
      if (!still) return;
      if (!known) return unknown();
      still->submit_for(caller, vote, accounts->found, reply);
    });
  };
  for (const std::string& user : by.value.users) {
    ++accounts->missing;
    directory_.forget(user);
    directory_.by_name(user, [self = weak_from_this(), accounts, answered](const directory::User& found) {
      const auto there = self.lock();
      if (!there) return;
      if (found.status == directory::Status::kUnknown) accounts->known = false;
      if (found.status == directory::Status::kFound) {
        accounts->found.push_back(std::make_shared<const policy::Identity>(identity_of(found, there->core_.policy())));
      }
      answered();
    });
  }
  answered();
}

void Handlers::submit_for(const core::Caller& caller, const std::string& vote, const std::vector<core::IdentityPtr>& accounts,
                          const Reply& reply) {
  for (const core::IdentityPtr& account : accounts) documents_.remember(account);
  core_.vote_signed(vote, accounts, [self = weak_from_this(), caller, reply](const core::Outcome<core::Request>& outcome) {
    const auto there = self.lock();
    if (!there) return;
    if (!outcome) return reply({outcome.error, outcome.message, {}, 0});
    const core::Request& request = outcome.value;
    if (there->core_.may_see(caller, request)) return reply({Error::kNone, {}, dump(there->documents_.document(request, caller)), 0});
    reply({Error::kNone, {}, dump({{"id", request.id.text()}, {"state", core::name_of(request.state)}}), 0});
  });
}

}  // namespace jit::bus
