// SPDX-License-Identifier: Apache-2.0
#include "broker/audit/journal.h"

#include <syslog.h>
// sd-journal's macros would add the place in our source to each entry.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <algorithm>

#include "broker/core/events.h"
#include "evidence/text.h"

namespace jit::audit {

namespace {

namespace events = core::events;

constexpr std::array<Kind, 30> kKinds{{
    {events::kRequestCreated, "fb29071915bf47beb438bf7a90431d0a", LOG_INFO},
    {events::kRequestAttached, "13b6e755e59445e8b352a3d60ce1cb47", LOG_INFO},
    {events::kRequestDetached, "adc98f2fb14647dfb9a43ab2e41e9314", LOG_INFO},
    {events::kRequestApproved, "3b791a7a5d4e43c3a13db6da2b7b8dc5", LOG_INFO},
    {events::kRequestDenied, "5e555673f7fb406c8cc739bf0e4e5ee8", LOG_NOTICE},
    {events::kRequestExpired, "9ea09ca31dba47b0b822f8263eacda78", LOG_INFO},
    {events::kRequestCancelled, "767416bde7d9483d839aa008f5c3b9c7", LOG_INFO},
    {events::kVoteCast, "7e11222c54de4b0e8df62edf8d164713", LOG_INFO},
    {events::kGrantCreated, "e097542aae1b4e278b9c6dd4896142ae", LOG_INFO},
    {events::kGrantClaimed, "f9bb7aca498e4a82abc6c595cf701504", LOG_INFO},
    {events::kGrantUsed, "4cc4cec2937e42ec9d2890b78ddd5ad0", LOG_INFO},
    {events::kGrantEnded, "1c6bed2d681f4ac687ecfd798a92b03f", LOG_INFO},
    {events::kGrantEnforced, "9b30e1c84f6d4c0ea7d51f28c3b6904e", LOG_NOTICE},
    {events::kAccessDenied, "83c8c193f4344a058b7e4054255c5070", LOG_NOTICE},
    {events::kAlreadyRoot, "f6dbf1b9a5da4fd0a939e11f5af53e66", LOG_INFO},
    {events::kObserved, "4bfc89781c9045479d86188f7d98229d", LOG_NOTICE},
    {events::kNotifyAcknowledged, "6a1f0b9c2e7d4d5a8c3b94f07e1d2a65", LOG_INFO},
    {events::kNotifyUnsent, "b47c92e05d1f4a8e9b60c7d3f8a1254e", LOG_WARNING},
    {events::kFactSet, "bf1fde3b41724f4886c01ac789848bed", LOG_NOTICE},
    {events::kFactCleared, "0998205495f7419f978743024a86828b", LOG_NOTICE},
    {events::kNetworkSeen, "141df93867df48b68aebc66140f45602", LOG_INFO},
    {events::kPolicyLoaded, "4c9a9a5f8d4548ca8f6ff6fd8cbaffee", LOG_INFO},
    {events::kPolicyRefused, "ef322678e51c4069a2b52c13f4d2cc21", LOG_ERR},
    {events::kPeopleAccepted, "a2a6f5b0c9d34f1d8e1f4b7c60d92e35", LOG_NOTICE},
    {events::kBrokerStarted, "5b7c20fdb1414b3387b9378412e25a44", LOG_INFO},
    {events::kStoreRecovered, "d8e6bcbbfe7a4e7d918286fdfb517ce1", LOG_NOTICE},
    {events::kEndsLost, "2f1c6a9b0d2e4c7f9a64b8d15e3c70af", LOG_CRIT},
    {events::kRolledBack, "8d40b7c1e6f94a2fb0f35c1d7a92e46b", LOG_CRIT},
    {events::kErased, "c3e95d1f7b0a4862a9d4f1037be28c65", LOG_NOTICE},
    {events::kArchived, "e07a4b8c2d6f4193b5c8a61f93d2e70b", LOG_INFO},
}};

constexpr char kHeadId[] = "6a1f0e5b9c7d4f38a2b4c8e17d903f52";

}  // namespace

const std::array<Kind, 30>& kinds() { return kKinds; }

std::string message(const core::AuditEntry& entry) {
  std::string out = entry.type;
  if (!entry.person.empty()) out += " " + evidence::escape(entry.person);
  if (entry.uid != policy::kNoUid) out += " uid=" + std::to_string(entry.uid);
  if (!entry.request.empty()) out += " request=" + entry.request.text();
  if (!entry.grant.empty()) out += " grant=" + entry.grant.text();
  return out;
}

void to_journal(const core::Head& head) {
  sd_journal_send("MESSAGE=the log is signed up to entry %llu", static_cast<unsigned long long>(head.size), "MESSAGE_ID=%s", kHeadId,
                  "PRIORITY=%i", LOG_DEBUG, "SYSLOG_IDENTIFIER=jit-broker", "JIT_HEAD=%llu:%s", static_cast<unsigned long long>(head.size),
                  head.root.c_str(), nullptr);
}

void to_journal(const core::AuditEntry& entry) {
  const auto kind = std::ranges::find(kKinds, entry.type, &Kind::type);
  if (kind == kKinds.end()) return;
  const std::string uid = entry.uid == policy::kNoUid ? std::string() : std::to_string(entry.uid);
  const std::string id(kind->message_id);
  sd_journal_send("MESSAGE=%s", message(entry).c_str(), "MESSAGE_ID=%s", id.c_str(), "PRIORITY=%i", kind->priority,
                  "SYSLOG_IDENTIFIER=jit-broker", "JIT_TYPE=%s", entry.type.c_str(), "JIT_PERSON=%s",
                  evidence::escape(entry.person).c_str(), "JIT_UID=%s", uid.c_str(), "JIT_REQUEST=%s",
                  entry.request.empty() ? "" : entry.request.text().c_str(), "JIT_GRANT=%s",
                  entry.grant.empty() ? "" : entry.grant.text().c_str(), nullptr);
}

}  // namespace jit::audit
