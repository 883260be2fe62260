// SPDX-License-Identifier: Apache-2.0
// Decisions that the core made and logged, made again: by the same policy, and by others.
#include "policy/analysis/replay.h"

#include <functional>

#include "tests/replay/history.h"

namespace jit::core_test {

namespace {

const std::string kHead = std::string(kRules) + R"(
[fact.freeze]
type = "bool"
initial = false
[fact.team]
type = "string"
[[permit]]
id = "glass"
break-glass = true
who = ["set:staff"]
door = ["su"]
as = ["user:root"]
require = ["reason:5"]
max = "30m"
)";
const std::string kFreezing = "[[guard]]\nid = \"freeze\"\nflag = [\"freeze\"]\ndeny = \"change freeze\"\n";
const std::string kNever = "[[guard]]\nid = \"never\"\ndoor = [\"su\"]\ndeny = \"not by su\"\nyields-to = [\"glass\"]\n";
const std::string kWatching = "[[guard]]\nid = \"soon\"\nmode = \"observe\"\ndeny = \"not any more\"\n";

struct Said {
  std::string before, after, unknown;
  std::size_t count = 0;
  bool operator==(const Said&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Said& said) {
  return out << said.before << " -> " << said.after << " (" << said.unknown << ") x" << said.count;
}

std::vector<Said> changes(const std::vector<AuditEntry>& entries, const policy::Policy& policy) {
  Replay replay(policy);
  for (Past& past : decisions(entries)) replay.add(past);
  std::vector<Said> out;
  for (const auto& one : replay.changes()) {
    std::string unknown;
    for (const std::string& name : one.unknown) unknown += name;
    out.push_back({one.before, one.after, unknown, one.count});
    CHECK(one.person == "uid:" + std::to_string(kAlice));
    CHECK(one.time.starts_with("2023-"));
    CHECK_FALSE(one.id.empty());
  }
  return out;
}

void submit(World& world, const std::function<void(Ask&)>& change, const std::string& target) {
  Ask ask = world.ask(kAlice, target);
  if (change) change(ask);
  world.submit(ask);
}

}  // namespace

TEST_CASE("the same policy makes the same decisions", "[replay]") {
  struct Row {
    const char* name;
    std::string rules;  // after kHead
    std::string target;
    std::function<void(Ask&)> change;
    const char* answer;
  };
  const Row rows[] = {
      {"allow", kFreezing, "free", {}, "allow by free"},
      {"approval", kFreezing, "root", {}, "approval by root"},
      {"two people of one set", "", "two", {}, "approval by two"},
      {"approval with a text", "", "why", [](Ask& ask) { ask.reason = " d\xc3\xa9j\xc3\xa0 vu "; }, "approval by why"},
      {"a text that nobody can be asked for", "", "why", [](Ask& ask) { ask.can_ask = false; }, "deny by why"},
      {"needs a choice, at a door that only observes", kNever, "root",
       [](Ask& ask) {
         ask.door = policy::Door::kSu;
         ask.observe = true;
       },
       "needs choice, then allow by glass"},
      {"only break-glass, and nobody to choose", kNever, "root",
       [](Ask& ask) {
         ask.door = policy::Door::kSu;
         ask.can_ask = false;
         ask.reason = "the disk is full";
       },
       "deny by glass, root, never"},
      {"needs a text, at a door that only observes", "", "why", [](Ask& ask) { ask.observe = true; }, "needs reason, then approval by why"},
      {"allow, at a door that only observes", "", "free", [](Ask& ask) { ask.observe = true; }, "allow by free"},
      {"deny by a guard", "[[guard]]\nid = \"g\"\nas = [\"user:free\"]\ndeny = \"no\"\n", "free", {}, "deny by free, g"},
      {"deny by an unknown fact", "[[guard]]\nid = \"g\"\nwhen = [\"team == \\\"red\\\"\"]\ndeny = \"no\"\n", "free", {}, "deny by free, g"},
      {"deny by a built-in fact", "[[guard]]\nid = \"g\"\nwhen = [\"count.requests.1h < 5\"]\ndeny = \"no\"\n", "free", {}, "deny by free, g"},
      {"deny because nothing permits it", kFreezing, "nobody", {}, "deny"},
      {"deny, with what would deny it anyway", kNever, "nobody", [](Ask& ask) { ask.door = policy::Door::kSu; }, "deny by never"},
      {"a rule that is named and is not there", "", "free", [](Ask& ask) { ask.via = "absent"; }, "deny"},
      {"narrowed by a guard", "[[guard]]\nid = \"cap\"\nmax = \"5m\"\n", "free", [](Ask& ask) { ask.asked_s = 3600; }, "allow by free with cap"},
      {"a claim", "", "free", [](Ask& ask) { ask.target_verified = false; }, "deny"},
      {"a claim of root", "", "root", [](Ask& ask) { ask.target_verified = false; }, "approval by root"},
      {"a command with odd words", "", "root",
       [](Ask& ask) {
         ask.argv = {"sudo", "/bin/echo", "\x1b[2J", "\xff", "a b", "\\", ""};
         ask.command = {true, true, true, "", "/bin/echo", 2, {"-D"}, {"LANG"}};
       },
       "approval by root"},
      {"from an address", "", "root", [](Ask& ask) { ask.subject.origin = {policy::Origin::Kind::kPeer, *policy::Address::parse("2001:db8::7")}; }, "approval by root"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    World world;
    world.use(load_policy(kHead + row.rules));
    submit(world, row.change, row.target);
    const auto made = decisions(world.held.entries);
    REQUIRE(made.size() == 1);
    CHECK(made.front().answer.text() == row.answer);
    CHECK(changes(world.held.entries, *world.policy).empty());
  }
}

TEST_CASE("a decision at a guard that only observes stands twice in the log, and is the same", "[replay]") {
  World world;
  world.use(load_policy(kHead + kWatching));
  submit(world, {}, "free");
  const auto made = decisions(world.held.entries);
  REQUIRE(made.size() == 2);
  CHECK(made[0].answer.text() == made[1].answer.text());
  CHECK(changes(world.held.entries, *world.policy).empty());
}

TEST_CASE("what a change of the policy ended is replayed as it was decided", "[replay]") {
  World world;
  world.use(load_policy(kHead));
  submit(world, [](Ask& ask) { ask.command = {true, true, false, "", "/usr/bin/id", 3, {}, {}}; }, "root");
  world.use(load_policy(rules_with("as = [\"user:root\"]", "as = [\"user:other\"]")));
  REQUIRE(world.logged(events::kRequestCancelled) == 1);
  const auto made = decisions(world.held.entries);
  REQUIRE(made.size() == 2);
  CHECK(made.back().answer.text() == "deny");
  CHECK(changes({world.held.entries.back()}, *world.policy).empty());
  CHECK(changes({world.held.entries.front()}, *world.policy) == std::vector<Said>{{"approval by root", "deny", "", 1}});
}

TEST_CASE("another policy makes others", "[replay]") {
  struct Row {
    const char* name;
    std::string rules;  // the new ones, whole
    std::string target;
    std::vector<Said> changes;
  };
  const auto with = [](const std::string& from, const std::string& to) {
    std::string out = kHead;
    const auto at = out.find(from);
    REQUIRE(at != std::string::npos);
    return out.replace(at, from.size(), to);
  };
  const std::string more = "[[permit]]\nid = \"x\"\nwho = [\"set:staff\"]\ndoor = [\"sudo\"]\nas = [\"user:nobody\"]\nmax = \"1h\"\n";
  const Row rows[] = {
      {"the same", kHead, "root", {}},
      {"a rule more that does not matter", kHead + more, "root", {}},
      {"a rule more that permits", kHead + more, "nobody", {{"deny", "allow by x", "", 1}}},
      {"a guard that denies", kHead + "[[guard]]\nid = \"g\"\ndeny = \"no\"\n", "free", {{"allow by free", "deny by free, g", "", 1}}},
      {"a guard that narrows", kHead + "[[guard]]\nid = \"cap\"\nmax = \"5m\"\n", "free", {{"allow by free", "allow by free with cap", "", 1}}},
      {"a shorter time", with("give = \"15m\"\nmax = \"1h\"\nscope = \"tty\"\n[[permit]]\nid = \"two\"", "give = \"5m\"\nmax = \"1h\"\nscope = \"tty\"\n[[permit]]\nid = \"two\""),
       "free", {{"allow by free: 15m of 1h, tty", "allow by free: 5m of 1h, tty", "", 1}}},
      {"one more person", with("one = { need = [{ from = \"set:sre\" }]", "one = { need = [{ from = \"set:sre\", count = 2 }]"), "root",
       {{"approval by root: 1 of set:sre, wait 10m, 15m of 1h, tty", "approval by root: 2 of set:sre, wait 10m, 15m of 1h, tty", "", 1}}},
      {"a fact that was not read", kHead + kFreezing, "free", {{"allow by free", "deny by free, freeze", "freeze", 1}}},
      {"a fact that was not read, and does not matter", kHead + kFreezing, "nobody", {{"deny", "deny by freeze", "freeze", 1}}},
      {"a text more", with("id = \"root\"\n", "id = \"root\"\nrequire = [\"reason\"]\n"), "root", {{"approval by root", "needs reason, then approval by root", "", 1}}},
      {"a door less", with("covers = [\"sudo\", \"su\", \"ssh\"]", "covers = [\"su\", \"ssh\"]"), "free", {{"allow by free", "deny", "", 1}}},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    World world;
    world.use(load_policy(kHead));
    submit(world, {}, row.target);
    CHECK(changes(world.held.entries, *load_policy(row.rules)) == row.changes);
  }
}

TEST_CASE("what changes alike is one line", "[replay]") {
  World world;
  world.use(load_policy(kHead));
  submit(world, {}, "free");
  Past past = decisions(world.held.entries).front();
  const auto denies = load_policy(kHead + "[[guard]]\nid = \"g\"\ndeny = \"no\"\n");
  Replay replay(*denies);
  for (const char* const person : {"Bob", "Alice", "Bob"}) {
    past.person = person;
    past.time += 'x';
    replay.add(past);
  }
  CHECK(replay.decisions() == 3);
  CHECK(replay.changed() == 3);
  const auto lines = replay.changes();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].person == "Alice");
  CHECK(lines[1].count == 2);
  CHECK(lines[1].time.ends_with("Zx"));  // the first one
}

TEST_CASE("a fact that nobody recorded is unknown, and counted", "[replay]") {
  World world;
  world.use(load_policy(kHead));
  submit(world, {}, "free");
  Past past = decisions(world.held.entries).front();
  const auto reads = load_policy(kHead + kFreezing + "[[guard]]\nid = \"calm\"\nwhen = [\"urgency == \\\"high\\\"\"]\ndeny = \"later\"\n");
  Replay replay(*reads);
  replay.add(past);
  REQUIRE(replay.unknown().size() == 1);
  CHECK(replay.unknown().find("freeze")->second == 1);
  CHECK(replay.changed() == 1);
  // A permit that needs it does not open.
  const auto opens = load_policy(kHead + "[[permit]]\nid = \"early\"\nwho = [\"set:staff\"]\ndoor = [\"sudo\"]\nas = [\"user:free\"]\nflag = [\"freeze\"]\nmax = \"2h\"\n");
  Replay other(*opens);
  other.add(past);
  CHECK(other.changed() == 0);
}

TEST_CASE("who it was says the policy that is asked", "[replay]") {
  World world;
  world.use(load_policy(kHead));
  submit(world, {}, "free");
  Past past = decisions(world.held.entries).front();
  const std::string people = std::string(kPeople) + "[[person]]\nname = \"Alice\"\nusers = [\"alice\"]\n";
  const auto named = load_policy(kHead + "[[guard]]\nid = \"not-her\"\nwho = [\"person:Alice\"]\ndeny = \"no\"\n", people);
  Replay replay(*named);
  replay.add(past);
  REQUIRE(replay.changes().size() == 1);
  CHECK(replay.changes().front().after == "deny by free, not-her");
  CHECK(replay.changes().front().person == "uid:" + std::to_string(kAlice));
}

}  // namespace jit::core_test
