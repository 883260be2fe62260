// SPDX-License-Identifier: Apache-2.0
#include "broker/store/log_writer.h"
#include "broker/store/schema.h"

namespace jit::store {

int carry_over(sqlite3* db) {
  {
    int code = SQLITE_OK;
    const auto log = LogWriter::prepare(db, code);
    if (!log) return code;
    const Stmt before = prepare(db, "SELECT boottime, wall, boot_id, type, request, issued, person, uid, fields FROM audit_before ORDER BY sequence");
    if (!before) return sqlite3_extended_errcode(db);
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
      const int added = row.sound() ? log->append(entry) : SQLITE_CORRUPT;
      if (added != SQLITE_OK) return added == kUnstorable ? SQLITE_CORRUPT : added;
    }
    if (code != SQLITE_DONE) return code;
  }
  return sqlite3_exec(db, "DROP TABLE audit_before", nullptr, nullptr, nullptr);
}

}  // namespace jit::store
