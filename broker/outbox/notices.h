// SPDX-License-Identifier: Apache-2.0
// What the notifier is told of an entry of the log: which channels the policy names for it, and what a message about it says.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker/core/model.h"
#include "evidence/request.h"

namespace jit::outbox {

// Can a notice come of this entry?
bool concerns_notifier(const core::AuditEntry& entry);

struct Kept {
  std::function<std::optional<core::Request>(const core::Id&)> request;
  std::function<std::optional<core::Grant>(const core::Id&)> grant;
  evidence::PrivateFields hide = {};  // what leaves this host closed
};
// The members of a notice, without the braces; empty: nobody is told. Every text in it is escaped.
std::string notice_of(const core::AuditEntry& entry, const Kept& kept);

// argv as one line of at most `bytes`, never cut inside an escape; where something was cut, it says how long it was.
std::string shown_command(std::span<const std::string> argv, std::size_t bytes);

}  // namespace jit::outbox
