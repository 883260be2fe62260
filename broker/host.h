// SPDX-License-Identifier: Apache-2.0
// The real clock, randomness and boot id.
#pragma once

#include <optional>
#include <string>

#include "broker/core/ports.h"

namespace jit::broker {

class SystemClock final : public core::Clock {
 public:
  core::BootMs boottime() const override;
  core::WallMs wall() const override;
};

class SystemRandom final : public core::Random {
 public:
  core::Id id() override;  // getrandom(2); ends the process when the kernel gives none
};

std::optional<double> load_average();  // over the last minute, of the whole host
std::string boot_id();      // 32 hex digits of /proc/sys/kernel/random/boot_id; empty on failure

}  // namespace jit::broker
