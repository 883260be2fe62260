// SPDX-License-Identifier: Apache-2.0
// What goes: what is told of one person, and what is in the archive. Never of what still lives, blocks, or is owed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "broker/store/sqlite.h"

namespace jit::store {

class Forget {
 public:
  static std::unique_ptr<Forget> prepare(sqlite3* db);  // null: see sqlite3_errmsg

  int person(const std::string& name, core::WallMs now);
  // Entries up to this one are in the archive; with them go the heads that were signed below, and some thousands of what ended
  // before `ended` and is named by no entry that stays (its document belongs to that); the rest goes with the next parts.
  int cut(std::uint64_t sequence, core::WallMs ended);

 private:
  explicit Forget(sqlite3* db) : db_(db) {}
  int run(std::span<const Stmt> statements, const std::string* name, std::int64_t first, std::int64_t second);
  int keep_named();
  sqlite3* db_;
  Stmt touched_, gone_, filters_, newest_, keep_;
  std::vector<Stmt> person_, entries_, find_requests_, drop_requests_, find_grants_, drop_grants_;
};

}  // namespace jit::store
