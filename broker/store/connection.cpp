// SPDX-License-Identifier: Apache-2.0
#include "broker/store/connection.h"

#include <cerrno>
#include <cstring>
#include <optional>

#include "broker/store/schema.h"
#include "broker/store/wal_file.h"

namespace jit::store {
namespace {

Connected fail(OpenError error, std::string message) { return {nullptr, error, std::move(message)}; }

std::string move_away(const std::string& path) {
  return "Nothing was changed. Put back a copy, or begin with an empty log: mv " + path + " " + path +
         ".damaged; mv " + path + "-wal " + path + ".damaged-wal";
}

Connected damaged(const std::string& path, const std::string& why) {
  return fail(OpenError::kDamaged, path + " is damaged (" + why + "). " + move_away(path));
}

Connected failed(const std::string& path, sqlite3* db, int code) {
  const std::string why = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  switch (kind_of(db, code)) {
    case OpenError::kDamaged:
      return damaged(path, why);
    case OpenError::kFull:
      return fail(OpenError::kFull, path + ": the disk is full. Make room there, then start jit-broker again");
    default:
      return fail(OpenError::kIo, path + ": " + why);
  }
}

Connected failed_new(const std::string& path, int error) {
  if (error == ENOSPC || error == EDQUOT) return failed(path, nullptr, SQLITE_FULL);
  return fail(OpenError::kIo, path + ": " + std::strerror(error));
}

int run(sqlite3* db, const std::string& sql) { return sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr); }

// The first column of the first row; nothing on an error.
std::optional<std::string> ask(sqlite3* db, const char* sql) {
  const Stmt stmt = prepare(db, sql);
  if (!stmt || sqlite3_step(stmt.get()) != SQLITE_ROW) return std::nullopt;
  return Row(stmt.get()).bytes();
}

std::optional<std::int64_t> ask_number(sqlite3* db, const char* sql) {
  const Stmt stmt = prepare(db, sql);
  if (!stmt || sqlite3_step(stmt.get()) != SQLITE_ROW) return std::nullopt;
  return sqlite3_column_int64(stmt.get(), 0);
}

Connected open_file(const std::string& path) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
  const char* const vfs = wal_vfs();
  if (vfs == nullptr) return failed(path, nullptr, SQLITE_NOMEM);
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, vfs);
  Db db(raw);
  if (code != SQLITE_OK) return failed(path, raw, code);
  sqlite3_busy_timeout(raw, kBusyMs);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  return {std::move(db), OpenError::kNone, {}};
}

// secure_delete: what is erased is overwritten. recursive_triggers: else INSERT OR REPLACE would delete a row of the log past its trigger.
int configure(sqlite3* db) {
  return run(db,
             "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON; PRAGMA temp_store=MEMORY;"
             "PRAGMA secure_delete=ON; PRAGMA cell_size_check=ON; PRAGMA cache_size=-4096; PRAGMA journal_size_limit=67108864");
}

int migrate(sqlite3* db, std::size_t from) {
  for (std::size_t version = from; version < migrations().size(); ++version) {
    const Migration& migration = migrations()[version];
    int code = run(db, std::string("BEGIN IMMEDIATE;") + migration.sql);
    if (code == SQLITE_OK && migration.then != nullptr) code = migration.then(db);
    if (code == SQLITE_OK) code = run(db, "PRAGMA user_version=" + std::to_string(version + 1) + ";COMMIT");
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

// Nothing but looking.
Connected check_version(Connected opened, const std::string& path, std::int64_t& version) {
  sqlite3* db = opened.db.get();
  const auto application = ask_number(db, "PRAGMA application_id");
  if (!application) return failed(path, db, sqlite3_extended_errcode(db));
  if (*application != kApplicationId) return damaged(path, "it is not a database of jit-broker");
  const auto found = ask_number(db, "PRAGMA user_version");
  if (!found) return failed(path, db, sqlite3_extended_errcode(db));
  version = *found;
  if (version < 1) return damaged(path, "it has no version");
  if (version > static_cast<std::int64_t>(migrations().size())) {
    return fail(OpenError::kNewer, path + " was written by a newer jit-broker (schema " + std::to_string(version) +
                                       ", this one knows " + std::to_string(migrations().size()) +
                                       "). Nothing was changed. Install the newer version again, or put back a copy "
                                       "from before the upgrade");
  }
  return opened;
}

Connected open_known(Place& place, std::int64_t& version) {
  Connected opened = open_file(place.path());
  if (!opened.db) return opened;
  opened = check_version(std::move(opened), place.path(), version);
  if (!opened.db) return opened;
  if (const int code = configure(opened.db.get()); code != SQLITE_OK) return failed(place.path(), opened.db.get(), code);
  return opened;
}

// Reads every page. The broker's connections keep little in memory, and a new one nothing.
Connected check(sqlite3* db, const std::string& path) {
  const auto checked = ask(db, "PRAGMA quick_check(1)");
  if (!checked) return failed(path, db, sqlite3_extended_errcode(db));
  return *checked == "ok" ? Connected{} : damaged(path, *checked);
}

Connected create(Place& place) {
  if (!place.begin_new()) return failed_new(place.new_path(), errno);
  Connected opened = open_file(place.new_path());
  int code = SQLITE_OK;
  if (opened.db) {
    sqlite3* db = opened.db.get();
    // EXTRA: the folder is synced too, when the rollback journal goes.
    code = run(db, "PRAGMA synchronous=EXTRA; PRAGMA application_id=" + std::to_string(kApplicationId));
    if (code == SQLITE_OK) code = migrate(db, 0);
    if (code != SQLITE_OK) opened = failed(place.new_path(), db, code);
  }
  const bool made = opened.db != nullptr;
  opened.db.reset();
  if (made && !place.finish_new()) opened = failed_new(place.path(), errno);
  if (opened.error != OpenError::kNone) place.drop_new();
  return opened;
}

}  // namespace

OpenError kind_of(sqlite3* db, int code) {
  switch (code & 0xff) {
    case SQLITE_OK:
      return OpenError::kNone;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return OpenError::kDamaged;
    case SQLITE_FULL:
      return OpenError::kFull;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: {
      const int error = db != nullptr ? sqlite3_system_errno(db) : 0;
      return error == ENOSPC || error == EDQUOT ? OpenError::kFull : OpenError::kIo;
    }
    default:
      return OpenError::kIo;
  }
}

Connected open_checked(Place& place) {
  const std::string& path = place.path();
  switch (place.look()) {
    case Place::Found::kUnsafe:
      return fail(OpenError::kIo, place.problem());
    case Place::Found::kEmpty:
      return damaged(path, "it is empty");
    case Place::Found::kOrphaned:
      return fail(OpenError::kDamaged, path + " is missing, but its log " + path + "-wal is there. " + move_away(path));
    case Place::Found::kAbsent:
      if (Connected made = create(place); made.error != OpenError::kNone) return made;
      break;
    case Place::Found::kReady:
      break;
  }
  std::int64_t version = 0;
  Connected opened = open_known(place, version);
  if (!opened.db) return opened;
  sqlite3* db = opened.db.get();
  if (Connected bad = check(db, path); bad.error != OpenError::kNone) return bad;
  if (const int code = migrate(db, static_cast<std::size_t>(version)); code != SQLITE_OK) return failed(path, db, code);
  const auto mode = ask(db, "PRAGMA journal_mode=WAL");
  if (!mode) return failed(path, db, sqlite3_extended_errcode(db));
  if (*mode != "wal") return fail(OpenError::kIo, path + ": this file system cannot hold a write-ahead log");
  place.pin();
  return opened;
}

Connected open_again(Place& place) {
  switch (place.look()) {
    case Place::Found::kUnsafe:
      return fail(OpenError::kIo, place.problem());
    case Place::Found::kReady:
      break;
    default:
      return fail(OpenError::kIo, place.path() + " is gone; restart jit-broker to look at it again");
  }
  std::int64_t version = 0;
  return open_known(place, version);
}

Connected open_suspect(Place& place) {
  Connected opened = open_again(place);
  if (!opened.db) return opened;
  Connected bad = check(opened.db.get(), place.path());
  return bad.error == OpenError::kNone ? std::move(opened) : std::move(bad);
}

std::string write_anew(sqlite3* db, Place& place) {
  if (!place.begin_new()) return failed_new(place.new_path(), errno).message;
  Connected copy = open_file(place.new_path());
  if (copy.db) {
    sqlite3* to = copy.db.get();
    int code = run(to, "PRAGMA synchronous=EXTRA");
    if (code == SQLITE_OK) {
      sqlite3_backup* backup = sqlite3_backup_init(to, "main", db, "main");
      if (backup != nullptr) sqlite3_backup_step(backup, -1);
      code = backup != nullptr ? sqlite3_backup_finish(backup) : sqlite3_errcode(to);
    }
    Connected bad = code == SQLITE_OK ? check(to, place.new_path()) : failed(place.new_path(), to, code);
    if (bad.error != OpenError::kNone) copy = std::move(bad);
  }
  const bool made = copy.db != nullptr;
  copy.db.reset();
  if (made && place.finish_new()) {
    place.renewed();
    return {};
  }
  std::string why = made ? failed_new(place.path(), errno).message : copy.message;
  place.drop_new();
  return why;
}

}  // namespace jit::store
