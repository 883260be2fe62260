// SPDX-License-Identifier: Apache-2.0
#include "cli/story.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "cli/fit.h"
#include "evidence/text.h"
#include "policy/policy.h"

namespace jit::cli {
namespace story {
namespace {

constexpr std::size_t kCommandShown = 120;

std::string field(const Json& entry, std::string_view name) { return text_of(entry, "fields." + std::string(name)); }

std::string person(const Json& entry) {
  // Who has no entry in people.d is "uid:N"; people know him by his name.
  std::string person = text_of(entry, "person");
  std::string user = field(entry, "user");
  if (!user.empty() && (person.empty() || person.starts_with("uid:"))) return user;
  return person.empty() ? "somebody (erased)" : person;
}

std::string or_erased(const std::string& text) { return text.empty() ? "somebody (erased)" : text; }

std::string told(const std::string& text) { return text.empty() ? "" : ": " + text; }

std::string command(const Json& entry) {
  const Json& argv = member(entry, "fields.argv");
  if (!argv.is_array() || argv.empty()) return "";
  return cut(command_line(argv), kCommandShown);
}

std::string target(const Json& entry) {
  const std::string name = text_of(entry, "fields.target.name");
  const std::string group = text_of(entry, "fields.target.group");
  if (!name.empty()) return name + (group.empty() ? "" : ", group " + group);
  const std::string plain = field(entry, "target");
  return plain.empty() ? "another user (erased)" : plain;
}

std::string request(const Json& entry) { return "request " + text_of(entry, "request").substr(0, 8); }
std::string grant(const Json& entry) { return "grant " + text_of(entry, "grant").substr(0, 8); }
std::string duration(const Json& entry, std::string_view name) {
  return policy::format_duration(static_cast<std::uint32_t>(std::min<std::uint64_t>(number_of(entry, "fields." + std::string(name)), UINT32_MAX)));
}

std::string asked(const Json& entry) {
  const std::string kind = field(entry, "kind");
  std::string out = person(entry) + (kind == "extension" ? " asked for more time" : kind == "break-glass" ? " broke the glass" : " asked") + " to be " + target(entry) + " by " + field(entry, "door");
  const std::string run = command(entry);
  if (!run.empty()) out += ": " + run;
  if (const std::string reason = field(entry, "reason"); !reason.empty()) out += " (" + in_quotes(reason) + ")";
  return out + ", " + request(entry);
}

std::string voted(const Json& entry) {
  const bool yes = member(entry, "fields.approve") == Json(true);
  std::string out = or_erased(field(entry, "voter")) + (yes ? " approved " : " denied ") + request(entry);
  const std::string kind = field(entry, "kind");
  if (kind == "local") out += field(entry, "attested_by").empty() ? ", on this host's word" : ", on the word of " + field(entry, "attested_by");
  if (kind == "sshsig" || kind == "webauthn") out += ", signed";
  if (kind == "code") out += ", by a signed code";
  return out + told(field(entry, "reason"));
}

std::string ended(const Json& entry) {
  std::string out = request(entry) + " was " + std::string(text_of(entry, "type")).substr(std::string_view("request.").size());
  if (const std::string by = field(entry, "by"); !by.empty()) out += " by " + by;
  return out + told(field(entry, "why"));
}

std::string granted(const Json& entry) {
  const std::string origin = field(entry, "origin");
  const std::string from = origin.empty() || origin == "local" || origin == "unknown" ? "" : " from " + origin;
  return person(entry) + " may be " + target(entry) + " by " + field(entry, "door") + from + " for " + duration(entry, "lifetime_s") + " (rule " + field(entry, "rule") + "), " + grant(entry);
}

std::string used(const Json& entry) {
  const std::string type = text_of(entry, "type");
  const std::string what = type == "grant.claimed" ? " began to use " : type == "grant.extended" ? " got more time for " : " used ";
  return person(entry) + what + grant(entry) + " (" + target(entry) + " by " + field(entry, "door") + ")";
}

std::string over(const Json& entry) {
  std::string out = grant(entry) + " of " + person(entry) + " ended: " + field(entry, "end");
  if (const std::string by = field(entry, "by"); !by.empty()) out += " by " + by;
  return out + told(field(entry, "why"));
}

// "sleep (pid 4711, uid 0)" for each, of at most a few; the export has them all.
std::string processes(const Json& list) {
  constexpr std::size_t kShown = 5;
  std::string out;
  for (std::size_t i = 0; i < list.size() && i < kShown; ++i) {
    out += (i == 0 ? "" : ", ") + text_of(list[i], "name") + " (pid " + member(list[i], "pid").dump() + ", uid " + member(list[i], "uid").dump() + ")";
  }
  return list.size() > kShown ? out + " and " + std::to_string(list.size() - kShown) + " more" : out;
}

std::string enforced(const Json& entry) {
  std::string out = "what ran under " + grant(entry) + " was ended: " + std::to_string(number_of(entry, "fields.ended")) + " processes";
  if (const Json& left = member(entry, "fields.survivors"); left.is_array()) out += "; still there: " + processes(left);
  if (const Json& left = member(entry, "fields.beyond"); left.is_array()) out += "; outside its scope: " + processes(left);
  if (const Json& later = member(entry, "fields.later"); later.is_array()) {
    out += "; appeared meanwhile:";
    for (const Json& path : later) out += " " + (path.is_string() ? path.get<std::string>() : std::string("?"));
  }
  return out;
}

std::string refused(const Json& entry) {
  const std::uint64_t times = number_of(entry, "fields.repeated");
  if (times > 0) return person(entry) + " was refused at " + field(entry, "door") + " " + std::to_string(times) + " times more (" + field(entry, "cause") + ")";
  return person(entry) + " was refused to be " + target(entry) + " by " + field(entry, "door") + told(field(entry, "why"));
}

std::string observed(const Json& entry) {
  const std::uint64_t times = number_of(entry, "fields.repeated");
  std::string out = person(entry) + " would have got \"" + field(entry, "would") + "\" at " + field(entry, "door") + " by rule " + field(entry, "rule");
  return times > 0 ? out + ", " + std::to_string(times) + " times more" : out;
}

struct Teller {
  std::string_view type;
  std::string (*tell)(const Json& entry);
};
constexpr std::array kTellers{
    Teller{"request.created", asked},
    Teller{"request.attached", [](const Json& e) { return person(e) + " came back to " + request(e); }},
    Teller{"request.detached", [](const Json& e) { return person(e) + " left the door; " + request(e) + " still waits"; }},
    Teller{"request.approved", ended},
    Teller{"request.denied", ended},
    Teller{"request.expired", [](const Json& e) { return request(e) + " expired: nobody answered in time"; }},
    Teller{"request.cancelled", ended},
    Teller{"request.escalated", [](const Json& e) { return request(e) + " was escalated"; }},
    Teller{"request.reviewed", [](const Json& e) { return or_erased(field(e, "by")) + " reviewed the emergency of " + request(e) + told(field(e, "text")); }},
    Teller{"vote.cast", voted},
    Teller{"vote.refused", [](const Json& e) { return "a vote of " + or_erased(field(e, "voter")) + " was refused" + told(field(e, "why")); }},
    Teller{"grant.created", granted},
    Teller{"grant.claimed", used},
    Teller{"grant.used", used},
    Teller{"grant.extended", used},
    Teller{"command.allowed", [](const Json& e) { return person(e) + " started " + field(e, "path") + " as " + target(e) + " from a program under " + field(e, "door"); }},
    Teller{"grant.ended", over},
    Teller{"grant.enforced", enforced},
    Teller{"access.denied", refused},
    Teller{"access.observed", observed},
    Teller{"access.already-root", [](const Json& e) { return person(e) + " was root already, and is " + target(e) + " by " + field(e, "door"); }},
    Teller{"fact.set", [](const Json& e) { return person(e) + " set the fact " + field(e, "fact") + " to " + member(e, "fields.value").dump(); }},
    Teller{"fact.cleared", [](const Json& e) { return person(e) + " took the fact " + field(e, "fact") + " back"; }},
    Teller{"notify.acknowledged", [](const Json& e) { return or_erased(field(e, "notify")) + " was told of the emergency of " + request(e); }},
    Teller{"notify.unsent", [](const Json& e) { return "nobody was told yet of the emergency of " + request(e) + ": " + or_erased(field(e, "notify")) + " took no message"; }},
    Teller{"network.seen", [](const Json& e) { return person(e) + " came from a new network: " + or_erased(field(e, "origin")); }},
    Teller{"people.away", [](const Json& e) { return person(e) + " is away"; }},
    Teller{"people.back", [](const Json& e) { return person(e) + " is back"; }},
    Teller{"policy.loaded", [](const Json& e) { return "a policy came into force: " + field(e, "policy").substr(0, 12); }},
    Teller{"policy.refused", [](const Json& e) { return "a policy was refused" + told(field(e, "findings")); }},
    Teller{"people.accepted", [](const Json& e) { return person(e) + " accepted an older people file" + told(field(e, "file")); }},
    Teller{"broker.started", [](const Json&) { return std::string("the broker was started"); }},
    Teller{"ends.lost", [](const Json&) { return std::string("what had ended was not known: all of this boot was ended"); }},
    Teller{"log.rolled-back", [](const Json& e) { return "the log was lost or put back, and all that was open is void" + told(field(e, "cause")); }},
    Teller{"log.erased", [](const Json& e) { return or_erased(text_of(e, "person")) + " erased what the log told of a person"; }},
    Teller{"log.archived", [](const Json&) { return std::string("older entries went into the archive"); }},
    Teller{"store.recovered", [](const Json& e) { return "the database can be written again, after" + told(field(e, "after")); }},
};

}  // namespace
}  // namespace story

std::string entry_line(const Json& entry) {
  const auto short_id = [&](const char* key) {
    const std::string id = text_of(entry, key);
    return id.empty() ? "" : std::string(" ") + key + "=" + id.substr(0, 8);
  };
  const Json& uid = member(entry, "uid");
  std::string out = short_time(text_of(entry, "time")) + " " + std::to_string(number_of(entry, "sequence")) + " " +
                    text_of(entry, "type");
  if (const std::string person = text_of(entry, "person"); !person.empty()) out += " person=" + person;
  if (uid.is_number()) out += " uid=" + uid.dump();
  out += short_id("request") + short_id("grant");
  const Json& fields = member(entry, "fields");
  if (!fields.is_object()) return out;
  for (const auto& item : fields.items()) {
    if (item.key() == "digest" || item.key() == "policy") continue;  // --json has them
    // As JSON, so that a text with blanks or an = in it cannot look like another field.
    out += " " + item.key() + "=" + item.value().dump();
  }
  return out;
}

std::string story_line(const Json& entry) {
  const std::string type = text_of(entry, "type");
  const auto* const teller = std::find_if(story::kTellers.begin(), story::kTellers.end(), [&](const story::Teller& each) { return each.type == type; });
  // A damaged entry, and one of a newer broker, are shown as they are.
  if (teller == story::kTellers.end() || !member(entry, "fields.damaged").is_null()) return entry_line(entry);
  return short_time(text_of(entry, "time")) + "  " + teller->tell(entry);
}

Json entry_document(const evidence::Read& read) {
  const evidence::Entry& entry = read.entry;
  Json fields = Json::parse(entry.fields.dump());
  Json person = "";
  Json uid = nullptr;
  if (fields.contains("person")) person = fields["person"];
  if (fields.contains("uid")) uid = fields["uid"];
  fields.erase("person");
  fields.erase("uid");
  if (!read.erased.empty()) fields["erased"] = read.erased;
  const std::time_t seconds = entry.wall_ms / 1000;
  std::tm parts{};
  std::array<char, 32> time{};
  if (gmtime_r(&seconds, &parts) == nullptr || std::strftime(time.data(), time.size(), "%Y-%m-%dT%H:%M:%S", &parts) == 0) time = {};
  std::string milliseconds = std::to_string(entry.wall_ms % 1000 + 1000);
  return {{"sequence", entry.sequence},
          {"time", std::string(time.data()) + "." + milliseconds.substr(1, 3) + "Z"},
          {"boot_id", entry.boot_id},
          {"type", entry.type},
          {"request", entry.request.empty() ? Json(nullptr) : Json(entry.request)},
          {"grant", entry.grant.empty() ? Json(nullptr) : Json(entry.grant)},
          {"person", person},
          {"uid", uid},
          {"fields", std::move(fields)}};
}

}  // namespace jit::cli
