// SPDX-License-Identifier: Apache-2.0
#include "broker/store/leaves.h"
#include "broker/store/schema.h"
#include "broker/store/sqlite.h"
#include "broker/store/tree.h"

namespace jit::store {
namespace {

// Writes the log as its tables were when it became a tree.
class Carrier {
 public:
  explicit Carrier(sqlite3* db)
      : entry_(prepare(db, "INSERT INTO audit (sequence, wall, request, issued, hash, type, leaf) VALUES (?, ?, ?, ?, ?, ?, ?)")),
        told_(prepare(db, "INSERT INTO personal (id, person, fields) VALUES (?, ?, ?)")),
        subtree_(prepare(db, "INSERT INTO subtrees (level, position, hash) VALUES (?, ?, ?)")) {}
  bool ready() const { return entry_ && told_ && subtree_; }

  int add(const core::AuditEntry& entry) {
    const auto drafted = draft_of(entry, salts_);
    if (!drafted) return SQLITE_CORRUPT;
    const std::uint64_t sequence = tree_.size() + 1;
    const std::string leaf = drafted->draft.text(sequence);
    const evidence::Hash hash = evidence::leaf_hash(leaf);
    Bind row(entry_.get());
    row.number(sequence).number(entry.wall).id(entry.request).id(entry.grant).bytes(evidence::text_of(hash)).text(entry.type).text(leaf);
    int code = put(row, entry_);
    for (std::size_t i = 0; i < drafted->told.size() && code == SQLITE_OK; ++i) {
      if (drafted->told[i].fields.empty()) continue;
      Bind told(told_.get());
      told.number(2 * sequence + i).text(drafted->told[i].person).text(drafted->told[i].fields);
      code = put(told, told_);
    }
    tree_.add(hash, [&](unsigned level, std::uint64_t position, const evidence::Hash& root) {
      if (code != SQLITE_OK) return;
      Bind subtree(subtree_.get());
      subtree.number(level).number(position).bytes(evidence::text_of(root));
      code = put(subtree, subtree_);
    });
    return code;
  }

 private:
  static int put(const Bind& bind, const Stmt& stmt) { return bind.code() != SQLITE_OK ? bind.code() : step(stmt.get()); }
  Stmt entry_, told_, subtree_;
  Salts salts_;
  Tree tree_;
};

}  // namespace

int carry_over(sqlite3* db) {
  {
    Carrier carrier(db);
    const Stmt before = prepare(db, "SELECT boottime, wall, boot_id, type, request, issued, person, uid, fields FROM audit_before ORDER BY sequence");
    if (!carrier.ready() || !before) return sqlite3_extended_errcode(db);
    int code = SQLITE_OK;
    while ((code = sqlite3_step(before.get())) == SQLITE_ROW) {
      Row row(before.get());
      core::AuditEntry entry;
      entry.boottime = row.number<core::BootMs>();
      entry.wall = row.number<core::WallMs>();
      entry.boot_id = row.bytes();
      entry.type = row.bytes();
      entry.request = row.id();
      entry.grant = row.id();
      entry.person = row.bytes();
      entry.uid = row.number<std::uint32_t>();
      entry.fields = row.bytes();
      const int added = row.sound() ? carrier.add(entry) : SQLITE_CORRUPT;
      if (added != SQLITE_OK) return added;
    }
    if (code != SQLITE_DONE) return code;
  }
  return sqlite3_exec(db, "DROP TABLE audit_before", nullptr, nullptr, nullptr);
}

}  // namespace jit::store
