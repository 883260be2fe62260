// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "world.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

const char* kSets = R"(
[set]
admins = ["person:alice", "user:bob", "user:carl"]
wide = ["set:admins", "group:sre"]
bots = ["user:deploy", "person:robot"]
numbers = ["user:1009"]
)";

}  // namespace

TEST_CASE("people.d says who is whom") {
  const auto policy = policy_of("");
  CHECK(policy->people().size() == 4);
  CHECK(policy->person_name("alice", 1001) == "alice");
  CHECK(policy->person_name("alice-adm", 2001) == "alice");
  CHECK(policy->person_name("carl", 1004) == "uid:1004");
  CHECK(policy->person_name("", 1001) == "uid:1001");
  CHECK(policy->person_name("x", 4294967294U) == "uid:4294967294");
  CHECK(policy->person_of("bob")->name == "bob");
  CHECK(policy->person_of("Bob") == nullptr);
  CHECK(policy->person_of("") == nullptr);
  CHECK(policy->has_role("eva", "admin"));
  CHECK_FALSE(policy->has_role("eva", "auditor"));
  CHECK_FALSE(policy->has_role("bob", "admin"));
  CHECK_FALSE(policy->has_role("nobody", "admin"));
  CHECK(policy->person_of("deploy")->machine);
}

TEST_CASE("people files by themselves, with their versions") {
  const std::vector<Source> files = {{"/etc/jit/people.d/a.toml", "version = 3\n[[person]]\nname = \"ann\"\nusers = [\"ann\"]\n"},
                                     {"b.toml", "version = 9223372036854775807\n"},
                                     {"c.toml", "version = 0\n[[person]]\nname = \"ann\"\n"},
                                     {"d.toml", "[[person]]\nname = \"dan\"\n"},
                                     {"e.toml", "version = \n"}};
  const PeopleSet two = load_people(std::span(files).first(2));
  CHECK(two.findings.empty());
  REQUIRE(two.people.size() == 1);
  REQUIRE(two.files.size() == 2);
  CHECK(two.files[0].base() == "a.toml");
  CHECK(two.files[0].version == 3);
  CHECK(two.files[1].base() == "b.toml");
  CHECK(two.files[1].version == INT64_MAX);
  const PeopleSet all = load_people(files);
  CHECK(all.findings.size() >= 4);  // version 0, ann twice, no version, no TOML
  CHECK(all.files.size() == 2);
  CHECK(load_people({}).findings.empty());
  const auto policy = policy_of("");
  REQUIRE(policy->people_files().size() == 1);
  CHECK(policy->people_files()[0].version >= 1);
}

TEST_CASE("members are those whose names stand there") {
  const auto policy = policy_of(kSets);
  struct Case {
    const char* set;
    std::vector<std::string> persons;
    bool open;
  };
  const Case cases[] = {
      {"set:admins", {"alice", "bob", "user:carl"}, false},
      {"set:wide", {"alice", "bob", "user:carl"}, true},
      {"set:bots", {}, false},  // a machine fills no seat
      {"set:numbers", {}, true},
      {"user:alice-adm", {"alice"}, false},
      {"user:ali*", {"alice"}, true},
      {"person:*", {"alice", "bob", "eva"}, false},
      {"person:nobody", {}, false},
      {"group:sre", {}, true},
      {"set:none", {}, false},
      {"nonsense", {}, false},
  };
  for (const Case& c : cases) {
    INFO(c.set);
    auto members = policy->members(c.set, 0);
    std::ranges::sort(members.persons);
    CHECK(members.persons == c.persons);
    CHECK(members.open_ended == c.open);
  }
}

TEST_CASE("who may fill a seat") {
  const auto policy = policy_of(kSets);
  World w;
  Identity deploy = user("deploy", 1009, {"sre"}, "robot");
  Identity unknown = user("", 1002);
  unknown.groups_known = false;
  Identity half = w.carl;  // only one source says that he is in sre
  half.groups_all.clear();
  Identity lost = w.carl;
  lost.groups_known = false;
  struct Case {
    const char* set;
    const Identity* voter;
    bool may;
  };
  const Case cases[] = {
      {"set:admins", &w.alice, true},  {"set:admins", &w.bob, true},   {"set:admins", &w.carl, true},
      {"set:admins", &w.eva, false},   {"set:wide", &w.carl, true},    {"group:sre", &w.bob, true},
      {"group:sre", &half, false},     {"group:sre", &lost, false},    {"group:sre", &w.eva, false},
      {"set:bots", &deploy, false},    {"group:sre", &deploy, false},  {"set:numbers", &deploy, false},
      {"person:alice", &w.alice, true}, {"person:*", &w.carl, false},  {"person:*", &w.bob, true},
      {"user:bob", &unknown, false},   {"set:none", &w.alice, false},  {"", &w.alice, false},
      {"user:1004", &w.carl, true},    {"user:1005", &w.carl, false},
  };
  for (const Case& c : cases) {
    INFO(c.set << " " << c.voter->user);
    CHECK(policy->may_fill(c.set, *c.voter, 0) == c.may);
  }
}

TEST_CASE("keys of people.d are judged by who knows keys") {
  const auto person = [](const std::string& name, const std::string& keys) { return "[[person]]\nname = \"" + name + "\"\nusers = [\"" + name + "\"]\n" + keys; };
  const auto key = [](const std::string& id, const std::string& text) {
    return "[[person.key]]\nid = \"" + id + "\"\nkind = \"ssh\"\npublic = \"" + text + "\"\n";
  };
  const JudgeKey judge = [](const Key& one) { return KeyVerdict{one.public_text.starts_with("weak") ? "is weak" : "", "print of " + one.public_text}; };
  const auto load = [&](const std::string& text) {
    const std::vector<Source> files = {{"p.toml", "version = 1\n" + text}};
    return load_people(files, judge);
  };
  const PeopleSet good = load(person("ann", key("a", "one") + key("b", "two")) + person("bo", key("a", "three")));
  REQUIRE(good.findings.empty());
  CHECK(good.people[0].keys[1].fingerprint == "print of two");

  const PeopleSet weak = load(person("ann", key("a", "weak")));
  REQUIRE(weak.findings.size() == 1);
  CHECK(weak.findings[0].text() == "p.toml:8:10: E17 the key is weak");

  for (const std::string& twice : {person("ann", key("a", "one")) + person("bo", key("b", "one")), person("ann", key("a", "one") + key("b", "one"))}) {
    const PeopleSet shared = load(twice);
    REQUIRE(shared.findings.size() == 1);
    CHECK(shared.findings[0].code == "E02");
    CHECK(shared.findings[0].other == "p.toml:8:10");
  }
}
