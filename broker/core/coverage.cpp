// SPDX-License-Identifier: Apache-2.0
#include "broker/core/coverage.h"

#include <algorithm>

namespace jit::core {

bool is_login(policy::Door door) { return door == policy::Door::kSsh || door == policy::Door::kLogin; }

Attempt attempt_of(const Ask& ask) {
  Attempt attempt;
  attempt.uid = ask.subject.identity->uid;
  attempt.door = ask.door;
  attempt.target_uid = ask.target->uid;
  attempt.origin = ask.subject.origin;
  attempt.argv = ask.argv;
  attempt.command = &ask.command;
  attempt.takes_group = !ask.target_group.empty() || std::ranges::count(ask.command.options, "-g") > 0;
  attempt.cwd = ask.cwd;
  attempt.terminal = ask.subject.terminal;
  attempt.audit_session = ask.subject.audit_session;
  attempt.process = ask.process;
  attempt.ssh_key = ask.ssh_key;
  return attempt;
}

namespace {

bool alive(const Grant& grant, BootMs now) {
  switch (grant.state) {
    case GrantState::kUnclaimed: return now >= grant.not_before && now < grant.claim_until;
    case GrantState::kActive: return now < grant.expires;
    case GrantState::kEnded: return false;
  }
  return false;
}

// A key-only login is asked for before its key is known: Bind compares then.
bool other_key(std::string_view one, std::string_view other) { return !one.empty() && !other.empty() && one != other; }

bool bound_to(const Grant& grant, const Attempt& attempt) {
  switch (grant.scope) {
    case policy::Scope::kCommand: return true;  // bound at the request
    case policy::Scope::kTty: return grant.terminal.number != 0 && grant.terminal == attempt.terminal;
    case policy::Scope::kSession:
      return grant.audit_session != policy::kNoUid && grant.audit_session == attempt.audit_session;
    case policy::Scope::kLogin: return grant.connection.pid > 0 && grant.connection == attempt.process;
  }
  return false;
}

}  // namespace

bool same_command(const Command& given, const Command& asked) {
  if (!given.verified && !asked.verified) return true;  // their words hold all that is known
  return asked.verified && given.path == asked.path && given.options == asked.options && given.env == asked.env &&
         (!given.verified || given.sha256 == asked.sha256);
}

bool covers(const Grant& grant, const Attempt& attempt, BootMs now) {
  if (!alive(grant, now)) return false;
  if (grant.subject.identity->uid != attempt.uid || grant.door != attempt.door) return false;
  if (grant.target->uid != attempt.target_uid) return false;
  // A request made ahead of time does not know where its user will come from: nothing was bound then.
  const bool origin_bound = is_login(grant.door) && grant.subject.origin.kind != policy::Origin::Kind::kUnknown;
  if (origin_bound && !(grant.subject.origin == attempt.origin)) return false;
  if (grant.door == policy::Door::kSsh && other_key(grant.ssh_key, attempt.ssh_key)) return false;
  if (grant.scope == policy::Scope::kCommand || attempt.takes_group) {
    if (!std::ranges::equal(grant.argv, attempt.argv)) return false;
    if (grant.cwd != attempt.cwd || !same_command(grant.command, *attempt.command)) return false;
  }
  return grant.state == GrantState::kUnclaimed || bound_to(grant, attempt);
}

bool is_spent(const Grant& grant) {
  if (grant.state != GrantState::kActive) return false;
  if (is_login(grant.door)) return true;
  switch (grant.scope) {
    case policy::Scope::kCommand: return false;
    case policy::Scope::kTty: return grant.terminal.number == 0;
    case policy::Scope::kSession: return grant.audit_session == policy::kNoUid;
    case policy::Scope::kLogin: return true;
  }
  return false;
}

bool from_elsewhere(const Request& request, const Ask& ask) {
  return request.subject.origin.kind != policy::Origin::Kind::kUnknown && !(request.subject.origin == ask.subject.origin);
}

bool same_ask(const Request& request, const Ask& ask) {
  if (request.door != ask.door || request.target->uid != ask.target->uid) return false;
  const policy::Identity& asked = *request.subject.identity;
  const policy::Identity& asking = *ask.subject.identity;
  if (asked.uid != asking.uid && asked.person != asking.person) return false;
  if (is_login(request.door) && from_elsewhere(request, ask)) return false;
  if (request.door == policy::Door::kSsh && other_key(request.ssh_key, ask.ssh_key)) return false;
  if (request.command.verified && ask.command.verified && request.target_group != ask.target_group) return false;
  return request.argv == ask.argv && request.cwd == ask.cwd && same_command(request.command, ask.command);
}

}  // namespace jit::core
