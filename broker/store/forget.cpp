// SPDX-License-Identifier: Apache-2.0
#include "broker/store/forget.h"

#include <map>
#include <set>
#include <utility>

#include "broker/store/his.h"
#include "broker/store/segments.h"
#include "broker/store/store.h"

namespace jit::store {
namespace {

const char* const kClear = "DELETE FROM temp.gone";
// Of this boot, whom the grants that go made what (see kPowers).
#define JIT_THIS_BOOT "(SELECT json_extract(leaf, '$.boot') FROM audit ORDER BY sequence DESC LIMIT 1)"
const char* const kForgetPowers = "DELETE FROM powers WHERE boot_id <> " JIT_THIS_BOOT;
#define JIT_POWERS_OF(column)                                                                                              \
  "INSERT OR IGNORE INTO powers SELECT subject_uid, loginuid, target_uid, boot_id FROM grants CROSS JOIN grant_states ON issued = id " \
  "WHERE starts <> 0 AND boot_id = " JIT_THIS_BOOT " AND " column " IN (SELECT id FROM temp.gone)"
const char* const kTables[] = {
    kForgetPowers,
    JIT_POWERS_OF("grants.request"),
    "DELETE FROM votes WHERE request IN (SELECT id FROM temp.gone)",
    "DELETE FROM seats WHERE request IN (SELECT id FROM temp.gone)",
    "DELETE FROM grant_states WHERE issued IN (SELECT id FROM grants WHERE request IN (SELECT id FROM temp.gone))",
    "DELETE FROM grants WHERE request IN (SELECT id FROM temp.gone)",
    "DELETE FROM request_states WHERE request IN (SELECT id FROM temp.gone)",
    "DELETE FROM requests WHERE id IN (SELECT id FROM temp.gone)",
};
const char* const kGrantsAlone[] = {
    JIT_POWERS_OF("grants.id"),
    "DELETE FROM grant_states WHERE issued IN (SELECT id FROM temp.gone)",
    "DELETE FROM grants WHERE id IN (SELECT id FROM temp.gone)",
};

// Of the segments that have a filter.
const char* const kTouched = "SELECT DISTINCT (sequence - 1) / 1024 FROM audit WHERE (about = ?1 OR (" JIT_AMONG("other") ")) "
                             "AND sequence <= 1024 * (SELECT coalesce(max(number) + 1, 0) FROM segments)";
static_assert(kSegment == 1024);

// ?1: his name; ?2: now.
const char* const kHis[] = {
    "UPDATE audit SET other = '', told_other = '' WHERE " JIT_AMONG("other"),
    "UPDATE audit SET about = '', told = '' WHERE about = ?1",
    "DELETE " JIT_HIS_VOTES,
    "DELETE " JIT_HIS_NETWORKS,
    // What he ended or reviewed of others, and his words about it.
    "UPDATE request_states SET ended_by = '', ended_why = '' " JIT_ENDED_BY_HIM,
    "UPDATE request_states SET reviewed_by = '', reviewed_why = '' " JIT_REVIEWED_BY_HIM,
    "UPDATE grant_states SET ended_by = '', ended_why = '' " JIT_ENDED_BY_HIM,
    // Whose account others became: their documents and entries name the account and no person, so they stay, and are proven.
    "UPDATE requests SET target_person = x'' " JIT_ASKED_TO_BE_HIM,
    "UPDATE grants SET target_person = x'' " JIT_WAS_HIM,
};
const char* const kHisRequests = "INSERT INTO temp.gone SELECT id " JIT_HIS_REQUESTS;
const char* const kHisGrants = "INSERT INTO temp.gone SELECT id " JIT_HIS_GRANTS;

// ?1: the last entry that goes; ?2: what ended before that goes.
const char* const kEntries[] = {
    "UPDATE log SET cut = ?1, subtrees = (SELECT subtrees FROM checkpoints WHERE size = ?1)",
    "DELETE FROM segments WHERE (number + 1) * 1024 <= ?1",
    "DELETE FROM audit WHERE sequence <= ?1",
    "DELETE FROM checkpoints WHERE size < ?1",
};
// A cut has no more of them than a part has entries: what ended first is named by the oldest entries, and the writer has others to serve.
const char* const kOldRequests = "INSERT INTO temp.gone SELECT id FROM request_states CROSS JOIN requests ON id = request_states.request " JIT_OVER
                                 "AND ended_wall < ?2 ORDER BY ended_wall LIMIT 4096";
const char* const kOldGrants = "INSERT INTO temp.gone SELECT id FROM grant_states CROSS JOIN grants ON id = issued "
                               "WHERE request IS NULL AND state > 1 AND ended_wall < ?2 ORDER BY ended_wall LIMIT 4096";
static_assert(kPartEntries == 4096);
const char* const kGone = "SELECT id FROM temp.gone";
const char* const kFilters = "SELECT filter FROM segments";
const char* const kNewest = "SELECT request, issued FROM audit WHERE sequence > 1024 * (SELECT coalesce(max(number) + 1, 0) FROM segments)";
const char* const kKeep = "DELETE FROM temp.gone WHERE id = ?1";
#undef JIT_THIS_BOOT
#undef JIT_POWERS_OF

}  // namespace

std::unique_ptr<Forget> Forget::prepare(sqlite3* db) {
  if (sqlite3_exec(db, "CREATE TEMP TABLE IF NOT EXISTS gone (id BLOB PRIMARY KEY NOT NULL) WITHOUT ROWID", nullptr, nullptr, nullptr) != SQLITE_OK) return nullptr;
  std::unique_ptr<Forget> made(new Forget(db));
  bool good = true;
  const auto add = [&](std::vector<Stmt>& to, const char* sql) {
    to.push_back(store::prepare(db, sql));
    good = good && to.back() != nullptr;
  };
  const auto add_drop = [&](std::vector<Stmt>& to, std::span<const char* const> tables) {
    for (const char* sql : tables) add(to, sql);
    add(to, kClear);
  };
  const auto make = [&](Stmt& to, const char* sql) {
    to = store::prepare(db, sql);
    good = good && to != nullptr;
  };
  make(made->touched_, kTouched);
  make(made->gone_, kGone);
  make(made->filters_, kFilters);
  make(made->newest_, kNewest);
  make(made->keep_, kKeep);
  for (const char* sql : kHis) add(made->person_, sql);
  add(made->person_, kClear);
  add(made->person_, kHisRequests);
  add_drop(made->person_, kTables);
  add(made->person_, kHisGrants);
  add_drop(made->person_, kGrantsAlone);
  for (const char* sql : kEntries) add(made->entries_, sql);
  add(made->find_requests_, kClear);
  add(made->find_requests_, kOldRequests);
  add_drop(made->drop_requests_, kTables);
  add(made->find_grants_, kOldGrants);
  add_drop(made->drop_grants_, kGrantsAlone);
  return good ? std::move(made) : nullptr;
}

int Forget::run(std::span<const Stmt> statements, const std::string* name, std::int64_t first, std::int64_t second) {
  for (const Stmt& stmt : statements) {
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

int Forget::person(const std::string& name, core::WallMs now) {
  std::vector<std::uint64_t> touched;
  Bind bind(touched_.get());
  bind.text(name);
  int code = bind.code();
  while (code == SQLITE_OK && (code = sqlite3_step(touched_.get())) == SQLITE_ROW) {
    touched.push_back(Row(touched_.get()).number<std::uint64_t>());
    code = SQLITE_OK;
  }
  sqlite3_reset(touched_.get());
  sqlite3_clear_bindings(touched_.get());
  if (code != SQLITE_DONE) return code;
  code = run(person_, &name, 0, now);
  // The filters must not tell that he was there, either.
  for (const std::uint64_t number : touched) {
    Segment segment;
    if (code == SQLITE_OK) code = read_segment(db_, number * kSegment + 1, (number + 1) * kSegment, segment);
    if (code == SQLITE_OK) code = write_segment(db_, number, segment);
  }
  return code;
}

// Where a filter only may hold it, it stays until a later part is cut.
int Forget::keep_named() {
  const auto rows = [](const Stmt& stmt, const auto& take) {
    int code = SQLITE_OK;
    while ((code = sqlite3_step(stmt.get())) == SQLITE_ROW) take(Row(stmt.get()));
    sqlite3_reset(stmt.get());
    return code == SQLITE_DONE ? SQLITE_OK : code;
  };
  std::map<std::string, std::uint64_t> gone;  // and its key in a filter
  std::set<std::string> named;
  int code = rows(gone_, [&](Row row) {
    std::string id = row.bytes();
    const std::uint64_t key = Filter::key(Filter::Kind::kId, id);
    gone.emplace(std::move(id), key);
  });
  if (code != SQLITE_OK || gone.empty()) return code;
  code = rows(filters_, [&](Row row) {
    const std::string filter = row.bytes();
    for (const auto& [id, key] : gone) {
      if (Filter::may_hold(filter, key)) named.insert(id);
    }
  });
  if (code != SQLITE_OK) return code;
  code = rows(newest_, [&](Row row) {
    named.insert(row.bytes());
    named.insert(row.bytes());
  });
  for (const std::string& id : named) {
    if (code != SQLITE_OK) break;
    if (!gone.contains(id)) continue;
    Bind bind(keep_.get());
    bind.bytes(id);
    code = bind.code() != SQLITE_OK ? bind.code() : step(keep_.get());
  }
  return code;
}

int Forget::cut(std::uint64_t sequence, core::WallMs ended) {
  int code = run(entries_, nullptr, static_cast<std::int64_t>(sequence), 0);
  for (const auto& [find, drop] : {std::pair(&find_requests_, &drop_requests_), {&find_grants_, &drop_grants_}}) {
    if (code == SQLITE_OK) code = run(*find, nullptr, 0, ended);
    if (code == SQLITE_OK) code = keep_named();
    if (code == SQLITE_OK) code = run(*drop, nullptr, 0, 0);
  }
  return code;
}

}  // namespace jit::store
