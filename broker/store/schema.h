// SPDX-License-Identifier: Apache-2.0
// The tables. A change of them is one more migration at the end of the list; the version is PRAGMA user_version.
#pragma once

#include <sqlite3.h>

#include <span>

namespace jit::store {

inline constexpr int kApplicationId = 0x4a495431;  // "JIT1"

struct Migration {
  const char* sql = nullptr;
  int (*then)(sqlite3* db) = nullptr;  // what SQL alone cannot do; SQLite's code
};

// Migration n (from 0) leads from version n to n + 1; each runs in a transaction.
std::span<const Migration> migrations();

// Writes the filters of all segments that are whole (segments.h).
int fill_segments(sqlite3* db);

// Makes leaves of the entries of audit_before, in their order, and drops it.
int carry_over(sqlite3* db);

}  // namespace jit::store
