// SPDX-License-Identifier: Apache-2.0
// A model as the files that Policy::load reads, and a request for people.
#include <array>
#include <chrono>
#include <cstdio>

#include "evidence/text.h"
#include "tests/policy/oracle/dice.h"
#include "tests/policy/oracle/model.h"

namespace jit::policy::oracle {
namespace {

constexpr std::array kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// A list of whatever `show` makes of each: already quoted where it must be.
template <class List, class Show>
std::string list(const List& items, Show show) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() > 1 ? ", " : "") + show(item);
  return out + "]";
}

std::string texts(const std::vector<std::string>& items, std::string_view kind = "") {
  return list(items, [&](const std::string& item) { return in_quotes(std::string(kind) + item); });
}

std::string names(const std::vector<Name>& items) {
  return list(items, [](const Name& item) { return in_quotes(item.text()); });
}

std::string doors(const std::vector<Door>& items) {
  return list(items, [](Door item) { return in_quotes(name_of(item)); });
}

std::string duration(std::uint32_t s) {
  if (s % 3600 == 0) return std::to_string(s / 3600) + "h";
  if (s % 60 == 0) return std::to_string(s / 60) + "m";
  return std::to_string(s) + "s";
}

std::string seconds(std::uint32_t s) { return in_quotes(duration(s)); }

std::string literal(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  if (const auto* text = std::get_if<std::string>(&value)) return in_quotes(*text);
  char buffer[64];
  (void)std::snprintf(buffer, sizeof buffer, "%.3f", std::get<double>(value));
  return buffer;
}

std::string date(std::int64_t day, std::string_view between) {
  const std::chrono::year_month_day ymd{std::chrono::sys_days{std::chrono::days{day}}};
  char buffer[64];
  (void)std::snprintf(buffer, sizeof buffer, "%04d%.*s%02u%.*s%02u", static_cast<int>(ymd.year()),
                      static_cast<int>(between.size()), between.data(), static_cast<unsigned>(ymd.month()),
                      static_cast<int>(between.size()), between.data(), static_cast<unsigned>(ymd.day()));
  return buffer;
}

std::string clock(std::int64_t second, std::string_view between) {
  char buffer[64];
  (void)std::snprintf(buffer, sizeof buffer, "%02d%.*s%02d%.*s%02d", static_cast<int>(second / 3600),
                      static_cast<int>(between.size()), between.data(), static_cast<int>(second / 60 % 60),
                      static_cast<int>(between.size()), between.data(), static_cast<int>(second % 60));
  return buffer;
}

// Times here are after 1970.
std::string instant(std::int64_t unix_s) { return date(unix_s / 86400, "-") + "T" + clock(unix_s % 86400, ":") + "Z"; }
std::string ics_instant(std::int64_t unix_s) { return date(unix_s / 86400, "") + "T" + clock(unix_s % 86400, "") + "Z"; }

std::string word(const Word& item) {
  std::string out = item.head;
  if (!item.choices.empty()) {
    std::string inner;
    for (const std::string& choice : item.choices) inner += (inner.empty() ? "" : "|") + choice;
    out += item.choices.size() == 1 ? inner : '{' + inner + '}';
  }
  return out + item.tail + (item.star ? "*" : "");
}

std::string pattern(const Pattern& item) {
  std::vector<std::string> out{word(item.path)};
  for (const Word& next : item.words) out.push_back(word(next));
  if (item.rest) out.emplace_back("**");
  return texts(out);
}

std::string span(const Span& item) {
  std::string out;
  for (const Days& range : item.days) {
    out += (out.empty() ? "" : ",") + std::string(kDays.at(range.first));
    if (range.last != range.first) out += '-' + std::string(kDays.at(range.last));
  }
  char buffer[64];
  (void)std::snprintf(buffer, sizeof buffer, "%s%02u:%02u-%02u:%02u", item.daily ? "" : " ", item.from / 60, item.from % 60,
                      item.to / 60, item.to % 60);
  return in_quotes(out + buffer);
}

std::string window(const Window& item) {
  std::string out;
  const auto part = [&](const char* key, bool daily) {
    std::string inner;
    for (const Span& each : item.spans) {
      if (each.daily == daily) inner += (inner.empty() ? "" : ", ") + span(each);
    }
    if (!inner.empty()) out += (out.empty() ? "" : ", ") + std::string(key) + " = [" + inner + "]";
  };
  part("daily", true);
  part("weekly", false);
  if (!item.except.empty()) out += ", except = " + texts(item.except, "calendar:");
  return item.name + " = { " + out + " }\n";
}

std::string step(const Step& item) {
  const std::string after = "{ after = " + seconds(item.after_s);
  if (!item.notify.empty()) return after + ", notify = " + in_quotes(item.notify) + " }";
  return after + ", add = " + in_quotes(item.add) + ", to = " + in_quotes(item.to) + " }";
}

std::string approval(const Approval& item) {
  std::string out = "[approval." + item.name + "]\n";
  if (!item.need.empty()) {
    out += "need = " + list(item.need, [](const Need& need) {
      return "{ from = " + in_quotes(need.from.text()) + (need.count == 1 ? "" : ", count = " + std::to_string(need.count)) + " }";
    }) + "\n";
  }
  if (item.wait_s) out += "wait = " + seconds(*item.wait_s) + "\n";
  if (!item.escalate.empty()) out += "escalate = " + list(item.escalate, step) + "\n";
  if (item.votes) out += "votes = " + in_quotes(name_of(*item.votes)) + "\n";
  if (item.machines) out += "machines = true\n";
  if (item.match) out += "match = true\n";
  if (item.self) out += "self = \"hardware-key\"\n";
  return out;
}

std::string fact(const Fact& item) {
  constexpr std::array kTypes{"bool", "int", "float", "string"};
  std::string out = "[fact." + item.name + "]\ntype = " + in_quotes(kTypes.at(static_cast<std::size_t>(item.type))) + "\n";
  if (item.fresh_s) out += "fresh = " + seconds(*item.fresh_s) + "\n";
  if (item.initial) out += "initial = " + literal(*item.initial) + "\n";
  return out + "by = [\"uid:990\"]\n";
}

std::string tests(const Tests& item, const std::string& before) {
  std::string out;
  const auto line = [&](const char* key, const std::string& value) { out += before + key + " = " + value + "\n"; };
  const auto facts = [](const std::vector<FactTest>& all) {
    return list(all, [](const FactTest& one) { return in_quotes(one.attribute + " " + one.op + " " + literal(one.literal)); });
  };
  if (item.who) line("who", names(*item.who));
  if (item.door) line("door", doors(*item.door));
  if (item.hosts) line("hosts", texts(*item.hosts, "tag:"));
  if (item.from) {
    std::vector<std::string> origins;
    if (item.from->local) origins.emplace_back("local");
    for (const std::string& net : item.from->nets) origins.push_back("net:" + net);
    line("from", texts(origins));
  }
  if (item.as) line("as", names(*item.as));
  if (item.run) line("run", texts(*item.run, "command:"));
  if (item.options) line("options", texts(*item.options));
  if (item.env) line("env", texts(*item.env));
  if (item.during) line("during", texts(*item.during, "window:"));
  if (!item.flag.empty()) line("flag", texts(item.flag));
  if (!item.when.empty()) line("when", facts(item.when));
  if (!item.when_any.empty()) line("when-any", facts(item.when_any));
  return out;
}

std::string require(const Require& item) {
  std::vector<std::string> out;
  if (item.reason_min) out.push_back(*item.reason_min == 0 ? "reason" : "reason:" + std::to_string(*item.reason_min));
  for (const std::string& ticket : item.tickets) out.push_back(ticket.empty() ? "ticket" : "ticket:" + ticket);
  if (item.record) out.emplace_back("record");
  for (const std::string& channel : item.notify) out.push_back("notify:" + channel);
  if (item.review_s) out.push_back("review:" + duration(*item.review_s));
  return out.empty() ? "" : "require = " + texts(out) + "\n";
}

std::string rule(const Rule& item) {
  std::string out = item.permit ? "[[permit]]\n" : "[[guard]]\n";
  const auto line = [&](const char* key, const std::string& value) { out += std::string(key) + " = " + value + "\n"; };
  line("id", in_quotes(item.id));
  out += tests(item.tests, "");
  if (item.unless) out += tests(*item.unless, "unless.");
  if (!item.approval.empty()) line("approval", in_quotes(item.approval));
  out += require(item.require);
  if (item.give_s) line("give", seconds(*item.give_s));
  if (item.max_s) line("max", seconds(*item.max_s));
  if (item.scope) line("scope", in_quotes(name_of(*item.scope)));
  std::vector<std::string> unverified;
  if (item.unverified_command) unverified.emplace_back("command");
  if (item.unverified_as) unverified.emplace_back("as");
  if (!unverified.empty()) line("unverified-ok", texts(unverified));
  if (item.claim_s) line("claim", seconds(*item.claim_s));
  if (item.run_max_s) line("run-max", seconds(*item.run_max_s));
  if (item.on_expiry) line("on-expiry", in_quotes(name_of(*item.on_expiry)));
  if (item.warn_before_s) line("warn-before", list(*item.warn_before_s, seconds));
  if (item.break_glass) line("break-glass", "true");
  if (item.digest) line("digest", "true");
  if (item.deny) line("deny", in_quotes(*item.deny));
  if (!item.yields_to.empty()) line("yields-to", texts(item.yields_to));
  if (item.observe) line("mode", "\"observe\"");
  return out;
}

std::string set(const Set& item) {
  if (!item.roster) return item.name + " = " + names(item.members) + "\n";
  return item.name + " = { roster = " + in_quotes(item.roster->file) + ", fresh = " + seconds(item.roster->fresh_s) + " }\n";
}

std::string net(const Net& item) {
  return item.name + " = " + list(item.ranges, [](const Range& range) {
    return in_quotes(range.address + '/' + std::to_string(range.bits));
  }) + "\n";
}

std::string people(const Model& model) {
  std::string out = "version = 1\n";
  for (const Person& person : model.people) {
    out += "[[person]]\nname = " + in_quotes(person.name) + "\nusers = " + texts(person.users) + "\n";
    if (person.machine) out += "class = \"machine\"\n";
    for (const Key& key : person.keys) {
      out += "[[person.key]]\nid = " + in_quotes(key.id) + "\nkind = " + in_quotes(key.kind) + "\npublic = " + in_quotes(key.public_text) + "\n";
      if (key.verify_required) out += "verify-required = true\n";
      if (key.not_before) out += "not-before = " + instant(*key.not_before) + "\n";
      if (key.not_after) out += "not-after = " + instant(*key.not_after) + "\n";
      if (key.revoked) out += "revoked = " + instant(*key.revoked) + "\n";
    }
  }
  return out;
}

std::string calendar(const Calendar& item) {
  std::string out = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n";
  int number = 0;
  for (const Event& event : item.events) {
    out += "BEGIN:VEVENT\r\nUID:" + std::to_string(++number) + "@test\r\nDTSTAMP:20260101T000000Z\r\n";
    const auto at = [&](const char* key, std::int64_t value) {
      out += key + (event.all_day ? ";VALUE=DATE:" + date(value, "") : ':' + ics_instant(value)) + "\r\n";
    };
    at("DTSTART", event.first);
    at("DTEND", event.end);
    if (event.every_days != 0) {
      out += std::string("RRULE:FREQ=") + (event.every_days == 7 ? "WEEKLY" : "DAILY") + ";COUNT=" + std::to_string(event.times) + "\r\n";
    }
    out += "SUMMARY:off\r\nEND:VEVENT\r\n";
  }
  return out + "END:VCALENDAR\r\n";
}

std::string roster(const Roster& item) {
  std::string out = "issued = " + instant(item.issued) + "\n";
  for (const Shift& shift : item.shifts) {
    out += "[[shift]]\nfrom = " + instant(shift.from) + "\nto = " + instant(shift.to) + "\nwho = " + names(shift.who) + "\n";
  }
  return out;
}

std::string settings(const Model& model) {
  std::string out = "[settings]\ntimezone = " + in_quotes(model.timezone) + "\ncovers = " + doors(model.covers) + "\nrescue = [\"tty[0-9]*\"]\n";
  if (model.votes) out += "votes = " + in_quotes(name_of(*model.votes)) + "\n";
  return out;
}

// Each table of a file: its head, and its entries.
struct File {
  std::string settings;
  std::vector<std::string> sets, nets, windows, calendars, commands, others, rules;

  std::string text(Dice* dice) {
    std::string out = "schema = 1\n" + settings;
    const auto part = [&](const char* head, std::vector<std::string>& entries) {
      if (dice != nullptr) dice->shuffle(entries);
      if (!entries.empty()) out += head;
      for (const std::string& entry : entries) out += entry;
    };
    part("[set]\n", sets);
    part("[net]\n", nets);
    part("[window]\n", windows);
    part("[calendar]\n", calendars);
    part("[command]\n", commands);
    part("", others);
    part("", rules);
    return out;
  }
};

Texts spread(const Model& model, std::size_t count, Dice* dice) {
  std::vector<File> files(count);
  const auto any = [&]() -> File& { return files[dice == nullptr ? 0 : dice->below(count)]; };
  any().settings = settings(model);
  Texts out;
  for (const Set& item : model.sets) {
    any().sets.push_back(set(item));
    if (item.roster) out.rosters.push_back({item.roster->file, roster(*item.roster)});
  }
  for (const Net& item : model.nets) any().nets.push_back(net(item));
  for (const Window& item : model.windows) any().windows.push_back(window(item));
  for (const Calendar& item : model.calendars) {
    any().calendars.push_back(item.name + " = " + in_quotes(item.file) + "\n");
    out.calendars.push_back({item.file, calendar(item)});
  }
  for (const NamedCommand& item : model.commands) any().commands.push_back(item.name + " = " + list(item.patterns, pattern) + "\n");
  for (const Fact& item : model.facts) any().others.push_back(fact(item));
  for (const Approval& item : model.approvals) any().others.push_back(approval(item));
  for (const Rule& item : model.rules) any().rules.push_back(rule(item));
  for (std::size_t i = 0; i < count; ++i) out.rules.push_back({"p" + std::to_string(i) + ".toml", files[i].text(dice)});
  out.people.push_back({"people.toml", people(model)});
  return out;
}

}  // namespace

std::string Name::text() const {
  constexpr std::array kKinds{"user:", "group:", "set:", "person:"};
  return kKinds.at(static_cast<std::size_t>(kind)) + name + (glob ? "*" : "");
}

Texts print(const Model& model) { return spread(model, 1, nullptr); }

Texts print_shuffled(const Model& model, Dice& dice) { return spread(model, 1 + dice.below(4), &dice); }

std::string Texts::all() const {
  std::string out;
  for (const auto* group : {&rules, &people, &calendars, &rosters}) {
    for (const Source& source : *group) out += "# " + source.name + "\n" + source.text + "\n";
  }
  return out;
}

Policy::Loaded load(const Model& model, const Texts& texts) {
  Policy::Input input{texts.rules, texts.people, model.tags, [](std::string_view text) { return evidence::sha256_hex(text); }};
  input.calendars = texts.calendars;
  input.rosters = texts.rosters;
  input.now = model.loaded;
  return Policy::load(input);
}

Request Ask::request() const {
  Request out;
  out.door = door;
  out.subject = &subject;
  out.target = door == Door::kSsh || door == Door::kLogin ? &subject : &target;
  out.root = &root;
  out.target_verified = target_verified;
  out.from = from;
  out.reason = reason;
  out.ticket = ticket;
  out.reason_from_environment = reason_from_environment;
  out.urgency = urgency;
  out.can_ask = can_ask;
  out.asked_s = asked_s;
  out.via = via;
  out.command = {command_known, command_verified, path, words, options, env, digest_bound};
  out.now = now;
  out.seats_at = seats_at;
  out.facts = no_facts ? nullptr : &facts;
  out.recorder = recorder;
  out.can_notify = can_notify;
  out.can_review = can_review;
  out.absent = absent;
  return out;
}

std::string print(const Ask& ask) {
  const auto identity = [](const Identity& who) {
    return in_quotes(who.user) + " uid " + std::to_string(who.uid) + " person " + who.person +
           (who.groups_known ? " all " + texts(who.groups_all) + " any " + texts(who.groups_any) : " groups unknown");
  };
  std::string out = std::string(name_of(ask.door)) + " at " + instant(ask.now) + (ask.seats_at != 0 ? " seats at " + instant(ask.seats_at) : "") +
                    "\nsubject " + identity(ask.subject) + "\ntarget " + identity(ask.target) + (ask.target_verified ? "" : " (claim)") + "\nfrom ";
  out += ask.from.kind == Origin::Kind::kUnknown ? "unknown" : ask.from.kind == Origin::Kind::kLocal ? "local" : ask.from.peer.text();
  out += "\nreason " + in_quotes(ask.reason) + (ask.reason_from_environment ? " (environment)" : "") + " ticket " + in_quotes(ask.ticket) +
         " urgency " + ask.urgency + " via " + in_quotes(ask.via) + (ask.can_ask ? " can ask" : "");
  if (ask.asked_s) out += " asked " + std::to_string(*ask.asked_s);
  out += std::string("\nhonours") + (ask.recorder ? " record" : "") + (ask.can_notify ? " notify" : "") + (ask.can_review ? " review" : "");
  if (!ask.absent.empty()) out += "\nabsent " + texts(ask.absent);
  if (ask.command_known) {
    out += std::string("\n") + (ask.command_verified ? "runs " : "claims ") + ask.path + ' ' + texts(ask.words) + " options " +
           texts(ask.options) + " env " + texts(ask.env) + (ask.digest_bound ? " digest" : "");
  }
  if (ask.no_facts) return out + "\nno facts";
  for (const auto& [name, reading] : ask.facts.readings) {
    out += "\n" + name + " = " + literal(reading.value) + " age " + std::to_string(reading.age_s);
    if (reading.for_s) out += " for " + std::to_string(*reading.for_s);
  }
  return out;
}

}  // namespace jit::policy::oracle
