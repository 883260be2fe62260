// SPDX-License-Identifier: Apache-2.0
// The writer's part of the archive.
#include <memory>
#include <utility>

#include "broker/store/writer.h"

namespace jit::store {

int read_files(sqlite3* db, LogFiles& log) {
  const Stmt parts = prepare(db, "SELECT first, last, until FROM archive ORDER BY first");
  const Stmt cut = prepare(db, "SELECT cut, subtrees FROM log");
  const auto hash = std::make_shared<const Stmt>(prepare(db, "SELECT hash FROM audit WHERE sequence = ?"));
  if (!parts || !cut || !*hash) return sqlite3_extended_errcode(db);
  int code = SQLITE_OK;
  while ((code = sqlite3_step(parts.get())) == SQLITE_ROW) {
    Row row(parts.get());
    ArchivePart part;
    part.first = row.number<std::uint64_t>();
    part.last = row.number<std::uint64_t>();
    part.until = row.number<core::WallMs>();
    log.parts.push_back(part);
  }
  if (code != SQLITE_DONE) return code;
  if ((code = sqlite3_step(cut.get())) != SQLITE_ROW) return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
  Row row(cut.get());
  log.cut.size = row.number<std::uint64_t>();
  const auto tree = Tree::from(log.cut.size, row.bytes());
  if (!tree) return SQLITE_CORRUPT;
  log.cut.frontier = tree->subtrees();
  log.hash_of = [hash](std::uint64_t sequence) {
    std::optional<evidence::Hash> found;
    Bind(hash->get()).number(sequence);
    if (sqlite3_step(hash->get()) == SQLITE_ROW) found = Row(hash->get()).hash();
    sqlite3_reset(hash->get());
    return found;
  };
  return SQLITE_OK;
}

void Writer::archive(ToArchive old, core::Batch batch, std::function<void(bool)> done) {
  Job job{std::move(batch), {}, std::move(done)};
  Salts salts;
  for (const core::AuditEntry& entry : job.batch.entries) {
    if (auto drafted = draft_of(entry, salts)) job.drafts.push_back(std::move(*drafted));
  }
  job.old = std::move(old);
  queue(std::move(job));
}

// In front of each use: another process may have put files there, and a cut that failed leaves one.
int Writer::settle_archive(LogFiles& log) {
  const int code = read_files(db_.get(), log);
  return code == SQLITE_OK && !archive_.settle(log) ? kNoArchive : code;
}

int Writer::erase_archived(const core::Batch& batch) {
  if (batch.erased.empty()) return SQLITE_OK;
  LogFiles log;
  if (const int code = settle_archive(log); code != SQLITE_OK) return code;
  std::uint64_t erased = 0;
  for (const std::string& person : batch.erased) {
    if (!archive_.erase(person, log.parts, erased)) return kNoArchive;
  }
  erased_in_archive_ = erased;
  return SQLITE_OK;
}

// Somebody who reads in the database keeps what he reads from being overwritten. Nobody waits for him a second time.
void Writer::empty_log(bool patient) {
  int code = SQLITE_BUSY;
  if (!spoiled_ && as_left()) {
    if (!patient) sqlite3_busy_timeout(db_.get(), 0);
    code = sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    if (!patient) sqlite3_busy_timeout(db_.get(), kBusyMs);
    left();
  }
  unemptied_ = code != SQLITE_OK;
  empty_by_.reset();
  if (code == SQLITE_OK) {
    wal_pages_ = 0;
  } else {
    empty_by_ = std::chrono::steady_clock::now() + kEmptyAgain;
  }
}

int Writer::write_part(const ToArchive& old) {
  LogFiles log;
  if (const int code = settle_archive(log); code != SQLITE_OK) return code;
  return archive_.write(old.part.first, old.text) ? SQLITE_OK : kNoArchive;
}

}  // namespace jit::store
