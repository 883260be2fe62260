// SPDX-License-Identifier: Apache-2.0
#include "cli/ocsf.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

#include "cli/history.h"
#include "cli/story.h"

namespace jit::cli {
namespace ocsf {
namespace {

enum class Class : std::uint16_t { kAuthentication = 3002, kAuthorizeSession = 3003, kEntityManagement = 3004, kUserAccess = 3005 };
enum Severity : std::uint8_t { kInformational = 1, kLow = 2, kMedium = 3, kHigh = 4, kCritical = 5 };
enum Status : std::uint8_t { kUnknown = 0, kSuccess = 1, kFailure = 2, kOther = 99 };

// Activities: of Authentication 1 a logon; of Authorize Session 1 privileges are assigned; of Entity Management 1 create, 3 update,
// 4 delete; of User Access Management 1 privileges are assigned, 2 revoked.
struct Kind {
  std::string_view type;
  Class in;
  std::uint8_t activity;
  Severity severity;
  Status status;
  std::string_view entity = "";  // of Entity Management
};
constexpr std::array kOcsfKinds{
    Kind{"request.created", Class::kEntityManagement, 1, kInformational, kSuccess, "request"},
    Kind{"request.attached", Class::kEntityManagement, 3, kInformational, kSuccess, "request"},
    Kind{"request.detached", Class::kEntityManagement, 3, kInformational, kSuccess, "request"},
    Kind{"request.approved", Class::kEntityManagement, 3, kInformational, kSuccess, "request"},
    Kind{"request.denied", Class::kEntityManagement, 3, kLow, kFailure, "request"},
    Kind{"request.expired", Class::kEntityManagement, 3, kLow, kFailure, "request"},
    Kind{"request.cancelled", Class::kEntityManagement, 3, kInformational, kFailure, "request"},
    Kind{"request.escalated", Class::kEntityManagement, 3, kInformational, kSuccess, "request"},
    Kind{"request.reviewed", Class::kEntityManagement, 3, kInformational, kSuccess, "request"},
    Kind{"vote.cast", Class::kEntityManagement, 3, kInformational, kSuccess, "request"},
    Kind{"vote.refused", Class::kEntityManagement, 3, kMedium, kFailure, "request"},
    Kind{"people.away", Class::kEntityManagement, 3, kInformational, kSuccess, "person"},
    Kind{"people.back", Class::kEntityManagement, 3, kInformational, kSuccess, "person"},
    Kind{"people.accepted", Class::kEntityManagement, 3, kHigh, kSuccess, "people"},
    Kind{"grant.created", Class::kUserAccess, 1, kLow, kSuccess},
    Kind{"grant.extended", Class::kUserAccess, 1, kLow, kSuccess},
    Kind{"grant.claimed", Class::kAuthorizeSession, 1, kLow, kSuccess},
    Kind{"grant.used", Class::kAuthorizeSession, 1, kLow, kSuccess},
    Kind{"grant.ended", Class::kUserAccess, 2, kInformational, kSuccess},
    Kind{"grant.enforced", Class::kEntityManagement, 3, kLow, kSuccess, "session"},
    Kind{"command.allowed", Class::kAuthorizeSession, 1, kLow, kSuccess},
    Kind{"access.denied", Class::kAuthentication, 1, kMedium, kFailure},
    Kind{"access.already-root", Class::kAuthentication, 1, kLow, kSuccess},
    Kind{"access.observed", Class::kAuthentication, 1, kLow, kSuccess},
    Kind{"network.seen", Class::kEntityManagement, 1, kLow, kSuccess, "network"},
    Kind{"notify.acknowledged", Class::kEntityManagement, 3, kInformational, kSuccess, "channel"},
    Kind{"notify.unsent", Class::kEntityManagement, 3, kHigh, kFailure, "channel"},
    Kind{"fact.set", Class::kEntityManagement, 3, kLow, kSuccess, "fact"},
    Kind{"fact.cleared", Class::kEntityManagement, 4, kLow, kSuccess, "fact"},
    Kind{"policy.loaded", Class::kEntityManagement, 3, kMedium, kSuccess, "policy"},
    Kind{"policy.refused", Class::kEntityManagement, 3, kHigh, kFailure, "policy"},
    Kind{"broker.started", Class::kEntityManagement, 3, kInformational, kSuccess, "broker"},
    Kind{"store.recovered", Class::kEntityManagement, 3, kMedium, kSuccess, "log"},
    Kind{"ends.lost", Class::kEntityManagement, 3, kCritical, kFailure, "log"},
    Kind{"log.erased", Class::kEntityManagement, 3, kMedium, kSuccess, "log"},
    Kind{"log.archived", Class::kEntityManagement, 3, kInformational, kSuccess, "log"},
    Kind{"log.rolled-back", Class::kEntityManagement, 3, kCritical, kFailure, "log"},
};
constexpr Kind kAnyOther{"", Class::kEntityManagement, 99, kInformational, kOther, "log"};

std::string_view caption(Class in) {
  switch (in) {
    case Class::kAuthentication: return "Authentication";
    case Class::kAuthorizeSession: return "Authorize Session";
    case Class::kEntityManagement: return "Entity Management";
    case Class::kUserAccess: return "User Access Management";
  }
  return "";
}

std::string field_text(const Json& entry, std::string_view name) { return text_of(entry, "fields." + std::string(name)); }

std::string or_unknown(std::string text) { return text.empty() ? "unknown" : text; }

Json user(const std::string& name, const Json& uid) {
  Json out{{"name", name.empty() ? "erased" : name}, {"type_id", name.empty() ? 0 : uid == Json(0) ? 2 : 1}};
  if (uid.is_number()) out["uid"] = uid.dump();
  return out;
}

Json subject(const Json& entry) {
  const std::string person = text_of(entry, "person");
  return user(person.empty() ? field_text(entry, "user") : person, member(entry, "uid"));
}

// What the right was: "root by sudo".
std::string privilege(const Json& entry) {
  std::string target = text_of(entry, "fields.target.name");
  if (target.empty()) target = field_text(entry, "target");
  return (target.empty() ? "erased" : target) + " by " + or_unknown(field_text(entry, "door"));
}

Json entity(const Kind& kind, const Json& entry) {
  std::string uid;
  std::string name;
  if (kind.entity == "request") uid = text_of(entry, "request");
  if (kind.entity == "policy") uid = field_text(entry, "policy");
  if (kind.entity == "fact") name = field_text(entry, "fact");
  if (kind.entity == "person") name = text_of(entry, "person");
  if (kind.entity == "network") name = field_text(entry, "origin");
  if (name.empty() && uid.empty()) name = kind.entity;
  Json out{{"type", kind.entity}};
  if (!uid.empty()) out["uid"] = uid;
  if (!name.empty()) out["name"] = name;
  return out;
}

// Who did it, where that is not the system.
Json actor(const Json& entry) {
  if (text_of(entry, "type").starts_with("vote.")) return {{"user", user(field_text(entry, "voter"), member(entry, "fields.voter_uid"))}};
  const std::string by = field_text(entry, "by");
  if (text_of(entry, "type") == "request.reviewed") return {{"user", user(by, member(entry, "fields.by_uid"))}};
  if (text_of(entry, "person").empty() && field_text(entry, "user").empty()) return {{"app_name", "jit-broker"}};
  return {{"user", subject(entry)}};
}

std::int64_t milliseconds_of(const std::string& iso) {
  const std::size_t dot = iso.find('.');
  const auto seconds = seconds_of(iso);
  std::int64_t thousandths = 0;
  for (std::size_t i = 1; dot != std::string::npos && i <= 3 && dot + i < iso.size() && iso[dot + i] >= '0' && iso[dot + i] <= '9'; ++i) thousandths = thousandths * 10 + (iso[dot + i] - '0');
  return seconds.value_or(0) * 1000 + thousandths;
}

Json event(const Json& entry, const Json& host) {
  const std::string type = or_unknown(text_of(entry, "type"));
  const auto* const found = std::find_if(kOcsfKinds.begin(), kOcsfKinds.end(), [&](const Kind& each) { return each.type == type; });
  const Kind& kind = found == kOcsfKinds.end() ? kAnyOther : *found;
  const auto class_uid = static_cast<std::uint32_t>(kind.in);
  Json metadata{{"version", kOcsfVersion},
                {"product", {{"name", "pam_jit"}, {"vendor_name", "pam_jit"}, {"version", JIT_VERSION}}},
                {"profiles", {"host"}},
                {"log_name", "pam_jit audit"},
                {"event_code", type},
                {"sequence", number_of(entry, "sequence")},
                {"uid", text_of(host, "id") + ":" + std::to_string(number_of(entry, "sequence"))}};
  if (const std::string request = text_of(entry, "request"); !request.empty()) metadata["correlation_uid"] = request;
  Json out{{"activity_id", kind.activity},
           {"category_uid", 3},
           {"category_name", "Identity & Access Management"},
           {"class_uid", class_uid},
           {"class_name", caption(kind.in)},
           {"type_uid", class_uid * 100 + kind.activity},
           {"severity_id", kind.severity},
           {"status_id", kind.status},
           {"time", milliseconds_of(text_of(entry, "time"))},
           {"message", story_line(entry)},
           {"metadata", std::move(metadata)},
           {"device", {{"type_id", 0}, {"uid", or_unknown(text_of(host, "id"))}, {"hostname", or_unknown(text_of(host, "name"))}}},
           {"actor", actor(entry)},
           {"unmapped", {{"grant", member(entry, "grant")}, {"boot_id", member(entry, "boot_id")}, {"fields", member(entry, "fields")}}}};
  // An activity or status of our own has to be named.
  if (kind.activity == 99) out["activity_name"] = type;
  if (kind.status == kOther) out["status"] = type;
  if (std::string why = field_text(entry, "why"); !why.empty()) out["status_detail"] = std::move(why);
  switch (kind.in) {
    case Class::kEntityManagement: {
      out["entity"] = entity(kind, entry);
      std::string comment = field_text(entry, type == "request.reviewed" ? "text" : "reason");
      if (!comment.empty()) out["comment"] = std::move(comment);
      break;
    }
    case Class::kAuthentication:
      out["user"] = subject(entry);
      out["service"] = {{"name", or_unknown(field_text(entry, "door"))}};
      break;
    case Class::kAuthorizeSession:
    case Class::kUserAccess:
      out["user"] = subject(entry);
      out["privileges"] = {privilege(entry)};
      break;
  }
  return out;
}

}  // namespace
}  // namespace ocsf

Json ocsf_event(const Json& entry, const Json& host) { return ocsf::event(entry, host); }

}  // namespace jit::cli
