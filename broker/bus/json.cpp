// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/json.h"

#include <ctime>

#include <algorithm>
#include <array>
#include <cstdio>

#include "evidence/display_code.h"
#include "evidence/look_alike.h"
#include "evidence/text.h"

namespace jit::bus {

namespace {

using evidence::escape;

constexpr std::size_t kShortText = 256;   // bytes of a text in a list, as typed
constexpr std::size_t kWholeText = 4096;  // bytes of command.text, and of what else sudo was told; argv is always whole beside it

Json uid_json(std::uint32_t uid) { return uid == policy::kNoUid ? Json(nullptr) : Json(uid); }

Json optional_text(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string origin_text(const policy::Origin& origin) {
  switch (origin.kind) {
    case policy::Origin::Kind::kLocal: return "local";
    case policy::Origin::Kind::kPeer: return origin.peer.text();
    case policy::Origin::Kind::kUnknown: break;
  }
  return "unknown";
}

std::string typed(const std::string& text, Form form) {
  return form == Form::kWhole ? escape(text) : evidence::escape_to(text, kShortText);
}

Json subject_json(const core::Subject& subject) {
  return {{"name", escape(subject.identity->user)},     {"uid", subject.identity->uid},
          {"loginuid", uid_json(subject.loginuid)},     {"person", escape(subject.identity->person)},
          {"origin", origin_text(subject.origin)},      {"tty", escape(subject.tty)}};
}

Json name_json(const policy::Identity& identity) {
  return {{"name", escape(identity.user)}, {"uid", identity.uid}};
}

Json host_json(const Host& host) { return {{"id", escape(host.id)}, {"name", escape(host.name)}}; }

std::size_t bytes_of(std::span<const std::string> argv) {
  std::size_t out = 0;
  for (const std::string& word : argv) out += word.size() + 1;
  return out;
}

// Whole words up to `max` bytes, then how long it really is: never a silent cut.
std::string command_text(std::span<const std::string> argv, std::size_t max) {
  const std::size_t length = bytes_of(argv);
  if (length <= max) return evidence::render_argv(argv);
  std::size_t words = 0;
  for (std::size_t used = 0; words < argv.size(); ++words) {
    used += argv[words].size() + 1;
    if (used > max) break;
  }
  std::string out = evidence::render_argv(argv.first(words));
  if (words == 0) out = evidence::escape_to(argv.front().substr(0, max), max);
  return out + "... (" + std::to_string(length) + " bytes)";
}

Json words_json(std::span<const std::string> words) {
  Json out = Json::array();
  for (const std::string& word : words) out.push_back(escape(word));
  return out;
}

// What is too long is null, and `cut` says that there is more: jitctl show has argv and path whole.
Json command_json(std::span<const std::string> argv, bool verified, Form form) {
  const std::size_t max = form == Form::kWhole ? kWholeText : kShortText;
  const bool whole = form == Form::kWhole || bytes_of(argv) <= max;
  return {{"argv", whole ? words_json(argv) : Json(nullptr)},
          {"text", command_text(argv, max)},
          {"length", bytes_of(argv)},
          {"verified", verified},
          {"cut", !whole}};
}

// And what sudo would run for it: null where the door does not know.
Json command_json(const core::Request& request, Form form) {
  const std::size_t max = form == Form::kWhole ? kWholeText : kShortText;
  // PAM sees what sudo was told, never what it will run: a command is a claim until sudo_jit reports it.
  const core::Command& command = request.command;
  Json out = command_json(request.argv, command.verified, form);
  const auto add = [&](const char* name, bool fits, const auto& value) {
    out[name] = command.known && fits ? value() : Json(nullptr);
    if (command.known && !fits) out["cut"] = true;
  };
  add("path", form == Form::kWhole || command.path.size() <= max, [&] { return optional_text(escape(command.path)); });
  add("sha256", true, [&] { return optional_text(command.sha256); });
  add("changeable", true, [&] { return Json(command.changeable); });
  add("words_at", true, [&] { return Json(command.words_at); });
  add("options", bytes_of(command.options) <= max, [&] { return words_json(command.options); });
  add("env", bytes_of(command.env) <= max, [&] { return words_json(command.env); });
  return out;
}

Json offer_json(const policy::Offer& offer, const std::vector<std::vector<std::string>>& filled_by) {
  Json seats = Json::array();
  for (std::size_t i = 0; i < offer.seats.size(); ++i) {
    Json by = Json::array();
    if (i < filled_by.size()) {
      for (const std::string& person : filled_by[i]) by.push_back(escape(person));
    }
    seats.push_back({{"set", escape(offer.seats[i].set)}, {"count", offer.seats[i].count}, {"filled_by", std::move(by)}});
  }
  Json require = Json::array();
  if (offer.reason_required) require.push_back(offer.reason_min > 0 ? "reason:" + std::to_string(offer.reason_min) : "reason");
  for (const std::string& pattern : offer.tickets) require.push_back(pattern.empty() ? "ticket" : "ticket:" + escape(pattern));
  if (offer.record) require.push_back("record");
  for (const std::string& channel : offer.notify) require.push_back("notify:" + escape(channel));
  if (offer.review_s > 0) require.push_back("review:" + policy::format_duration(offer.review_s));
  Json escalate = Json::array();
  for (const policy::Step& step : offer.ladder) {
    escalate.push_back({{"after_s", step.after_s}, {"add", optional_text(escape(step.add))}, {"to", optional_text(escape(step.to))},
                        {"notify", optional_text(escape(step.notify))}});
  }
  return {{"rule", escape(offer.rule)}, {"give_s", offer.give_s}, {"max_s", offer.max_s},
          {"scope", policy::name_of(offer.scope)}, {"shortened", offer.shortened}, {"escalate", std::move(escalate)},
          {"seats", std::move(seats)}, {"require", std::move(require)},
          {"votes", policy::name_of(offer.votes)}, {"match", offer.match}, {"break_glass", offer.break_glass},
          {"on_expiry", policy::name_of(offer.on_expiry)}, {"run_max_s", offer.run_max_s}};
}

// The members with a text that may be taken for another: escapes alone are read over.
Json look_alikes(const core::Request& request) {
  const core::Subject& subject = request.subject;
  const core::Command& command = request.command;
  return evidence::look_alikes({subject.identity->user, subject.identity->person, subject.tty, request.target->user, request.target_group, command.path, request.cwd,
                                request.reason, request.ticket, request.argv, command.options, command.env});
}

Json vote_json(const core::Vote& vote, Form form) {
  return {{"person", escape(vote.person)},
          {"uid", uid_json(vote.uid)},
          {"kind", core::name_of(vote.kind)},
          {"key", optional_text(escape(vote.key))},
          {"host_in_doubt", vote.host_in_doubt},
          {"approve", vote.approve},
          {"duration_s", vote.duration_s ? Json(*vote.duration_s) : Json(nullptr)},
          {"scope", vote.scope ? Json(policy::name_of(*vote.scope)) : Json(nullptr)},
          {"reason", typed(vote.reason, form)},
          {"block_s", vote.block_s ? Json(*vote.block_s) : Json(nullptr)},
          {"time", iso_time(vote.time)}};
}

Json time_json(core::WallMs wall) { return wall == 0 ? Json(nullptr) : Json(iso_time(wall)); }

std::int64_t seconds_left(core::BootMs until, Now now) { return std::max<std::int64_t>(0, (until - now.boot + 999) / 1000); }

}  // namespace

Now Now::read() {
  const auto ms = [](clockid_t clock) {
    timespec ts{};
    clock_gettime(clock, &ts);
    return static_cast<std::int64_t>(ts.tv_sec) * 1000 + ts.tv_nsec / 1'000'000;
  };
  return {ms(CLOCK_BOOTTIME), ms(CLOCK_REALTIME)};
}

Json request_json(const core::Request& request, const RequestFacts& facts, const Host& host, Now now, Form form) {
  const bool open = request.state == core::RequestState::kPending || request.state == core::RequestState::kDetached;
  Json target = name_json(*request.target);
  if (!request.target_group.empty()) target["group"] = escape(request.target_group);
  Json out{{"id", request.id.text()},
           {"kind", core::name_of(request.kind)},
           {"state", core::name_of(request.state)},
           {"subject", subject_json(request.subject)},
           {"door", policy::name_of(request.door)},
           {"service", escape(request.service)},
           {"target", std::move(target)},
           {"target_verified", request.target_verified},
           {"host", host_json(host)},
           {"command", command_json(request, form)},
           {"cwd", typed(request.cwd, form)},
           {"reason", typed(request.reason, form)},
           {"reason_from", core::name_of(request.reason_from)},
           {"ticket", escape(request.ticket)},
           {"urgency", core::name_of(request.urgency)},
           {"asked", {{"duration_s", request.asked_s ? Json(*request.asked_s) : Json(nullptr)},
                      {"scope", request.asked_scope ? Json(policy::name_of(*request.asked_scope)) : Json(nullptr)}}},
           {"offer", offer_json(facts.terms != nullptr ? *facts.terms : request.offer, facts.filled_by)},
           {"steps", request.steps},
           {"risk", {{"score", request.card.score}, {"signs", words_json(request.card.signs)}}},
           {"looks_alike", look_alikes(request)},
           {"display_code", evidence::display_code(request.digest)},
           {"not_before", request.not_before == 0 ? Json(nullptr) : Json(iso_time(request.not_before_wall))},
           {"extends", request.extends.empty() ? Json(nullptr) : Json(request.extends.text())},
           {"created", iso_time(request.created_wall)},
           {"deadline", iso_time(request.deadline_wall)}};
  if (open) out["deadline_in_s"] = seconds_left(request.deadline, now);
  Json votes = Json::array();
  for (const core::Vote& vote : facts.votes) votes.push_back(vote_json(vote, form));
  out["votes"] = std::move(votes);
  out["owed"] = request.review_due == 0
                    ? Json(nullptr)
                    : Json{{"due", iso_time(request.review_due)},
                           {"overdue", request.reviewed_wall == 0 && now.wall >= request.review_due},
                           {"by", optional_text(escape(request.reviewed_by))},
                           {"text", optional_text(typed(request.reviewed_why, form))},
                           {"time", time_json(request.reviewed_wall)}};
  out["grant"] = request.grant.empty() ? Json(nullptr) : Json(request.grant.text());
  out["grant_state"] = request.grant.empty() ? Json(nullptr) : Json(core::name_of(facts.grant));
  out["ended"] = open ? Json(nullptr)
                      : Json{{"by", optional_text(escape(request.ended_by))},
                             {"why", optional_text(typed(request.ended_why, form))},
                             {"time", time_json(request.ended_wall)}};
  return out;
}

Json grant_json(const core::Grant& grant, const Host& host, Now now, Form form) {
  Json out{{"id", grant.id.text()},
           {"request", grant.request.empty() ? Json(nullptr) : Json(grant.request.text())},
           {"subject", subject_json(grant.subject)},
           {"door", policy::name_of(grant.door)},
           {"target", name_json(*grant.target)},
           {"host", host_json(host)},
           {"command", command_json(grant.argv, grant.command.verified, form)},
           {"cwd", typed(grant.cwd, form)},
           {"rule", escape(grant.rule)},
           {"scope", policy::name_of(grant.scope)},
           {"state", core::name_of(grant.state)},
           {"lifetime_s", grant.lifetime_s},
           {"created", iso_time(grant.created_wall)},
           {"not_before", grant.not_before == 0 ? Json(nullptr) : Json(iso_time(grant.created_wall + grant.not_before - grant.created))},
           {"claim_until", iso_time(grant.claim_until_wall)},
           {"starts", time_json(grant.starts_wall)},
           {"expires", time_json(grant.expires_wall)}};
  if (grant.state == core::GrantState::kUnclaimed) out["claim_in_s"] = seconds_left(grant.claim_until, now);
  if (grant.state == core::GrantState::kActive) out["expires_in_s"] = seconds_left(grant.expires, now);
  out["uses"] = grant.uses;
  out["ended"] = grant.state != core::GrantState::kEnded
                     ? Json(nullptr)
                     : Json{{"how", core::name_of(grant.end)},
                            {"by", optional_text(escape(grant.ended_by))},
                            {"why", optional_text(typed(grant.ended_why, form))},
                            {"time", time_json(grant.ended_wall)}};
  return out;
}

namespace {

Json value_json(const policy::Value& value) {
  return std::visit([](const auto& each) -> Json {
    if constexpr (std::is_same_v<std::decay_t<decltype(each)>, std::string>) {
      return escape(each);
    } else {
      return each;
    }
  }, value);
}

const char* type_name(policy::FactRule::Type type) {
  using Type = policy::FactRule::Type;
  switch (type) {
    case Type::kBool: return "bool";
    case Type::kInt: return "int";
    case Type::kFloat: return "float";
    case Type::kString: return "string";
  }
  return "";
}

}  // namespace

Json absence_json(const core::Absence& absence) {
  return {{"person", escape(absence.person)}, {"until", absence.until == 0 ? Json(nullptr) : Json(iso_time(absence.until))}};
}

Json fact_json(const core::FactState& fact) {
  Json by = Json::array();
  for (const std::string& each : fact.rule.by) by.push_back(escape(each));
  // What the policy reads: the value while it is fresh, the initial one where none is set, else nothing.
  Json value(nullptr);
  if (fact.set && fact.known) value = value_json(fact.set->value);
  if (!fact.set && fact.rule.initial) value = value_json(*fact.rule.initial);
  Json out{{"name", escape(fact.rule.name)},
           {"type", type_name(fact.rule.type)},
           {"state", fact.set ? (fact.known ? "set" : "stale") : (fact.rule.initial ? "initial" : "unknown")},
           {"value", std::move(value)},
           {"initial", fact.rule.initial ? value_json(*fact.rule.initial) : Json(nullptr)},
           {"fresh_s", fact.rule.fresh_s ? Json(*fact.rule.fresh_s) : Json(nullptr)},
           {"by", std::move(by)}};
  if (fact.set) {
    out["set"] = {{"value", value_json(fact.set->value)},
                  {"by", escape(fact.set->set_by)},
                  {"time", iso_time(fact.set->set_wall)},
                  {"age_s", fact.age_s ? Json(*fact.age_s) : Json(nullptr)},
                  {"for_s", fact.set->for_s ? Json(*fact.set->for_s) : Json(nullptr)}};
  }
  return out;
}

Json entry_json(const core::AuditEntry& entry) {
  Json fields = Json::parse(entry.fields, nullptr, false);
  if (fields.is_discarded()) fields = escape(entry.fields);
  return {{"sequence", entry.sequence},
          {"time", iso_time(entry.wall)},
          {"boot_id", escape(entry.boot_id)},
          {"type", escape(entry.type)},
          {"request", entry.request.empty() ? Json(nullptr) : Json(entry.request.text())},
          {"grant", entry.grant.empty() ? Json(nullptr) : Json(entry.grant.text())},
          {"person", escape(entry.person)},
          {"uid", uid_json(entry.uid)},
          {"fields", std::move(fields)}};
}

std::string iso_time(core::WallMs wall) {
  const std::time_t seconds = wall / 1000;
  std::tm parts{};
  if (wall < 0 || gmtime_r(&seconds, &parts) == nullptr) return "1970-01-01T00:00:00.000Z";
  std::array<char, 48> out{};
  const std::size_t used = std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(out.data() + used, out.size() - used, ".%03dZ", static_cast<int>(wall % 1000));
  return out.data();
}

std::string dump(const Json& json) { return json.dump(-1, ' ', true, Json::error_handler_t::replace); }

std::string reprint(const std::string& json_text) {
  const Json json = Json::parse(json_text, nullptr, false);
  return json.is_discarded() ? "{}" : dump(json);
}

std::string status_for_anyone(const std::string& json_text) {
  Json json = Json::parse(json_text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return "{}";
  // What a command of a channel has printed is among it.
  if (const auto couriers = json.find("couriers"); couriers != json.end()) {
    for (Json& courier : *couriers) {
      if (courier.is_object() && courier.value("why", Json()) != "") courier["why"] = "an admin can see why";
    }
  }
  const auto policy = json.find("policy");
  if (policy == json.end()) return dump(json);
  Json shown = Json::object();
  for (const char* key : {"in_force", "hash", "error_count", "warning_count"}) {
    const auto value = policy->is_object() ? policy->find(key) : policy->end();
    if (policy->is_object() && value != policy->end()) shown[key] = *value;
  }
  *policy = std::move(shown);
  return dump(json);
}

std::string with_person(const std::string& json_text, const std::string& person, const std::vector<policy::Key>& keys) {
  Json json = Json::parse(json_text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return json_text;
  Json list = Json::array();
  for (const policy::Key& key : keys) {
    list.push_back({{"id", escape(key.id)}, {"kind", key.kind}, {"public", escape(key.public_text)}, {"verify_required", key.verify_required}});
  }
  json["you"] = {{"person", escape(person)}, {"keys", std::move(list)}};
  return dump(json);
}

std::string wire_text(std::string_view message) {
  std::string out;
  std::size_t at = 0;
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  while (at < message.size()) {
    const auto* const end = std::find_if(message.begin() + at, message.end(), [&](char c) { return !printable(c); });
    out.append(message.begin() + at, end);
    const auto* const next = std::find_if(end, message.end(), printable);
    out += escape(std::string_view(end, next));
    at = static_cast<std::size_t>(next - message.begin());
  }
  return out;
}

}  // namespace jit::bus
