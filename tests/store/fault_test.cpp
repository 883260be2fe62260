// SPDX-License-Identifier: Apache-2.0
// The disk fails, is full, and is well again: told, nothing half written, no restart.
#include <cerrno>
#include "tests/catch.h"
#include <filesystem>
#include <fstream>

#include "tests/store/samples.h"
#include "tests/store/sync.h"

using namespace jit;
using namespace jit::test;

TEST_CASE("a sync that fails: false to the whole group, nothing of it there, and well again with the next commit") {
  const Folder folder;
  Opened store(folder / "jit.db");
  REQUIRE(store.commit(batch(entry("good"))));
  for (const int error : {EIO, ENOSPC, EDQUOT, EROFS}) {
    for (const int times : {1, 2, 3, 5, 8}) {
      INFO(error << " " << times);
      Syncs::fail(times, error);
      const std::uint64_t before = store.db->last_sequence();
      CHECK_FALSE(store.commit(batch(entry("lost"))));
      CHECK(store.db->failing());
      CHECK_FALSE(store.db->last_error().empty());
      CHECK(store.db->last_sequence() == before);
      Syncs::fail(0, 0);
      CHECK(store.commit(batch(entry("good"))));
      CHECK_FALSE(store.db->failing());
      CHECK(store.db->last_error().empty());
      CHECK(store.db->last_sequence() == before + 1);
    }
  }
  for (const auto& one : store.db->entries({})) CHECK(one.type == "good");
  // Each was submitted for the place behind what was lost.
  for (const auto& leaf : store.db->log(0, 100)) CHECK(leaf.leaf.find("\"sequence\":" + std::to_string(leaf.sequence) + ",") != std::string::npos);
}

TEST_CASE("a group fails as one where the disk is at fault") {
  const Folder folder;
  Opened store(folder / "jit.db");
  Syncs::hold();
  Syncs::fail(3, EIO);
  std::vector<bool> told;
  for (int i = 0; i < 5; ++i) store.db->commit(batch(entry()), [&](bool written) { told.push_back(written); });
  Syncs::wait_for_one();
  Syncs::release();
  store.mail.run_until([&] { return told.size() == 5; });
  Syncs::fail(0, 0);
  CHECK(told.front() == false);
  CHECK(store.commit(batch(entry("good"))));
  const auto good = static_cast<std::uint64_t>(std::ranges::count(told, true));
  CHECK(store.db->last_sequence() == good + 1);
}

TEST_CASE("a policy that could not be kept is kept with a later commit") {
  const Folder folder;
  Opened store(folder / "jit.db");
  Syncs::hold();
  Syncs::fail(1, EIO);
  store.db->keep_policy({"h1", {{"a.toml", "x"}}, {}});
  Syncs::wait_for_one();
  Syncs::release();
  REQUIRE(store.commit(batch(entry())));
  store.db.reset();
  CHECK(Opened(folder / "jit.db").db->kept_policy());
}

TEST_CASE("the file taken away or replaced under the broker: no write goes astray") {
  const Folder folder;
  Opened store(folder / "jit.db");
  REQUIRE(store.commit(batch(entry())));
  std::filesystem::rename(folder / "jit.db", folder / "kept.db");
  { const Opened other(folder / "other.db"); }
  std::filesystem::rename(folder / "other.db", folder / "jit.db");
  Syncs::fail(1, EIO);
  CHECK_FALSE(store.commit(batch(entry())));
  Syncs::fail(0, 0);
  CHECK_FALSE(store.commit(batch(entry())));
  CHECK(store.db->failing());
  CHECK(store.db->last_error().find("replaced") != std::string::npos);
}

// Run by store.full-disk, in a mount namespace, with a tmpfs of 512 KiB as the working folder.
TEST_CASE("a full disk", "[.][full-disk]") {
  const Folder folder;
  const auto fill = [&] {
    std::ofstream big(folder / "big", std::ios::binary | std::ios::app);
    const std::string block(4096, 'x');
    while (big.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  };
  const auto free = [&] { std::filesystem::remove(folder / "big"); };
  {
    Opened store(folder / "jit.db");
    std::uint64_t acknowledged = 0;
    for (int round = 0; round < 3; ++round) {
      fill();
      core::Batch large = batch(entry());
      large.entries[0].fields = R"({"reason":")" + std::string(64 * 1024, 'x') + "\"}";
      CHECK_FALSE(store.commit(large));
      CHECK(store.db->failing());
      CHECK_FALSE(store.db->last_error().empty());
      CHECK(store.db->last_sequence() == acknowledged);
      free();
      CHECK(store.db->failing());  // nobody tried yet
      CHECK(store.commit(batch(entry())));
      ++acknowledged;
      CHECK_FALSE(store.db->failing());
      CHECK(store.db->last_sequence() == acknowledged);
    }
  }
  // Until it is full by itself: what was acknowledged is there, and all of it can be read.
  std::uint64_t acknowledged = 3;
  {
    Opened store(folder / "jit.db");
    core::Batch some = batch(entry());
    some.entries[0].fields = R"({"reason":")" + std::string(8 * 1024, 'x') + "\"}";
    while (store.commit(some)) ++acknowledged;
    CHECK(store.db->failing());
    CHECK(store.db->last_sequence() == acknowledged);
  }
  fill();
  Mailbox mail;
  const auto opened = store::Database::open(folder / "jit.db", mail.post(), words_log());
  if (!opened.database) CHECK(opened.error == store::OpenError::kFull);
  const auto created = store::Database::open(folder / "second.db", mail.post(), words_log());
  CHECK(created.error == store::OpenError::kFull);
  CHECK(created.message.find("full") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder / "second.db"));
  CHECK_FALSE(std::filesystem::exists(folder / "second.db.new"));
  free();
  CHECK(Opened(folder / "jit.db").db->last_sequence() == acknowledged);
}
