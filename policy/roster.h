// SPDX-License-Identifier: Apache-2.0
// Rosters: who is on duty when, written by another program (/etc/jit/rosters/*.toml).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/principal.h"
#include "policy/report.h"

namespace jit::policy {

struct Shift {
  std::int64_t from = 0, to = 0;  // Unix, seconds; half-open
  std::vector<Principal> who;     // user:, person: and group:; never set:
};

struct Roster {
  std::string file;
  std::uint32_t fresh_s = 0;  // from the set that names it
  std::int64_t issued = 0;    // Unix, seconds
  std::vector<Shift> shifts;  // by start

  // Older than fresh_s at `now`, or issued more than five minutes after it: who is on duty is unknown.
  bool stale(std::int64_t now) const;
  // Calls visit(principal) for everybody on duty; nobody where it is stale.
  template <class Visit>
  void on_duty(std::int64_t now, Visit visit) const {
    if (stale(now)) return;
    for (const Shift& shift : shifts) {
      if (shift.from > now) break;
      if (now >= shift.to) continue;
      for (const Principal& principal : shift.who) visit(principal);
    }
  }
};

// `issued` and `[[shift]]` with from, to, who; times with a zone. Nothing, and findings in `report`, where it is wrong.
std::optional<Roster> parse_roster(std::uint32_t file, std::string_view text, Report& report);

}  // namespace jit::policy
