// SPDX-License-Identifier: Apache-2.0
// Which fields of the log tell of a person: decided for each, once.
#pragma once

#include <cstdint>
#include <string_view>

namespace jit::evidence {

// kUndecided is treated as personal; a test finds fields that nobody decided on.
enum class Privacy : std::uint8_t { kPublic, kPersonal, kUndecided };

Privacy privacy_of(std::string_view type, std::string_view field);

}  // namespace jit::evidence
