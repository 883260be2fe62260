// SPDX-License-Identifier: Apache-2.0
// Each audit entry as one journald entry with JIT_* fields. Nothing private: no argv, no reason, no folder.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "broker/core/model.h"
#include "broker/core/ports.h"

namespace jit::audit {

struct Kind {
  std::string_view type;
  std::string_view message_id;  // fixed for ever: journalctl MESSAGE_ID=
  int priority;                 // syslog
};
// One row for each type of broker/core/events.h; a test holds them against each other.
const std::array<Kind, 30>& kinds();

// The line for people; one line, ASCII.
std::string message(const core::AuditEntry& entry);

// A signed head of the log, so that journald is one more witness of it: JIT_HEAD=SIZE:ROOT.
void to_journal(const core::Head& head);

// Never waits for journald and never fails the caller: the database is the record, this is the copy.
void to_journal(const core::AuditEntry& entry);

}  // namespace jit::audit
