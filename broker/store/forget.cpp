// SPDX-License-Identifier: Apache-2.0
#include "broker/store/forget.h"

#include "broker/store/log_writer.h"

namespace jit::store {
namespace {

// Ended, with whatever it led to, and nothing hangs on it any more: no review is owed, and no denial of it blocks.
#define JIT_OVER                                                                                                              \
  "FROM requests CROSS JOIN request_states ON request_states.request = id WHERE state > 1 AND (review_due = 0 OR reviewed_wall <> 0) " \
  "AND NOT EXISTS (SELECT 1 FROM grants CROSS JOIN grant_states ON issued = grants.id WHERE grants.request = requests.id AND grant_states.state <= 1) " \
  "AND NOT EXISTS (SELECT 1 FROM votes WHERE votes.request = requests.id AND block_s IS NOT NULL AND votes.time + 1000 * block_s > ?2) "

const char* const kClear = "DELETE FROM temp.gone";
const char* const kTables[] = {
    "DELETE FROM votes WHERE request IN (SELECT id FROM temp.gone)",
    "DELETE FROM seats WHERE request IN (SELECT id FROM temp.gone)",
    "DELETE FROM grant_states WHERE issued IN (SELECT id FROM grants WHERE request IN (SELECT id FROM temp.gone))",
    "DELETE FROM grants WHERE request IN (SELECT id FROM temp.gone)",
    "DELETE FROM request_states WHERE request IN (SELECT id FROM temp.gone)",
    "DELETE FROM requests WHERE id IN (SELECT id FROM temp.gone)",
};
const char* const kGrantsAlone[] = {
    "DELETE FROM grant_states WHERE issued IN (SELECT id FROM temp.gone)",
    "DELETE FROM grants WHERE id IN (SELECT id FROM temp.gone)",
};

// ?1: his name; ?2: now.
const char* const kHis[] = {
    // Where several people did it, all stand in one text: "bob, carol", "eve (uid:1003)".
    "DELETE FROM personal WHERE person = ?1 OR (id % 2 = 1 AND (instr(', ' || person || ', ', ', ' || ?1 || ', ') > 0 OR instr(person, ' (' || ?1 || ')') > 0))",
    "DELETE FROM votes WHERE person = CAST(?1 AS BLOB) AND (block_s IS NULL OR time + 1000 * block_s <= ?2) "
    "AND request IN (SELECT request FROM request_states WHERE state > 1) AND request NOT IN (SELECT grants.request FROM grants CROSS JOIN "
    "grant_states ON issued = id WHERE state <= 1 AND grants.request IS NOT NULL)",
    "DELETE FROM seen_networks WHERE person = CAST(?1 AS BLOB)",
};
const char* const kHisRequests = "INSERT INTO temp.gone SELECT id " JIT_OVER "AND subject_person = CAST(?1 AS BLOB)";
const char* const kHisGrants = "INSERT INTO temp.gone SELECT id FROM grants CROSS JOIN grant_states ON issued = id "
                               "WHERE request IS NULL AND state > 1 AND subject_person = CAST(?1 AS BLOB)";

// ?1: the last entry that goes; ?2: what ended before that goes.
const char* const kEntries[] = {
    "UPDATE log SET cut = ?1, subtrees = (SELECT subtrees FROM checkpoints WHERE size = ?1)",
    "DELETE FROM personal WHERE id < 2 * ?1 + 2",
    "DELETE FROM audit WHERE sequence <= ?1",
    "DELETE FROM checkpoints WHERE size < ?1",
};
const char* const kOldRequests = "INSERT INTO temp.gone SELECT id " JIT_OVER "AND ended_wall < ?2";
const char* const kOldGrants = "INSERT INTO temp.gone SELECT id FROM grants CROSS JOIN grant_states ON issued = id "
                               "WHERE request IS NULL AND state > 1 AND ended_wall < ?2";
#undef JIT_OVER

}  // namespace

std::unique_ptr<Forget> Forget::prepare(sqlite3* db) {
  if (sqlite3_exec(db, "CREATE TEMP TABLE IF NOT EXISTS gone (id BLOB NOT NULL)", nullptr, nullptr, nullptr) != SQLITE_OK) return nullptr;
  auto made = std::make_unique<Forget>();
  bool good = true;
  const auto add = [&](std::vector<Stmt>& to, const char* sql) {
    to.push_back(store::prepare(db, sql));
    good = good && to.back() != nullptr;
  };
  const auto add_ended = [&](std::vector<Stmt>& to, const char* requests, const char* grants) {
    add(to, kClear);
    add(to, requests);
    for (const char* sql : kTables) add(to, sql);
    add(to, kClear);
    add(to, grants);
    for (const char* sql : kGrantsAlone) add(to, sql);
    add(to, kClear);
  };
  for (const char* sql : kHis) add(made->person_, sql);
  add_ended(made->person_, kHisRequests, kHisGrants);
  for (const char* sql : kEntries) add(made->cut_, sql);
  add_ended(made->cut_, kOldRequests, kOldGrants);
  return good ? std::move(made) : nullptr;
}

int Forget::run(std::vector<Stmt>& statements, const std::string* name, std::int64_t first, std::int64_t second) {
  for (Stmt& stmt : statements) {
    int code = SQLITE_OK;
    const int parameters = sqlite3_bind_parameter_count(stmt.get());
    if (parameters >= 1) {
      code = name != nullptr ? sqlite3_bind_text64(stmt.get(), 1, name->data(), name->size(), SQLITE_STATIC, SQLITE_UTF8)
                             : sqlite3_bind_int64(stmt.get(), 1, first);
    }
    if (code == SQLITE_OK && parameters >= 2) code = sqlite3_bind_int64(stmt.get(), 2, second);
    if (code == SQLITE_OK) code = step(stmt.get());
    sqlite3_clear_bindings(stmt.get());
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

int Forget::person(const std::string& name, core::WallMs now) { return run(person_, &name, 0, now); }

int Forget::cut(std::uint64_t sequence, core::WallMs ended) { return run(cut_, nullptr, static_cast<std::int64_t>(sequence), ended); }

}  // namespace jit::store
