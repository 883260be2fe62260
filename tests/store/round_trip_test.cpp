// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include "tests/catch.h"

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

TEST_CASE("broker.toml comes back with the policy that it stood beside, changed alone too") {
  const Folder folder;
  store::Database::PolicySet set{"h1", {{"a.toml", "x"}}, {}};
  for (const std::optional<std::string>& text : {std::optional<std::string>(), std::optional<std::string>(""), std::optional(all_bytes(0)), std::optional<std::string>("[log]\n")}) {
    set.broker = text;
    Opened(folder / "jit.db").db->keep_policy(set);
    const auto kept = Opened(folder / "jit.db").db->kept_policy();
    REQUIRE(kept);
    CHECK(kept->broker == text);
    CHECK(kept->rules.size() == 1);
  }
}

TEST_CASE("versions of people files come back, those of files that are gone too") {
  const Folder folder;
  store::Database::PolicySet set{"h1", {{"a.toml", "x"}}, {}};
  {
    Opened store(folder / "jit.db");
    CHECK(store.db->people_versions() == store::PeopleVersions{});
    set.people_versions = {{"a.toml", 4}, {"b.toml", std::numeric_limits<std::int64_t>::max()}};
    store.db->keep_policy(set);
  }
  {
    Opened store(folder / "jit.db");
    CHECK(store.db->people_versions() == set.people_versions);
    store.db->keep_policy({"h1", {}, {}, {}, {}, {{"a.toml", 3}}});  // the same set, and an older file that was accepted
  }
  Opened store(folder / "jit.db");
  CHECK(store.db->people_versions()->at("a.toml") == 3);
  CHECK(store.db->people_versions()->size() == 2);
}

TEST_CASE("facts, networks and what people did come back") {
  const Folder folder;
  Opened store(folder / "jit.db");
  const policy::Value values[] = {true, std::int64_t{-9223372036854775807LL}, 0.1, all_bytes(0)};
  core::Batch all;
  for (const policy::Value& value : values) {
    all.facts.push_back({"f" + std::to_string(value.index()), value, all_bytes(1), 4294967294U, "b1", 5, 6, 4294967295U});
  }
  all.nets.push_back({"zoe", *policy::Address::parse("192.0.2.0"), 7});
  core::AuditEntry denied = entry("access.denied", "zoe");
  denied.fields = R"({"cause":"policy","repeated":3})";
  core::AuditEntry limit = denied;
  limit.fields = R"({"cause":"limit"})";
  core::AuditEntry given = entry("grant.created", "zoe");
  given.fields = R"({"break_glass":true})";
  all.entries = {denied, limit, given, entry("request.created", "zoe")};
  REQUIRE(store.commit(all));
  const core::Past past = store.db->past();
  REQUIRE(past.facts.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(past.facts[i].value == values[i]);
    CHECK(past.facts[i].set_by == all_bytes(1));
    CHECK(past.facts[i].for_s == 4294967295U);
  }
  REQUIRE(past.nets.size() == 1);
  CHECK(past.nets[0].net == *policy::Address::parse("192.0.2.0"));
  std::size_t sums[4] = {};
  for (const auto& done : past.done) sums[static_cast<std::size_t>(done.deed)] += done.count;
  CHECK(sums[0] == 1);
  CHECK(sums[1] == 3);
  CHECK(sums[2] == 1);
  CHECK(sums[3] == 1);
  CHECK(past.cut.empty());
  core::Batch away;
  away.cleared = {"f0"};
  away.facts.push_back({"f1", std::int64_t{1}, "bob", 0, "b2", 8, 9, std::nullopt});
  away.entries = {entry()};
  REQUIRE(store.commit(away));
  const core::Past later = store.db->past();
  REQUIRE(later.facts.size() == 3);
  CHECK(later.facts[0].value == policy::Value(std::int64_t{1}));
  CHECK_FALSE(later.facts[0].for_s);
}
