// SPDX-License-Identifier: Apache-2.0
// Whose name stands with others' requests and grants is erased there, too.
#include <sqlite3.h>

#include <fstream>
#include <sstream>

#include "tests/catch.h"

#include "tests/store/samples.h"

using namespace jit;
using namespace jit::test;

namespace {

bool holds(const std::string& path, const std::string& words) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str().find(words) != std::string::npos;
}

core::IdentityPtr someone(const std::string& person, std::uint32_t uid) {
  auto made = std::make_shared<policy::Identity>();
  made->uid = uid;
  made->user = person;
  made->person = person;
  return made;
}

core::Request over(std::uint64_t number, const std::string& ended_by, const core::IdentityPtr& target) {
  core::Request one = request(number);
  one.subject.identity = someone("alice", 1000);
  one.target = target;
  one.state = core::RequestState::kDenied;
  one.nonce = std::to_string(number);
  one.review_due = 0;
  one.reviewed_wall = 7;
  one.reviewed_by = ended_by;
  one.reviewed_why = "words of " + ended_by;
  one.ended_by = ended_by;
  one.ended_why = "words of " + ended_by;
  return one;
}

}  // namespace

TEST_CASE("what an erased person did is counted as somebody's", "[erase]") {
  const Folder folder;
  Opened store(folder / "jit.db");
  core::Batch all;
  for (const char* person : {"alice", "bob", "bob"}) {
    core::AuditEntry one = entry("grant.created", person);
    one.fields = R"({"argv":["id"],"door":"sudo"})";
    all.entries.push_back(one);
  }
  core::AuditEntry nobody = entry("access.denied", "");
  nobody.fields = R"({"cause":"policy"})";
  all.entries.push_back(nobody);
  REQUIRE(store.commit(all));
  CHECK(store.db->past().erased.empty());
  core::Batch erase;
  erase.erased.push_back("bob");
  REQUIRE(store.commit(erase));
  const core::Past past = store.db->past();
  CHECK(past.erased.size() == 2);
  CHECK(past.done.size() == 2);
  for (const auto& done : past.done) CHECK(done.person != "bob");
}

TEST_CASE("who ended, reviewed or was the target is erased in requests and grants of others", "[erase]") {
  const Folder folder;
  Opened store(folder / "jit.db");
  core::Batch all;
  all.requests = {over(1, "bob", someone("root", 0)), over(2, "carol, bob", someone("root", 0)), over(3, "mallory (bob)", someone("root", 0)),
                  over(4, "bobby", someone("root", 0)), over(5, "carol", someone("bob", 1001)), over(6, "carol", someone("bob", 0))};
  for (const std::uint64_t number : {11U, 12U}) {
    core::Grant one = grant(number);
    one.request = {};
    one.subject.identity = someone("alice", 1000);
    one.target = number == 11 ? someone("root", 0) : someone("bob", 1001);
    one.state = core::GrantState::kEnded;
    one.end = core::GrantEnd::kRevoked;
    one.ended_by = "bob";
    one.ended_why = "words of bob";
    all.grants.push_back(one);
  }
  core::Grant lives = grant(13);
  lives.request = {};
  lives.subject.identity = someone("alice", 1000);
  lives.target = someone("bob", 1001);
  all.grants.push_back(lives);
  REQUIRE(store.commit(all));
  core::Batch erase;
  erase.erased.push_back("bob");
  REQUIRE(store.commit(erase));
  for (const std::uint64_t number : {1U, 2U, 3U}) {
    INFO(number);
    const auto one = store.db->request(id_of(number));
    REQUIRE(one);
    CHECK(one->state == core::RequestState::kDenied);
    CHECK((one->ended_by + one->ended_why + one->reviewed_by + one->reviewed_why).empty());
  }
  CHECK(store.db->request(id_of(4))->ended_by == "bobby");
  // Who became him has a document in the log: it names the account, and no person.
  for (const std::uint64_t number : {5U, 6U}) {
    CHECK(store.db->request(id_of(number))->target->user == "bob");
    CHECK(store.db->request(id_of(number))->target->person.empty());
  }
  CHECK((store.db->grant(id_of(11))->ended_by + store.db->grant(id_of(11))->ended_why).empty());
  CHECK(store.db->grant(id_of(12))->target->person.empty());
  CHECK(store.db->grant(id_of(13))->target->person == "bob");  // it lives
}

TEST_CASE("what a reader of the database kept from going is gone once he is", "[erase]") {
  const Folder folder;
  const std::string path = folder / "jit.db";
  Opened store(path);
  core::AuditEntry one = entry("access.denied", "bob");
  one.fields = R"({"why":"words of bob"})";
  REQUIRE(store.commit(batch(one)));
  sqlite3* reader = nullptr;
  REQUIRE(sqlite3_open_v2(path.c_str(), &reader, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM audit", nullptr, nullptr, nullptr) == SQLITE_OK);
  core::Batch erase;
  erase.erased.push_back("bob");
  REQUIRE(store.commit(erase));
  CHECK(store.db->keeps_erased());
  REQUIRE(store.commit(batch(entry("access.denied", "alice"))));
  CHECK(store.db->keeps_erased());
  CHECK((holds(path, "words of bob") || holds(path + "-wal", "words of bob")));
  sqlite3_close(reader);
  REQUIRE(store.commit(batch(entry("access.denied", "alice"))));
  CHECK_FALSE(store.db->keeps_erased());
  CHECK_FALSE(holds(path, "words of bob"));
  CHECK_FALSE(holds(path + "-wal", "words of bob"));
}
