// SPDX-License-Identifier: Apache-2.0
// The steps of loading, in order: read each file, resolve names over all files, check, sign.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "policy/compiled.h"
#include "policy/fields.h"

namespace jit::policy {

struct Draft {
  Policy::Input input;
  Report report;
  std::map<std::string, Place, std::less<>> settings_at, rules_at, people_at, users_at, facts_at, keys_at;  // first places, for duplicates
  std::optional<Place> timezone_at;                                         // of its value
  std::map<std::string, std::uint32_t, std::less<>> calendars, rosters;     // file name -> file of the report
  std::size_t command_bytes = 0;                                            // of all patterns with their alternatives written out
  std::unique_ptr<RuleSet> out = std::make_unique<RuleSet>();
};

// Reading one parsed file of policy.d or people.d.
void read_policy_file(Draft& draft, const Node& root);
void read_people_file(Draft& draft, const Node& root);

// Its parts.
void read_settings(Draft& draft, const Node& node);
void read_sets(Draft& draft, const Entry& entry);
void read_nets(Draft& draft, const Entry& entry);
void read_commands(Draft& draft, const Entry& entry);
void read_calendars(Draft& draft, const Entry& entry);
void read_windows(Draft& draft, const Entry& entry);
void read_facts(Draft& draft, const Entry& entry);
void read_approvals(Draft& draft, const Entry& entry);
void read_rules(Draft& draft, const Fields& file);

// Parts of a rule.
Tests read_tests(const Fields& fields, const Draft& draft);
std::vector<FactTest> read_fact_tests(const Fields& fields, std::string_view key);  // "when", "when-any", "flag"
void read_requirements(const Fields& fields, Requirements& require);
void read_permit_only(const Fields& fields, Rule& rule);
void read_guard_only(const Fields& fields, Rule& rule);

// `entry.value` must be a table of named things.
bool is_table(const Entry& entry, Report& report);
// "any", "signed" or "hardware".
std::optional<Votes> read_votes(const Fields& fields);
// A list of "KIND:NAME", without the kind; what is none is a finding and left out.
std::vector<Text> read_names(const std::vector<Text>& texts, std::string_view kind, Report& report);
// The principals of one list; a wrong one is a finding and left out.
std::vector<Named> read_principals(const std::vector<Text>& texts, Report& report);
std::optional<std::vector<Door>> read_doors(const std::optional<std::vector<Text>>& texts, Report& report);
// A table of named objects; a name that is not one, or that was used before, is a finding.
bool usable_name(const Entry& entry, std::string_view kind, const Place* earlier, Report& report);

// Over all files: names become what they name (E02, E11, E12, E15); then what can be told from the whole (E06, E08, W02).
void resolve(Draft& draft);
void resolve_rosters(Draft& draft);
void resolve_times(Draft& draft);  // the time zone, calendars and windows
void resolve_facts(Draft& draft, Tests& tests);
void check(Draft& draft);
// The fingerprint of each permit, and the hash over all inputs.
void sign(Draft& draft);

}  // namespace jit::policy
