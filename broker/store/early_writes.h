// SPDX-License-Identifier: Apache-2.0
// A checkpoint copies thousands of pages into the database, then syncs it. The disk could work while they are copied.
#pragma once

namespace jit::store {

// While one lives, what SQLite writes in this thread is on its way to the disk soon after. What is durable is said by its sync as before.
class EarlyWrites {
 public:
  static void prepare();  // once, before a database is opened
  EarlyWrites();
  ~EarlyWrites();
  EarlyWrites(const EarlyWrites&) = delete;
  EarlyWrites& operator=(const EarlyWrites&) = delete;
};

}  // namespace jit::store
