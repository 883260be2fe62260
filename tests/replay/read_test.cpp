// SPDX-License-Identifier: Apache-2.0
// Records that lack something, or are not as a broker writes them, are none: named, never guessed.
#include <functional>

#include "broker/config/tags.h"
#include "evidence/text.h"
#include "tests/replay/history.h"

namespace jit::core_test {

namespace {

// One entry whose record has every part.
cli::Json whole() {
  World world;
  world.use(load_policy(std::string(kRules) +
                        "[fact.freeze]\ntype = \"bool\"\ninitial = false\n[[guard]]\nid = \"freeze\"\nflag = [\"freeze\"]\ndeny = \"no\"\n"));
  Ask ask = world.ask(kAlice);
  ask.target_verified = false;
  ask.asked_s = 600;
  ask.argv = {"sudo", "-D", "/", "/usr/bin/id", "\x1b"};
  ask.command = {true, false, false, "", "/usr/bin/id", 4, {"-D"}, {"LANG"}};
  world.submit(ask);
  return document(world.held.entries.front());
}

std::string lacks(const cli::Json& entry) {
  cli::Recorded recorded;
  const auto broken = cli::read_decision(entry, recorded);
  return broken ? broken->lacks : "";
}

}  // namespace

TEST_CASE("a whole record is read", "[read]") {
  cli::Recorded read;
  REQUIRE_FALSE(cli::read_decision(whole(), read));
  const Past& past = read.past;
  CHECK(past.words == std::vector<std::string>{"\x1b"});
  CHECK(past.options == std::vector<std::string>{"-D"});
  CHECK(past.asked_s == 600U);
  CHECK(past.root.user == "root");
  CHECK(past.facts.has("freeze"));
  CHECK(past.answer.terms->seats == std::vector<policy::Seat>{{"set:sre", 1}});
  CHECK(past.id.size() == 32);
}

TEST_CASE("a record of what was asked ahead of time has both times", "[read]") {
  World world;
  Ask ask = world.ask(kAlice);
  ask.not_before = world.now + 3'600'000;
  REQUIRE(world.create(kAlice, ask).error().empty());
  const Past past = decisions(world.held.entries).front();
  CHECK(past.now == world.wall() / 1000 + 3600);
  CHECK(past.seats_at == world.wall() / 1000);
  cli::Json broken = document(world.held.entries.front());
  for (const cli::Json& other : {cli::Json("\\"), cli::Json(1e300)}) {
    broken["fields"]["decision"]["input"]["seats_at"] = other;
    CHECK_FALSE(lacks(broken).empty());
  }
  world.submit(world.ask(kBob));
  CHECK(decisions(world.held.entries).back().seats_at == 0);
}

TEST_CASE("each part that is missing is named", "[read]") {
  const cli::Json good = whole();
  REQUIRE(lacks(good).empty());
  const auto decision = cli::Json::json_pointer("/fields/decision");
  std::size_t tried = 0;
  // Everything that the record holds and that a decision is made from.
  const std::function<void(const cli::Json&, const cli::Json::json_pointer&)> each = [&](const cli::Json& at, const cli::Json::json_pointer& path) {
    for (const auto& [name, value] : at.items()) {
      const auto here = path / name;
      // Not read back: what the hash was, which rules came near, what a guard would have done; one of the facts.
      if (path == decision && (name == "policy" || name == "near" || name == "observed")) continue;
      if (path == decision / "read" || (path == decision / "input" && name == "asked_s")) continue;
      cli::Json broken = good;
      broken[path].erase(name);
      INFO(here.to_string());
      CHECK_FALSE(lacks(broken).empty());
      for (const cli::Json& other : {cli::Json(nullptr), cli::Json(-1), cli::Json("\\"), cli::Json(cli::Json::array({1})), cli::Json(1e300)}) {
        if (name == "tags" && other.is_string()) continue;  // a hash, only compared
        broken[here] = other;
        CHECK_FALSE(lacks(broken).empty());
      }
      ++tried;
      if (value.is_object()) each(value, here);
    }
  };
  each(good.at(decision), decision);
  CHECK(tried > 40);
}

TEST_CASE("what is wrong in a record is named", "[read]") {
  struct Row {
    const char* path;
    cli::Json value;
    const char* lacks;
  };
  const Row rows[] = {
      {"/fields/decision", nullptr, "outcome"},
      {"/fields/decision/outcome", "maybe", "outcome"},
      {"/fields/decision/terms/seats/0/count", -1, "terms.seats.count"},
      {"/fields/decision/terms/scope", "planet", "terms.scope"},
      {"/fields/decision/terms/votes", "loud", "terms.votes"},
      {"/fields/decision/input/door", "window", "input.door"},
      {"/fields/decision/input/at", "now", "input.at"},
      {"/fields/decision/input/from", "10.0.0.0/8", "input.from"},
      {"/fields/decision/input/subject/uid", 4294967296, "input.subject.uid"},
      {"/fields/decision/input/subject/groups_all/0", 5, "input.subject.groups_all"},
      {"/fields/decision/input/subject/user", "\\q", "input.subject.user"},
      {"/fields/decision/input/root", nullptr, "input.root.user"},
      {"/fields/decision/input/honours", cli::Json::array({"dance"}), "input.honours"},
      {"/fields/decision/input/command/words_at", "4", "input.command.words_at"},
      {"/fields/decision/read/freeze", "maybe", "read"},
      {"/fields/decision/read/freeze", "1.2.3", "read"},
      {"/fields/decision/read/freeze", true, "read"},
      {"/fields/argv", nullptr, "input.argv"},
      {"/fields/argv/4", 1, "input.argv"},
      {"/fields", "x", "outcome"},
      {"/time", 5, "time"},
  };
  for (const Row& row : rows) {
    INFO(row.path << " = " << row.value);
    cli::Json entry = whole();
    entry[cli::Json::json_pointer(row.path)] = row.value;
    CHECK(lacks(entry) == row.lacks);
  }
}

TEST_CASE("the tags of a host are compared in any order", "[read]") {
  CHECK(config::tags_hash({"db", "web"}) == config::tags_hash({"web", "db"}));
  CHECK(config::tags_hash({"db", "web"}) != config::tags_hash({"db"}));
  CHECK(config::tags_hash({}) == evidence::sha256_hex(""));
}

}  // namespace jit::core_test
