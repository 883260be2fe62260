// SPDX-License-Identifier: Apache-2.0
// Is this the database whose log was signed last? Each way in which it is not, and none in which it is.
#include <sys/stat.h>

#include "tests/catch.h"
#include <filesystem>
#include <fstream>

#include "broker/store/log_keeper.h"
#include "evidence/checkpoint.h"
#include "tests/store/samples.h"

using namespace jit;
using namespace jit::test;

namespace {

namespace fs = std::filesystem;

struct Still final : core::Clock {
  core::BootMs boottime() const override { return 5; }
  core::WallMs wall() const override { return 1'790'000'000'000; }
};

std::shared_ptr<const evidence::HostKey> new_key() { return std::make_shared<const evidence::HostKey>(evidence::HostKey::generate()); }

// A broker's start, its commits, and its end.
class Start {
 public:
  Start(const Folder& folder, std::shared_ptr<const evidence::HostKey> key, const std::string& boot = "b1")
      : keeper(folder / "head", boot, clock, [this](const core::Head& head, const std::string& why) {
          if (!why.empty()) problem = why;
          last = head;
        }) {
    keeper.use_key(std::move(key));
    keeper.use_policy("aa", 3);
    opened = std::make_unique<Opened>(folder / "jit.db", store::Database::kPatience, keeper.log());
    judged = keeper.judge(*opened->db);
  }
  // As the core does it after each start.
  void go_on() {
    core::Batch first = batch(entry(judged.cause.empty() ? "broker.started" : "log.rolled-back"));
    if (!judged.cause.empty()) first.epoch = judged.epoch;
    REQUIRE(opened->commit(first));
  }
  void write(int count) {
    for (int i = 0; i < count; ++i) {
      core::Batch both = batch(entry());
      both.grants.push_back(grant(++next_grant));
      REQUIRE(opened->commit(both));
    }
  }
  static inline std::uint64_t next_grant = 0;
  Still clock;
  core::Head last;
  std::string problem;
  store::LogKeeper keeper;
  std::unique_ptr<Opened> opened;
  store::LogKeeper::Judged judged;
};

void copy_files(const Folder& folder, const std::string& from, const std::string& to) {
  for (const char* end : {"", "-wal"}) {
    std::error_code none;
    fs::remove(folder / (to + end), none);
    if (fs::exists(folder / (from + end))) fs::copy_file(folder / (from + end), folder / (to + end));
  }
  std::error_code none;
  fs::remove(folder / (to + "-shm"), none);
}

}  // namespace

TEST_CASE("the log that was signed last is known again", "[keeper]") {
  const Folder folder;
  const auto key = new_key();
  for (int run = 0; run < 3; ++run) {
    Start start(folder, key, run == 2 ? "b2" : "b1");  // of another boot, too
    CHECK(start.judged.cause.empty());
    CHECK(start.judged.epoch == 1);
    start.go_on();
    start.write(3);
    const auto kept = store::HeadFile(folder / "head").read();
    REQUIRE(kept);
    CHECK(kept->epoch == 1);
    const auto checkpoint = evidence::read_checkpoint(kept->checkpoint.payload);
    REQUIRE(checkpoint);
    CHECK(checkpoint->size == static_cast<std::uint64_t>(4 * (run + 1)));
    CHECK(checkpoint->host_id == key->id());
    CHECK(checkpoint->boot_id == (run == 2 ? "b2" : "b1"));
    CHECK(checkpoint->policy_hash == "aa");
    CHECK(checkpoint->people_version == 3);
    CHECK(checkpoint->wall_ms == 1'790'000'000'000);
    CHECK(key->seal(evidence::kCheckpointType, kept->checkpoint.payload, evidence::kCheckpointNamespace) == kept->checkpoint);
    CHECK(start.problem.empty());
  }
  fs::remove(folder / "head");  // as after a restart of the host
  Start after(folder, key, "b3");
  CHECK(after.judged.cause.empty());
}

TEST_CASE("a database that was lost or put back is found out", "[keeper]") {
  const Folder folder;
  auto key = new_key();
  {
    Start start(folder, key);
    start.go_on();
    start.write(2);
  }
  copy_files(folder, "jit.db", "old.db");
  {
    Start start(folder, key);
    start.go_on();
    start.write(2);
  }
  std::string cause;
  std::int64_t epoch = 2;
  SECTION("put back") {
    copy_files(folder, "old.db", "jit.db");
    cause = "behind";
  }
  SECTION("put back, and gone on with where the head could not be seen: a clone") {
    copy_files(folder, "old.db", "jit.db");
    fs::rename(folder / "head", folder / "kept");
    {
      Start clone(folder, key, "b2");
      clone.go_on();
      clone.write(5);
    }
    fs::rename(folder / "kept", folder / "head");
    cause = "other";
  }
  SECTION("lost") {
    fs::remove(folder / "jit.db");
    cause = "behind";
  }
  SECTION("the head is missing, and this boot had one") {
    fs::remove(folder / "head");
    cause = "missing";
  }
  SECTION("the head is damaged") {
    std::ofstream(folder / "head", std::ios::app) << "x";
    cause = "damaged";
  }
  SECTION("the head is half") {
    fs::resize_file(folder / "head", 100);
    cause = "damaged";
  }
  SECTION("others can write the head") {
    ::chmod((folder / "head").c_str(), 0666);
    cause = "damaged";
  }
  SECTION("another key: another host") {
    key = new_key();
    cause = "key";
  }
  SECTION("another key, and nothing else to compare with") {
    key = new_key();
    fs::remove(folder / "head");
    cause = "key";
  }
  SECTION("another key, and the log began anew") {
    key = new_key();
    fs::remove(folder / "jit.db");
    cause = "key";
  }
  {
    Start found(folder, key);
    INFO(found.judged.text);
    CHECK(found.judged.cause == cause);
    CHECK_FALSE(found.judged.text.empty());
    CHECK(found.judged.epoch == epoch);
    // Until what follows of it is written, it is found again.
  }
  {
    Start again(folder, key);
    CHECK(again.judged.cause == cause);
    again.go_on();
    CHECK(again.opened->db->epoch() == 2);
  }
  Start after(folder, key);
  CHECK(after.judged.cause.empty());
  CHECK(after.judged.epoch == 2);
}

TEST_CASE("a broker that was killed between a boot's first commit and its first head finds nothing lost", "[keeper]") {
  const Folder folder;
  const auto key = new_key();
  for (const char* boot : {"b1", "b2"}) {
    INFO(boot);
    // The first commit is durable, and its head is not in the file yet.
    std::error_code none;
    fs::remove(folder / "head", none);  // a new boot
    {
      Start start(folder, key, boot);
      CHECK(start.judged.cause.empty());
      REQUIRE(fs::exists(folder / "head"));
      fs::copy_file(folder / "head", folder / "before", fs::copy_options::overwrite_existing);
      start.go_on();
    }
    fs::rename(folder / "before", folder / "head");
    copy_files(folder, "jit.db", "killed.db");
    {
      Start again(folder, key, boot);
      INFO(again.judged.text);
      CHECK(again.judged.cause.empty());
      CHECK(again.judged.epoch == 1);
      again.go_on();
      again.write(2);
    }
    // What was always found is found still: it is put back, or its head is taken away.
    copy_files(folder, "jit.db", "good.db");
    copy_files(folder, "killed.db", "jit.db");
    CHECK(Start(folder, key, boot).judged.cause == "behind");
    copy_files(folder, "good.db", "jit.db");
    fs::rename(folder / "head", folder / "kept");
    CHECK(Start(folder, key, boot).judged.cause == "missing");
    CHECK_FALSE(fs::exists(folder / "head"));  // it is found again
    fs::rename(folder / "kept", folder / "head");
    CHECK(Start(folder, key, boot).judged.cause.empty());
  }
}

TEST_CASE("a database from before an earlier loss is found out by its epoch", "[keeper]") {
  const Folder folder;
  const auto key = new_key();
  {
    Start start(folder, key);
    start.go_on();
  }
  copy_files(folder, "jit.db", "first.db");
  {
    // Its head says a later epoch of the same log.
    Start start(folder, key);
    start.judged = {"other", "", 5, 0};
    start.go_on();
  }
  fs::copy_file(folder / "head", folder / "fifth");
  {
    Start start(folder, key);
    CHECK(start.judged.cause.empty());
    CHECK(start.judged.epoch == 5);
    CHECK(start.judged.people_version == 3);
  }
  copy_files(folder, "first.db", "jit.db");
  Start back(folder, key);
  CHECK(back.judged.cause == "behind");
  CHECK(back.judged.epoch == 6);
}

TEST_CASE("what was known of people is not forgotten, whatever else is wrong", "[keeper]") {
  const Folder folder;
  const auto key = new_key();
  {
    Start start(folder, key);
    start.go_on();
    start.write(1);
  }
  fs::rename(folder / "head", folder / "away");
  {
    Start start(folder, key);
    CHECK(start.judged.cause == "missing");
    CHECK(start.judged.people_version == 3);
    start.go_on();
  }
  for (const char* end : {"", "-wal", "-shm"}) fs::remove(folder / (std::string("jit.db") + end));
  {
    Start start(folder, key);
    CHECK(start.judged.cause == "behind");
    CHECK(start.judged.people_version == 3);
  }
  Start other(folder, new_key());
  CHECK(other.judged.cause == "key");
  CHECK(other.judged.people_version == 0);  // of another host
}

TEST_CASE("a head that cannot be remembered is told, and the log goes on", "[keeper]") {
  const Folder folder;
  const auto key = new_key();
  Start start(folder, key);
  start.go_on();
  fs::create_directory(folder / "head.new");
  start.write(1);
  CHECK(start.problem.find("head") != std::string::npos);
  fs::remove(folder / "head.new");
  start.problem.clear();
  start.write(1);
  CHECK(start.problem.empty());
}

TEST_CASE("a head file of anything else is none", "[keeper]") {
  const Folder folder;
  const auto key = new_key();
  {
    Start start(folder, key);
    start.go_on();
  }
  std::ifstream file(folder / "head");
  std::string good;
  std::getline(file, good);
  store::HeadFile head(folder / "head");
  const auto reads = [&](const std::string& text) {
    std::ofstream(folder / "head", std::ios::trunc) << text;
    return head.read().has_value();
  };
  CHECK(reads(good + "\n"));
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    // What still parses is not signed by this key, or says another boot or epoch than what is signed.
    if (!reads(bad + "\n")) continue;
    Start found(folder, key);
    CHECK((found.judged.cause == "damaged" || found.judged.cause == "key"));
  }
  CHECK_FALSE(reads(""));
  CHECK_FALSE(reads(good));
  CHECK_FALSE(reads(good + "\n\n"));
  CHECK_FALSE(reads(good + std::string(20'000, ' ') + "\n"));
  fs::remove(folder / "head");
  fs::create_symlink(folder / "nowhere", folder / "head");
  CHECK_FALSE(head.read());
  CHECK_FALSE(head.problem().empty());
  fs::remove(folder / "head");
  CHECK_FALSE(head.read());
  CHECK(head.problem().empty());
}
