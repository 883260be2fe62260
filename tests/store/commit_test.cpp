// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.h"
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/store/samples.h"
#include "tests/store/sync.h"

using namespace jit;
using namespace jit::test;

namespace {

// Holds the writer inside the sync of a first commit, so that all that comes then is one group.
struct Held {
  explicit Held(Opened& store) {
    REQUIRE(store.commit(batch(entry("zeroth"))));  // the first one of a log syncs its header too
    Syncs::hold();
    store.db->commit(batch(entry("first")), [](bool) {});
    Syncs::wait_for_one();
    before = Syncs::count();
  }
  int before = 0;
};

}  // namespace

TEST_CASE("all that waits becomes one transaction with one sync; answers come in order, on the posted thread") {
  const Folder folder;
  Opened store(folder / "jit.db");
  const Held held(store);
  constexpr int kMany = 1000;
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  for (int i = 0; i < kMany; ++i) {
    store.db->commit(batch(entry("n" + std::to_string(i))), [&, i](bool written) {
      order.push_back(written ? i : -1);
      threads.push_back(std::this_thread::get_id());
    });
  }
  Syncs::release();
  store.mail.run_until([&] { return order.size() == kMany; });
  CHECK(Syncs::count() == held.before + 1);
  REQUIRE(order.size() == kMany);
  for (int i = 0; i < kMany; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
  for (const std::thread::id& thread : threads) CHECK(thread == std::this_thread::get_id());
  const auto found = store.db->entries({2, 0, {}, "", "", false, 2000});
  REQUIRE(found.size() == kMany);
  for (std::size_t i = 0; i < kMany; ++i) {
    CHECK(found[i].sequence == i + 3);
    CHECK(found[i].type == "n" + std::to_string(i));
  }
}

TEST_CASE("one bad batch of a group fails alone") {
  const Folder folder;
  Opened store(folder / "jit.db");
  const core::Request asked = request(1);
  REQUIRE(store.commit(batch(asked)));
  const Held held(store);
  core::Batch again = batch(vote(asked, "bob"));  // the same vote twice: a constraint
  again.entries.push_back(entry("never"));
  core::Request cut = request(2);
  cut.argv = {std::string(1, '\0')};
  const core::Batch table[] = {batch(entry("a")), batch(vote(asked, "bob")), again, batch(cut), batch(entry("b"))};
  std::vector<bool> told;
  for (const core::Batch& one : table) store.db->commit(one, [&](bool written) { told.push_back(written); });
  Syncs::release();
  store.mail.run_until([&] { return told.size() == std::size(table); });
  CHECK(told == std::vector<bool>{true, true, false, false, true});
  CHECK_FALSE(store.db->failing());
  CHECK(store.db->votes(asked.id).size() == 1);
  std::string types;
  for (const auto& one : store.db->entries({})) types += std::to_string(one.sequence) + one.type + " ";
  CHECK(types == "1zeroth 2first 3a 4b ");
  // "b" was submitted for the fifth place.
  for (const auto& leaf : store.db->log(0, 10)) CHECK(leaf.leaf.find("\"sequence\":" + std::to_string(leaf.sequence) + ",") != std::string::npos);
}

TEST_CASE("too much waiting is refused at once") {
  const Folder folder;
  Opened store(folder / "jit.db");
  SECTION("many batches") {
    const Held held(store);
    constexpr std::size_t kQueue = 65'536;
    std::size_t written = 0;
    std::size_t refused = 0;
    const auto count = [&](bool ok) { ++(ok ? written : refused); };
    for (std::size_t i = 0; i < kQueue; ++i) store.db->commit({}, count);
    CHECK_FALSE(store.db->failing());
    store.db->commit(batch(entry("late")), count);
    CHECK(store.db->failing());
    store.mail.run_one();
    CHECK(refused == 1);
    Syncs::release();
    store.mail.run_until([&] { return written == kQueue; });
    CHECK(written == kQueue);
  }
  SECTION("large batches") {
    const Held held(store);
    std::size_t told = 0;
    std::size_t refused = 0;
    core::Request large = request(1);
    large.argv = {std::string(128 * 1024 - 1, 'x')};
    for (std::uint64_t i = 1; i <= 513; ++i) {
      large.id = id_of(i);
      store.db->commit(batch(large), [&](bool ok) {
        ++told;
        refused += ok ? 0U : 1U;
      });
    }
    Syncs::release();
    store.mail.run_until([&] { return told == 513; });
    CHECK(refused == 1);
  }
  CHECK(store.commit(batch(entry("after"))));
  CHECK_FALSE(store.db->failing());
  CHECK(store.db->last_error().empty());
}

TEST_CASE("the end writes what waits, and tells") {
  const Folder folder;
  Mailbox mail;
  int written = 0;
  {
    auto opened = store::Database::open(folder / "jit.db", mail.post(), words_log());
    REQUIRE(opened.database);
    for (int i = 0; i < 100; ++i) opened.database->commit(batch(entry()), [&](bool ok) { written += ok ? 1 : 0; });
  }
  mail.run_until([&] { return mail.waiting() == 0; });
  CHECK(written == 100);
  CHECK(Opened(folder / "jit.db").db->last_sequence() == 100);
}

namespace {

constexpr std::chrono::hours kForEver{1};

core::Batch patient(const std::string& type) {
  core::Batch out = batch(entry(type));
  out.may_wait = true;
  return out;
}

}  // namespace

TEST_CASE("what may wait goes with the first that may not, before it, in one transaction") {
  const Folder folder;
  Opened store(folder / "jit.db", kForEver);
  REQUIRE(store.commit(batch(entry("zeroth"))));
  const int before = Syncs::count();
  std::string told;
  for (const char* one : {"a", "b", "c"}) store.db->commit(patient(one), [&told, one](bool ok) { told += ok ? one : "-"; });
  SECTION("a commit that somebody waits for") {
    store.db->commit(batch(entry("d")), [&told](bool ok) { told += ok ? "d" : "-"; });
    store.mail.run_until([&] { return told.size() == 4; });
    CHECK(told == "abcd");
    CHECK(Syncs::count() == before + 1);
  }
  SECTION("a policy to keep") {
    store.db->keep_policy({"hash", {}, {}});
    store.mail.run_until([&] { return told.size() == 3; });
    CHECK(told == "abc");
  }
  SECTION("the end") {
    store.db.reset();
    CHECK(store.mail.waiting() == 1);
    store.mail.run_one();
    CHECK(told == "abc");
    CHECK(Opened(folder / "jit.db").db->last_sequence() == 4);
    return;
  }
  const auto found = store.db->entries({1, 0, {}, "", "", false, 10});
  REQUIRE(found.size() >= 3);
  CHECK(found[0].type + found[1].type + found[2].type == "abc");
}

TEST_CASE("what may wait is written by itself, and the next again") {
  const Folder folder;
  Opened store(folder / "jit.db");
  for (int i = 0; i < 3; ++i) CHECK(store.commit(patient("alone")));
  Opened prompt(folder / "prompt.db", std::chrono::milliseconds(0));
  CHECK(prompt.commit(patient("alone")));
}

TEST_CASE("what waited and could not be written is told so, and makes the store fail") {
  const Folder folder;
  Opened store(folder / "jit.db");
  REQUIRE(store.commit(batch(entry("good"))));
  Syncs::fail(1, EIO);
  CHECK_FALSE(store.commit(patient("lost")));
  CHECK(store.db->failing());
  Syncs::fail(0, 0);
  CHECK(store.commit(patient("kept")));
  CHECK_FALSE(store.db->failing());
}

TEST_CASE("the log file does not grow for ever, and a commit is one sync") {
  const Folder folder;
  Opened store(folder / "jit.db");
  core::Grant given = grant(1);
  REQUIRE(store.commit(batch(given)));
  const int before = Syncs::count();
  constexpr int kUses = 3000;
  for (int i = 0; i < kUses; ++i) {
    given.uses = static_cast<std::uint32_t>(i);
    core::Batch use = batch(given);
    use.entries.push_back(entry("grant.used"));
    REQUIRE(store.commit(use));
  }
  // A checkpoint costs a few more now and then.
  CHECK(Syncs::count() - before >= kUses);
  CHECK(Syncs::count() - before < kUses + kUses / 20);
  CHECK(store.db->grant(given.id)->uses == kUses - 1);
}

TEST_CASE("what a checkpoint copies is on its way to the disk before it is synced, and all of it arrives") {
  const Folder folder;
  const std::string path = folder / "jit.db";
  constexpr std::uint64_t kEntries = 4000;
  const long long before = Syncs::early();
  {
    Opened store(path);
    for (std::uint64_t i = 0; i < kEntries; i += 100) {
      core::Batch many;
      for (int k = 0; k < 100; ++k) {
        many.entries.push_back(entry("grant.used"));
        many.entries.back().fields = R"({"text":")" + std::string(2000, 'x') + R"("})";
      }
      REQUIRE(store.commit(many));
    }
  }
  CHECK(Syncs::early() - before > 3'000'000);
  CHECK(Syncs::early() - before < static_cast<long long>(std::filesystem::file_size(path)));
  Opened again(path);
  CHECK(again.db->last_sequence() == kEntries);
}
