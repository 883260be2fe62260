// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include <filesystem>
#include <fstream>
#include <iterator>

#include "broker/store/schema.h"
#include "tests/store/samples.h"

using namespace jit;
using namespace jit::test;
namespace fs = std::filesystem;
using store::OpenError;

namespace {

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

store::Database::Opened open(const std::string& path) {
  static Mailbox mail;
  return store::Database::open(path, mail.post(), words_log());
}

void fill(const std::string& path) {
  Opened store(path);
  core::Batch all = batch(request(1));
  all.entries.assign(200, entry());
  REQUIRE(store.commit(all));
}

void shell(const std::string& path, const char* sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

}  // namespace

TEST_CASE("made new: 0600 whatever the umask, with its companions") {
  const Folder folder;
  const mode_t before = ::umask(0);
  {
    Opened store(folder / "jit.db");
    CHECK(store.commit(batch(entry())));
    for (const char* name : {"jit.db", "jit.db-wal", "jit.db-shm"}) {
      struct stat st {};
      REQUIRE(::stat((folder / name).c_str(), &st) == 0);
      CHECK((st.st_mode & 07777) == 0600);
    }
    CHECK_FALSE(fs::exists(folder / "jit.db.new"));
  }
  ::umask(before);
  CHECK(Opened(folder / "jit.db").db->last_sequence() == 1);
}

TEST_CASE("the rest of an interrupted creation is no obstacle") {
  const Folder folder;
  write(folder / "jit.db.new", "half");
  write(folder / "jit.db.new-journal", "half");
  CHECK(Opened(folder / "jit.db").commit(batch(entry())));
  CHECK_FALSE(fs::exists(folder / "jit.db.new"));
  CHECK_FALSE(fs::exists(folder / "jit.db.new-journal"));
}

TEST_CASE("a damaged file is refused, named, and left as it is") {
  const Folder folder;
  const std::string path = folder / "jit.db";
  fill(path);
  const std::string whole = read(path);
  std::string torn = whole;
  for (std::size_t at = 4096; at < torn.size(); ++at) torn[at] = static_cast<char>(at * 7);
  std::string page = whole;
  page.replace(whole.size() - 4096, 4096, 4096, '\xff');
  const std::pair<const char*, std::string> table[] = {
      {"empty", ""},
      {"text", "hello, this is not a database at all"},
      {"no header", std::string(whole.size(), '\0')},
      {"cut", whole.substr(0, whole.size() / 2)},
      {"cut to its header", whole.substr(0, 4096)},
      {"torn", torn},
      {"one page", page},
  };
  for (const auto& [name, bytes] : table) {
    INFO(name);
    write(path, bytes);
    const auto opened = open(path);
    CHECK_FALSE(opened.database);
    CHECK(opened.error == OpenError::kDamaged);
    CHECK(opened.message.find(path) != std::string::npos);
    CHECK(opened.message.find("mv ") != std::string::npos);
    CHECK(read(path) == bytes);
  }
  write(path, whole);
  CHECK(Opened(path).db->last_sequence() == 200);
}

TEST_CASE("a log without its database is not written over") {
  const Folder folder;
  write(folder / "jit.db-wal", "x");
  const auto opened = open(folder / "jit.db");
  CHECK(opened.error == OpenError::kDamaged);
  CHECK(read(folder / "jit.db-wal") == "x");
  CHECK_FALSE(fs::exists(folder / "jit.db"));
}

TEST_CASE("another version or another program's database", "[G10]") {
  const Folder folder;
  const std::string path = folder / "jit.db";
  fill(path);
  const std::pair<const char*, OpenError> table[] = {
      {"PRAGMA user_version=20", OpenError::kNewer},
      {"PRAGMA user_version=2147483647", OpenError::kNewer},
      {"PRAGMA user_version=0", OpenError::kDamaged},
      {"PRAGMA user_version=-1", OpenError::kDamaged},
      {"PRAGMA user_version=2; PRAGMA application_id=1", OpenError::kDamaged},
  };
  for (const auto& [sql, expect] : table) {
    INFO(sql);
    shell(path, sql);
    const std::string before = read(path);
    const auto opened = open(path);
    CHECK_FALSE(opened.database);
    CHECK(opened.error == expect);
    CHECK_FALSE(opened.message.empty());
    CHECK(read(path) == before);
  }
}

TEST_CASE("a file that somebody else may have a hand in") {
  const Folder folder;
  const Folder elsewhere;
  const std::string path = folder / "jit.db";
  fill(path);
  const auto refused = [](const std::string& what, const std::string& word) {
    INFO(word);
    const auto opened = open(what);
    CHECK_FALSE(opened.database);
    CHECK(opened.error == OpenError::kIo);
    CHECK(opened.message.find(word) != std::string::npos);
  };
  SECTION("symbolic link") {
    fs::create_symlink(path, elsewhere / "link.db");
    refused(elsewhere / "link.db", "symbolic link");
    fs::create_symlink(elsewhere / "nowhere", elsewhere / "new.db");
    refused(elsewhere / "new.db", "symbolic link");
    CHECK_FALSE(fs::exists(elsewhere / "nowhere"));
  }
  SECTION("symbolic link on the way") {
    fs::create_directory_symlink(folder.path, elsewhere / "link");
    refused(elsewhere / "link/jit.db", "symbolic link");
  }
  SECTION("companion") {
    fs::create_symlink("/etc/passwd", folder / "jit.db-wal");
    refused(path, "jit.db-wal is a symbolic link");
  }
  SECTION("hard link") {
    fs::create_hard_link(path, elsewhere / "other");
    refused(path, "hard link");
  }
  SECTION("mode") {
    for (const unsigned mode : {0640U, 0604U, 0620U, 0602U, 0666U}) {
      fs::permissions(path, static_cast<fs::perms>(mode));
      refused(path, "chmod 0600");
    }
  }
  SECTION("not a file") {
    REQUIRE(::mkfifo((elsewhere / "pipe").c_str(), 0600) == 0);
    refused(elsewhere / "pipe", "not a regular file");
    refused(folder.path + "/", "names no file");
    fs::create_directory(elsewhere / "dir");
    refused(elsewhere / "dir", "not a regular file");
  }
  SECTION("folder") {
    refused(elsewhere / "none/jit.db", "No such file");
    fs::permissions(folder.path, static_cast<fs::perms>(0770));
    refused(path, "written by others");
    fs::permissions(folder.path, static_cast<fs::perms>(0777));
    refused(path, "written by others");
  }
  if (::geteuid() == 0) {
    SECTION("owner") {
      REQUIRE(::chown(path.c_str(), 4000000000U, 0) == 0);
      refused(path, "belongs to uid 4000000000");
    }
    SECTION("owner of the folder") {
      REQUIRE(::chown(folder.path.c_str(), 1000, 0) == 0);
      refused(path, "written by others");
    }
  }
}

TEST_CASE("a database of each older version is taken over with all that is in it", "[G10]") {
  const auto all = store::migrations();
  for (std::size_t version = 1; version < all.size(); ++version) {
    INFO(version);
    const Folder folder;
    const std::string path = folder / "jit.db";
    write(path, "");
    std::string sql = "PRAGMA application_id=" + std::to_string(store::kApplicationId) + ";";
    for (std::size_t n = 0; n < version; ++n) sql += all[n].sql;
    sql += "PRAGMA user_version=" + std::to_string(version);
    const bool tree = version >= 10;  // from then on the log has another form, and no entry without a tree
    if (!tree) sql += ";INSERT INTO audit VALUES (1, 11, 12, 1, NULL, x'00112233445566778899aabbccddeeff', 'b', 'old', 'p', '{\"argv\":[\"ls\"],\"door\":\"su\"}');"
           "INSERT INTO audit VALUES (2, 13, 14, 4294967295, NULL, NULL, 'b', 'older', '', 'no json')";
    shell(path, sql.c_str());
    Opened store(path);
    const auto kept = store.db->entries({});
    REQUIRE(kept.size() == (tree ? 0 : 2));
    if (!tree) {
      CHECK(kept[0].type == "old");
      CHECK(kept[0].boottime == 11);
      CHECK(kept[0].wall == 12);
      CHECK(kept[0].uid == 1);
      CHECK(kept[0].person == "p");
      CHECK(kept[0].grant.text() == "00112233445566778899aabbccddeeff");
      CHECK(kept[0].fields == R"({"argv":["ls"],"door":"su"})");
      CHECK(kept[1].uid == policy::kNoUid);
      CHECK(kept[1].fields == R"({"text":"no json"})");
    }
    CHECK(store.db->head().envelope.empty());
    core::Batch both = batch(request(1));
    both.grants.push_back(grant(2));
    REQUIRE(store.commit(both));
    CHECK(text(store.db->requests({}).at(0)) == text(request(1)));
    CHECK(text(store.db->grants({}).at(0)) == text(grant(2)));
  }
}

TEST_CASE("every kind of error has a name") {
  const std::pair<OpenError, const char*> table[] = {{OpenError::kNone, "none"},       {OpenError::kNewer, "newer"},
                                                     {OpenError::kDamaged, "damaged"}, {OpenError::kFull, "full"},
                                                     {OpenError::kIo, "io"}};
  for (const auto& [error, name] : table) CHECK(store::name_of(error) == name);
}
