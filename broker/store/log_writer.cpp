// SPDX-License-Identifier: Apache-2.0
#include "broker/store/log_writer.h"

#include <exception>

namespace jit::store {
int step(sqlite3_stmt* stmt) {
  const int code = sqlite3_step(stmt);
  const int reset = sqlite3_reset(stmt);
  if (code == SQLITE_DONE || code == SQLITE_ROW) return code == SQLITE_DONE ? SQLITE_OK : SQLITE_ROW;
  return reset != SQLITE_OK ? reset : code;
}

std::unique_ptr<LogWriter> LogWriter::prepare(sqlite3* db, int& code) {
  std::unique_ptr<LogWriter> made(new LogWriter(db));
  LogWriter& log = *made;
  const auto make = [db](Stmt& stmt, const char* sql) {
    stmt = store::prepare(db, sql);
    return stmt != nullptr;
  };
  const bool all = make(log.insert_entry_, "INSERT INTO audit (sequence, wall, request, issued, hash, type, leaf) VALUES (?, ?, ?, ?, ?, ?, ?)") &&
                   make(log.insert_told_, "INSERT INTO personal (id, person, fields) VALUES (?, ?, ?)") &&
                   make(log.insert_subtree_, "INSERT INTO subtrees (level, position, hash) VALUES (?, ?, ?)") &&
                   make(log.insert_checkpoint_, "INSERT OR REPLACE INTO checkpoints (size, subtrees, envelope) VALUES (?, ?, ?)") &&
                   make(log.set_epoch_, "UPDATE log SET epoch = ?");
  code = all ? log.load() : sqlite3_extended_errcode(db);
  return code == SQLITE_OK ? std::move(made) : nullptr;
}

// From the last signed head on; where there is none yet, from the entries that are in the archive.
int LogWriter::load() {
  const Stmt log = store::prepare(db_, "SELECT epoch, cut, subtrees FROM log");
  const Stmt last = store::prepare(db_, "SELECT size, subtrees, envelope FROM checkpoints ORDER BY size DESC LIMIT 1");
  const Stmt rest = store::prepare(db_, "SELECT sequence, hash FROM audit WHERE sequence > ? ORDER BY sequence");
  if (!log || !last || !rest) return sqlite3_extended_errcode(db_);
  if (const int code = sqlite3_step(log.get()); code != SQLITE_ROW) return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
  Row cut(log.get());
  now_.epoch = cut.number<std::int64_t>();
  std::uint64_t size = cut.number<std::uint64_t>();
  std::string packed = cut.bytes();
  const int code = sqlite3_step(last.get());
  if (code == SQLITE_ROW) {
    Row row(last.get());
    size = row.number<std::uint64_t>();
    packed = row.bytes();
    now_.head.envelope = row.bytes();
  } else if (code != SQLITE_DONE) {
    return code;
  }
  auto tree = Tree::from(size, packed);
  if (!tree) return SQLITE_CORRUPT;
  now_.tree = std::move(*tree);
  if (code == SQLITE_ROW) {
    now_.sealed = now_.head.size = size;
    now_.head.root = evidence::to_hex(now_.tree.root());
  }
  sqlite3_bind_int64(rest.get(), 1, static_cast<sqlite3_int64>(size));
  int next = SQLITE_OK;
  while ((next = sqlite3_step(rest.get())) == SQLITE_ROW) {
    Row row(rest.get());
    const auto sequence = row.number<std::uint64_t>();
    const evidence::Hash hash = row.hash();
    if (!row.sound() || sequence != now_.tree.size() + 1) return SQLITE_CORRUPT;
    now_.tree.add(hash);
  }
  if (next != SQLITE_DONE) return next;
  saved_ = now_;
  return SQLITE_OK;
}

int LogWriter::tell(std::uint64_t id, const Told& told) {
  if (told.fields.empty()) return SQLITE_OK;
  Bind bind(insert_told_.get());
  bind.number(id).text(told.person).text(told.fields);
  return bind.code() != SQLITE_OK ? bind.code() : step(insert_told_.get());
}

int LogWriter::append(const core::AuditEntry& entry) {
  const std::uint64_t sequence = now_.tree.size() + 1;
  Made made;
  evidence::Hash hash{};
  try {
    made = leaf_of(entry, sequence, salts_);
    hash = evidence::leaf_hash(made.leaf.text);
  } catch (const std::exception&) {
    return kUnstorable;
  }
  Bind bind(insert_entry_.get());
  bind.number(sequence).number(entry.wall).id(entry.request).id(entry.grant).bytes(evidence::text_of(hash));
  bind.text(entry.type).text(made.leaf.text);
  if (bind.code() != SQLITE_OK) return bind.code();
  if (const int code = step(insert_entry_.get()); code != SQLITE_OK) return code;
  for (std::size_t i = 0; i < made.told.size(); ++i) {
    if (const int code = tell(2 * sequence + i, made.told[i]); code != SQLITE_OK) return code;
  }
  int code = SQLITE_OK;
  now_.tree.add(hash, [&](unsigned level, std::uint64_t position, const evidence::Hash& root) {
    Bind row(insert_subtree_.get());
    row.number(level).number(position).bytes(evidence::text_of(root));
    if (code == SQLITE_OK) code = row.code();
    if (code == SQLITE_OK) code = step(insert_subtree_.get());
  });
  return code;
}

int LogWriter::raise_epoch(std::int64_t epoch) {
  if (epoch <= now_.epoch) return SQLITE_OK;
  Bind bind(set_epoch_.get());
  bind.number(epoch);
  if (const int code = step(set_epoch_.get()); code != SQLITE_OK) return code;
  now_.epoch = epoch;
  now_.fresh = false;
  return SQLITE_OK;
}

int LogWriter::seal(const Log::Sign& sign) {
  if (now_.tree.size() == 0 || (now_.sealed == now_.tree.size() && now_.fresh)) return SQLITE_OK;
  const evidence::Hash root = now_.tree.root();
  core::Head head{now_.tree.size(), evidence::to_hex(root), {}};
  try {
    head.envelope = sign(head.size, root, now_.epoch);
  } catch (const std::exception&) {
    return kUnsigned;
  }
  if (head.envelope.empty()) return kUnsigned;
  const std::string packed = now_.tree.packed();
  Bind bind(insert_checkpoint_.get());
  bind.number(head.size).bytes(packed).text(head.envelope);
  if (bind.code() != SQLITE_OK) return bind.code();
  if (const int code = step(insert_checkpoint_.get()); code != SQLITE_OK) return code;
  now_.sealed = head.size;
  now_.fresh = true;
  now_.head = std::move(head);
  return SQLITE_OK;
}

void LogWriter::committed() { saved_ = now_; }
void LogWriter::rolled_back() { now_ = saved_; }

}  // namespace jit::store
