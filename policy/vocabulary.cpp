// SPDX-License-Identifier: Apache-2.0
#include "policy/vocabulary.h"

#include <algorithm>
#include <array>
#include <vector>

#include "policy/suggest.h"

namespace jit::policy {
namespace {

struct Word {
  Table table;
  std::string_view key;
};

constexpr Word kWords[] = {
    {Table::kFile, "schema"},
    {Table::kFile, "settings"},
    {Table::kFile, "set"},
    {Table::kFile, "net"},
    {Table::kFile, "approval"},
    {Table::kFile, "permit"},
    {Table::kFile, "guard"},
    {Table::kFile, "window"},
    {Table::kFile, "calendar"},
    {Table::kFile, "command"},
    {Table::kFile, "fact"},

    {Table::kSettings, "timezone"},
    {Table::kSettings, "covers"},
    {Table::kSettings, "votes"},
    {Table::kSettings, "rescue"},

    {Table::kApproval, "need"},
    {Table::kApproval, "wait"},
    {Table::kApproval, "votes"},
    {Table::kApproval, "escalate"},
    {Table::kApproval, "machines"},
    {Table::kApproval, "match"},
    {Table::kApproval, "self"},

    {Table::kNeed, "from"},
    {Table::kNeed, "count"},

    {Table::kRung, "after"},
    {Table::kRung, "add"},
    {Table::kRung, "to"},
    {Table::kRung, "notify"},

    {Table::kRosterSet, "roster"},
    {Table::kRosterSet, "fresh"},

    {Table::kWindow, "daily"},
    {Table::kWindow, "weekly"},
    {Table::kWindow, "except"},

    {Table::kFact, "type"},
    {Table::kFact, "fresh"},
    {Table::kFact, "initial"},
    {Table::kFact, "by"},

    {Table::kPermit, "unverified-ok"},
    {Table::kPermit, "claim"},
    {Table::kPermit, "on-expiry"},
    {Table::kPermit, "run-max"},
    {Table::kPermit, "warn-before"},
    {Table::kPermit, "break-glass"},
    {Table::kPermit, "digest"},

    {Table::kGuard, "deny"},
    {Table::kGuard, "yields-to"},
    {Table::kGuard, "mode"},

    {Table::kPeople, "version"},
    {Table::kPeople, "person"},

    {Table::kPerson, "name"},
    {Table::kPerson, "users"},
    {Table::kPerson, "class"},
    {Table::kPerson, "roles"},
    {Table::kPerson, "key"},

    {Table::kKey, "id"},
    {Table::kKey, "kind"},
    {Table::kKey, "public"},
    {Table::kKey, "not-before"},
    {Table::kKey, "not-after"},
    {Table::kKey, "revoked"},
    {Table::kKey, "verify-required"},

    {Table::kRoster, "issued"},
    {Table::kRoster, "shift"},

    {Table::kShift, "from"},
    {Table::kShift, "to"},
    {Table::kShift, "who"},

    {Table::kTests, "schema"},
    {Table::kTests, "test"},
    {Table::kTests, "invariant"},

    {Table::kTest, "name"},
    {Table::kTest, "at"},
    {Table::kTest, "request"},
    {Table::kTest, "facts"},
    {Table::kTest, "expect"},

    {Table::kTestRequest, "user"},
    {Table::kTestRequest, "uid"},
    {Table::kTestRequest, "groups"},
    {Table::kTestRequest, "door"},
    {Table::kTestRequest, "as"},
    {Table::kTestRequest, "as-uid"},
    {Table::kTestRequest, "as-groups"},
    {Table::kTestRequest, "tags"},
    {Table::kTestRequest, "from"},
    {Table::kTestRequest, "tty"},
    {Table::kTestRequest, "argv"},
    {Table::kTestRequest, "options"},
    {Table::kTestRequest, "env"},
    {Table::kTestRequest, "digest"},
    {Table::kTestRequest, "verified"},
    {Table::kTestRequest, "reason"},
    {Table::kTestRequest, "ticket"},
    {Table::kTestRequest, "urgency"},
    {Table::kTestRequest, "via"},
    {Table::kTestRequest, "can-ask"},
    {Table::kTestRequest, "recorder"},
    {Table::kTestRequest, "people"},

    {Table::kTestExpect, "outcome"},
    {Table::kTestExpect, "then"},
    {Table::kTestExpect, "permit"},
    {Table::kTestExpect, "seats"},
    {Table::kTestExpect, "require"},
    {Table::kTestExpect, "lasts"},
    {Table::kTestExpect, "max"},
    {Table::kTestExpect, "scope"},
    {Table::kTestExpect, "text"},

    {Table::kInvariant, "name"},
    {Table::kInvariant, "always"},

    {Table::kAlways, "who"},
    {Table::kAlways, "door"},
    {Table::kAlways, "hosts"},
    {Table::kAlways, "as"},
    {Table::kAlways, "needs"},
    {Table::kAlways, "except"},
};

// In permits and guards alike, and those of them that `unless` may test.
struct RuleWord {
  std::string_view key;
  bool test;
};

constexpr RuleWord kRuleWords[] = {
    {"id", false},     {"who", true},     {"door", true},     {"hosts", true},    {"from", true},
    {"as", true},      {"run", true},     {"options", true},  {"env", true},      {"during", true},
    {"flag", true},    {"when", true},    {"when-any", true}, {"unless", false},  {"approval", false},
    {"require", false}, {"give", false},  {"max", false},     {"scope", false},
};

constexpr std::array kPolicyTables{Table::kFile, Table::kSettings, Table::kApproval, Table::kNeed,
                                   Table::kRung, Table::kRosterSet, Table::kWindow, Table::kFact,
                                   Table::kPermit, Table::kGuard, Table::kUnless};
constexpr std::array kPeopleTables{Table::kPeople, Table::kPerson, Table::kKey};
constexpr std::array kRosterTables{Table::kRoster, Table::kShift};
constexpr std::array kTestTables{Table::kTests, Table::kTest, Table::kTestRequest, Table::kTestExpect, Table::kInvariant, Table::kAlways};

bool of_people(Table table) { return table == Table::kPeople || table == Table::kPerson || table == Table::kKey; }
bool of_rosters(Table table) { return table == Table::kRoster || table == Table::kShift; }
bool of_tests(Table table) { return std::ranges::find(kTestTables, table) != kTestTables.end(); }

std::string_view title(Table table) {
  switch (table) {
    case Table::kFile: return "the top of the file";
    case Table::kSettings: return "[settings]";
    case Table::kApproval: return "[approval.NAME]";
    case Table::kNeed: return "an entry of `need`";
    case Table::kRung: return "an entry of `escalate`";
    case Table::kRosterSet: return "a set from a roster";
    case Table::kWindow: return "a window";
    case Table::kFact: return "[fact.NAME]";
    case Table::kPermit: return "[[permit]]";
    case Table::kGuard: return "[[guard]]";
    case Table::kUnless: return "`unless` of a rule";
    case Table::kPeople: return "the top of the file";
    case Table::kPerson: return "[[person]]";
    case Table::kRoster: return "the top of the file";
    case Table::kShift: return "[[shift]]";
    case Table::kTests: return "the top of the file";
    case Table::kTest: return "[[test]]";
    case Table::kTestRequest: return "`request` of a [[test]]";
    case Table::kTestExpect: return "`expect` of a [[test]]";
    case Table::kInvariant: return "[[invariant]]";
    case Table::kAlways: return "`always` of an [[invariant]]";
    case Table::kKey: break;
  }
  return "[[person.key]]";
}

template <class Visit>
void each_word(Table table, Visit visit) {
  for (const Word& word : kWords) {
    if (word.table == table) visit(word.key);
  }
  const bool rule = table == Table::kPermit || table == Table::kGuard;
  for (const RuleWord& word : kRuleWords) {
    if (rule || (table == Table::kUnless && word.test)) visit(word.key);
  }
}

std::string belongs(Table table, std::string_view key) {
  // A key of both kinds of rule is named once.
  if (known_key(Table::kPermit, key) && known_key(Table::kGuard, key) && !of_people(table) && !of_rosters(table) && !of_tests(table)) {
    return "; it belongs in [[permit]] or [[guard]]";
  }
  std::string out;
  const auto look = [&](auto tables) {
    for (const Table other : tables) {
      if (other == table || !known_key(other, key)) continue;
      out += (out.empty() ? "; it belongs in " : " or ") + std::string(title(other));
    }
  };
  if (of_people(table)) {
    look(kPeopleTables);
  } else if (of_rosters(table)) {
    look(kRosterTables);
  } else if (of_tests(table)) {
    look(kTestTables);
  } else {
    look(kPolicyTables);
  }
  return out;
}

}  // namespace

bool known_key(Table table, std::string_view key) {
  bool found = false;
  each_word(table, [&](std::string_view word) { found = found || word == key; });
  return found;
}

std::string explain_key(Table table, std::string_view key) {
  const std::string name = '`' + std::string(key) + '`';
  if (table == Table::kFile && (key == "test" || key == "invariant")) {
    return name + " is not for policy.d; tests and invariants live in tests.d";
  }
  std::vector<std::string_view> near;
  each_word(table, [&](std::string_view word) { near.push_back(word); });
  const std::string right = belongs(table, key);
  return "unknown key " + name + " in " + std::string(title(table)) + (right.empty() ? did_you_mean(key, near) : right);
}

}  // namespace jit::policy
