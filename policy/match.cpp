// SPDX-License-Identifier: Apache-2.0
#include "policy/match.h"

namespace jit::policy {
namespace {

// `user:root` is the name and the id together: another name for uid 0 must not slip past a guard, and a user who is
// only called root must not get through a permit.
Truth is_user(const Principal& leaf, const Identity& identity, Side side) {
  if (leaf.uid != kNoUid) return identity.uid == kNoUid ? Truth::kUnknown : truth(identity.uid == leaf.uid);
  if (leaf.name == "root" && !leaf.prefix) {
    const Truth name = identity.user.empty() ? Truth::kUnknown : truth(identity.user == "root");
    const Truth id = identity.uid == kNoUid ? Truth::kUnknown : truth(identity.uid == 0);
    return side == Side::kOpens ? both(name, id) : either(name, id);
  }
  if (identity.user.empty()) return Truth::kUnknown;  // the directory was down, or does not know him
  return truth(leaf.matches(identity.user));
}

Truth is_in_group(const Principal& leaf, const Identity& identity, Side side) {
  if (!identity.groups_known) return Truth::kUnknown;
  const std::vector<std::string>& groups = side == Side::kOpens ? identity.groups_all : identity.groups_any;
  return truth(std::ranges::any_of(groups, [&](const std::string& group) { return leaf.matches(group); }));
}

Truth is_person(const Principal& leaf, const Identity& identity) {
  if (identity.user.empty() && identity.person.starts_with("uid:")) return Truth::kUnknown;
  // A user without an entry in people.d is no person that could be named, not by person:* either.
  if (identity.person.empty() || identity.person.find(':') != std::string::npos) return Truth::kFalse;
  return truth(leaf.matches(identity.person));
}

}  // namespace

Truth is_one_of(std::span<const Principal> leaves, const Identity& identity, Side side) {
  Truth out = Truth::kFalse;
  for (const Principal& leaf : leaves) {
    switch (leaf.kind) {
      case Principal::Kind::kUser: out = either(out, is_user(leaf, identity, side)); break;
      case Principal::Kind::kGroup: out = either(out, is_in_group(leaf, identity, side)); break;
      case Principal::Kind::kPerson: out = either(out, is_person(leaf, identity)); break;
      case Principal::Kind::kSet: out = either(out, Truth::kUnknown); break;  // sets are expanded before
    }
    if (out == Truth::kTrue) break;
  }
  return out;
}

Truth is_from(const OriginTest& test, const Origin& origin) {
  switch (origin.kind) {
    case Origin::Kind::kLocal: return truth(test.local);
    case Origin::Kind::kPeer:
      return truth(std::ranges::any_of(test.nets, [&](const Net& net) { return net.contains(origin.peer); }));
    case Origin::Kind::kUnknown: break;
  }
  return Truth::kUnknown;
}

Truth test_all(const Tests& tests, const Request& request, const Identity& target, Side side) {
  Truth out = Truth::kTrue;
  if (tests.door) out = both(out, truth(std::ranges::find(*tests.door, request.door) != tests.door->end()));
  if (tests.hosts) out = both(out, truth(tests.hosts->holds));
  if (tests.who) out = both(out, is_one_of(tests.who->leaves, *request.subject, side));
  if (tests.as) out = both(out, is_one_of(tests.as->leaves, target, side));
  if (tests.from) out = both(out, is_from(*tests.from, request.from));
  return out;
}

bool permit_matches(const Rule& permit, const Request& request, const Identity& target) {
  if (test_all(permit.tests, request, target, Side::kOpens) != Truth::kTrue) return false;
  return !permit.unless || test_all(*permit.unless, request, target, Side::kCloses) == Truth::kFalse;
}

bool guard_applies(const Rule& guard, const Request& request, const Identity& target) {
  if (test_all(guard.tests, request, target, Side::kCloses) == Truth::kFalse) return false;
  return !guard.unless || test_all(*guard.unless, request, target, Side::kOpens) != Truth::kTrue;
}

bool target_is_claim(const Request& request) { return request.door == Door::kSudo && !request.target_verified; }

bool permit_matches(const Rule& permit, const Request& request) {
  if (!permit_matches(permit, request, *request.target)) return false;
  return permit.unverified_as || !target_is_claim(request) || permit_matches(permit, request, *request.root);
}

bool guard_applies_to(const Rule& permit, const Rule& guard, const Request& request) {
  if (guard_applies(guard, request, *request.target)) return true;
  return !permit.unverified_as && target_is_claim(request) && guard_applies(guard, request, *request.root);
}

}  // namespace jit::policy
