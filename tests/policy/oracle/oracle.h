// SPDX-License-Identifier: Apache-2.0
// The policy language once more, from its document alone: naive, linear, without an index, a compiled form or any code of
// policy/. Slow and obviously right; where the evaluator differs, the document says who is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/policy/oracle/model.h"

namespace jit::policy::oracle {

enum class Truth : std::uint8_t { kFalse, kUnknown, kTrue };

// Whose test it is. A permit and a guard's `unless` can only open; a guard and a permit's `unless` can only close.
enum class Of : std::uint8_t { kPermit, kGuard, kUnlessOfPermit, kUnlessOfGuard };

// The Decision without `why`, `read` and fingerprints; of `choices` and `observed` the ids only. `near` holds every permit that
// matched and every guard that faced one, those that only observe or yield too. `why` is "tie" where ids decided the order.
Decision decide(const Model& model, const Request& request);

// Is a grant of this permit refused for this request?
bool use_refused(const Model& model, const std::string& permit, const Request& request);

// truth.cpp: one rule against one request.
bool permit_matches(const Model& model, const Rule& permit, const Request& request);
bool guard_applies(const Model& model, const Rule& guard, const Request& request, const Identity& target);
bool guard_applies_to(const Model& model, const Rule& permit, const Rule& guard, const Request& request);
// Is the voter in the set of a need, for sure?
bool in_seat(const Model& model, const std::string& seat, const Identity& voter, std::int64_t now);
// Of user:1001; nothing of a name.
std::optional<std::uint32_t> uid_of(const Name& name);
Name seat_name(const std::string& seat);
const Set& set_named(const Model& model, const std::string& name);
const Approval& approval_named(const Model& model, const std::string& name);
bool stale(const Roster& roster, std::int64_t now);
bool name_is(const Name& pattern, std::string_view name);

// local_time.cpp: libc's idea of local time. Sets TZ of the process: not for several threads.
struct Local {
  std::int64_t day = 0;  // since 1970-01-01, of the local calendar
  unsigned minute = 0;   // since midnight, by the clock on the wall
  unsigned weekday = 0;  // 0 is Monday
};
Local local_time(const std::string& zone, std::int64_t unix_s);
bool inside(const Model& model, const Window& window, std::int64_t unix_s);

// crew.cpp: can the seats be filled, as far as people.d and static members tell?
enum class Fill : std::uint8_t { kYes, kCannotTell, kNo };
Fill fill(const Model& model, const Offer& terms, const Request& request);
bool may_fill(const Model& model, const std::string& seat, const Identity& voter, std::int64_t now, bool machines);

}  // namespace jit::policy::oracle
