// SPDX-License-Identifier: Apache-2.0
#include "broker/store/log_writer.h"

#include <algorithm>
#include <exception>

namespace jit::store {
std::unique_ptr<LogWriter> LogWriter::prepare(sqlite3* db, int& code) {
  std::unique_ptr<LogWriter> made(new LogWriter(db));
  LogWriter& log = *made;
  const auto make = [db](Stmt& stmt, const char* sql) {
    stmt = store::prepare(db, sql);
    return stmt != nullptr;
  };
  const bool all = make(log.insert_entry_, "INSERT INTO audit (sequence, wall, request, issued, hash, type, leaf, about, told, other, told_other) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") &&
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
  if (const int read = look_again(); read != SQLITE_OK) return read;
  saved_ = now_;
  return SQLITE_OK;
}

int LogWriter::look_again() {
  now_.segment = {};
  return read_segment(db_, now_.tree.size() / kSegment * kSegment + 1, now_.tree.size(), now_.segment);
}

int LogWriter::append(const core::AuditEntry& entry, const Drafted& drafted) {
  const std::uint64_t sequence = now_.tree.size() + 1;
  Drafted::Leaf made;
  const bool expected = drafted.leaf.sequence == sequence;
  try {
    if (!expected) made = leaf_at(drafted, sequence);
  } catch (const std::exception&) {
    return kUnstorable;
  }
  const Drafted::Leaf& leaf = expected ? drafted.leaf : made;
  Bind bind(insert_entry_.get());
  bind.number(sequence).number(entry.wall).id(entry.request).id(entry.grant).bytes(evidence::text_of(leaf.hash));
  bind.text(entry.type).text(leaf.text);
  for (const Told& told : drafted.told) {
    const bool tells = !told.fields.empty();
    bind.text(tells ? told.person : std::string_view()).text(told.fields);
  }
  if (bind.code() != SQLITE_OK) return bind.code();
  int code = step(insert_entry_.get());
  if ((code & 0xff) == SQLITE_CONSTRAINT) code = SQLITE_CORRUPT;  // its place is taken: somebody else wrote there
  now_.tree.add(leaf.hash, [&](unsigned level, std::uint64_t position, const evidence::Hash& root) {
    if (code != SQLITE_OK) return;
    Bind row(insert_subtree_.get());
    row.number(level).number(position).bytes(evidence::text_of(root));
    code = row.code() != SQLITE_OK ? row.code() : step(insert_subtree_.get());
  });
  return code == SQLITE_OK ? index(entry, drafted) : code;
}

int LogWriter::index(const core::AuditEntry& entry, const Drafted& drafted) {
  const auto id = [](const core::Id& of) { return of.empty() ? std::string_view() : evidence::text_of(of.bytes); };
  const auto person = [](const Told& told) { return told.fields.empty() ? std::string_view() : std::string_view(told.person); };
  now_.segment.filter.add(id(entry.request), id(entry.grant), entry.type, person(drafted.told[0]), person(drafted.told[1]));
  now_.segment.until = std::max(now_.segment.until, entry.wall);
  if (now_.tree.size() % kSegment != 0) return SQLITE_OK;
  const int code = write_segment(db_, now_.tree.size() / kSegment - 1, now_.segment);
  now_.segment.until = 0;
  now_.segment.filter.clear();
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
