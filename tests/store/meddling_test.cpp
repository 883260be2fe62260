// SPDX-License-Identifier: Apache-2.0
// Somebody has a hand in the files while they are open: noticed at the next commit, no write goes astray, well again when
// the cause is gone, and what was acknowledged is there.
#include <fcntl.h>
#include <sys/stat.h>
#include <sqlite3.h>
#include <unistd.h>

#include "tests/catch.h"
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "tests/store/samples.h"

using namespace jit;
using namespace jit::test;
namespace fs = std::filesystem;

namespace {

// In its place: the file stays the one it is. Done again, all is as before.
void turn_over(const std::string& path) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  REQUIRE_FALSE(bytes.empty());
  for (char& byte : bytes) byte = static_cast<char>(~byte);
  file.clear();
  file.seekp(0);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

struct Meddled {
  Folder folder;
  std::string path = folder / "home/jit.db";
  std::unique_ptr<Opened> store;
  std::uint64_t acknowledged = 0;

  // Some of it in the database, some in its log.
  Meddled() {
    fs::create_directory(folder / "home");
    fs::permissions(folder / "home", fs::perms::owner_all);
    store = std::make_unique<Opened>(path);
    write(400);
    store = nullptr;
    store = std::make_unique<Opened>(path);
    write(100);
  }
  void write(std::size_t count) {
    core::Batch some = batch(entry());
    some.entries.assign(count, entry("request.created", std::string(50, 'p')));
    REQUIRE(store->commit(some));
    acknowledged += count;
  }
  bool commit() {
    const bool done = store->commit(batch(entry()));
    if (done) ++acknowledged;
    return done;
  }
  void is_whole() {
    CHECK(store->db->last_sequence() == acknowledged);
    CHECK(store->db->last_error().empty());
    CHECK_FALSE(store->db->failing());
    store = nullptr;
    store = std::make_unique<Opened>(path);
    CHECK(store->db->last_sequence() == acknowledged);
    CHECK(commit());
  }
};

}  // namespace

TEST_CASE("the files are taken away, replaced, opened to others or damaged under the broker", "[meddling]") {
  struct Row {
    const char* name;
    std::function<void(Meddled&)> bad, good;
    const char* word;
  };
  const auto move = [](const char* from, const char* to) {
    return [=](Meddled& m) { fs::rename(m.folder / from, m.folder / to); };
  };
  const auto mode = [](const char* name, unsigned bits) {
    return [=](Meddled& m) { fs::permissions(m.folder / name, static_cast<fs::perms>(bits)); };
  };
  const auto turn = [](std::vector<std::string> ends) {
    return [=](Meddled& m) {
      for (const std::string& end : ends) turn_over(m.path + end);
    };
  };
  const auto replace = [](Meddled& m) {
    fs::rename(m.path, m.folder / "kept");
    fs::copy_file(m.folder / "kept", m.path);
    fs::permissions(m.path, static_cast<fs::perms>(0600));
  };
  const auto link = [](Meddled& m) {
    fs::rename(m.path, m.folder / "kept");
    fs::create_symlink(m.folder / "kept", m.path);
  };
  const auto owner = [](uid_t uid) {
    return [=](Meddled& m) { REQUIRE(::chown(m.path.c_str(), uid, uid) == 0); };
  };
  std::vector<Row> rows{
      {"moved away", move("home/jit.db", "kept"), move("kept", "home/jit.db"), "taken away"},
      {"replaced", replace, move("kept", "home/jit.db"), "replaced"},
      {"symbolic link", link, move("kept", "home/jit.db"), "symbolic link"},
      {"hard link", [](Meddled& m) { fs::create_hard_link(m.path, m.folder / "too"); },
       [](Meddled& m) { fs::remove(m.folder / "too"); }, "hard link"},
      {"mode", mode("home/jit.db", 0644), mode("home/jit.db", 0600), "open to others"},
      {"mode of the log", mode("home/jit.db-wal", 0660), mode("home/jit.db-wal", 0600), "open to others"},
      {"folder moved away", move("home", "kept"), move("kept", "home"), "No such file"},
      {"folder open to others", mode("home", 0777), mode("home", 0700), "written by others"},
      {"damaged", turn({""}), turn({""}), "damaged"},
      {"log damaged", turn({"-wal"}), turn({"-wal"}), "damaged"},
      {"both damaged", turn({"", "-wal"}), turn({"", "-wal"}), "damaged"},
  };
  if (::geteuid() == 0) rows.push_back({"owner", owner(1000), owner(0), "belongs to uid 1000"});
  for (const Row& row : rows) {
    INFO(row.name);
    Meddled m;
    row.bad(m);
    for (int i = 0; i < 3; ++i) {
      CHECK_FALSE(m.commit());
      CHECK(m.store->db->failing());
      INFO(m.store->db->last_error());
      CHECK(m.store->db->last_error().find(row.word) != std::string::npos);
    }
    row.good(m);
    CHECK(m.commit());
    m.is_whole();
  }
}

TEST_CASE("the files are deleted under the broker: they are made anew, with all that was acknowledged", "[meddling]") {
  struct Row {
    const char* name;
    std::vector<std::string> ends;
    const char* word;
  };
  for (const Row& row : {Row{"database", {""}, "was deleted"},
                         {"log", {"-wal"}, "-wal was taken away"},
                         {"database and log", {"", "-wal"}, "was deleted"},
                         {"all", {"", "-wal", "-shm"}, "was deleted"}}) {
    INFO(row.name);
    Meddled m;
    for (const std::string& end : row.ends) REQUIRE(fs::remove(m.path + end));
    CHECK_FALSE(m.commit());
    CHECK(m.store->db->last_error().find(row.word) != std::string::npos);
    CHECK(m.commit());
    CHECK(m.store->db->last_sequence() == m.acknowledged);
    struct stat st {};
    REQUIRE(::stat(m.path.c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0600);
    m.write(100);
    CHECK_FALSE(fs::exists(m.path + ".new"));
    m.is_whole();
  }
}

TEST_CASE("a log that is damaged after many commits in a row", "[meddling]") {
  Meddled m, beside;
  for (int i = 0; i < 5; ++i) REQUIRE(m.commit());
  core::Batch patient = batch(entry());
  patient.may_wait = true;
  REQUIRE(beside.store->commit(patient));  // takes 50 ms: the writer asks how the log was left when none came for 1
  turn_over(m.path + "-wal");
  CHECK_FALSE(m.commit());
  CHECK(m.store->db->last_error().find("damaged") != std::string::npos);
  turn_over(m.path + "-wal");
  CHECK(m.commit());
  m.is_whole();
}

TEST_CASE("somebody's hand in the log right after many commits in a row", "[meddling]") {
  SECTION("cut") {
    Meddled m;
    for (int i = 0; i < 5; ++i) REQUIRE(m.commit());
    fs::resize_file(m.path + "-wal", fs::file_size(m.path + "-wal") / 2);
    CHECK_FALSE(m.commit());
    CHECK(m.store->db->failing());
  }
  SECTION("an entry in the next one's place") {
    Meddled m;
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(m.path.c_str(), &db) == SQLITE_OK);
    for (int i = 0; i < 5; ++i) REQUIRE(m.commit());
    REQUIRE(sqlite3_exec(db, "INSERT INTO audit SELECT sequence + 1, wall, request, issued, hash, type, leaf, about, told, other, told_other FROM audit "
                             "ORDER BY sequence DESC LIMIT 1", nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
    for (int i = 0; i < 3; ++i) {
      CHECK_FALSE(m.commit());
      CHECK(m.store->db->failing());
    }
    CHECK(m.store->db->last_error().find("another log") != std::string::npos);
  }
}

TEST_CASE("a look at the files by somebody else, or a touch, is no damage", "[meddling]") {
  Meddled m;
  REQUIRE(::utimensat(AT_FDCWD, m.path.c_str(), nullptr, 0) == 0);
  CHECK(m.commit());
  std::ifstream(m.path).get();
  CHECK(m.commit());
  m.is_whole();
}
