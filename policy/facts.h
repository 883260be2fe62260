// SPDX-License-Identifier: Apache-2.0
// Facts: which are built in, what their value is now, and the tests on them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "policy/compiled.h"

namespace jit::policy {

// The type of a built-in fact ("risk", "count.denied.10m", ...); nothing: none is called so.
std::optional<FactRule::Type> built_in(std::string_view name);
inline constexpr std::string_view kBuiltIns[] = {"count.requests.1h", "count.denied.1h", "count.granted.1h",
                                                 "count.break-glass.1h", "from.first-seen", "load", "urgency", "risk"};
inline constexpr std::string_view kUrgencies[] = {"low", "normal", "high", "critical"};

std::string_view name_of(FactRule::Type type);  // "bool", ...

// The value of a fact as this request sees it.
struct Known {
  std::variant<std::monostate, bool, std::int64_t, double, std::string_view> value;  // monostate: unknown
  enum class Gap : std::uint8_t { kNone, kNever, kOld, kType } gap = Gap::kNone;      // why it is unknown
  std::uint64_t age_s = 0, limit_s = 0;                                               // kOld
  bool by_fresh = false;                                                              // kOld: fresh, not for_s, is the limit
  bool known() const { return value.index() != 0; }
};
Known look_up(const FactTest& test, const Request& request);

// As a literal of the language; empty for an unknown one.
std::string literal(const Known& known);
// "freeze is unknown: set 11m ago, fresh for 10m"; for people.
std::string gap_text(const FactTest& test, const Known& known);

// 1: holds, 0: does not, -1: unknown.
int holds(const FactTest& test, const Known& known);

// What is wrong with that name of a fact, or with its value where one is given; for people. Nothing: it is declared, or
// built in, and its value is of its type.
std::optional<std::string> wrong_fact(const RuleSet& rules, std::string_view name, const Value* value);

}  // namespace jit::policy
