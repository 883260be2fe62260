// SPDX-License-Identifier: Apache-2.0
// The log is found by the filters of its segments as it would be by a look at all of it.
#include <sqlite3.h>

#include <algorithm>
#include "tests/catch.h"
#include <random>

#include "broker/store/segments.h"
#include "tests/store/samples.h"

using namespace jit;
using namespace jit::test;

namespace {

const char* const kTypes[] = {"grant.used", "request.created", "access.denied", "vote.cast"};

core::AuditEntry made(std::uint64_t number, std::mt19937& random) {
  core::AuditEntry out = entry(kTypes[random() % std::size(kTypes)], random() % 100 == 0 ? "rare" : "person " + std::to_string(random() % 7));
  if (number % 1500 == 1499) out.type = "policy.loaded";
  out.request = random() % 4 == 0 ? core::Id() : id_of(1 + random() % 900);
  out.grant = random() % 2 == 0 ? core::Id() : id_of(10'000 + random() % 300);
  out.wall = 1'790'000'000'000 + static_cast<core::WallMs>(number * 1000 + random() % 5000);
  out.fields = random() % 5 == 0 ? R"({"by":"eve, )" + out.person + R"("})" : R"({"door":"sudo"})";
  return out;
}

// Entries 1 to `count`, in batches of several.
std::vector<core::AuditEntry> fill(Opened& store, std::uint64_t count) {
  std::mt19937 random(5);
  std::vector<core::AuditEntry> all;
  while (all.size() < count) {
    core::Batch batch;
    for (std::uint64_t i = 0; i < 300 && all.size() < count; ++i) {
      all.push_back(made(all.size() + 1, random));
      batch.entries.push_back(all.back());
      all.back().sequence = all.size();
    }
    REQUIRE(store.commit(batch));
  }
  return all;
}

std::vector<std::uint64_t> numbers(const std::vector<core::AuditEntry>& entries) {
  std::vector<std::uint64_t> out;
  for (const core::AuditEntry& each : entries) out.push_back(each.sequence);
  return out;
}

std::vector<std::uint64_t> slow(const std::vector<core::AuditEntry>& all, const store::AuditFilter& filter) {
  std::vector<std::uint64_t> out;
  for (const core::AuditEntry& each : all) {
    if (each.sequence <= filter.after || (filter.since != 0 && each.wall < filter.since) || (filter.request && each.request != *filter.request)) continue;
    if ((!filter.person.empty() && each.person != filter.person) || (!filter.type.empty() && each.type != filter.type)) continue;
    out.push_back(each.sequence);
  }
  if (out.size() <= filter.limit) return out;
  return filter.newest ? std::vector<std::uint64_t>(out.end() - static_cast<std::ptrdiff_t>(filter.limit), out.end())
                       : std::vector<std::uint64_t>(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(filter.limit));
}

struct Sql {
  explicit Sql(const std::string& path) { REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK); }
  ~Sql() { sqlite3_close(db); }
  Sql(const Sql&) = delete;
  Sql& operator=(const Sql&) = delete;
  void run(const std::string& text) const {
    char* said = nullptr;
    const int code = sqlite3_exec(db, text.c_str(), nullptr, nullptr, &said);
    const std::string why = said != nullptr ? said : "";
    sqlite3_free(said);
    INFO(text << ": " << why);
    REQUIRE(code == SQLITE_OK);
  }
  std::vector<std::string> column(const std::string& text) const {
    std::vector<std::string> out;
    const store::Stmt stmt = store::prepare(db, text);
    REQUIRE(stmt);
    while (sqlite3_step(stmt.get()) == SQLITE_ROW) out.push_back(store::Row(stmt.get()).bytes());
    return out;
  }
  sqlite3* db = nullptr;
};

// As the file was before entries had filters: of version 12.
void make_older(const std::string& path) {
  const Sql sql(path);
  for (const std::string& name : sql.column("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('audit', 'checkpoints')")) sql.run("DROP TRIGGER " + name);
  sql.run(R"sql(
    CREATE TABLE personal (id INTEGER PRIMARY KEY, person TEXT NOT NULL, fields TEXT NOT NULL) STRICT;
    INSERT INTO personal SELECT 2 * sequence, about, told FROM audit WHERE told <> '' UNION ALL SELECT 2 * sequence + 1, other, told_other FROM audit WHERE told_other <> '';
    ALTER TABLE audit DROP COLUMN about; ALTER TABLE audit DROP COLUMN told; ALTER TABLE audit DROP COLUMN other; ALTER TABLE audit DROP COLUMN told_other;
    DROP TABLE segments; DROP TABLE archive; DROP TABLE couriers; ALTER TABLE requests DROP COLUMN target_group; ALTER TABLE kept_policy DROP COLUMN broker; DROP TABLE powers; ALTER TABLE votes DROP COLUMN user;
    CREATE INDEX audit_by_request ON audit (request); CREATE INDEX audit_by_grant ON audit (issued);
    CREATE INDEX audit_by_type ON audit (type); CREATE INDEX personal_by_person ON personal (person);
    CREATE TRIGGER checkpoints_are_kept BEFORE DELETE ON checkpoints BEGIN SELECT RAISE(ABORT, 'x'); END;
    PRAGMA user_version = 12)sql");
}

}  // namespace

TEST_CASE("a filter never denies what was added, and seldom claims what was not", "[segments]") {
  store::Filter filter;
  for (int i = 0; i < 1024; ++i) {
    const std::string n = std::to_string(i);
    filter.add("request " + n, "grant " + n, "type " + n, "person " + n, "");
  }
  int wrong = 0;
  for (int i = 0; i < 1024; ++i) {
    const std::string n = std::to_string(i);
    CHECK(store::Filter::may_hold(filter.bytes(), store::Filter::key(store::Filter::Kind::kId, "request " + n)));
    CHECK(store::Filter::may_hold(filter.bytes(), store::Filter::key(store::Filter::Kind::kId, "grant " + n)));
    CHECK(store::Filter::may_hold(filter.bytes(), store::Filter::key(store::Filter::Kind::kType, "type " + n)));
    CHECK(store::Filter::may_hold(filter.bytes(), store::Filter::key(store::Filter::Kind::kPerson, "person " + n)));
    wrong += store::Filter::may_hold(filter.bytes(), store::Filter::key(store::Filter::Kind::kPerson, "nobody " + n)) ? 1 : 0;
    wrong += store::Filter::may_hold(filter.bytes(), store::Filter::key(store::Filter::Kind::kType, "person " + n)) ? 1 : 0;
  }
  CHECK(wrong < 2048 / 20);
  filter.clear();
  CHECK_FALSE(store::Filter::may_hold(filter.bytes(), store::Filter::key(store::Filter::Kind::kId, "request 1")));
  CHECK(store::Filter::may_hold("short", 1));  // none at all: it must be looked at
}

TEST_CASE("what is asked of the log is found across its segments, newest or oldest first", "[segments]") {
  const Folder folder;
  Opened store(folder / "jit.db");
  const auto all = fill(store, 3500);
  const Sql sql(folder / "jit.db");
  CHECK(sql.column("SELECT count(*) FROM segments") == std::vector<std::string>{"3"});
  std::vector<store::AuditFilter> asked;
  for (const bool newest : {false, true}) {
    for (const std::size_t limit : {1UL, 7UL, 10'000UL}) {
      for (const std::uint64_t after : {0UL, 1023UL, 1024UL, 1025UL, 2500UL, 3072UL, 3499UL, 3500UL}) {
        asked.push_back({after, 0, {}, "", "", newest, limit});
        asked.push_back({after, 0, {}, "rare", "", newest, limit});
        asked.push_back({after, 0, {}, "nobody", "", newest, limit});
        asked.push_back({after, 0, {}, "", "policy.loaded", newest, limit});
        asked.push_back({after, 0, {}, "person 3", "vote.cast", newest, limit});
        asked.push_back({after, 0, id_of(17), "", "", newest, limit});
        asked.push_back({after, 0, id_of(17), "person 3", "", newest, limit});
        asked.push_back({after, 1'790'002'000'000, {}, "", "", newest, limit});
        asked.push_back({after, 1'790'003'200'000, {}, "rare", "grant.used", newest, limit});
      }
    }
  }
  for (const store::AuditFilter& filter : asked) {
    INFO(filter.after << " " << filter.since << " " << filter.person << " " << filter.type << " " << filter.newest << " " << filter.limit);
    CHECK(numbers(store.db->entries(filter)) == slow(all, filter));
  }
  CHECK(store.db->past().done.size() > 500);
  CHECK(store.db->last_error().empty());
}

TEST_CASE("who is erased is in no filter any more", "[segments]") {
  const Folder folder;
  const std::string path = folder / "jit.db";
  Opened store(path);
  fill(store, 2100);
  const auto told = [&](const std::string& person) {
    const std::uint64_t key = store::Filter::key(store::Filter::Kind::kPerson, person);
    const Sql sql(path);
    return std::ranges::any_of(sql.column("SELECT filter FROM segments"), [key](const std::string& filter) { return store::Filter::may_hold(filter, key); });
  };
  CHECK(told("rare"));
  CHECK(store.db->told_of("rare") > 0);
  core::Batch erase;
  erase.erased.push_back("rare");
  REQUIRE(store.commit(erase));
  CHECK_FALSE(told("rare"));
  CHECK(store.db->told_of("rare") == 0);
  CHECK(store.db->entries({0, 0, {}, "rare", "", false, 10}).empty());
  CHECK(told("person 3"));
  CHECK_FALSE(store.db->entries({0, 0, {}, "person 3", "", false, 10}).empty());
  // Nor when the last one gets its filter.
  fill(store, 1000);
  erase.erased.front() = "person 1";
  REQUIRE(store.commit(erase));
  CHECK_FALSE(told("person 1"));
}

TEST_CASE("a log from before there were filters is taken over with its leaves, heads and proofs", "[segments][G10]") {
  const Folder folder;
  const std::string path = folder / "jit.db";
  std::vector<core::AuditEntry> all;
  std::vector<store::LogEntry> leaves;
  core::Head head;
  std::optional<store::Proof> proof;
  {
    Opened store(path);
    all = fill(store, 2500);
    REQUIRE(store.seal());
    leaves = store.db->log(0, 10'000);
    head = store.db->head();
    proof = store.db->proof(id_of(17));
  }
  make_older(path);
  Opened store(path);
  CHECK(store.db->head().envelope == head.envelope);
  CHECK(store.db->head().root == head.root);
  CHECK(store.db->root_at(2500) == evidence::hash_from_hex(head.root));
  const auto again = store.db->log(0, 10'000);
  REQUIRE(again.size() == leaves.size());
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    CHECK(again[i].leaf == leaves[i].leaf);
    CHECK(again[i].hash == leaves[i].hash);
    CHECK(again[i].personal == leaves[i].personal);
  }
  const auto proven = store.db->proof(id_of(17));
  REQUIRE((proof && proven));
  REQUIRE(proven->entries.size() == proof->entries.size());
  CHECK_FALSE(proven->entries.empty());
  for (std::size_t i = 0; i < proof->entries.size(); ++i) CHECK(proven->entries[i].second == proof->entries[i].second);
  for (const store::AuditFilter& filter : {store::AuditFilter{0, 0, {}, "rare", "", false, 10'000}, {0, 0, id_of(17), "", "", false, 10'000}, {0, 0, {}, "", "policy.loaded", true, 1}}) {
    CHECK(numbers(store.db->entries(filter)) == slow(all, filter));
  }
  REQUIRE(store.commit(batch(entry())));
  CHECK(store.db->last_sequence() == 2501);
}

TEST_CASE("an entry that was put in behind a gap is refused at start", "[segments]") {
  const Folder folder;
  const std::string path = folder / "jit.db";
  {
    Opened store(path);
    REQUIRE(store.commit(batch(entry())));
  }
  Sql(path).run("INSERT INTO audit SELECT 3, wall, request, issued, hash, type, leaf, about, told, other, told_other FROM audit WHERE sequence = 1");
  Mailbox mail;
  const auto opened = store::Database::open(path, mail.post(), words_log());
  CHECK_FALSE(opened.database);
  CHECK(opened.error == store::OpenError::kDamaged);
  CHECK(opened.message.find("makes no sense") != std::string::npos);
}

// Whoever writes to the file can leave the log whole and still keep an entry from being found.
TEST_CASE("an entry that is filed under something else than it says is named", "[segments]") {
  const Folder folder;
  const std::string path = folder / "jit.db";
  {
    Opened store(path);
    fill(store, 2300);
    core::Batch erase;
    erase.erased.push_back("person 3");
    REQUIRE(store.commit(erase));
  }
  const auto misfiled = [&path] {
    Opened store(path);
    std::uint64_t after = 0;
    for (;;) {
      const auto some = store.db->log(after, 500);
      REQUIRE(store.db->last_error().empty());
      if (some.empty()) return store.db->misfiled();
      after = some.back().sequence;
    }
  };
  CHECK(misfiled() == 0);
  const auto change = [&path](const std::string& text) {
    const Sql sql(path);
    const auto triggers = sql.column("SELECT sql FROM sqlite_master WHERE type = 'trigger'");
    for (const std::string& name : sql.column("SELECT name FROM sqlite_master WHERE type = 'trigger'")) sql.run("DROP TRIGGER " + name);
    sql.run(text);
    for (const std::string& each : triggers) sql.run(each);
  };
  const std::string row = " WHERE sequence = 1500";
  for (const std::string column : {"type = 'x'", "wall = wall - 1", "request = zeroblob(16)", "issued = zeroblob(16)", "about = 'somebody'", "other = 'somebody'"}) {
    INFO(column);
    change("CREATE TABLE before AS SELECT * FROM audit" + row + "; UPDATE audit SET " + column + row);
    CHECK(misfiled() == 1500);
    change("DELETE FROM audit" + row + "; INSERT INTO audit SELECT * FROM before; DROP TABLE before");
    CHECK(misfiled() == 0);
  }
  for (const std::string segment : {"UPDATE segments SET filter = zeroblob(4096) WHERE number = 1", "UPDATE segments SET until = 0 WHERE number = 1", "DELETE FROM segments WHERE number = 1"}) {
    INFO(segment);
    change("CREATE TABLE before AS SELECT * FROM segments WHERE number = 1; " + segment);
    CHECK(misfiled() == 1025);
    change("DELETE FROM segments WHERE number = 1; INSERT INTO segments SELECT * FROM before; DROP TABLE before");
    CHECK(misfiled() == 0);
  }
}
