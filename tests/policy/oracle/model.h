// SPDX-License-Identifier: Apache-2.0
// A policy and what is asked of it, as plain values: what the random generator makes, the printer writes down for
// Policy::load, and the oracle reads. Of policy/ only the public types of policy.h are known here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/policy.h"

namespace jit::policy::oracle {

inline constexpr std::int64_t kDay = 86400;  // seconds

// user:, group:, set: or person:, with an open end where `glob`.
struct Name {
  enum class Kind : std::uint8_t { kUser, kGroup, kSet, kPerson } kind = Kind::kUser;
  std::string name;
  bool glob = false;
  std::string text() const;
};

struct Shift {
  std::int64_t from = 0, to = 0;  // Unix, seconds
  std::vector<Name> who;
};

struct Roster {
  std::string file;
  std::uint32_t fresh_s = 0;
  std::int64_t issued = 0;
  std::vector<Shift> shifts;
};

struct Set {
  std::string name;
  std::vector<Name> members;
  std::optional<Roster> roster;  // then there are no members
};

struct Range {
  std::string address;  // of the net, host bits zero
  unsigned bits = 0;
};

struct Net {
  std::string name;
  std::vector<Range> ranges;
};

// 0 is Monday; a range wraps where `last` is before `first`.
struct Days {
  unsigned first = 0, last = 6;
};

struct Span {
  bool daily = true;        // no days are named
  std::vector<Days> days;
  unsigned from = 0, to = 0;  // minutes since midnight; `to` up to 1440
};

struct Window {
  std::string name;
  std::vector<Span> spans;
  std::vector<std::string> except;  // names of calendars
};

struct Event {
  bool all_day = true;
  std::int64_t first = 0, end = 0;  // days since 1970 where all_day, else Unix seconds; half-open
  unsigned every_days = 0;          // 0, 1 (FREQ=DAILY) or 7 (FREQ=WEEKLY)
  unsigned times = 1;
};

struct Calendar {
  std::string name, file;
  std::vector<Event> events;
};

// head{choice|choice}tail*
struct Word {
  std::string head;
  std::vector<std::string> choices;
  std::string tail;
  bool star = false;
};

struct Pattern {
  Word path;
  std::vector<Word> words;
  bool rest = false;  // a final **
};

struct NamedCommand {
  std::string name;
  std::vector<Pattern> patterns;
};

struct Fact {
  std::string name;
  FactRule::Type type = FactRule::Type::kBool;
  std::optional<std::uint32_t> fresh_s;
  std::optional<Value> initial;
};

struct FactTest {
  std::string attribute, op;
  Value literal;
};

struct Need {
  Name from;
  std::uint32_t count = 1;
};

struct Approval {
  std::string name;
  std::vector<Need> need;
  std::optional<std::uint32_t> wait_s;
  std::vector<Step> escalate;
  std::optional<Votes> votes;
  bool machines = false, match = false, self = false;
};

struct Origins {
  bool local = false;
  std::vector<std::string> nets;
};

// An absent list is an omitted property.
struct Tests {
  std::optional<std::vector<Name>> who, as;
  std::optional<std::vector<Door>> door;
  std::optional<std::vector<std::string>> hosts;  // tags, perhaps with an open end
  std::optional<Origins> from;
  std::optional<std::vector<std::string>> run;     // names of commands
  std::optional<std::vector<std::string>> options, env;
  std::optional<std::vector<std::string>> during;  // names of windows
  std::vector<std::string> flag;
  std::vector<FactTest> when, when_any;
};

struct Require {
  std::optional<std::uint32_t> reason_min;
  std::vector<std::string> tickets;  // patterns; "": any text
  bool record = false;
  std::vector<std::string> notify;
  std::optional<std::uint32_t> review_s;
};

struct Rule {
  bool permit = true;
  std::string id;
  Tests tests;
  std::optional<Tests> unless;
  std::string approval;  // empty: none
  Require require;
  std::optional<std::uint32_t> give_s, max_s;
  std::optional<Scope> scope;
  // Permits.
  bool unverified_command = false, unverified_as = false;
  std::optional<std::uint32_t> claim_s, run_max_s;
  std::optional<Expiry> on_expiry;
  std::optional<std::vector<std::uint32_t>> warn_before_s;
  bool break_glass = false, digest = false;
  // Guards.
  std::optional<std::string> deny;
  std::vector<std::string> yields_to;
  bool observe = false;
};

struct Model {
  std::string timezone = "UTC";
  std::vector<Door> covers;
  std::optional<Votes> votes;
  std::vector<std::string> tags;  // of this host
  std::int64_t loaded = 0;        // Unix, seconds
  std::vector<Set> sets;
  std::vector<Net> nets;
  std::vector<Window> windows;
  std::vector<Calendar> calendars;
  std::vector<NamedCommand> commands;
  std::vector<Fact> facts;
  std::vector<Approval> approvals;
  std::vector<Rule> rules;
  std::vector<Person> people;
};

struct FactTable final : Facts {
  std::map<std::string, Reading, std::less<>> readings;
  const Reading* find(std::string_view name) const override {
    const auto found = readings.find(name);
    return found == readings.end() ? nullptr : &found->second;
  }
};

// A request that owns what it speaks of.
struct Ask {
  Door door = Door::kSudo;
  Identity subject, target, root;  // at ssh and login target is not used
  bool target_verified = true;
  Origin from;
  std::string reason, ticket, urgency = "normal", via;
  bool reason_from_environment = false, can_ask = false;
  std::optional<std::uint32_t> asked_s;
  bool command_known = false, command_verified = false, digest_bound = false;
  std::string path;
  std::vector<std::string> words, options, env;
  std::int64_t now = 0, seats_at = 0;
  FactTable facts;
  bool no_facts = false;
  bool recorder = false, can_notify = false, can_review = false;
  std::vector<std::string> absent;

  // Lives as long as the ask, and as long as that is not changed.
  Request request() const;
  std::int64_t votes_at() const { return seats_at != 0 ? seats_at : now; }
};

struct Texts {
  std::vector<Source> rules, people, calendars, rosters;
  std::string all() const;  // for whoever reads a failure
};

class Dice;
// As one file, in the order of the model.
Texts print(const Model& model);
// Spread over some files, everything in another order.
Texts print_shuffled(const Model& model, Dice& dice);
std::string print(const Ask& ask);

Policy::Loaded load(const Model& model, const Texts& texts);

}  // namespace jit::policy::oracle
