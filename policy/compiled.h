// SPDX-License-Identifier: Apache-2.0
// The policy after loading: what the files say, with names resolved. Immutable once Policy::load returns.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/address.h"
#include "policy/calendar.h"
#include "policy/command.h"
#include "policy/policy.h"
#include "policy/principal.h"
#include "policy/report.h"
#include "policy/roster.h"
#include "policy/window.h"

namespace jit::policy {

struct Named {
  Principal principal;
  Place place;
};

// One property of a rule over users; a list is OR.
struct PrincipalTest {
  std::vector<Named> named;       // as written
  std::vector<Principal> leaves;  // sets expanded, but for those from rosters; sorted by text, unique
};

struct TagTest {
  std::vector<Principal> tags;  // name and prefix are used
  bool holds = false;           // the tags of a host are fixed at load
};

struct OriginTest {
  bool local = false;
  std::vector<Text> names;  // of nets
  std::vector<Net> nets;
};

// One way to call a program: path alternatives and word patterns (command.h).
struct RunTest {
  std::vector<Text> names;                      // of commands
  std::vector<const CommandPattern*> patterns;  // of all of them; in RuleSet::commands
};

// Names of sudo's options, or of environment additions; a trailing * matches the rest.
struct WordTest {
  std::vector<Text> words;
};

struct WindowTest {
  std::vector<Text> names;
  std::vector<const Window*> windows;  // in RuleSet::windows
};

// `attribute op literal`, as it stands in when, when-any and (as `NAME == true`) flag.
struct FactTest {
  enum class Op : std::uint8_t { kEqual, kNotEqual, kLess, kAtMost, kGreater, kAtLeast } op = Op::kEqual;
  Text text;         // as written
  std::string name;
  Value literal;
  const FactRule* declared = nullptr;  // in RuleSet::facts; null: built in
};

// The properties of a rule, or of its `unless`; absent ones are true. A rule is AND over them.
struct Tests {
  std::optional<PrincipalTest> who, as;
  std::optional<std::vector<Door>> door;
  std::optional<TagTest> hosts;
  std::optional<OriginTest> from;
  std::optional<RunTest> run;
  std::optional<WordTest> options, env;
  std::optional<WindowTest> during;
  std::vector<FactTest> flag;      // OR, as every list
  std::vector<FactTest> when;      // AND
  std::vector<FactTest> when_any;  // OR
};

struct Crew;

struct Approval {
  Text name;
  // Who can be told without a look at the request: people of people.d and users, where votes of any kind count.
  struct Known {
    std::uint32_t people = 0;
    bool open_ended = false;  // groups, globs over users, bare uids
    bool varies = false;      // a roster, or a machine that votes where all approvals let it: only the request tells
  };
  struct Need {
    Seat seat;
    Named from;
    Known known;
    const Crew* crew = nullptr;  // in RuleSet::crews
  };
  struct Rung {  // of `escalate`
    Step step;
    Place place;
    std::optional<Named> add;  // step.add, parsed
  };
  std::vector<Need> need;
  std::optional<std::uint32_t> wait_s;
  std::vector<Rung> escalate;
  std::optional<Votes> votes;  // none: [settings] votes
  bool machines = false;
  bool match = false;
  bool self = false;           // self = "hardware-key"
};

// `require`, merged within a rule.
struct Requirements {
  std::optional<std::uint32_t> reason_min;  // set: a reason is required; 0: of any length
  std::vector<std::string> tickets;         // patterns; "": any text
  bool record = false;
  std::vector<std::string> notify;
  std::optional<std::uint32_t> review_s;
  std::vector<Text> texts;                  // as written, with their places
};

struct Rule {
  bool permit = false;
  std::string id;
  Place place;
  Tests tests;
  std::optional<Tests> unless;
  std::optional<Text> approval_name;
  const Approval* approval = nullptr;  // in RuleSet::approvals
  Requirements require;
  std::optional<std::uint32_t> give_s, max_s;
  std::optional<Scope> scope;
  // Permits only.
  std::optional<std::uint32_t> claim_s, run_max_s;
  bool unverified_as = false, unverified_command = false;
  bool break_glass = false;
  bool digest = false;
  std::optional<Expiry> on_expiry;
  std::optional<std::vector<std::uint32_t>> warn_before_s;
  std::string fingerprint;
  // Guards only.
  std::optional<std::string> deny;
  std::vector<Text> yields_to;  // ids of break-glass permits
  bool observe = false;         // mode = "observe": logged, not applied
};

struct NamedSet {
  Place place;
  std::vector<Named> members;
  std::vector<Principal> leaves;  // sorted by text, unique; sets from rosters stand as they are
  struct RosterUse {
    Text file;
    std::uint32_t fresh_s = 0;
  };
  std::optional<RosterUse> roster;  // instead of members
};

struct NamedNets {
  Place place;
  std::vector<Net> nets;
};

// Who can fill the seats of one set, as far as people.d and static members tell, by number: people by their place in
// RuleSet::people, and then RuleSet::strangers. Machines are among them: whether they count, the offer says.
struct Crew {
  std::vector<std::uint32_t> members;  // ascending, unique
  std::vector<std::string> rosters;    // sets whose members depend on the time
  bool open_ended = false;             // there are groups, globs over users or bare uids, which cannot be listed
};

template <class T>
using ByName = std::map<std::string, T, std::less<>>;

struct NamedCommand {
  Place place;
  std::vector<CommandPattern> patterns;
};

struct NamedWindow {
  Place place;
  Window window;
  std::vector<Text> calendars;  // of `except`
};

struct NamedCalendar {
  Place place;
  Text file;
  Calendar calendar;
};

struct RuleSet {
  Settings settings;
  Place covers_at;
  std::optional<Votes> votes;  // [settings] votes
  std::vector<Person> people;
  std::vector<PeopleFile> people_files;
  ByName<std::size_t> person_by_name, person_by_user;  // index in people
  ByName<NamedSet> sets;
  ByName<NamedNets> nets;
  ByName<NamedCommand> commands;
  ByName<NamedWindow> windows;
  ByName<NamedCalendar> calendars;
  ByName<Roster> rosters;            // by the name of the set
  std::vector<FactRule> facts;       // by name
  ByName<Approval> approvals;
  std::vector<Rule> permits, guards;  // each sorted by id
  ByName<Crew> crews;                 // by the text of each `from` of a need
  ByName<std::uint32_t> strangers;    // users without an entry in people.d whom crews name, and their numbers
  std::string hash;
  std::vector<std::string> files;     // by Place::file

  const Rule* permit_named(std::string_view id) const;
  const Person* person_named(std::string_view name) const;
  const Person* person_with(std::string_view user) const;
  bool covers(Door door) const;
};

}  // namespace jit::policy
