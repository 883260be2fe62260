// SPDX-License-Identifier: Apache-2.0
// The log's part of a connection that writes: entries become leaves, and its head is signed, inside whatever transaction is
// open. What a transaction that failed had added is forgotten.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "broker/store/leaves.h"
#include "broker/store/segments.h"
#include "broker/store/sqlite.h"
#include "broker/store/store.h"
#include "broker/store/tree.h"

namespace jit::store {

inline constexpr int kNoArchive = -3;  // a result code of our own: a file of the archive cannot be read or written
inline constexpr int kUnsigned = -2;  // a result code of our own: the head could not be signed

class LogWriter {
 public:
  // Null: see sqlite3_errmsg, or the log makes no sense (SQLITE_CORRUPT).
  static std::unique_ptr<LogWriter> prepare(sqlite3* db, int& code);

  int append(const core::AuditEntry& entry, const Drafted& drafted);
  int raise_epoch(std::int64_t epoch);
  int seal(const Log::Sign& sign);  // the head as it stands; nothing to do where it is signed, or the log is empty

  int look_again();  // something in its last entries was erased

  void committed();
  void rolled_back();

  // As it was committed.
  const Tree& tree() const { return saved_.tree; }
  bool is_sealed() const { return saved_.sealed == saved_.tree.size() && saved_.fresh; }
  void stale() { now_.fresh = false; }  // the next seal() makes a head, whatever was written
  bool is_fresh() const { return now_.fresh; }  // a head was signed by this writer
  std::int64_t epoch() const { return saved_.epoch; }
  const core::Head& head() const { return saved_.head; }  // the last that is signed

 private:
  explicit LogWriter(sqlite3* db) : db_(db) {}
  int load();
  int index(const core::AuditEntry& entry, const Drafted& drafted);

  struct State {
    Tree tree;
    std::uint64_t sealed = 0;  // entries under the last signed head
    bool fresh = false;        // that head was signed by this writer, with the epoch as it is
    std::int64_t epoch = 1;
    core::Head head;
    Segment segment;           // the one that is not whole yet
  };
  sqlite3* db_;
  Stmt insert_entry_, insert_subtree_, insert_checkpoint_, set_epoch_;
  State now_, saved_;
};


}  // namespace jit::store
