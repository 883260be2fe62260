// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.h"
#include <map>
#include <set>

#include "broker/directory/engine.h"
#include "tests/directory/loop.h"

using namespace jit;
using namespace jit::directory;
using namespace std::chrono_literals;

namespace {

// Answers from a table; a uid in `stuck` hangs until released.
class Table final : public Resolver {
 public:
  User by_name(const std::string& name) override {
    enter("name:" + name, 0);
    User user = found(name.starts_with("user") ? static_cast<std::uint32_t>(std::stoul(name.substr(4))) : 4242, name);
    if (name == "nobody-here") user.status = Status::kAbsent;
    if (name == "broken") user.status = Status::kUnknown;
    return user;
  }
  User by_uid(std::uint32_t uid) override {
    enter("uid:" + std::to_string(uid), uid);
    return found(uid, "user" + std::to_string(uid));
  }
  Group group(std::uint32_t gid) override {
    enter("gid:" + std::to_string(gid), gid);
    if (gid == 77) return {Status::kAbsent, "77"};
    if (gid == 78) return {};
    return {Status::kFound, "group" + std::to_string(gid)};
  }

  void hang(std::uint32_t id) {
    const std::lock_guard lock(mutex_);
    stuck_.insert(id);
  }
  void release_all() {
    const std::lock_guard lock(mutex_);
    stuck_.clear();
    changed_.notify_all();
  }
  int calls(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return calls_[key];
  }
  bool wait_inside(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return inside_ >= count; });
  }

 private:
  static User found(std::uint32_t uid, const std::string& name) {
    User user;
    user.status = Status::kFound;
    user.uid = uid;
    user.name = name;
    user.groups_known = true;
    user.groups = {"staff"};
    return user;
  }
  void enter(const std::string& key, std::uint32_t id) {
    std::unique_lock lock(mutex_);
    ++calls_[key];
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !stuck_.contains(id); });
    --inside_;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> calls_;
  std::set<std::uint32_t> stuck_;
  std::size_t inside_ = 0;
};

struct Bed {
  explicit Bed(Options options = {}) {
    engine = Engine::make(loop.post(), options, table, [this] { return now; });
  }
  ~Bed() { table->release_all(); }

  User uid(std::uint32_t id) {
    std::optional<User> got;
    engine->by_uid(id, [&](const User& user) { got = user; });
    REQUIRE(loop.until([&] { return got.has_value(); }));
    return *got;
  }
  User name(const std::string& text) {
    std::optional<User> got;
    engine->by_name(text, [&](const User& user) { got = user; });
    REQUIRE(loop.until([&] { return got.has_value(); }));
    return *got;
  }
  User account(std::uint32_t id, const std::string& text) {
    std::optional<User> got;
    engine->account(id, text, [&](const User& user) { got = user; });
    REQUIRE(loop.until([&] { return got.has_value(); }));
    return *got;
  }
  std::string group(std::uint32_t gid) {
    std::optional<std::string> got;
    engine->group_name(gid, [&](std::string text) { got = std::move(text); });
    REQUIRE(loop.until([&] { return got.has_value(); }));
    return *got;
  }

  test::Loop loop;
  std::shared_ptr<Table> table = std::make_shared<Table>();
  Pool::Steady::time_point now = Pool::Steady::now();
  std::shared_ptr<Engine> engine;
};

Options quick(std::chrono::milliseconds timeout) {
  Options options;
  options.timeout = timeout;
  return options;
}

}  // namespace

TEST_CASE("an account is of its name and its uid together, also by a second name") {
  struct Row {
    std::uint32_t uid;
    const char* name;
    Status status;
    std::uint32_t uid_now;
    const char* name_now;
  };
  const Row rows[] = {
      {1000, "user1000", Status::kFound, 1000, "user1000"},
      {4242, "alice", Status::kFound, 4242, "alice"},              // the first line of this uid is user4242
      {1000, "alice", Status::kFound, 1000, "user1000"},           // her name is another account's now
      {1000, "nobody-here", Status::kFound, 1000, "user1000"},     // her uid is
      {1000, "", Status::kFound, 1000, "user1000"},                // it had no name then
      {4242, "broken", Status::kUnknown, 4294967295U, ""},         // nobody can tell
  };
  Bed bed;
  for (const Row& row : rows) {
    INFO(row.uid << " " << row.name);
    const User now = bed.account(row.uid, row.name);
    CHECK(now.status == row.status);
    if (row.status == Status::kUnknown) continue;
    CHECK(now.uid == row.uid_now);
    CHECK(now.name == row.name_now);
  }
  CHECK(bed.table->calls("name:user1000") == 0);
}

TEST_CASE("a user is found, absent or unknown") {
  Bed bed;
  CHECK(bed.uid(1000).name == "user1000");
  CHECK(bed.uid(2147483648U).uid == 2147483648U);
  CHECK(bed.uid(4294967294U).status == Status::kFound);
  CHECK(bed.name("alice").groups == std::vector<std::string>{"staff"});
  CHECK(bed.name("nobody-here").status == Status::kAbsent);
  CHECK(bed.name("broken").status == Status::kUnknown);
  CHECK(bed.group(10) == "group10");
  CHECK(bed.group(77) == "77");
  CHECK(bed.group(78).empty());
}

TEST_CASE("names that no user can have are absent without asking NSS") {
  Bed bed;
  const std::vector<std::string> names = {"", "-n", "-", "a:b", "a\nroot:0", "../../etc/x", "/", std::string("a\0b", 3),
                                          std::string(257, 'a')};
  for (const auto& name : names) {
    CAPTURE(name);
    std::optional<User> got;
    bed.engine->by_name(name, [&](const User& user) { got = user; });
    REQUIRE(got.has_value());
    CHECK(got->status == Status::kAbsent);
    CHECK(bed.table->calls("name:" + name) == 0);
  }
  for (const std::string name : {"%s", "0", "#0", "a b", "\xc3\xa9", "a-b"}) CHECK(bed.name(name).status == Status::kFound);
  CHECK(bed.name(std::string(256, 'a')).status == Status::kFound);
  std::optional<User> unset;
  bed.engine->by_uid(4294967295U, [&](const User& user) { unset = user; });
  REQUIRE(unset.has_value());
  CHECK(unset->status == Status::kAbsent);
}

TEST_CASE("an answer is kept for its time, at once, and until forget") {
  Bed bed;
  bed.uid(1000);
  bed.now += 29s;
  bool at_once = false;
  bed.engine->by_uid(1000, [&](const User& user) { at_once = user.uid == 1000; });
  CHECK(at_once);
  CHECK(bed.table->calls("uid:1000") == 1);
  bed.now += 1s;
  bed.uid(1000);
  CHECK(bed.table->calls("uid:1000") == 2);
  bed.engine->forget();
  bed.uid(1000);
  CHECK(bed.table->calls("uid:1000") == 3);
  bed.uid(1001);
  bed.engine->forget(1000);
  bed.uid(1000);
  bed.uid(1001);
  CHECK(bed.table->calls("uid:1000") == 4);
  CHECK(bed.table->calls("uid:1001") == 1);
  bed.name("broken");
  bed.name("broken");
  CHECK(bed.table->calls("name:broken") == 2);
}

TEST_CASE("who has a number of DynamicUser= is asked for each time: the number may be another's by now") {
  Bed bed;
  const std::pair<std::uint32_t, int> table[] = {{61183, 1}, {61184, 2}, {65519, 2}, {65520, 1}};
  for (const auto& [uid, calls] : table) {
    INFO(uid);
    bed.uid(uid);
    bed.uid(uid);
    CHECK(bed.table->calls("uid:" + std::to_string(uid)) == calls);
  }
}

TEST_CASE("what was on its way at forget is not kept") {
  Bed bed;
  bed.table->hang(5);
  int got = 0;
  bed.engine->by_uid(5, [&](const User&) { ++got; });
  REQUIRE(bed.table->wait_inside(1));
  const bool all = GENERATE(true, false);
  all ? bed.engine->forget() : bed.engine->forget(5);
  bed.table->release_all();
  REQUIRE(bed.loop.until([&] { return got == 1; }));
  bed.uid(5);
  CHECK(bed.table->calls("uid:5") == 2);
}

TEST_CASE("equal look-ups are one call") {
  Bed bed;
  bed.table->hang(7);
  int got = 0;
  for (int n = 0; n < 100; ++n) bed.engine->by_uid(7, [&](const User& user) { got += user.uid == 7 ? 1 : 1000; });
  REQUIRE(bed.table->wait_inside(1));
  bed.table->release_all();
  REQUIRE(bed.loop.until([&] { return got >= 100; }));
  CHECK(got == 100);
  CHECK(bed.table->calls("uid:7") == 1);
}

TEST_CASE("a look-up that hangs is unknown in time, and does not stop others") {
  Options options = quick(1s);
  options.threads = 4;
  Bed bed(options);
  bed.uid(1000);
  for (std::uint32_t id = 1; id <= 4; ++id) bed.table->hang(id);
  int unknown = 0;
  for (std::uint32_t id = 1; id <= 4; ++id) {
    bed.engine->by_uid(id, [&](const User& user) { unknown += user.status == Status::kUnknown ? 1 : 1000; });
  }
  REQUIRE(bed.table->wait_inside(4));
  bool cached = false;
  bed.engine->by_uid(1000, [&](const User&) { cached = true; });
  CHECK(cached);
  // All four threads hang: a fifth takes over before this asker's time is over.
  CHECK(bed.uid(2000).status == Status::kFound);
  REQUIRE(bed.loop.until([&] { return unknown >= 4; }));
  CHECK(unknown == 4);
  SECTION("a later asker of the same user starts no second call") {
    CHECK(bed.uid(1).status == Status::kUnknown);
    CHECK(bed.table->calls("uid:1") == 1);
  }
  SECTION("when the call comes back, its answer is kept") {
    bed.table->release_all();
    CHECK(bed.uid(1).status == Status::kFound);
    CHECK(bed.table->calls("uid:1") == 1);
  }
}

TEST_CASE("H11: with one thread free of 256, a user whom nobody has looked up is found in time", "[H11]") {
  Options options;  // as in the broker, but for a slow machine
  options.timeout = 5000ms;
  Bed bed(options);
  int unknown = 0;
  for (std::uint32_t id = 1; id <= 255; ++id) {
    bed.table->hang(id);
    bed.engine->by_uid(id, [&](const User& user) { unknown += user.status == Status::kUnknown ? 1 : 1000; });
  }
  SECTION("who comes at the same moment") { CHECK(bed.uid(5000).status == Status::kFound); }
  SECTION("who comes when all hang") {
    REQUIRE(bed.table->wait_inside(255));
    REQUIRE(bed.loop.until([&] { return unknown >= 255; }));
    CHECK(bed.uid(5000).status == Status::kFound);
    CHECK(bed.uid(5001).status == Status::kFound);
  }
  REQUIRE(bed.loop.until([&] { return unknown >= 255; }));
  CHECK(unknown == 255);
  REQUIRE(bed.table->wait_inside(255));
  // A 256th takes the last thread: then it is unknown, and not worth waiting for twice.
  bed.table->hang(256);
  CHECK(bed.uid(256).status == Status::kUnknown);
  CHECK(bed.uid(5002).status == Status::kUnknown);
  bed.table->release_all();
  CHECK(bed.uid(5003).status == Status::kFound);
  CHECK(bed.uid(5002).status == Status::kFound);
}

TEST_CASE("H11: files are looked at in threads of their own", "[H11]") {
  Options options = quick(5s);
  options.threads = options.most = 1;
  Bed bed(options);
  bed.table->hang(1);
  bed.engine->by_uid(1, [](const User&) {});
  REQUIRE(bed.table->wait_inside(1));
  std::string found;
  bed.engine->program("/bin/sh", [&](std::string path) { found = std::move(path); });
  REQUIRE(bed.loop.until([&] { return !found.empty(); }));
  CHECK(found.ends_with("sh"));
}

TEST_CASE("with sixteen threads hung, the rest is unknown in time, and all recovers") {
  Options options = quick(400ms);
  options.threads = 4;
  options.most = 16;
  Bed bed(options);
  int answers = 0;
  const auto count = [&](const User& user) { answers += user.status == Status::kUnknown ? 1 : 1000; };
  for (std::uint32_t id = 1; id <= 20; ++id) {
    bed.table->hang(id);
    bed.engine->by_uid(id, count);
  }
  REQUIRE(bed.loop.until([&] { return answers >= 20; }));
  CHECK(answers == 20);
  const auto begun = [&] {
    int calls = 0;
    for (std::uint32_t id = 1; id <= 20; ++id) calls += bed.table->calls("uid:" + std::to_string(id));
    return calls;
  };
  for (std::uint32_t id = 1; begun() < 16 && id < 100; ++id) bed.uid(id % 20 + 1);
  CHECK(bed.table->wait_inside(16));
  CHECK(begun() == 16);
  CHECK(bed.uid(3000).status == Status::kUnknown);
  bed.table->release_all();
  for (const std::uint32_t id : {3001U, 3000U}) {  // where the machine is busy, not at the first time
    int tries = 0;
    while (bed.uid(id).status != Status::kFound && ++tries < 50) {
    }
    CHECK(tries < 50);
  }
  CHECK(bed.table->calls("uid:20") <= 1);
}

TEST_CASE("a full queue is unknown at once") {
  Options options;
  options.threads = 1;
  options.queue = 2;
  Bed bed(options);
  bed.table->hang(1);
  bed.engine->by_uid(1, [](const User&) {});
  REQUIRE(bed.table->wait_inside(1));
  int later = 0;
  bed.engine->by_uid(2, [&](const User&) { ++later; });
  bed.engine->by_uid(3, [&](const User&) { ++later; });
  std::optional<User> refused;
  bed.engine->by_uid(4, [&](const User& user) { refused = user; });
  REQUIRE(refused.has_value());
  CHECK(refused->status == Status::kUnknown);
  bed.table->release_all();
  CHECK(bed.loop.until([&] { return later == 2; }));
}

TEST_CASE("the directory goes while a call hangs, and nothing is posted after") {
  test::Loop loop;
  auto table = std::make_shared<Table>();
  std::atomic<int> posts = 0;
  std::weak_ptr<Table> alive = table;
  {
    auto engine = Engine::make([&](std::function<void()>) { ++posts; }, {}, table, [] { return Pool::Steady::now(); });
    table->hang(9);
    engine->by_uid(9, [](const User&) { FAIL("answered"); });
    REQUIRE(table->wait_inside(1));
  }
  table->release_all();
  table.reset();
  CHECK(posts == 0);
}

TEST_CASE("an asker may ask again and forget in its answer") {
  Bed bed;
  int got = 0;
  bed.engine->by_uid(11, [&](const User&) {
    bed.engine->forget();
    bed.engine->by_uid(11, [&](const User&) { ++got; });
  });
  CHECK(bed.loop.until([&] { return got == 1; }));
}
