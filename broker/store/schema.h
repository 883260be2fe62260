// SPDX-License-Identifier: Apache-2.0
// The tables. A change of them is one more migration at the end of the list; the version is PRAGMA user_version.
#pragma once

#include <span>

namespace jit::store {

inline constexpr int kApplicationId = 0x4a495431;  // "JIT1"

// Migration n (from 0) leads from version n to n + 1; each runs in a transaction.
std::span<const char* const> migrations();

}  // namespace jit::store
