// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "tests/store/samples.h"

using namespace jit;
using namespace jit::test;

TEST_CASE("each field comes back, for every uid", "[A3]") {
  const Folder folder;
  const std::uint32_t uids[] = {0, 1, 1000, 2147483647U, 2147483648U, 4000000000U, 4294967294U, 4294967295U};
  Opened store(folder / "jit.db");
  std::uint64_t number = 1;
  for (const std::uint32_t uid : uids) {
    INFO(uid);
    const core::Request asked = request(number, uid);
    const core::Vote voted = vote(asked, "bob");
    core::Grant given = grant(number, uid);
    given.request = asked.id;
    core::Batch all = batch(asked);
    all.votes.push_back(voted);
    all.grants.push_back(given);
    core::AuditEntry logged = entry();
    logged.uid = uid;
    logged.grant = given.id;
    all.entries.push_back(logged);
    REQUIRE(store.commit(all));

    logged.sequence = number;
    REQUIRE(store.db->request(asked.id));
    CHECK(text(*store.db->request(asked.id)) == text(asked));
    REQUIRE(store.db->grant(given.id));
    CHECK(text(*store.db->grant(given.id)) == text(given));
    CHECK(texts(store.db->votes(asked.id)) == texts(std::vector{voted}));
    store::AuditFilter last;
    last.after = number - 1;
    CHECK(texts(store.db->entries(last)) == texts(std::vector{logged}));
    CHECK(store.db->requests({{}, 0, uid, 10}).size() == 1);
    CHECK(store.db->grants({false, 0, uid, 10}).size() == 1);
    ++number;
  }
  CHECK(store.db->last_error().empty());
}

TEST_CASE("lists of words are kept word by word") {
  const std::vector<std::vector<std::string>> table = {
      {}, {""}, {"", ""}, {"a"}, {"a b", "c"}, {"a\nb", "\x1b[0m", "\xff\xfe"}, std::vector<std::string>(3000, "x"),
      {std::string(128 * 1024, 'y')}};
  const Folder folder;
  Opened store(folder / "jit.db");
  std::uint64_t number = 1;
  for (const auto& argv : table) {
    core::Request asked = request(number++);
    asked.argv = argv;
    REQUIRE(store.commit(batch(asked)));
    CHECK(store.db->request(asked.id)->argv == argv);
  }
}

TEST_CASE("what cannot be stored as it is, is refused, and says nothing about the disk") {
  const Folder folder;
  Opened store(folder / "jit.db");
  core::Request cut = request(1);
  cut.argv = {std::string("rm\0-rf", 6)};
  core::Request nobody = request(2);
  nobody.subject.identity = nullptr;
  core::Request nowhere = request(3);
  nowhere.target = nullptr;
  core::Request unnamed = request(4);
  unnamed.id = {};
  core::Grant unnamed_grant = grant(5);
  unnamed_grant.id = {};
  core::Grant of_nothing = grant(6);
  of_nothing.request = id_of(99);
  const core::Batch table[] = {batch(cut),           batch(nobody),     batch(nowhere),
                               batch(unnamed),       batch(unnamed_grant), batch(of_nothing),
                               batch(vote(request(98), "bob"))};
  for (const core::Batch& bad : table) {
    CHECK_FALSE(store.commit(bad));
    CHECK_FALSE(store.db->failing());
    CHECK_FALSE(store.db->last_error().empty());
  }
  CHECK(store.db->requests({}).empty());
  CHECK(store.db->grants({}).empty());
  CHECK(store.commit(batch(request(1))));
  CHECK(store.db->last_error().empty());
}

TEST_CASE("missing values stay missing") {
  const Folder folder;
  Opened store(folder / "jit.db");
  core::Request asked = request(1);
  asked.asked_s.reset();
  asked.offer.seats.clear();
  asked.argv.clear();
  asked.cwd.clear();
  asked.reason.clear();
  asked.subject.origin = {};
  core::Vote voted = vote(asked, "bob", false);
  voted.duration_s.reset();
  voted.scope.reset();
  core::Batch all = batch(asked);
  all.votes.push_back(voted);
  REQUIRE(store.commit(all));
  CHECK(text(*store.db->request(asked.id)) == text(asked));
  CHECK(texts(store.db->votes(asked.id)) == texts(std::vector{voted}));
}

TEST_CASE("the kept policy comes back verbatim, the last one only") {
  const Folder folder;
  store::Database::PolicySet first{"h1", {{"a.toml", "x"}, {"b.toml", all_bytes(0)}}, {{"p.toml", ""}}};
  store::Database::PolicySet second{"h2", {{"c.toml", std::string(1 << 20, 'z')}}, {}};
  {
    Opened store(folder / "jit.db");
    CHECK_FALSE(store.db->kept_policy());
    store.db->keep_policy(first);
  }
  {
    Opened store(folder / "jit.db");
    const auto kept = store.db->kept_policy();
    REQUIRE(kept);
    CHECK(kept->hash == "h1");
    REQUIRE(kept->rules.size() == 2);
    CHECK(kept->rules[1].name == "b.toml");
    CHECK(kept->rules[1].text == all_bytes(0));
    REQUIRE(kept->people.size() == 1);
    store.db->keep_policy(second);
  }
  Opened store(folder / "jit.db");
  const auto kept = store.db->kept_policy();
  REQUIRE(kept);
  CHECK(kept->hash == "h2");
  REQUIRE(kept->rules.size() == 1);
  CHECK(kept->rules[0].text == second.rules[0].text);
  CHECK(kept->people.empty());
}
