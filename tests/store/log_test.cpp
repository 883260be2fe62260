// SPDX-License-Identifier: Apache-2.0
// The log as a tree: what is committed is under one root, what is granted is under a signed one, and a proof holds.
#include <sqlite3.h>

#include <atomic>
#include "tests/catch.h"
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>

#include "broker/store/leaves.h"
#include "broker/store/tree.h"
#include "tests/store/samples.h"
#include "tests/store/sync.h"

using namespace jit;
using namespace jit::test;
using namespace std::chrono_literals;

namespace {

struct Published {
  store::Log log(std::chrono::milliseconds each = 60s) {
    store::Log made = words_log();
    made.each = each;
    made.publish = [this](const core::Head& head, std::int64_t epoch) {
      const std::lock_guard lock(mutex);
      heads.push_back(head);
      epochs.push_back(epoch);
      came.notify_all();
    };
    return made;
  }
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    came.wait(lock, [&] { return heads.size() >= count; });
  }
  std::mutex mutex;
  std::condition_variable came;
  std::vector<core::Head> heads;
  std::vector<std::int64_t> epochs;
};

// The root that the entries themselves give.
evidence::Hash root_of(const std::vector<store::LogEntry>& entries, std::size_t count) {
  evidence::Frontier all;
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(evidence::leaf_hash(entries.at(i).leaf) == entries[i].hash);
    all.add(entries[i].hash);
  }
  return all.root();
}

std::string sql(const std::string& path, const std::string& text) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  char* said = nullptr;
  sqlite3_exec(db, text.c_str(), nullptr, nullptr, &said);
  const std::string out = said == nullptr ? "" : said;
  sqlite3_free(said);
  sqlite3_close(db);
  return out;
}

core::AuditEntry told(const std::string& type, const std::string& fields) {
  core::AuditEntry made = entry(type);
  made.fields = fields;
  return made;
}

}  // namespace

TEST_CASE("an entry that is read is the one that was written, and its leaf names nobody", "[log]") {
  const Folder folder;
  Opened store(folder / "jit.db");
  std::vector<core::AuditEntry> written;
  written.push_back(told("request.created", R"({"argv":["/bin/rm","secretfile"],"door":"sudo","reason":"because","state":"pending"})"));
  written.push_back(told("vote.cast", R"({"approve":true,"reason":"his words","voter":"bob","voter_uid":1001})"));
  written.push_back(told("fact.set", R"({"fact":"load","value":true})"));
  written.push_back(told("request.approved", R"({"argv":["x"],"decision":{"input":{"command":{"env":[["a",[["b"]]]]}},"read":{"load":null}},"state":"approved"})"));
  written.push_back(told("grant.ended", "{}"));
  written.back().person = all_bytes(0);
  written.push_back(told("policy.loaded", R"({"policy":"aa"})"));
  written.back().person.clear();
  written.back().uid = policy::kNoUid;
  written.back().request = {};
  written.back().grant = id_of(9);
  core::Batch batch;
  batch.entries = written;
  REQUIRE(store.commit(batch));
  const auto read = store.db->entries({});
  REQUIRE(read.size() == written.size());
  for (std::size_t i = 0; i < written.size(); ++i) {
    written[i].sequence = i + 1;
    CHECK(text(read[i]) == text(written[i]));
  }
  const auto leaves = store.db->log(0, 100);
  REQUIRE(leaves.size() == written.size());
  for (const store::LogEntry& each : leaves) {
    INFO(each.leaf);
    for (const char* word : {"alice", "secretfile", "because", "his words", "bob", "4000000123", "4294967294"}) {
      CHECK(each.leaf.find(word) == std::string::npos);
    }
  }
  CHECK(leaves[0].leaf.find("\"door\":\"sudo\"") != std::string::npos);
  CHECK(store.db->entries({0, 0, {}, "alice", "", false, 10}).size() == 4);
  CHECK(store.db->entries({0, 0, {}, "bob", "", false, 10}).empty());  // it is not about him
}

TEST_CASE("the same value never looks the same twice", "[log]") {
  const Folder folder;
  Opened store(folder / "jit.db");
  for (int i = 0; i < 600; ++i) REQUIRE(store.commit(batch(entry())));
  std::set<std::string> salts;
  for (const store::LogEntry& each : store.db->log(0, 1000)) {
    for (const auto& [name, value] : each.personal) salts.insert(value.at("salt").get<std::string>());
  }
  CHECK(salts.size() == 1800);
}

TEST_CASE("the first commit and each that holds a grant are under a signed head before anybody is told", "[log]") {
  const Folder folder;
  Published told;
  Opened store(folder / "jit.db", 50ms, told.log());
  CHECK(store.db->head().envelope.empty());
  REQUIRE(store.commit(batch(entry())));
  CHECK(store.db->head().size == 1);
  REQUIRE(store.commit(batch(entry())));
  CHECK(store.db->head().size == 1);
  core::Batch both = batch(grant(1));
  both.entries.push_back(entry("grant.created"));
  std::size_t heads_when_told = 0;
  store.db->commit(both, [&](bool ok) {
    REQUIRE(ok);
    const std::lock_guard lock(told.mutex);
    heads_when_told = told.heads.size();
  });
  store.mail.run_one();
  CHECK(heads_when_told == 2);
  const auto head = store.db->head();
  const auto leaves = store.db->log(0, 100);
  CHECK(head.size == 3);
  CHECK(head.root == evidence::to_hex(root_of(leaves, 3)));
  CHECK(head.envelope == "3 " + head.root + " 1");
  CHECK(told.heads.back().envelope == head.envelope);
  const auto kept = store.db->checkpoints(0, 100);
  REQUIRE(kept.size() == 2);
  CHECK(kept[1].envelope == head.envelope);
  SECTION("asked for") {
    REQUIRE(store.commit(batch(entry())));
    CHECK(store.seal());
    CHECK(store.db->head().size == 4);
    CHECK(store.seal());  // nothing to do
    CHECK(told.heads.size() == 3);
  }
  SECTION("at a clean stop") {
    REQUIRE(store.commit(batch(entry())));
    store.db.reset();
    CHECK(told.heads.back().size == 4);
    Opened again(folder / "jit.db");
    CHECK(again.db->head().size == 4);
    CHECK(again.db->head().root == told.heads.back().root);
  }
}

TEST_CASE("no entry is without a signed head for long", "[log]") {
  const Folder folder;
  Published told;
  Opened store(folder / "jit.db", 50ms, told.log(20ms));
  REQUIRE(store.commit(batch(entry())));
  REQUIRE(store.commit(batch(entry())));
  told.wait_for(2);
  CHECK(store.db->head().size == 2);
}

TEST_CASE("what cannot be signed is not granted", "[log]") {
  const Folder folder;
  std::atomic<bool> can = true;
  store::Log log = words_log();
  log.sign = [&, sign = log.sign](std::uint64_t size, const evidence::Hash& root, std::int64_t epoch) {
    return can ? sign(size, root, epoch) : std::string();
  };
  Opened store(folder / "jit.db", 50ms, log);
  REQUIRE(store.commit(batch(entry("first"))));
  can = false;
  core::Batch both = batch(grant(1));
  both.entries.push_back(entry("lost"));
  CHECK_FALSE(store.commit(both));
  CHECK(store.db->failing());
  CHECK(store.db->last_error().find("signed") != std::string::npos);
  CHECK_FALSE(store.db->grant(id_of(1)));
  CHECK(store.db->last_sequence() == 1);
  can = true;
  CHECK(store.commit(both));
  CHECK_FALSE(store.db->failing());
  CHECK(store.db->last_sequence() == 2);
  CHECK(store.db->head().root == evidence::to_hex(root_of(store.db->log(0, 10), 2)));
}

TEST_CASE("a batch that fails leaves no trace in the tree", "[log]") {
  const Folder folder;
  Opened store(folder / "jit.db");
  REQUIRE(store.commit(batch(entry("a"))));
  Syncs::hold();
  std::vector<bool> told;
  const auto add = [&](core::Batch one) { store.db->commit(std::move(one), [&](bool ok) { told.push_back(ok); }); };
  add(batch(entry("b")));
  Syncs::wait_for_one();
  core::Batch bad = batch(request(1));
  bad.requests[0].argv = {std::string("a\0b", 3)};
  bad.entries.push_back(entry("never"));
  add(batch(entry("c")));
  add(bad);
  add(batch(entry("d")));
  Syncs::release();
  store.mail.run_until([&] { return told.size() == 4; });
  CHECK(told == std::vector<bool>{true, true, false, true});
  REQUIRE(store.seal());
  const auto leaves = store.db->log(0, 10);
  REQUIRE(leaves.size() == 4);
  CHECK(store.db->head().root == evidence::to_hex(root_of(leaves, 4)));
  store.db.reset();
  Opened again(folder / "jit.db");
  REQUIRE(again.commit(batch(entry("e"))));
  CHECK(again.db->head().root == evidence::to_hex(root_of(again.db->log(0, 10), 5)));
}

TEST_CASE("every entry has a proof, and the tree is known at each size", "[log]") {
  const Folder folder;
  Opened store(folder / "jit.db");
  constexpr std::size_t kMany = 1300;  // five subtrees of 256 and a rest
  core::Batch many;
  for (std::size_t i = 0; i < kMany; ++i) {
    core::AuditEntry one = entry();
    one.request = id_of(i / 3);
    one.grant = i % 5 == 0 ? id_of(10'000 + i) : core::Id{};
    many.entries.push_back(one);
    if (many.entries.size() == 100) {
      REQUIRE(store.commit(many));
      many = {};
    }
  }
  REQUIRE(store.seal());
  const auto head = store.db->head();
  const auto leaves = store.db->log(0, kMany);
  REQUIRE(head.size == kMany);
  const auto root = evidence::hash_from_hex(head.root);
  REQUIRE(root);
  CHECK(*root == root_of(leaves, kMany));
  std::set<std::uint64_t> seen;
  for (std::size_t i = 0; i < kMany; i += 3) {
    const auto proof = store.db->proof(id_of(i / 3));
    REQUIRE(proof);
    CHECK(proof->head.envelope == head.envelope);
    for (const auto& [one, path] : proof->entries) {
      seen.insert(one.sequence);
      CHECK(evidence::included(evidence::leaf_hash(one.leaf), one.sequence - 1, head.size, path, *root));
      CHECK_FALSE(evidence::included(evidence::leaf_hash(one.leaf), one.sequence % kMany, head.size, path, *root));
    }
  }
  CHECK(seen.size() == kMany);
  CHECK(store.db->proof(id_of(10'005))->entries.size() == 1);
  CHECK(store.db->proof(id_of(10'006))->entries.empty());
  evidence::Frontier all;
  CHECK(store.db->root_at(0) == all.root());
  for (std::size_t i = 0; i < kMany; ++i) {
    all.add(leaves[i].hash);
    if (i < 40 || i % 97 == 0 || i % 256 < 3 || i > kMany - 5) CHECK(store.db->root_at(i + 1) == all.root());
  }
  CHECK_FALSE(store.db->root_at(kMany + 1));
}

TEST_CASE("one person is erased, the proofs hold, and what is missing is named", "[log]") {
  const Folder folder;
  const std::string path = folder / "jit.db";
  Opened store(path);
  core::Batch two;
  two.entries.push_back(told("vote.cast", R"({"approve":true,"reason":"words of bob","voter":"bob","voter_uid":1001})"));
  two.entries.push_back(told("request.denied", R"({"by":"bob","state":"denied","why":"no"})"));
  two.entries.push_back(told("request.cancelled", R"({"by":"alice","state":"cancelled"})"));
  two.entries.push_back(entry("request.created", "bob"));
  REQUIRE(store.commit(two));
  REQUIRE(store.seal());
  const auto before = store.db->head();
  const std::string said = sql(path, "UPDATE audit SET about = '', told = '' WHERE about = 'bob'; UPDATE audit SET other = '', told_other = '' WHERE other = 'bob'");
  CHECK(said.empty());
  const auto read = store.db->entries({});
  REQUIRE(read.size() == 4);
  CHECK(read[0].person == "alice");
  CHECK(read[0].fields == R"({"approve":true,"erased":["reason","voter","voter_uid"]})");
  CHECK(read[1].fields == R"({"erased":["by","why"],"state":"denied"})");
  CHECK(read[2].fields == R"({"by":"alice","state":"cancelled"})");
  CHECK(read[3].person.empty());
  CHECK(read[3].uid == policy::kNoUid);
  CHECK(read[3].fields == R"({"erased":["person","reason","uid"]})");
  CHECK(store.db->entries({0, 0, {}, "bob", "", false, 10}).empty());
  const auto leaves = store.db->log(0, 10);
  CHECK(evidence::to_hex(root_of(leaves, 4)) == before.root);
  for (const store::LogEntry& each : leaves) CHECK(evidence::read_leaf(each.leaf, each.personal));
}

TEST_CASE("what is erased is gone from the disk, and what lives or is owed stays", "[log]") {
  const Folder folder;
  const std::string path = folder / "jit.db";
  Opened store(path);
  const auto made = [](std::uint64_t number, core::RequestState state) {
    core::Request one = request(number);
    one.state = state;
    one.review_due = 0;
    one.reviewed_wall = 0;
    one.payload = "payload-of-" + std::to_string(number);
    one.nonce = std::to_string(number);
    return one;
  };
  const std::string person = made(1, core::RequestState::kPending).subject.identity->person;
  core::Batch all;
  all.requests = {made(1, core::RequestState::kPending), made(2, core::RequestState::kDenied), made(3, core::RequestState::kApproved),
                  made(4, core::RequestState::kApproved), made(5, core::RequestState::kDenied), made(6, core::RequestState::kApproved)};
  all.requests[5].review_due = 5;
  for (const std::uint64_t number : {13U, 14U, 17U}) {
    core::Grant one = grant(number);
    if (number != 17) one.request = id_of(number - 10);
    if (number != 13) one.state = core::GrantState::kEnded;
    all.grants.push_back(one);
  }
  core::Vote blocks = vote(all.requests[4], "bob", false);
  blocks.block_s = 3600;
  blocks.time = 1'790'000'000'000;
  all.votes.push_back(blocks);
  all.entries.push_back(entry("request.created", person));
  all.entries[0].fields = R"({"reason":"unmistakable"})";
  REQUIRE(store.commit(all));
  CHECK(store.db->told_of(person) == 1);
  CHECK(store.db->told_of("nobody") == 0);
  const auto on_disk = [&](const std::string& word) {
    for (const char* end : {"", "-wal"}) {
      std::ifstream file(path + end, std::ios::binary);
      std::ostringstream bytes;
      bytes << file.rdbuf();
      if (bytes.str().find(word) != std::string::npos) return true;
    }
    return false;
  };
  CHECK(on_disk("unmistakable"));
  CHECK(on_disk("payload-of-2"));
  core::Batch erase = batch(entry("log.erased", "root"));
  erase.erased = {person};
  REQUIRE(store.commit(erase));
  CHECK_FALSE(on_disk("unmistakable"));
  CHECK_FALSE(on_disk("payload-of-2"));
  CHECK_FALSE(on_disk("payload-of-4"));
  CHECK(store.db->told_of(person) == 0);
  std::vector<core::Id> left;
  for (const core::Request& one : store.db->requests({})) left.push_back(one.id);
  CHECK(left == std::vector<core::Id>{id_of(1), id_of(3), id_of(5), id_of(6)});  // lives, led to a living grant, blocks, is owed a review
  CHECK(store.db->grant(id_of(13)));
  CHECK_FALSE(store.db->grant(id_of(14)));
  CHECK_FALSE(store.db->grant(id_of(17)));
  CHECK(store.db->entries({}).size() == 2);
  REQUIRE(store.seal());
  CHECK(store.db->head().root == evidence::to_hex(root_of(store.db->log(0, 10), 2)));
}

TEST_CASE("an entry that was changed in the file is shown as such", "[log]") {
  const Folder folder;
  const std::string path = folder / "jit.db";
  Opened store(path);
  REQUIRE(store.commit(batch(entry())));
  REQUIRE(store.commit(batch(entry())));
  store.db.reset();
  CHECK(sql(path, "DROP TRIGGER told_is_erased_only; UPDATE audit SET told = replace(told, 'x00', 'x01') WHERE sequence = 1").empty());
  Opened again(path);
  const auto read = again.db->entries({});
  REQUIRE(read.size() == 2);
  CHECK(read[0].fields.find("damaged") != std::string::npos);
  CHECK(read[1].fields.find("damaged") == std::string::npos);
}

TEST_CASE("a log that is put back to an older one while it is written is refused, and taken again when it is put right", "[log]") {
  const Folder folder;
  const std::string path = folder / "jit.db";
  Opened store(path);
  REQUIRE(store.commit(batch(entry("one"))));
  // In place, the same file: only what is in it tells.
  const auto copy = [](const std::string& from, const std::string& to) {
    sqlite3* source = nullptr;
    sqlite3* target = nullptr;
    REQUIRE(sqlite3_open(from.c_str(), &source) == SQLITE_OK);
    REQUIRE(sqlite3_open(to.c_str(), &target) == SQLITE_OK);
    sqlite3_backup* backup = sqlite3_backup_init(target, "main", source, "main");
    REQUIRE(backup != nullptr);
    CHECK(sqlite3_backup_step(backup, -1) == SQLITE_DONE);
    CHECK(sqlite3_backup_finish(backup) == SQLITE_OK);
    sqlite3_close(source);
    sqlite3_close(target);
  };
  copy(path, folder / "old.db");
  REQUIRE(store.commit(batch(entry("two"))));
  copy(path, folder / "new.db");
  copy(folder / "old.db", path);
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(store.commit(batch(entry("lost"))));
    CHECK(store.db->failing());
    CHECK(store.db->last_error().find("another log") != std::string::npos);
  }
  copy(folder / "new.db", path);
  CHECK(store.commit(batch(entry("three"))));
  CHECK_FALSE(store.db->failing());
  CHECK(store.db->last_sequence() == 3);
}

TEST_CASE("the epoch rises with what it is about, and is signed", "[log]") {
  const Folder folder;
  Published told;
  Opened store(folder / "jit.db", 50ms, told.log());
  REQUIRE(store.commit(batch(entry())));
  CHECK(store.db->epoch() == 1);
  core::Batch more = batch(entry("log.rolled-back"));
  more.epoch = 4;
  REQUIRE(store.commit(more));
  CHECK(store.db->epoch() == 4);
  CHECK(store.db->head().size == 2);
  CHECK(told.epochs == std::vector<std::int64_t>{1, 4});
  core::Batch less = batch(entry());
  less.epoch = 2;
  REQUIRE(store.commit(less));
  CHECK(store.db->epoch() == 4);
  store.db.reset();
  CHECK(Opened(folder / "jit.db").db->epoch() == 4);
}

TEST_CASE("a tree is kept as it was packed", "[log]") {
  store::Tree tree;
  evidence::Frontier same;
  for (int i = 0; i < 300; ++i) {
    const evidence::Hash leaf = evidence::leaf_hash(std::to_string(i));
    tree.add(leaf);
    same.add(leaf);
    CHECK(tree.root() == same.root());
    const auto again = store::Tree::from(tree.size(), tree.packed());
    REQUIRE(again);
    CHECK(*again == tree);
  }
  CHECK_FALSE(store::Tree::from(3, std::string(32, 'x')));
  CHECK_FALSE(store::Tree::from(1, std::string(33, 'x')));
  CHECK(store::Tree::from(0, "")->root() == evidence::Frontier().root());
}
