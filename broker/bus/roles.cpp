// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/roles.h"

#include <algorithm>
#include <array>

#include "broker/outbox/outbox.h"

namespace jit::bus {

namespace {

constexpr std::string_view kRequests = "org.pamjit.Broker1.Requests";
constexpr std::string_view kGrants = "org.pamjit.Broker1.Grants";
constexpr std::string_view kPolicy = "org.pamjit.Broker1.Policy";
constexpr std::string_view kFacts = "org.pamjit.Broker1.Facts";
constexpr std::string_view kAudit = "org.pamjit.Broker1.Audit";

constexpr std::string_view kCourier = "org.pamjit.Broker1.Courier";

constexpr std::array kRules = {
    Rule{kRequests, "List", Role::kAnyone},   Rule{kRequests, "Get", Role::kAnyone},
    Rule{kRequests, "Create", Role::kAnyone}, Rule{kRequests, "Cancel", Role::kAnyone},
    Rule{kRequests, "Vote", Role::kAnyone},   Rule{kRequests, "Watch", Role::kAnyone},
    Rule{kRequests, "Envelope", Role::kAnyone}, Rule{kRequests, "SubmitVote", Role::kAnyone},
    Rule{kRequests, "Review", Role::kAnyone}, Rule{kRequests, "Away", Role::kAnyone},
    Rule{kGrants, "List", Role::kAnyone},     Rule{kGrants, "Get", Role::kAnyone},
    Rule{kGrants, "Revoke", Role::kAnyone},   Rule{kGrants, "End", Role::kAnyone},
    Rule{kGrants, "Extend", Role::kAnyone},
    Rule{kPolicy, "Reload", Role::kAdmin},    Rule{kPolicy, "Status", Role::kAnyone},
    Rule{kPolicy, "Explain", Role::kAdmin},   Rule{kPolicy, "AcceptPeople", Role::kAdmin},
    Rule{kFacts, "Set", Role::kAnyone},       Rule{kFacts, "Clear", Role::kAnyone},
    Rule{kFacts, "List", Role::kAnyone},      Rule{kAudit, "Query", Role::kAnyone},
    Rule{kAudit, "Checkpoint", Role::kAuditor}, Rule{kAudit, "Export", Role::kAuditor},
    Rule{kAudit, "Proof", Role::kAnyone},     Rule{kAudit, "Erase", Role::kAdmin},
    Rule{kCourier, "Open", Role::kCourier},   Rule{kCourier, "Next", Role::kCourier},
    Rule{kCourier, "Done", Role::kCourier},   Rule{kCourier, "Reachable", Role::kCourier},
    Rule{kCourier, "Acknowledged", Role::kCourier},
};

}  // namespace

std::span<const Rule> rules() { return kRules; }

bool may_call(const core::Caller& caller, std::string_view interface, std::string_view method) {
  const auto* const rule = std::find_if(kRules.begin(), kRules.end(), [&](const Rule& candidate) {
    return candidate.interface == interface && candidate.method == method;
  });
  if (rule == kRules.end()) return false;
  switch (rule->role) {
    case Role::kAnyone: return true;
    case Role::kAuditor: return caller.auditor || caller.admin;
    case Role::kAdmin: return caller.admin;
    case Role::kCourier: return outbox::courier_of(*caller.identity).has_value();
  }
  return false;
}

}  // namespace jit::bus
