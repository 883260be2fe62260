// SPDX-License-Identifier: Apache-2.0
#include "broker/outbox/notices.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "broker/core/events.h"
#include "evidence/display_code.h"
#include "evidence/hidden.h"
#include "evidence/request.h"
#include "evidence/text.h"

namespace jit::outbox {
namespace {

namespace events = core::events;
using OrderedJson = nlohmann::ordered_json;
using Channels = std::set<std::string>;

constexpr std::string_view kRequires = "notify:";
constexpr std::size_t kCommandMax = 2000;
constexpr std::size_t kReasonMax = 1100;  // of 1,024 bytes as they are typed
constexpr std::size_t kEndMax = 600;
constexpr core::WallMs kDayMs = core::WallMs{24} * 3600 * 1000;

// Those that the decision which led to this entry requires.
Channels required(const core::AuditEntry& entry) {
  Channels out;
  const auto fields = nlohmann::json::parse(entry.fields, nullptr, false);
  if (!fields.is_object()) return out;
  const auto list = fields.value(nlohmann::json::json_pointer("/decision/terms/require"), nlohmann::json::array());
  for (const auto& each : list) {
    if (!each.is_string()) continue;
    const auto text = each.get<std::string>();
    if (text.starts_with(kRequires)) out.insert(text.substr(kRequires.size()));
  }
  return out;
}

std::string member_of(const core::AuditEntry& entry, const char* name) {
  const auto fields = nlohmann::json::parse(entry.fields, nullptr, false);
  if (!fields.is_object()) return {};
  const auto at = fields.find(name);
  return at != fields.end() && at->is_string() ? at->get<std::string>() : std::string();
}

bool is_open(const core::Request& request) {
  return request.state == core::RequestState::kPending || request.state == core::RequestState::kDetached;
}

// What leaves the host about a request is what it signed: nothing else of it is told.
void add_request(OrderedJson& out, const core::Request& request) {
  const auto document = evidence::read_request(request.payload);
  if (!document) return;
  const auto text = [](std::string_view bytes) { return evidence::escape(bytes); };
  out["kind"] = document->kind;
  out["door"] = document->door;
  out["service"] = text(document->service);
  out["who"] = {{"name", text(document->subject.name)}, {"uid", document->subject.uid}, {"person", text(document->subject.person)},
                {"login", text(document->subject.login_name)}, {"from", text(document->subject.origin)}, {"tty", text(document->subject.tty)}};
  out["target"] = {{"name", text(document->target.name)}, {"uid", document->target.uid}, {"verified", document->target.verified}};
  if (!document->target.group.empty()) out["target"]["group"] = text(document->target.group);
  if (!document->command.argv.empty()) {
    out["command"] = {{"text", shown_command(document->command.argv, kCommandMax)}, {"verified", document->command.verified}};
  }
  out["reason"] = evidence::escape_to(document->reason, kReasonMax);
  out["ticket"] = evidence::escape_to(document->ticket, kEndMax);
  out["urgency"] = document->urgency;
  out["rule"] = text(document->offer.rule);
  out["scope"] = document->offer.scope;
  out["give_s"] = document->asked_s.value_or(document->offer.give_s);
  OrderedJson sets = OrderedJson::array();
  for (const evidence::Request::Seat& seat : document->offer.seats) sets.push_back({{"set", text(seat.set)}, {"count", seat.count}});
  out["seats"] = std::move(sets);
  // By name: whoever may see them sees them on the host.
  if (const auto closed = evidence::closed_fields(*document); !closed.empty()) out["private"] = closed;
  out["code"] = evidence::display_code(request.digest);
  out["deadline_ms"] = request.deadline_wall;
}

void add_end(OrderedJson& out, std::string_view state, const std::string& by, const std::string& why) {
  out["state"] = state;
  out["by"] = evidence::escape_to(by, kEndMax);
  out["why"] = evidence::escape_to(why, kEndMax);
}

// By what the host holds private now, or did when its request was signed.
bool hides_command(const std::optional<core::Request>& request, const evidence::PrivateFields& hide) {
  const auto document = request ? evidence::read_request(request->payload) : std::nullopt;
  if (hide.command || !document) return hide.command;
  const auto closed = evidence::closed_fields(*document);
  return std::ranges::find(closed, "command") != closed.end();
}

void add_grant(OrderedJson& out, const core::Grant& grant, bool hide_command) {
  const auto text = [](std::string_view bytes) { return evidence::escape(bytes); };
  const policy::Identity& who = *grant.subject.identity;
  out["door"] = policy::name_of(grant.door);
  out["who"] = {{"name", text(who.user)}, {"uid", who.uid}, {"person", text(who.person)}};
  out["target"] = {{"name", text(grant.target->user)}, {"uid", grant.target->uid}, {"verified", true}};
  if (hide_command) {
    out["private"] = {"command"};
  } else if (!grant.argv.empty()) {
    out["command"] = {{"text", shown_command(grant.argv, kCommandMax)}, {"verified", grant.command.verified}};
  }
  out["rule"] = text(grant.rule);
  out["scope"] = policy::name_of(grant.scope);
  out["give_s"] = grant.lifetime_s;
}

}  // namespace

std::int64_t Moment::left_of(const core::AuditEntry& entry, std::int64_t length) const {
  const std::int64_t age = entry.boot_id == boot_id ? boot - entry.boottime : wall - entry.wall;
  return std::clamp<std::int64_t>(length - age, 0, length);
}

std::int64_t Moment::left_until_deadline(const core::Request& request) const {
  return std::max<std::int64_t>(request.boot_id == boot_id ? request.deadline - boot : request.deadline_wall - wall, 0);
}

bool concerns_notifier(const core::AuditEntry& entry) {
  if (entry.type == events::kCommandAllowed) return entry.grant.empty() && entry.fields.find("\"notify:") != std::string::npos;
  return entry.type == events::kRequestCreated || entry.type == events::kRequestEscalated || entry.type == events::kRequestApproved ||
         entry.type == events::kRequestDenied || entry.type == events::kRequestExpired || entry.type == events::kRequestCancelled ||
         entry.type == events::kGrantCreated || entry.type == events::kGrantEnded;
}

std::string shown_command(std::span<const std::string> argv, std::size_t bytes) {
  const std::string whole = evidence::render_argv(argv);
  if (whole.size() <= bytes) return whole;
  std::string out = whole.substr(0, bytes);
  // An escape is at most "\u{10ffff}" long; what is cut off with a whole one is only a little more.
  constexpr std::size_t kEscapeMax = 10;
  if (const std::size_t at = out.rfind('\\'); at != std::string::npos && out.size() - at < kEscapeMax) {
    std::size_t from = at;
    while (from > 0 && out[from - 1] == '\\') --from;
    out.resize(from);
  }
  return out + "... (" + std::to_string(whole.size()) + " characters in all)";
}

std::string notice_of(const core::AuditEntry& entry, const Kept& kept) {
  if (!concerns_notifier(entry)) return {};
  const auto request = entry.request.empty() ? std::nullopt : kept.request(entry.request);
  Channels channels;
  if (request) channels.insert(request->offer.notify.begin(), request->offer.notify.end());
  // Was anybody told of it by its request already?
  const bool asked = request && (!request->offer.seats.empty() || request->offer.break_glass);
  OrderedJson out;
  std::string_view event;
  std::int64_t left = kept.now.left_of(entry, kDayMs);
  if (entry.type == events::kRequestCreated || entry.type == events::kRequestEscalated) {
    if (!request) return {};
    if (request->offer.break_glass) {
      event = "break-glass";
    } else {
      // One that has been decided meanwhile is told as decided.
      if (!is_open(*request)) return {};
      event = entry.type == events::kRequestCreated ? "request" : "escalated";
      left = kept.now.left_until_deadline(*request);
    }
    add_request(out, *request);
    if (event == "escalated") {
      if (const std::string channel = member_of(entry, "notify"); !channel.empty()) channels = {channel};
      if (const std::string add = member_of(entry, "add"); !add.empty()) out["added"] = add;
    }
  } else if (entry.type == events::kGrantCreated) {
    const auto grant = kept.grant(entry.grant);
    if (!grant || (request && request->offer.break_glass)) return {};
    event = "grant";
    const Channels now = required(entry);
    if (asked) {
      Channels more;
      std::ranges::set_difference(now, channels, std::inserter(more, more.end()));
      channels = std::move(more);
    } else {
      channels.insert(now.begin(), now.end());
    }
    add_grant(out, *grant, hides_command(request, kept.hide));
  } else if (entry.type == events::kGrantEnded) {
    const auto grant = kept.grant(entry.grant);
    if (!grant) return {};
    event = "ended";
    channels.clear();
    add_grant(out, *grant, hides_command(request, kept.hide));
    add_end(out, core::name_of(grant->end), grant->ended_by, grant->ended_why);
  } else if (entry.type == events::kCommandAllowed) {
    event = "grant";
    channels = required(entry);
    out["door"] = member_of(entry, "door");
    out["who"] = {{"name", evidence::escape(entry.person)}, {"uid", entry.uid}, {"person", evidence::escape(entry.person)}};
  } else {
    if (!request || is_open(*request)) return {};
    event = "decided";
    add_request(out, *request);
    add_end(out, core::name_of(request->state), request->ended_by, request->ended_why);
  }
  OrderedJson head{{"event", event}, {"channels", channels}, {"at_ms", entry.wall}, {"left_ms", left}};
  if (!entry.request.empty()) head["request"] = entry.request.text();
  if (!entry.grant.empty()) head["grant"] = entry.grant.text();
  head.update(out);
  const std::string members = head.dump();
  return members.substr(1, members.size() - 2);
}

}  // namespace jit::outbox
