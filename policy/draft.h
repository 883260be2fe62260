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
  std::map<std::string, Place, std::less<>> settings_at, rules_at, people_at, users_at;  // first places, for duplicates
  std::unique_ptr<RuleSet> out = std::make_unique<RuleSet>();
};

// Reading one parsed file of policy.d or people.d.
void read_policy_file(Draft& draft, const Node& root);
void read_people_file(Draft& draft, const Node& root);

// Its parts.
void read_settings(Draft& draft, const Node& node);
void read_sets(Draft& draft, const Entry& entry);
void read_nets(Draft& draft, const Entry& entry);
void read_approvals(Draft& draft, const Entry& entry);
void read_rules(Draft& draft, const Fields& file);

// The principals of one list; a wrong one is a finding and left out.
std::vector<Named> read_principals(const std::vector<Text>& texts, Report& report);
std::optional<std::vector<Door>> read_doors(const std::optional<std::vector<Text>>& texts, Report& report);
// A table of named objects; a name that is not one, or that was used before, is a finding.
bool usable_name(const Entry& entry, std::string_view kind, const Place* earlier, Report& report);

// Over all files: names become what they name (E02, E11); then what can be told from the whole (E06, W02).
void resolve(Draft& draft);
void check(Draft& draft);
// The fingerprint of each permit, and the hash over all inputs.
void sign(Draft& draft);

}  // namespace jit::policy
