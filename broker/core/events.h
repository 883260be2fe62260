// SPDX-License-Identifier: Apache-2.0
// Every kind of audit entry, made in one place. Texts are escaped here; a field of an event keeps its name for ever.
#pragma once

#include <string>
#include <string_view>

#include "broker/core/core.h"

namespace jit::core::events {

inline constexpr std::string_view kRequestCreated = "request.created";
inline constexpr std::string_view kRequestAttached = "request.attached";
inline constexpr std::string_view kRequestDetached = "request.detached";
inline constexpr std::string_view kRequestApproved = "request.approved";
inline constexpr std::string_view kRequestDenied = "request.denied";
inline constexpr std::string_view kRequestExpired = "request.expired";
inline constexpr std::string_view kRequestCancelled = "request.cancelled";
inline constexpr std::string_view kVoteCast = "vote.cast";
inline constexpr std::string_view kRequestEscalated = "request.escalated";
inline constexpr std::string_view kRequestReviewed = "request.reviewed";
inline constexpr std::string_view kVoteRefused = "vote.refused";  // the typed code was another one
inline constexpr std::string_view kAway = "people.away";
inline constexpr std::string_view kBack = "people.back";
inline constexpr std::string_view kGrantExtended = "grant.extended";
inline constexpr std::string_view kGrantCreated = "grant.created";
inline constexpr std::string_view kGrantClaimed = "grant.claimed";
inline constexpr std::string_view kGrantUsed = "grant.used";
inline constexpr std::string_view kGrantEnded = "grant.ended";
inline constexpr std::string_view kGrantEnforced = "grant.enforced";  // what its end met with
inline constexpr std::string_view kCommandAllowed = "command.allowed";  // what a program under sudo started
inline constexpr std::string_view kAccessDenied = "access.denied";
inline constexpr std::string_view kAlreadyRoot = "access.already-root";
inline constexpr std::string_view kObserved = "access.observed";
// A channel has word of an emergency access; or none had when it went on.
inline constexpr std::string_view kNotifyAcknowledged = "notify.acknowledged";
inline constexpr std::string_view kNotifyUnsent = "notify.unsent";
inline constexpr std::string_view kFactSet = "fact.set";
inline constexpr std::string_view kFactCleared = "fact.cleared";
inline constexpr std::string_view kNetworkSeen = "network.seen";
inline constexpr std::string_view kPolicyLoaded = "policy.loaded";
inline constexpr std::string_view kPolicyRefused = "policy.refused";
inline constexpr std::string_view kPeopleAccepted = "people.accepted";
inline constexpr std::string_view kBrokerStarted = "broker.started";
inline constexpr std::string_view kStoreRecovered = "store.recovered";
inline constexpr std::string_view kEndsLost = "ends.lost";  // all of this boot was ended, for what had ended is not known
// The database was lost or put back: all that was open in it is void.
inline constexpr std::string_view kRolledBack = "log.rolled-back";
inline constexpr std::string_view kErased = "log.erased";    // what was told of a person
inline constexpr std::string_view kArchived = "log.archived";  // old entries are in a file

// Boot id and times are filled in by the core.
// record: of the decision that led to it, see record.h; empty: there was none.
AuditEntry request(std::string_view type, const Request& request, const std::string& record = {});
AuditEntry vote(const Request& request, const Vote& vote);
AuditEntry vote_refused(const Request& request, const policy::Identity& voter, std::string_view why);
// Of an enrolled key, and for nothing that waits here.
AuditEntry vote_foreign(const std::string& person, const std::string& digest, std::string_view why);
AuditEntry escalated(const Request& request, const policy::Step& step);
AuditEntry reviewed(const Request& request, std::uint32_t by_uid);
AuditEntry acknowledged(const Request& request, std::string_view channel);
AuditEntry unsent(const Request& request);
AuditEntry away(const policy::Identity& who, WallMs until);  // 0: he is back
AuditEntry grant(std::string_view type, const Grant& grant, const std::string& record = {}, bool break_glass = false);
// The same, and what sudo says that it runs and where it records it, where sudo_jit told.
AuditEntry use(std::string_view type, const Grant& grant, const Ask& ask);
// grant: that it was covered by; null: the policy asks nobody for it.
AuditEntry child(const Ask& ask, const Grant* grant, const std::string& record);
AuditEntry denied(const Ask& ask, std::string_view cause, std::string_view why, std::string_view policy_hash,
                  const std::string& record = {});
// by: "door" or "guard".
AuditEntry observed(const Ask& ask, std::string_view by, std::string_view rule, std::string_view would,
                    const std::string& record, std::string_view policy_hash);
AuditEntry fact_set(const Fact& fact);
AuditEntry fact_cleared(std::string_view name, const policy::Identity& by);
AuditEntry network_seen(const Ask& ask);
// A flood, when its window closes; of observed ones where cause is "observed RULE: WOULD".
AuditEntry denials(std::uint32_t uid, std::string_view person, policy::Door door, std::string_view cause,
                   std::size_t count);
AuditEntry already_root(const Ask& ask);
AuditEntry rolled_back(std::string_view cause, std::int64_t epoch);
// Whom it was about is not said: that would tell of him again.
AuditEntry erased(const policy::Identity& by, std::uint64_t removed);
AuditEntry archived(std::uint64_t first, std::uint64_t last);
AuditEntry enforced(const EndReport& report);
AuditEntry note(std::string_view type, std::string_view name, std::string_view value);

}  // namespace jit::core::events
