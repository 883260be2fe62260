// SPDX-License-Identifier: Apache-2.0
#include "notify/message/message.h"

#include <algorithm>
#include <ctime>

#include "courier/document.h"
#include "evidence/text.h"
#include "notify/message/channel_file.h"

namespace jit::notify {
namespace {

using courier::number;
using courier::truth;
using courier::word;
using Json = nlohmann::json;

constexpr std::size_t kValueMax = 4096;

bool is_id(std::string_view text) {
  return text.size() == 32 && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string short_id(const std::string& id) { return id.substr(0, 8); }

Json member(const Json& json, const char* name) {
  const auto at = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && at != json.end() ? *at : Json();
}

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
}

// What the document of the broker says of one person or account.
std::string name_in(const Json& entry, const char* name) {
  const std::string text = inert(word(member(entry, name), "name"));
  return text.empty() ? "somebody" : text;
}

std::string as_whom(const Json& entry) {
  if (!entry.contains("target")) return {};
  const std::string group = inert(word(member(entry, "target"), "group"));
  return " as " + name_in(entry, "target") + (group.empty() ? "" : ", group " + group);
}

std::string title_of(const Notice& notice, const std::string& host, const Json& entry) {
  const std::string who = name_in(entry, "who");
  const std::string door = inert(word(entry, "door"));
  const std::string as = as_whom(entry);
  const std::string state = inert(word(entry, "state"));
  const std::string id = notice.request.empty() ? std::string() : " (" + short_id(notice.request) + ")";
  if (notice.event == "request") return host + ": " + who + " asks for " + door + as + id;
  if (notice.event == "escalated") return host + ": " + who + " still waits for " + door + as + id;
  if (notice.event == "decided") return host + ": " + state + ": " + door + as + " for " + who + id;
  if (notice.event == "break-glass") return host + ": emergency access: " + who + " took " + door + as + id;
  if (notice.event == "ended") return host + ": " + door + as + " of " + who + " has ended: " + state;
  return host + ": " + who + " was given " + door + as;
}

std::vector<std::string> next_of(const Notice& notice) {
  if (notice.event == "request" || notice.event == "escalated") {
    const std::string id = short_id(notice.request);
    return {"To see all of it, on that host or on your workstation, type:  jitctl show " + id,
            "To answer:  jitctl approve " + id + "  or  jitctl deny " + id,
            "No message and no link ever approves anything."};
  }
  if (notice.event == "break-glass") {
    const std::string id = short_id(notice.request);
    return {"To see all of it, type:  jitctl show " + id, "To end it:  jitctl revoke " + short_id(notice.grant.empty() ? notice.request : notice.grant) +
            "  and its review is owed:  jitctl review " + id};
  }
  if (!notice.request.empty()) return {"To see all of it, type:  jitctl show " + short_id(notice.request)};
  if (!notice.grant.empty()) return {"To see all of it, type:  jitctl show " + short_id(notice.grant)};
  return {"The log of that host tells the rest:  jitctl audit log"};
}

void add_facts(Notice& notice, const std::string& host, const Json& entry) {
  const auto add = [&](const char* label, std::string value) {
    if (!value.empty()) notice.facts.emplace_back(label, std::move(value));
  };
  const auto text = [&](const char* name) { return inert(word(entry, name)); };
  add("Host", host);
  const Json who = member(entry, "who");
  std::string person = inert(word(who, "name"));
  if (const std::string real = inert(word(who, "person")); !real.empty() && real != person) person += ", person " + real;
  if (const std::string login = inert(word(who, "login")); !login.empty()) person += ", logged in as " + login;
  if (const std::string from = inert(word(who, "from")); !from.empty() && from != "unknown") person += ", from " + from;
  add("Who", person);
  add("What", text("door") + as_whom(entry));
  const Json command = member(entry, "command");
  if (const std::string line = inert(word(command, "text")); !line.empty()) add("Command", line + (truth(command, "verified") ? "" : "  (as it was typed, not verified)"));
  add("Reason", text("reason"));
  std::string hidden;
  for (const std::string& field : courier::names(entry, "private")) hidden += (hidden.empty() ? "" : ", ") + inert(field);
  add("Private", hidden.empty() ? hidden : hidden + ": that host alone shows it");
  add("Ticket", text("ticket"));
  if (const std::string urgency = text("urgency"); urgency != "normal") add("Urgency", urgency);
  if (const std::int64_t give = number(entry, "give_s"); give > 0) add("For", duration_text(give));
  add("Rule", text("rule"));
  std::string seats;
  for (const Json& seat : member(entry, "seats")) {
    seats += (seats.empty() ? "" : ", ") + std::to_string(number(seat, "count")) + " of " + inert(word(seat, "set"));
  }
  add("Asked", seats);
  add("Asked now, too", text("added"));
  add("State", text("state"));
  add("By", text("by"));
  add("Why", text("why"));
  add("Code", text("code"));
  if (notice.event == "request" || notice.event == "escalated") add("Until", time_text(number(entry, "deadline_ms")));
  add("Request", notice.request);
  add("Grant", notice.grant);
  add("Time", time_text(notice.at_ms));
}

// The members of the broker's document that are known, each text inert.
nlohmann::ordered_json known(const Json& entry) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const char* const name : {"kind", "door", "service", "reason", "ticket", "urgency", "rule", "scope", "code", "state", "by", "why", "added"}) {
    if (entry.contains(name)) out[name] = inert(word(entry, name));
  }
  for (const char* const name : {"give_s", "deadline_ms"}) {
    if (entry.contains(name)) out[name] = number(entry, name);
  }
  for (const char* const name : {"who", "target", "command"}) {
    const Json part = member(entry, name);
    if (!part.is_object()) continue;
    for (const auto& [key, value] : part.items()) {
      if (value.is_string()) out[name][inert(key)] = inert(value.get<std::string>());
      if (value.is_number_integer() || value.is_boolean()) out[name][inert(key)] = value;
    }
  }
  for (const std::string& field : courier::names(entry, "private")) out["private"].push_back(inert(field));
  for (const Json& seat : member(entry, "seats")) out["seats"].push_back({{"set", inert(word(seat, "set"))}, {"count", number(seat, "count")}});
  return out;
}

void close_document(Notice& notice, const std::string& host, const nlohmann::ordered_json& facts) {
  notice.document = {{"version", 1}, {"id", notice.key}, {"event", notice.event}, {"host", {{"id", notice.host_id}, {"name", host}}}, {"at_ms", notice.at_ms}};
  if (!notice.request.empty()) notice.document["request"] = notice.request;
  if (!notice.grant.empty()) notice.document["grant"] = notice.grant;
  notice.document["title"] = notice.title;
  notice.document.update(facts);
  notice.document["next"] = notice.next;
}

}  // namespace

std::string inert(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const std::string_view rest = text.substr(i);
    const auto byte = [&](char which) { out += which == '.' ? "\\x2e" : which == '/' ? "\\x2f" : which == '@' ? "\\x40" : which == '<' ? "\\x3c" : which == '>' ? "\\x3e" : which == '[' ? "\\x5b" : "\\x60"; };
    if (out.size() >= kValueMax) return out + "... (" + std::to_string(text.size()) + " characters in all)";
    if (c == '@' || c == '<' || c == '>' || c == '[' || c == '`') {
      byte(c);
    } else if (rest.starts_with("://")) {
      out += ":\\x2f\\x2f";
      i += 2;
    } else if (rest.size() >= 4 && same_letters(rest.substr(0, 4), "www.")) {
      out += rest.substr(0, 3);
      byte('.');
      i += 3;
    } else if (c < 0x20 || c > 0x7e) {
      // As a byte: a code point of it would need the next ones.
      constexpr std::string_view kHex = "0123456789abcdef";
      const auto value = static_cast<unsigned char>(c);
      out += "\\x";
      out += kHex[value >> 4U];
      out += kHex[value & 15U];
    } else {
      out += c;
    }
  }
  return out;
}

std::string time_text(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  char text[64] = "";
  if (gmtime_r(&seconds, &parts) == nullptr || std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) return "?";
  return text;
}

std::string duration_text(std::int64_t seconds) {
  std::string out;
  for (const auto& [unit, length] : {std::pair("d", 86'400), std::pair("h", 3600), std::pair("m", 60), std::pair("s", 1)}) {
    if (const std::int64_t count = seconds / length; count > 0) out += std::to_string(count) + unit;
    seconds %= length;
  }
  return out.empty() ? "0s" : out;
}

std::optional<Notice> read_notice(const Json& host, const Json& entry, std::int64_t now) {
  Notice out;
  out.event = word(entry, "event");
  if (std::ranges::find(kEvents, out.event) == std::end(kEvents)) return std::nullopt;
  out.sequence = static_cast<std::uint64_t>(std::max<std::int64_t>(number(entry, "seq"), 0));
  for (const std::string& channel : courier::names(entry, "channels")) {
    if (valid_channel_name(channel)) out.channels.push_back(channel);
  }
  out.request = word(entry, "request");
  out.grant = word(entry, "grant");
  out.host_id = word(host, "id");
  if (!out.request.empty() && !is_id(out.request)) return std::nullopt;
  if (!out.grant.empty() && !is_id(out.grant)) return std::nullopt;
  if (!is_id(out.host_id) || out.sequence == 0) return std::nullopt;
  out.at_ms = number(entry, "at_ms");
  out.until = now + std::max<std::int64_t>(number(entry, "left_ms"), 0);
  const std::string name = inert(word(host, "name"));
  // The time of the entry, too: a log that was put back counts its entries from an earlier one on.
  out.key = evidence::sha256_hex(out.host_id + " " + std::to_string(out.sequence) + " " + out.event + " " + std::to_string(out.at_ms) + " " + out.request + " " + out.grant)
                .substr(0, 32);
  const std::string shown = name.empty() ? short_id(out.host_id) : name;
  out.title = title_of(out, shown, entry);
  out.next = next_of(out);
  add_facts(out, shown, entry);
  close_document(out, shown, known(entry));
  return out;
}

Notice test_notice(const std::string& host, const std::string& channel, std::int64_t now_ms) {
  Notice out;
  out.event = "test";
  out.at_ms = now_ms;
  const std::string shown = inert(host);
  out.key = evidence::sha256_hex("test " + shown + " " + channel + " " + std::to_string(now_ms)).substr(0, 32);
  out.host_id = std::string(32, '0');
  out.title = shown + ": this is a test of channel " + inert(channel);
  out.facts = {{"Host", shown}, {"Channel", inert(channel)}, {"Time", time_text(now_ms)}};
  out.next = {"Nobody asks for anything, and nothing needs to be done."};
  close_document(out, shown, nlohmann::ordered_json::object());
  return out;
}

}  // namespace jit::notify
