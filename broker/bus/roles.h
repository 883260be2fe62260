// SPDX-License-Identifier: Apache-2.0
// Which role each method needs: the one place where that is said. A method that is not listed is denied.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "broker/core/core.h"

namespace jit::bus {

enum class Role : std::uint8_t {
  kAnyone,   // the method itself shows and changes only what the caller may see and change
  kAuditor,  // auditors and admins
  kAdmin,
  kCourier,  // the system users of couriers, and nobody else
};

struct Rule {
  std::string_view interface;
  std::string_view method;
  Role role;
};

std::span<const Rule> rules();
bool may_call(const core::Caller& caller, std::string_view interface, std::string_view method);

}  // namespace jit::bus
