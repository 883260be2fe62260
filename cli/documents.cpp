// SPDX-License-Identifier: Apache-2.0
#include "cli/documents.h"

#include <algorithm>

#include "policy/policy.h"

namespace jit::cli {

namespace {

const Json kNull;

std::string duration(std::uint64_t seconds) {
  return policy::format_duration(static_cast<std::uint32_t>(std::min<std::uint64_t>(seconds, 4294967294U)));
}

std::string uid_text(const Json& uid) { return uid.is_number_unsigned() ? std::to_string(uid.get<std::uint64_t>()) : "none"; }

std::string word(const std::string& escaped) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
  return !escaped.empty() && escaped.find_first_not_of(kPlain) == std::string::npos ? escaped : in_quotes(escaped);
}

std::string id_of(const Json& document, bool terminal) {
  const std::string id = text_of(document, "id");
  return terminal ? id.substr(0, 8) : id;
}

void add(Facts& facts, const char* name, std::string value) {
  if (!value.empty()) facts.emplace_back(name, std::move(value));
}

void add_end(Facts& facts, const Json& ended) {
  if (!ended.is_object()) return;
  std::string text = short_time(text_of(ended, "time"));
  const std::string by = text_of(ended, "by");
  const std::string why = text_of(ended, "why");
  if (!by.empty()) text += " by " + by;
  if (!why.empty()) text += ": " + why;
  add(facts, "ended", text);
}

std::string joined_words(const Json& words) {
  std::string out;
  for (const Json& one : words) out += (out.empty() ? "" : ", ") + (one.is_string() ? word(one.get<std::string>()) : "");
  return out;
}

// The program as it was typed, in its place among sudo's words.
std::string typed_program(const Json& request) {
  const Json& argv = member(request, "command.argv");
  const std::uint64_t words_at = number_of(request, "command.words_at");
  if (!argv.is_array() || words_at == 0 || words_at > argv.size()) return "";
  const Json& program = argv[words_at - 1];
  return program.is_string() ? program.get<std::string>() : "";
}

std::string vote_text(const Json& vote) {
  std::string out = text_of(vote, "person") + " (uid " + uid_text(member(vote, "uid")) + ") ";
  const Json& approve = member(vote, "approve");
  out += approve.is_boolean() && approve.get<bool>() ? "approved" : "denied";
  if (const auto seconds = number_of(vote, "duration_s")) out += " for " + duration(seconds);
  if (const std::string scope = text_of(vote, "scope"); !scope.empty()) out += ", scope " + scope;
  out += " at " + short_time(text_of(vote, "time"));
  if (const std::string key = text_of(vote, "key"); !key.empty()) out += ", signed with " + key;
  if (text_of(vote, "kind") == "local") {
    const bool doubt = member(vote, "host_in_doubt") == Json(true);
    out += doubt ? ", on the word of a host where the requester was root" : ", on this host's word";
  }
  if (const std::string reason = text_of(vote, "reason"); !reason.empty()) out += ": " + reason;
  return out;
}

std::string risk_text(const Json& request) {
  const Json& score = member(request, "risk.score");
  if (!score.is_number()) return "";
  std::string out = std::to_string(score.get<std::int64_t>()) + " of 100";
  for (const Json& sign : member(request, "risk.signs")) out += (out.ends_with("100") ? ": " : "; ") + (sign.is_string() ? sign.get<std::string>() : "");
  return out;
}

// What is pushed out of sight is not read: from so many blanks in a row on they are counted. Empty: fewer.
std::string blanks_text(const Json& texts) {
  constexpr std::size_t kMany = 16;
  std::size_t most = 0;
  for (const Json& text : texts) {
    std::size_t run = 0;
    for (const char c : text.is_string() ? text.get_ref<const std::string&>() : std::string()) most = std::max(most, run = c == ' ' ? run + 1 : 0);
  }
  return most < kMany ? "" : std::to_string(most) + " blanks in a row";
}

std::string look_alikes_text(const Json& request) {
  std::string out;
  for (const Json& name : member(request, "looks_alike")) out += (out.empty() ? "" : ", ") + (name.is_string() ? name.get<std::string>() : "");
  return out.empty() ? out : out + ": letters of several scripts in one word, or characters that do not show";
}

// What becomes of a program that runs when the time is over; empty: it is ended.
std::string expiry_text(const Json& offer) {
  const std::string word = text_of(offer, "on_expiry");
  if (word != "finish" && word != "warn") return "";
  return (word == "finish" ? "a command that runs may go on, no shell, until " : "what runs is only warned, and may go on until ") + duration(number_of(offer, "run_max_s")) +
         " after it began";
}

std::string step_text(const Json& step) {
  const std::string add = text_of(step, "add");
  return "after " + duration(number_of(step, "after_s")) + (add.empty() ? ", remind " + text_of(step, "notify") : ", ask " + add + ", too");
}

std::string review_text(const Json& owed) {
  if (!owed.is_object()) return "";
  const std::string by = text_of(owed, "by");
  if (!by.empty()) return "by " + by + " at " + short_time(text_of(owed, "time")) + ": " + text_of(owed, "text");
  const Json& late = member(owed, "overdue");
  return "owed, due " + short_time(text_of(owed, "due")) + (late.is_boolean() && late.get<bool>() ? ", overdue" : "");
}

// Empty: nothing out of the common.
std::string urgency_text(const Json& request) {
  std::string word = text_of(request, "urgency");
  return word == "normal" ? std::string() : word;
}

bool is_private(const Json& request, const char* field) {
  const Json& fields = member(request, "private");
  return fields.is_array() && std::ranges::find(fields, Json(field)) != fields.end();
}

}  // namespace

const Json& member(const Json& json, std::string_view path) {
  const Json* at = &json;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const auto it = at->is_object() ? at->find(std::string(path.substr(0, dot))) : at->end();
    if (!at->is_object() || it == at->end()) return kNull;
    at = &*it;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return *at;
}

std::string text_of(const Json& json, std::string_view path) {
  const Json& found = member(json, path);
  return found.is_string() ? found.get<std::string>() : "";
}

std::uint64_t number_of(const Json& json, std::string_view path) {
  const Json& found = member(json, path);
  return found.is_number_unsigned() ? found.get<std::uint64_t>() : 0;
}

bool is_open(const Json& request) {
  const std::string state = text_of(request, "state");
  return state == "pending" || state == "detached";
}

std::string who(const Json& who) {
  const std::string name = text_of(who, "name");
  return (name.empty() ? "?" : name) + "(" + uid_text(member(who, "uid")) + ")";
}

std::string as_whom(const Json& document) {
  const std::string group = text_of(document, "target.group");
  return who(member(document, "target")) + (group.empty() ? "" : ", group " + group);
}

std::string what(const Json& document) {
  const std::string door = text_of(document, "door");
  if (door == "ssh") return "log in by ssh";
  if (door == "login") return "log in at a console";
  return door + (door == "su" ? " to " : " as ") + as_whom(document);
}

// Parentheses of the command's own would stand in quotes.
std::string command_of(const Json& document) {
  if (is_private(document, "command")) return "(private)";
  const Json& argv = member(document, "command.argv");
  if (!argv.is_array()) return text_of(document, "command.text");
  return command_line(argv);
}

std::string in_quotes(const std::string& escaped) {
  std::string out = "\"";
  for (const char c : escaped) out += c == '"' ? std::string("\\\"") : std::string(1, c);
  return out + "\"";
}

std::string command_line(const Json& argv) {
  std::string out;
  for (const Json& one : argv) out += (out.empty() ? "" : " ") + word(one.is_string() ? one.get<std::string>() : "");
  return out;
}

std::string open_seats(const Json& request) {
  std::string out;
  for (const Json& seat : member(request, "offer.seats")) {
    const std::uint64_t count = number_of(seat, "count");
    const std::uint64_t filled = member(seat, "filled_by").size();
    if (filled >= count) continue;
    out += (out.empty() ? "" : " and ") + std::to_string(count - filled) + " of " + text_of(seat, "set");
  }
  return out;
}

std::string left_out_line(const Json& list, const char* name) {
  const Json& all = member(list, name);
  if (const std::uint64_t living = number_of(list, "left_out.living"); living > 0) {
    const bool grants = std::string_view(name) == "grants";
    const auto shown = static_cast<std::uint64_t>(std::ranges::count_if(all, [grants](const Json& one) {
      return grants ? text_of(one, "state") != "ended" : is_open(one);
    }));
    return std::to_string(shown) + " of " + std::to_string(shown + living) + (grants ? " living grants" : " open requests") +
           " shown: jitctl show ID shows any, --state narrows the list";
  }
  const Json& ended = member(list, "left_out.ended");
  if (!ended.is_boolean() || !ended.get<bool>()) return "";
  return std::to_string(all.size()) + " shown, older ended ones left out: narrow it with --since or --state, or see jitctl audit log";
}

std::string short_time(const std::string& iso) {
  const std::size_t dot = iso.find('.');
  return dot == std::string::npos ? iso : iso.substr(0, dot) + "Z";
}

std::string emergency_text(const Json& request) {
  if (text_of(request, "kind") != "break-glass") return "";
  std::string out = "BREAK-GLASS";
  const Json& owed = member(request, "owed");
  if (const std::string by = text_of(owed, "by"); !by.empty()) return out + ", reviewed by " + by;
  const std::string due = text_of(owed, "due");
  if (due.empty()) return out;
  const Json& late = member(owed, "overdue");
  return out + (late.is_boolean() && late.get<bool>() ? ", review was due " : ", review due ") + due.substr(0, sizeof "2026-11-19T11:06" - 1) + "Z";
}

std::vector<std::string> progress(const Json& before, const Json& after) {
  std::vector<std::string> out;
  const Json& votes = member(after, "votes");
  const std::string needs = open_seats(after);
  for (std::size_t i = member(before, "votes").size(); votes.is_array() && i < votes.size(); ++i) {
    const Json& approve = member(votes[i], "approve");
    out.push_back(text_of(votes[i], "person") + (approve.is_boolean() && approve.get<bool>() ? " approved" : " denied") +
                  (needs.empty() ? "" : "; still asked: " + needs));
  }
  const Json& ladder = member(after, "offer.escalate");
  const std::uint64_t taken = number_of(after, "steps");
  for (std::uint64_t i = number_of(before, "steps"); ladder.is_array() && i < std::min<std::uint64_t>(taken, ladder.size()); ++i) {
    const std::string add = text_of(ladder[i], "add");
    out.push_back(add.empty() ? "reminded: " + text_of(ladder[i], "notify") : "asked now, too: " + add);
  }
  return out;
}

bool is_true(const Json& object, const char* path) {
  const Json& value = member(object, path);
  return value.is_boolean() && value.get<bool>();
}

Facts request_facts(const Json& request) {
  Facts facts;
  const bool open = is_open(request);
  add(facts, "request", text_of(request, "id"));
  const auto left = number_of(request, "deadline_in_s");
  add(facts, "state", text_of(request, "state") +
                          (!open ? "" : left == 0 ? " (its time is over by the clock of this machine)" : " (" + duration(left) + " left to vote)"));
  add(facts, "code", text_of(request, "display_code"));
  add(facts, "typed code", text_of(request, "typed_code"));
  add(facts, "kind", text_of(request, "kind"));
  add(facts, "extends", text_of(request, "extends"));
  add(facts, "who", who(member(request, "subject")));
  add(facts, "person", text_of(request, "subject.person"));
  add(facts, "login uid", uid_text(member(request, "subject.loginuid")));
  add(facts, "from", text_of(request, "subject.origin"));
  add(facts, "terminal", text_of(request, "subject.tty"));
  add(facts, "host", text_of(request, "host.name"));
  add(facts, "door", text_of(request, "door") + " (service " + text_of(request, "service") + ")");
  const bool claimed = !is_true(request, "target_verified");
  add(facts, "as", as_whom(request) + (claimed ? ", as the command line says" : ""));
  const std::string command = command_of(request);
  if (!command.empty()) {
    add(facts, "command", command);
    const bool resolved = is_true(request, "command.verified");
    const std::string length = is_private(request, "command") ? std::string() : ", " + std::to_string(number_of(request, "command.length")) + " bytes";
    add(facts, "command is", (resolved ? "what sudo will run" : "not verified") + length);
    add(facts, "command has", blanks_text(member(request, "command.argv")));
    if (const std::string path = text_of(request, "command.path"); path != typed_program(request)) add(facts, "runs", path);
    add(facts, "sha256", text_of(request, "command.sha256"));
    if (is_true(request, "command.changeable")) add(facts, "careful", "requester can change this file, or one that it reads");
    add(facts, "sudo options", joined_words(member(request, "command.options")));
    add(facts, "environment", joined_words(member(request, "command.env")));
  }
  add(facts, "directory", text_of(request, "cwd"));
  add(facts, "directory has", blanks_text(Json::array({text_of(request, "cwd")})));
  add(facts, "reason", text_of(request, "reason"));
  add(facts, "reason has", blanks_text(Json::array({text_of(request, "reason")})));
  add(facts, "reason from", text_of(request, "reason_from"));
  if (const std::string closed = joined_words(member(request, "private")); !closed.empty()) {
    add(facts, "private", closed + ": ask there, or jitctl -H " + text_of(request, "host.name") + " show " + text_of(request, "id").substr(0, 8));
  }
  add(facts, "ticket", text_of(request, "ticket"));
  add(facts, "urgency", urgency_text(request));
  add(facts, "ticket has", blanks_text(Json::array({text_of(request, "ticket")})));
  add(facts, "looks alike", look_alikes_text(request));
  const auto asked = number_of(request, "asked.duration_s");
  const std::string scope = text_of(request, "asked.scope");
  if (asked != 0 || !scope.empty()) add(facts, "asked for", (asked == 0 ? "" : duration(asked)) + (asked == 0 || scope.empty() ? "" : ", ") + (scope.empty() ? "" : "scope " + scope));
  add(facts, "not before", short_time(text_of(request, "not_before")));
  add(facts, "risk", risk_text(request));
  add(facts, "rule", text_of(request, "offer.rule"));
  add(facts, "gives", duration(number_of(request, "offer.give_s")) + ", at most " +
                          duration(number_of(request, "offer.max_s")) + ", scope " + text_of(request, "offer.scope"));
  add(facts, "at the end", expiry_text(member(request, "offer")));
  for (const Json& seat : member(request, "offer.seats")) {
    std::string filled;
    for (const Json& person : member(seat, "filled_by")) {
      filled += (filled.empty() ? "" : ", ") + (person.is_string() ? person.get<std::string>() : "");
    }
    add(facts, "needs", std::to_string(number_of(seat, "count")) + " of " + text_of(seat, "set") +
                            (filled.empty() ? "" : ": " + filled));
  }
  add(facts, "created", short_time(text_of(request, "created")));
  add(facts, "deadline", short_time(text_of(request, "deadline")));
  for (const Json& step : member(request, "offer.escalate")) add(facts, "later", step_text(step));
  for (const Json& vote : member(request, "votes")) add(facts, "vote", vote_text(vote));
  if (const std::string grant = text_of(request, "grant"); !grant.empty()) {
    add(facts, "grant", grant + " (" + text_of(request, "grant_state") + ")");
  }
  add(facts, "review", review_text(member(request, "owed")));
  add_end(facts, member(request, "ended"));
  return facts;
}

Facts grant_facts(const Json& grant) {
  Facts facts;
  std::string state = text_of(grant, "state");
  if (state == "approved") state += " (" + duration(number_of(grant, "claim_in_s")) + " left to use it)";
  if (state == "active") state += " (" + duration(number_of(grant, "expires_in_s")) + " left)";
  if (const std::string how = text_of(grant, "ended.how"); !how.empty()) state += " (" + how + ")";
  add(facts, "grant", text_of(grant, "id"));
  add(facts, "state", state);
  add(facts, "request", text_of(grant, "request"));
  add(facts, "who", who(member(grant, "subject")));
  add(facts, "person", text_of(grant, "subject.person"));
  add(facts, "from", text_of(grant, "subject.origin"));
  add(facts, "host", text_of(grant, "host.name"));
  add(facts, "door", text_of(grant, "door"));
  add(facts, "as", who(member(grant, "target")));
  add(facts, "scope", text_of(grant, "scope"));
  add(facts, "command", command_of(grant));
  add(facts, "directory", text_of(grant, "cwd"));
  add(facts, "rule", text_of(grant, "rule"));
  add(facts, "lifetime", duration(number_of(grant, "lifetime_s")));
  add(facts, "created", short_time(text_of(grant, "created")));
  add(facts, "not before", short_time(text_of(grant, "not_before")));
  add(facts, "use before", short_time(text_of(grant, "claim_until")));
  add(facts, "first use", short_time(text_of(grant, "starts")));
  add(facts, "ends", short_time(text_of(grant, "expires")));
  add(facts, "uses", std::to_string(number_of(grant, "uses")));
  add_end(facts, member(grant, "ended"));
  return facts;
}

std::string request_line(const Json& request) {
  const bool open = is_open(request);
  std::string out = short_time(open ? text_of(request, "created") : text_of(request, "ended.time"));
  const bool emergency = text_of(request, "kind") == "break-glass";
  out += " " + text_of(request, "id").substr(0, 8) + " " + text_of(request, "state") + (emergency ? " BREAK-GLASS " : " ") +
         who(member(request, "subject")) + " " + what(request);
  const std::string command = text_of(request, "command.text");
  if (!command.empty()) out += ": " + command;
  if (open) {
    const std::string seats = open_seats(request);
    if (!seats.empty()) out += " [needs " + seats + "]";
    if (const std::string urgency = urgency_text(request); !urgency.empty()) out += " [urgency " + urgency + "]";
    const std::string reason = text_of(request, "reason");
    if (!reason.empty()) out += " reason: " + reason;
    return out;
  }
  const std::string by = text_of(request, "ended.by");
  const std::string why = text_of(request, "ended.why");
  if (!by.empty()) out += " by " + by;
  if (!why.empty()) out += " (" + why + ")";
  return out;
}

std::string revoked_line(const Json& grant) {
  std::string out = short_time(text_of(grant, "ended.time")) + " " + text_of(grant, "request").substr(0, 8) + " revoked " +
                    who(member(grant, "subject")) + " " + what(grant);
  const std::string by = text_of(grant, "ended.by");
  const std::string why = text_of(grant, "ended.why");
  if (!by.empty()) out += " by " + by;
  if (!why.empty()) out += " (" + why + ")";
  return out;
}

std::vector<std::string> request_row(const Json& request, bool terminal) {
  if (request.is_null()) return {"ID", "STATE", "WHO", "WHAT", "NEEDS", "LEFT", "COMMAND", "REASON"};
  const bool open = is_open(request);
  const auto or_dash = [](std::string text) { return text.empty() ? std::string("-") : text; };
  return {id_of(request, terminal),
          text_of(request, "state"),
          who(member(request, "subject")),
          what(request),
          or_dash(open ? open_seats(request) : ""),
          open ? duration(number_of(request, "deadline_in_s")) : "-",
          or_dash(text_of(request, "command.text")),
          or_dash(text_of(request, "reason"))};
}

std::vector<std::string> owed_row(const Json& request, bool terminal) {
  if (request.is_null()) return {"ID", "DUE", "WHO", "WHAT", "WHEN", "COMMAND", "REASON"};
  const Json& late = member(request, "owed.overdue");
  const auto or_dash = [](std::string text) { return text.empty() ? std::string("-") : text; };
  return {id_of(request, terminal),
          short_time(text_of(request, "owed.due")) + (late.is_boolean() && late.get<bool>() ? " overdue" : ""),
          who(member(request, "subject")),
          what(request),
          short_time(text_of(request, "created")),
          or_dash(text_of(request, "command.text")),
          or_dash(text_of(request, "reason"))};
}

std::vector<std::string> grant_row(const Json& grant, bool terminal) {
  if (grant.is_null()) return {"ID", "STATE", "WHO", "WHAT", "SCOPE", "LEFT", "USES", "RULE"};
  const std::string state = text_of(grant, "state");
  std::string left = "-";
  if (state == "active") left = duration(number_of(grant, "expires_in_s"));
  if (state == "approved") left = duration(number_of(grant, "lifetime_s")) + " unused";
  return {id_of(grant, terminal),
          state,
          who(member(grant, "subject")),
          what(grant),
          text_of(grant, "scope"),
          left,
          std::to_string(number_of(grant, "uses")),
          text_of(grant, "rule")};
}

}  // namespace jit::cli
