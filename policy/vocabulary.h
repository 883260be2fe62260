// SPDX-License-Identifier: Apache-2.0
// Every key of the language, and the table that it belongs to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jit::policy {

enum class Table : std::uint8_t {
  kFile, kSettings, kApproval, kNeed, kRung, kRosterSet, kWindow, kFact, kPermit, kGuard, kUnless,  // policy.d
  kPeople, kPerson, kKey,                                                                           // people.d
  kRoster, kShift,                                                                                  // rosters
  kTests, kTest, kTestRequest, kTestExpect, kInvariant, kAlways,                                    // tests.d
};

bool known_key(Table table, std::string_view key);

// What to say of a key that a table does not have: the right table, or the word that was meant.
std::string explain_key(Table table, std::string_view key);

}  // namespace jit::policy
