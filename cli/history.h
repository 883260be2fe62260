// SPDX-License-Identifier: Apache-2.0
// What the broker's log says of rules and doors, for the checks of a policy.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/client.h"
#include "policy/policy.h"

namespace jit::cli {

struct History {
  std::optional<std::int64_t> from;                          // the oldest entry of the whole log; Unix time, seconds
  std::map<std::string, std::int64_t, std::less<>> used;     // rule id -> when it last decided, or would have
  std::map<policy::Door, std::int64_t> observed;             // since when a door has only observed, as far as was read

  void take(const Json& entry);  // in the order of the log
};

// The last `days` days, until each of `rules` was seen; nothing where no broker answers, the log is not ours to read, or
// there is more of it than can be read in five seconds.
std::optional<History> read_history(std::int64_t now, std::uint32_t days, const std::vector<std::string>& rules);

// "2026-11-24T21:10:00.000Z" as Unix time in seconds.
std::optional<std::int64_t> seconds_of(const std::string& iso);

}  // namespace jit::cli
