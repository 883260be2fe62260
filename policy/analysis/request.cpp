// SPDX-License-Identifier: Apache-2.0
#include "policy/analysis/request.h"

#include <algorithm>
#include <limits>
#include <chrono>
#include <cstdio>

#include "policy/facts.h"

namespace jit::policy::analysis {
namespace {

const Reading* zero_of(std::string_view name) {
  static const Reading kFalse{false, 0, {}}, kInt{std::int64_t{0}, 0, {}}, kFloat{0.0, 0, {}};
  const auto type = built_in(name);
  if (!type) return nullptr;
  switch (*type) {
    case FactRule::Type::kBool: return &kFalse;
    case FactRule::Type::kInt: return &kInt;
    case FactRule::Type::kFloat: return &kFloat;
    case FactRule::Type::kString: break;
  }
  return nullptr;
}

std::string list_text(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const std::string& item : list) out += (out.size() > 1 ? ", " : "") + toml_text(item);
  return out + ']';
}

std::string value_text(const Value& value) {
  Known known;
  std::visit([&](const auto& each) { known.value = each; }, value);
  if (const auto* text = std::get_if<std::string>(&value)) return toml_text(*text);
  return literal(known);
}

}  // namespace

const Reading* FactTable::find(std::string_view name) const {
  if (std::ranges::find(unknown, name) != unknown.end()) {
    // Vouched for until now only: unknown also where a declared fact has an initial value, which no NaN equals.
    static const Reading kGone{std::numeric_limits<double>::quiet_NaN(), 1, 1};
    return &kGone;
  }
  const auto found = readings.find(name);
  if (found != readings.end()) return &found->second;
  return zeroes ? zero_of(name) : nullptr;
}

Request AnalysisRequest::view() const {
  Request out;
  out.door = door;
  out.subject = &subject;
  out.target = door == Door::kSsh || door == Door::kLogin ? &subject : &target;
  out.root = &root;
  out.target_verified = verified || door != Door::kSudo;
  out.from = from;
  out.reason = reason;
  out.ticket = ticket;
  out.urgency = urgency;
  out.can_ask = can_ask;
  out.via = via;
  if (door == Door::kSudo && path) {
    out.command.known = true;
    out.command.verified = verified;
    out.command.path = *path;
    out.command.words = words;
    out.command.options = options;
    out.command.env = env;
    out.command.digest_bound = digest_bound;
  }
  out.now = now;
  out.facts = &facts;
  out.recorder = recorder;
  out.can_notify = true;
  out.can_review = true;
  return out;
}

Decision decide(const Policy& policy, const AnalysisRequest& request) { return policy.decide(request.view()); }

std::string time_text(std::int64_t unix_s) {
  const std::chrono::sys_seconds at{std::chrono::seconds(unix_s)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return buffer;
}

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\u%04X", byte);
      out += buffer;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string witness_text(const AnalysisRequest& request) {
  std::string out = "at = " + time_text(request.now) + "\nrequest = { user = " + toml_text(request.subject.user);
  const auto add = [&](std::string_view key, const std::string& value) { out += ", " + std::string(key) + " = " + value; };
  if (request.subject.user != "root" && request.subject.uid < 20'000) add("uid", std::to_string(request.subject.uid));
  if (!request.subject.groups_all.empty()) add("groups", list_text(request.subject.groups_all));
  add("door", toml_text(name_of(request.door)));
  if (request.door == Door::kSudo || request.door == Door::kSu) {
    add("as", toml_text(request.target.user));
    if (request.target.user != "root" && request.target.uid < 20'000) add("as-uid", std::to_string(request.target.uid));
  }
  if (request.door != Door::kSsh && request.door != Door::kLogin && !request.target.groups_all.empty()) {
    add("as-groups", list_text(request.target.groups_all));
  }
  if (request.tags_given) add("tags", list_text(request.tags));
  if (request.from.kind == Origin::Kind::kUnknown) add("from", toml_text("unknown"));
  if (request.from.kind == Origin::Kind::kPeer) add("from", toml_text(request.from.peer.text()));
  if (request.door == Door::kSudo && request.path) {
    std::vector<std::string> argv{*request.path};
    argv.insert(argv.end(), request.words.begin(), request.words.end());
    add("argv", list_text(argv));
    if (!request.options.empty()) add("options", list_text(request.options));
    if (!request.env.empty()) add("env", list_text(request.env));
    if (request.digest_bound) add("digest", "true");
  }
  if (request.door == Door::kSudo && !request.verified) add("verified", "false");
  if (!request.reason.empty()) add("reason", toml_text(request.reason));
  if (!request.ticket.empty()) add("ticket", toml_text(request.ticket));
  if (request.urgency != "normal") add("urgency", toml_text(request.urgency));
  if (!request.via.empty()) add("via", toml_text(request.via));
  if (!request.can_ask) add("can-ask", "false");
  if (!request.recorder) add("recorder", "false");
  out += " }";
  std::string facts;
  const auto fact = [&](std::string_view name, const std::string& value) {
    facts += (facts.empty() ? "" : ", ") + toml_text(name) + " = " + value;
  };
  for (const auto& [name, reading] : request.facts.readings) {
    if (std::ranges::find(request.facts.unknown, name) == request.facts.unknown.end()) fact(name, value_text(reading.value));
  }
  for (const std::string& name : request.facts.unknown) fact(name, "{ unknown = true }");
  return facts.empty() ? out : out + "\nfacts = { " + facts + " }";
}

}  // namespace jit::policy::analysis
