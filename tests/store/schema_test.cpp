// SPDX-License-Identifier: Apache-2.0
// What the schema itself refuses, whoever writes.
#include <sqlite3.h>

#include "tests/catch.h"

#include "tests/store/samples.h"

using namespace jit;
using namespace jit::test;

namespace {

struct Shell {
  explicit Shell(const std::string& path) { REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK); }
  ~Shell() { sqlite3_close(db); }
  std::string run(const std::string& sql) {
    return sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK ? "" : sqlite3_errmsg(db);
  }
  int number(const std::string& sql) {
    int value = -1;
    sqlite3_exec(db, sql.c_str(),
                 [](void* out, int, char** columns, char**) {
                   *static_cast<int*>(out) = std::stoi(columns[0]);
                   return 0;
                 },
                 &value, nullptr);
    return value;
  }
  sqlite3* db = nullptr;
};

}  // namespace

TEST_CASE("the log is append-only, and terms never change") {
  const Folder folder;
  {
    Opened store(folder / "jit.db");
    core::Batch all = batch(request(1));
    all.votes.push_back(vote(all.requests[0], "bob"));
    all.grants.push_back(grant(2));
    all.entries = {entry(), entry(), entry()};
    REQUIRE(store.commit(all));
  }
  const std::pair<const char*, const char*> table[] = {
      {"UPDATE audit SET leaf = '{}'", "append-only"},
      {"UPDATE OR REPLACE audit SET sequence = 1 WHERE sequence = 2", "append-only"},
      {"DELETE FROM audit", "append-only"},
      {"DELETE FROM audit WHERE sequence = 3", "append-only"},
      {"PRAGMA recursive_triggers = ON; INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE sequence = 2", "append-only"},
      {"UPDATE audit SET about = 'mallory'", "erased only"},
      {"UPDATE audit SET told = '{}'", "erased only"},
      {"UPDATE audit SET about = ''", "erased only"},
      {"UPDATE audit SET other = 'mallory', told_other = '{}'", "erased only"},
      {"UPDATE audit SET about = '', told = '', hash = zeroblob(32)", "append-only"},
      {"UPDATE audit SET about = '', told = '' WHERE sequence = 3", ""},
      {"UPDATE checkpoints SET envelope = 'x'", "immutable"},
      {"INSERT INTO checkpoints VALUES (1, x'00', 'x'); DELETE FROM checkpoints WHERE size = 1", "append-only"},
      {"UPDATE log SET epoch = 0", "forward only"},
      {"UPDATE log SET cut = 2", "forward only"},
      {"DELETE FROM log", "forward only"},
      {"DELETE FROM subtrees", ""},
      {"UPDATE requests SET reason = x'00'", "immutable"},
      {"UPDATE requests SET target_person = x'', payload = 'x'", "immutable"},
      {"UPDATE requests SET target_person = x'6d'", "immutable"},
      {"UPDATE requests SET target_person = x''", ""},
      {"UPDATE grants SET target_person = x'', argv = x'00'", "immutable"},
      {"UPDATE grants SET target_person = x''", ""},
      {"UPDATE seats SET count = 0", "immutable"},
      {"UPDATE votes SET approve = 0", "immutable"},
      {"UPDATE grants SET max_s = 1", "immutable"},
      {"INSERT INTO votes SELECT NULL, request, approve, uid, duration_s, scope, time, digest, person, reason, block_s, "
       "kind, key, signed_text, signed_digest || 'x', host_in_doubt, user FROM votes", "UNIQUE"},
      {"INSERT INTO votes SELECT NULL, request, approve, uid, duration_s, scope, time, digest, x'00', reason, block_s, "
       "kind, key, signed_text, signed_digest, host_in_doubt, user FROM votes", "UNIQUE"},
      {"INSERT INTO kept_policy VALUES (1, 2.5, NULL)", ""},  // STRICT turns a number into text
      {"UPDATE grant_states SET state = 3", "CHECK"},
      {"UPDATE grant_states SET uses = 'many'", "cannot store TEXT"},
      {"UPDATE request_states SET ended_why = x'00'", "cannot store BLOB"},
  };
  Shell shell(folder / "jit.db");
  for (const auto& [sql, expect] : table) {
    INFO(sql);
    const std::string said = shell.run(sql);
    CHECK(said.empty() == (*expect == '\0'));
    CHECK(said.find(expect) != std::string::npos);
  }
  CHECK(shell.number("SELECT count(*) FROM audit") == 3);
  CHECK(shell.number("SELECT max(sequence) FROM audit") == 3);
}

TEST_CASE("the file says what it is") {
  const Folder folder;
  Opened store(folder / "jit.db");
  Shell shell(folder / "jit.db");
  CHECK(shell.number("PRAGMA application_id") == 0x4a495431);
  CHECK(shell.number("PRAGMA user_version") == 19);
  CHECK(shell.number("SELECT count(*) FROM pragma_table_list WHERE type = 'table' AND NOT strict AND "
                     "name NOT LIKE 'sqlite_%'") == 0);
}
