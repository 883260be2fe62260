// SPDX-License-Identifier: Apache-2.0
#include "policy/vocabulary.h"

#include <array>
#include <vector>

#include "policy/suggest.h"

namespace jit::policy {
namespace {

struct Word {
  Table table;
  std::string_view key;
  Known known = Known::kYes;
};

constexpr Known kLater = Known::kLater;

constexpr Word kWords[] = {
    {Table::kFile, "schema"},
    {Table::kFile, "settings"},
    {Table::kFile, "set"},
    {Table::kFile, "net"},
    {Table::kFile, "approval"},
    {Table::kFile, "permit"},
    {Table::kFile, "guard"},
    {Table::kFile, "window", kLater},
    {Table::kFile, "calendar", kLater},
    {Table::kFile, "command", kLater},
    {Table::kFile, "fact", kLater},

    {Table::kSettings, "timezone"},
    {Table::kSettings, "covers"},
    {Table::kSettings, "votes"},
    {Table::kSettings, "rescue"},

    {Table::kApproval, "need"},
    {Table::kApproval, "wait"},
    {Table::kApproval, "votes"},
    {Table::kApproval, "escalate", kLater},
    {Table::kApproval, "machines", kLater},
    {Table::kApproval, "match", kLater},
    {Table::kApproval, "self", kLater},

    {Table::kNeed, "from"},
    {Table::kNeed, "count"},

    {Table::kPermit, "unverified-ok"},
    {Table::kPermit, "claim"},
    {Table::kPermit, "on-expiry", kLater},
    {Table::kPermit, "run-max", kLater},
    {Table::kPermit, "warn-before", kLater},
    {Table::kPermit, "break-glass", kLater},
    {Table::kPermit, "digest", kLater},

    {Table::kGuard, "deny"},
    {Table::kGuard, "yields-to", kLater},
    {Table::kGuard, "mode", kLater},

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
};

// In permits and guards alike, and those of them that `unless` may test.
struct RuleWord {
  std::string_view key;
  bool test;
  Known known = Known::kYes;
};

constexpr RuleWord kRuleWords[] = {
    {"id", false},           {"who", true},           {"door", true},           {"hosts", true},
    {"from", true},          {"as", true},            {"run", true, kLater},    {"options", true, kLater},
    {"env", true, kLater},   {"during", true, kLater}, {"flag", true, kLater},  {"when", true, kLater},
    {"when-any", true, kLater}, {"unless", false},    {"approval", false},      {"require", false},
    {"give", false},         {"max", false},          {"scope", false},
};

constexpr std::array kPolicyTables{Table::kFile, Table::kSettings, Table::kApproval, Table::kNeed,
                                   Table::kPermit, Table::kGuard, Table::kUnless};
constexpr std::array kPeopleTables{Table::kPeople, Table::kPerson, Table::kKey};
constexpr std::array kRosterTables{Table::kRoster, Table::kShift};

bool of_people(Table table) { return table == Table::kPeople || table == Table::kPerson || table == Table::kKey; }
bool of_rosters(Table table) { return table == Table::kRoster || table == Table::kShift; }

std::string_view title(Table table) {
  switch (table) {
    case Table::kFile: return "the top of the file";
    case Table::kSettings: return "[settings]";
    case Table::kApproval: return "[approval.NAME]";
    case Table::kNeed: return "an entry of `need`";
    case Table::kPermit: return "[[permit]]";
    case Table::kGuard: return "[[guard]]";
    case Table::kUnless: return "`unless` of a rule";
    case Table::kPeople: return "the top of the file";
    case Table::kPerson: return "[[person]]";
    case Table::kRoster: return "the top of the file";
    case Table::kShift: return "[[shift]]";
    case Table::kKey: break;
  }
  return "[[person.key]]";
}

template <class Visit>
void each_word(Table table, Visit visit) {
  for (const Word& word : kWords) {
    if (word.table == table) visit(word.key, word.known);
  }
  const bool rule = table == Table::kPermit || table == Table::kGuard;
  for (const RuleWord& word : kRuleWords) {
    if (rule || (table == Table::kUnless && word.test)) visit(word.key, word.known);
  }
}

std::string belongs(Table table, std::string_view key) {
  // A key of both kinds of rule is named once.
  if (known_key(Table::kPermit, key) != Known::kNo && known_key(Table::kGuard, key) != Known::kNo && !of_people(table) &&
      !of_rosters(table)) {
    return "; it belongs in [[permit]] or [[guard]]";
  }
  std::string out;
  const auto look = [&](auto tables) {
    for (const Table other : tables) {
      if (other == table || known_key(other, key) == Known::kNo) continue;
      out += (out.empty() ? "; it belongs in " : " or ") + std::string(title(other));
    }
  };
  if (of_people(table)) {
    look(kPeopleTables);
  } else if (of_rosters(table)) {
    look(kRosterTables);
  } else {
    look(kPolicyTables);
  }
  return out;
}

}  // namespace

Known known_key(Table table, std::string_view key) {
  Known found = Known::kNo;
  each_word(table, [&](std::string_view word, Known known) {
    if (word == key) found = known;
  });
  return found;
}

std::string explain_key(Table table, std::string_view key) {
  const std::string name = '`' + std::string(key) + '`';
  if (known_key(table, key) == Known::kLater) return name + " is not supported by this version; take it out";
  if (table == Table::kFile && (key == "test" || key == "invariant")) {
    return name + " is not for policy.d; tests and invariants live in tests.d";
  }
  std::vector<std::string_view> near;
  each_word(table, [&](std::string_view word, Known known) {
    if (known == Known::kYes) near.push_back(word);
  });
  const std::string right = belongs(table, key);
  return "unknown key " + name + " in " + std::string(title(table)) + (right.empty() ? did_you_mean(key, near) : right);
}

}  // namespace jit::policy
