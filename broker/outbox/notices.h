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

// When something is told. What happened in this boot is measured by the clock that nobody sets.
struct Moment {
  core::WallMs wall = 0;
  core::BootMs boot = 0;
  std::string boot_id = {};

  // ms that are left of `length`; a clock that was put back leaves no more than that.
  std::int64_t left_of(const core::AuditEntry& entry, std::int64_t length) const;
  std::int64_t left_until_deadline(const core::Request& request) const;
};

// Can a notice come of this entry?
bool concerns_notifier(const core::AuditEntry& entry);

struct Kept {
  std::function<std::optional<core::Request>(const core::Id&)> request;
  std::function<std::optional<core::Grant>(const core::Id&)> grant;
  evidence::PrivateFields hide = {};  // what leaves this host closed
  Moment now = {};
};
// The members of a notice, without the braces; empty: nobody is told. Every text in it is escaped.
std::string notice_of(const core::AuditEntry& entry, const Kept& kept);

// argv as one line of at most `bytes`, never cut inside an escape; where something was cut, it says how long it was.
std::string shown_command(std::span<const std::string> argv, std::size_t bytes);

}  // namespace jit::outbox
