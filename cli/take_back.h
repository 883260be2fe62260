// SPDX-License-Identifier: Apache-2.0
// What takes an unconfirmed setup back by itself, and what proves that somebody came through the gate since.
#pragma once

#include <vector>

#include "cli/exit.h"
#include "cli/setup_files.h"
#include "policy/policy.h"

namespace jit::cli {

inline constexpr unsigned kTakeBackMinutes = 10;  // as in systemd/jit-setup-revert.timer

bool systemd_runs();  // as PID 1
// The timer from now on, and its service at the next boot. Both run without broker and bus.
Result<Nothing> arm();
void disarm();

// The doors through which this session came since then: a process above this one was let through under a grant that lives, and began
// after it.
Result<std::vector<policy::Door>> doors_passed(const Unconfirmed& since);
// polkit opens no session that could be held: there it is a grant that was used since, whoever's.
Result<bool> answered_at_polkit(const Unconfirmed& since);

}  // namespace jit::cli
