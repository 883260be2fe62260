// SPDX-License-Identifier: Apache-2.0
// Facts: their age, what is made of the past, and what a change of one does to a request that waits.
#include "broker/core/facts.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "broker/core/risk.h"
#include "tests/core/world.h"

namespace jit::core_test {

namespace {

const std::string kFreeze = std::string(kRules) + R"(
[fact.freeze]
type = "bool"
fresh = "10m"
initial = false
[fact.team]
type = "string"
by = ["user:carol"]
[fact.patched]
type = "bool"
by = ["patched"]
[[guard]]
id = "freeze"
flag = ["freeze"]
deny = "change freeze in force"
)";

policy::FactRule rule(policy::FactRule::Type type) { return {"f", type, 600, std::nullopt, {}}; }

Fact fact(const std::string& boot, BootMs set, WallMs wall, std::optional<std::uint32_t> for_s = std::nullopt) {
  return {"f", true, "bob", kBob, boot, set, wall, for_s};
}

Reply<FactState> set(World& world, const Caller& by, const std::string& name, policy::Value value,
                     std::optional<std::uint32_t> for_s = std::nullopt) {
  Reply<FactState> reply;
  world.core->set_fact(by, name, std::move(value), for_s, reply.done());
  world.settle();
  return reply;
}

}  // namespace

TEST_CASE("the age of a fact", "[facts]") {
  struct Row {
    const char* name;
    const char* boot;
    BootMs set;
    WallMs set_wall;
    BootMs now;
    WallMs wall;
    std::int64_t age_ms;  // below 0: cannot be told
    bool known;           // fresh for 10 minutes
  };
  const Row rows[] = {
      {"of this boot", "here", 1000, 50'000, 4000, 53'000, 3000, true},
      {"of this boot, whatever the wall clock does", "here", 1000, 50'000, 4000, 10, 3000, true},
      {"stale to the millisecond", "here", 0, 0, 600'000, 600'000, 600'000, false},
      {"fresh to the millisecond", "here", 0, 0, 599'999, 599'999, 599'999, true},
      {"of another boot", "there", 900'000, 50'000, 4000, 53'000, 3000, true},
      {"of another boot, long ago", "there", 900'000, 50'000, 4000, 50'000 + 3'600'000, 3'600'000, false},
      {"the wall clock went back", "there", 900'000, 50'000, 4000, 49'999, -1, false},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    FactTable table;
    const policy::FactRule declared[] = {rule(policy::FactRule::Type::kBool)};
    table.declare(declared);
    table.put(fact(row.boot, row.set, row.set_wall), "here", row.now, row.wall);
    CHECK(table.age("f", row.now, row.wall).value_or(-1) == row.age_ms);
    CHECK(table.known("f", row.now, row.wall) == row.known);
    table.refresh(row.now, row.wall);
    REQUIRE(table.find("f") != nullptr);
    const bool stale = table.find("f")->for_s ? table.find("f")->age_s >= *table.find("f")->for_s : table.find("f")->age_s >= 600;
    CHECK(stale != row.known);
  }
}

TEST_CASE("one of another boot stays as old as it was when the wall clock goes back", "[facts]") {
  FactTable table;
  const policy::FactRule declared[] = {rule(policy::FactRule::Type::kBool)};
  table.declare(declared);
  table.put(fact("there", 0, 1000), "here", 5000, 301'000);
  CHECK(table.age("f", 6000, 301'000 - 200'000) == 301'000);
  CHECK_FALSE(table.age("f", 6000, 999));
  CHECK(table.next_end(5000, 301'000) == 5000 + 300'000);
  table.put(fact("here", 5000, 301'000, 60), "here", 5000, 301'000);
  CHECK(table.next_end(5000, 301'000) == 65'000);
  CHECK_FALSE(table.next_end(65'000, 361'000));
}

TEST_CASE("what cannot be a value", "[facts]") {
  using Type = policy::FactRule::Type;
  const std::pair<policy::Value, Type> good[] = {{true, Type::kBool}, {std::int64_t{-1}, Type::kInt}, {0.5, Type::kFloat},
                                                 {std::string(1024, 'x'), Type::kString}, {std::string("\xc3\xa9"), Type::kString}};
  for (const auto& [value, type] : good) CHECK(unfit(rule(type), value).empty());
  const std::pair<policy::Value, Type> wrong[] = {
      {true, Type::kInt}, {std::int64_t{1}, Type::kBool}, {std::int64_t{1}, Type::kFloat}, {1.0, Type::kInt},
      {std::nan(""), Type::kFloat}, {HUGE_VAL, Type::kFloat}, {std::string(1025, 'x'), Type::kString},
      {std::string("a\nb"), Type::kString}, {std::string("\x7f"), Type::kString}, {std::string("\xff"), Type::kString},
      {std::string("a\0b", 3), Type::kString}};
  for (const auto& [value, type] : wrong) CHECK_FALSE(unfit(rule(type), value).empty());
}

TEST_CASE("counts leave out the request under evaluation, and know what they do not know", "[facts]") {
  History history;
  const Id one{{1}}, two{{2}};
  history.add("alice", Deed::kRequest, 1000, one);
  history.add("alice", Deed::kRequest, 2000, two);
  history.add("alice", Deed::kDenied, 2000, {}, 5);
  CHECK(history.count("alice", Deed::kRequest, 0, {}, {}) == 2);
  CHECK(history.count("alice", Deed::kRequest, 0, one, {}) == 1);
  CHECK(history.count("alice", Deed::kRequest, 1000, {}, {}) == 1);
  CHECK(history.count("alice", Deed::kDenied, 0, {}, {}) == 5);
  CHECK(history.count("bob", Deed::kRequest, 0, {}, {}) == 0);
  history.begins_at(500);
  CHECK_FALSE(history.count("bob", Deed::kRequest, 499, {}, {}));
  CHECK(history.count("bob", Deed::kRequest, 500, {}, {}) == 0);
  for (std::size_t i = 0; i < History::kEach; ++i) history.add("carol", Deed::kDenied, 5000, {});
  CHECK(history.count("carol", Deed::kDenied, 600, {}, {}) == std::int64_t{History::kEach});
  history.add("carol", Deed::kDenied, 6000, {});
  CHECK_FALSE(history.count("carol", Deed::kDenied, 600, {}, {}));
  CHECK(history.count("carol", Deed::kDenied, 5000, {}, {}) == 1);
}

TEST_CASE("networks", "[facts]") {
  Networks networks;
  const auto net = [](const char* text) { return Networks::net_of(*policy::Address::parse(text)); };
  CHECK(networks.saw("zoe", net("192.0.2.7"), 0));
  CHECK_FALSE(networks.saw("zoe", net("192.0.2.9"), 1000));
  CHECK(networks.saw("zoe", net("192.0.2.9"), 90'000'000));
  CHECK(networks.saw("zoe", net("2001:db8::1"), 0));
  const std::pair<const char*, bool> known[] = {{"192.0.2.200", true}, {"192.0.3.7", false}, {"2001:db8::ffff", true}, {"2001:db8:0:1::1", false}};
  for (const auto& [address, is] : known) CHECK(networks.knows("zoe", *policy::Address::parse(address)) == is);
  CHECK_FALSE(networks.knows("eve", *policy::Address::parse("192.0.2.7")));
}

TEST_CASE("the card", "[facts]") {
  const std::pair<Signs, std::int64_t> rows[] = {
      {{}, 0},
      {{true, false, false, false, false, 0}, 25},
      {{false, true, true, false, false, 0}, 40},
      {{false, false, false, true, true, 2}, 65},
      {{false, false, false, false, false, 3}, 30},
      {{false, false, false, false, false, 4'000'000'000U}, 30},
      {{true, true, true, true, true, 9}, 100},
  };
  for (const auto& [signs, points] : rows) CHECK(risk_of(signs) == points);
  const std::pair<const char*, bool> programs[] = {{"bash", true}, {"python3.11", true}, {"vim.basic", true}, {"less", true},
                                                   {"systemctl", true}, {"sqlite3", true}, {"aria2c", true}, {"runuser", true},
                                                   {"id", false}, {"ls", false}, {"cat", false}, {"", false}, {"3", false}};
  for (const auto& [name, is] : programs) CHECK(far_reaching_program(name) == is);
}

TEST_CASE("a flag that is set ends what waits, at once", "[facts]") {
  World world;
  world.use(load_policy(kFreeze));
  const Conn conn = world.submit(world.ask(kAlice));
  const Id id = world.only_request();
  const auto reply = set(world, world.caller(0), "freeze", true);
  CHECK(reply.error().empty());
  CHECK(reply.one().value.known);
  REQUIRE(world.heard(conn).decided.size() == 1);
  const Request& ended = world.held.requests.at(id);
  CHECK(ended.state == RequestState::kCancelled);
  CHECK(ended.ended_why == "a fact changed: change freeze in force");
  CHECK(world.told_facts == std::vector<std::string>{"freeze"});
  CHECK(world.logged(events::kFactSet) == 1);
  const Conn again = world.submit(world.ask(kAlice));
  CHECK(world.said(again) == "deny policy");
}

TEST_CASE("one that goes stale ends what waits, at its moment", "[facts]") {
  World world;
  std::string rules = kFreeze;
  // Set to its safe value, and unknown once that is old.
  rules.replace(rules.find("initial = false"), 15, "initial = true");
  world.use(load_policy(rules));
  CHECK(set(world, world.caller(0), "freeze", false, 60).error().empty());
  const Conn conn = world.submit(world.ask(kAlice));
  REQUIRE(world.core->next_tick());
  CHECK(*world.core->next_tick() == world.now + 60'000);
  world.pass_and_tick(59'999);
  CHECK(world.heard(conn).decided.empty());
  world.pass_and_tick(1);
  REQUIRE(world.heard(conn).decided.size() == 1);
  CHECK(world.held.requests.begin()->second.ended_why.starts_with("a fact changed: "));
}

TEST_CASE("who may set what", "[facts]") {
  World world;
  world.use(load_policy(kFreeze));
  Caller provider = world.caller(kFrank);
  policy::Identity dynamic = *provider.identity;
  dynamic.user = "jit-fact-patched";
  provider.identity = std::make_shared<const policy::Identity>(dynamic);
  struct Row {
    Caller by;
    const char* fact;
    policy::Value value;
    const char* error;
  };
  const Row rows[] = {
      {world.caller(0), "freeze", true, ""},
      {world.caller(kAlice), "freeze", true, "NotFound"},
      {world.caller(kAlice), "nothing", true, "NotFound"},
      {world.caller(0), "nothing", true, "NotFound"},
      {world.caller(kCarol), "team", std::string("red"), ""},
      {world.caller(0), "team", std::string("red"), ""},  // no provider owns it
      {world.caller(kAlice), "team", std::string("red"), "NotFound"},
      {world.caller(kCarol), "team", true, "BadInput"},
      {world.caller(kCarol), "team", std::string("\x1b"), "BadInput"},
      {provider, "patched", true, ""},
      {provider, "freeze", true, "NotFound"},
      {provider, "team", std::string("red"), "NotFound"},
      {world.caller(0), "patched", true, "Denied"},  // its provider's alone
  };
  for (const Row& row : rows) {
    INFO(row.fact << " by " << row.by.identity->user);
    CHECK(set(world, row.by, row.fact, row.value).error() == row.error);
  }
}

TEST_CASE("the initial value clears, and a failed disk changes nothing", "[facts]") {
  World world;
  world.use(load_policy(kFreeze));
  CHECK(set(world, world.caller(0), "freeze", true).error().empty());
  CHECK(set(world, world.caller(0), "freeze", false).error().empty());
  CHECK(world.held.facts.empty());
  CHECK(world.logged(events::kFactCleared) == 1);
  world.failing_writes = true;
  CHECK(set(world, world.caller(0), "freeze", true).error() == "Unavailable");
  world.failing_writes = false;
  CHECK_FALSE(world.core->facts(world.caller(0)).front().set);
}

TEST_CASE("facts and counts come back after a restart", "[facts]") {
  World world;
  const std::string rules = kFreeze + "[[guard]]\nid = \"often\"\nwhen = [\"count.requests.1h >= 1\"]\ndeny = \"asked before\"\n";
  world.use(load_policy(rules));
  const Conn first = world.submit(world.ask(kAlice));
  CHECK(world.said(first) == "pending approval-needed");
  // Its own is not counted when it is looked at again.
  world.use(world.policy);
  CHECK(world.heard(first).decided.empty());
  CHECK(set(world, world.caller(0), "freeze", true).error().empty());
  for (const bool new_boot : {false, true}) {
    world.restart(new_boot);
    CHECK(world.core->facts(world.caller(0)).front().known);
    CHECK(set(world, world.caller(0), "freeze", false).error().empty());
    const Conn conn = world.submit(world.ask(kAlice, "two"));
    CHECK(world.said(conn) == "deny policy");
    CHECK(world.answer(conn).text.front().find("asked before") != std::string::npos);
    CHECK(set(world, world.caller(0), "freeze", true).error().empty());
  }
}

TEST_CASE("a door that only observes decides, logs and waits for nobody", "[observe]") {
  struct Row {
    const char* target;
    Verdict verdict;
    const char* would;
  };
  const Row rows[] = {{"root", Verdict::kDeny, "ask 1 of set:sre"}, {"free", Verdict::kAllow, "allow"}, {"nobody", Verdict::kDeny, "deny: "}};
  for (const Row& row : rows) {
    INFO(row.target);
    World world;
    Ask ask = world.ask(kAlice, row.target);
    ask.observe = true;
    ask.can_ask = false;
    ask.budget_s = 0;
    const Conn conn = world.submit(ask);
    CHECK(world.answer(conn).verdict == row.verdict);
    CHECK(world.answer(conn).cause == "observed");
    CHECK(world.core->live_requests().empty());
    CHECK(world.core->live_grants().empty());
    REQUIRE(world.logged(events::kObserved) == 1);
    const std::string& fields = world.held.entries.back().fields;
    CHECK(fields.find("\"would\":\"" + std::string(row.would)) != std::string::npos);
    CHECK(fields.find("\"decision\":{") != std::string::npos);
    CHECK(world.bound(world.bind(ask)).cause == "observed");
    REQUIRE(world.core->observing().size() == 1);
    ask.observe = false;
    world.submit(ask);
    CHECK(world.core->observing().empty());
  }
}

TEST_CASE("who was erased may be anybody of whom nothing is known of before", "[facts]") {
  History history;
  history.add("alice", Deed::kGranted, 100, {});
  history.erased(500);
  history.erased(50);
  history.add("bob", Deed::kGranted, 600, {});
  const auto count = [&](const char* person, BootMs since) { return history.count(person, Deed::kGranted, since, {}, {}); };
  CHECK(count("alice", 60) == 1);
  CHECK(count("alice", 550) == 0);
  CHECK_FALSE(count("alice", 49));
  CHECK(count("bob", 500) == 1);
  CHECK_FALSE(count("bob", 499));
  CHECK(count("carol", 500) == 0);
  CHECK_FALSE(count("carol", 499));
}

TEST_CASE("a guard that only observes is logged", "[observe]") {
  World world;
  world.use(load_policy(std::string(kRules) + "[[guard]]\nid = \"soon\"\nwho = [\"set:staff\"]\nmode = \"observe\"\ndeny = \"not any more\"\n"));
  for (int i = 0; i < 3; ++i) CHECK(world.said(world.submit(world.ask(kAlice, "free"))).starts_with("allow"));
  world.submit(world.ask(kAlice));
  world.submit(world.ask(kErin));
  CHECK(world.logged(events::kGrantCreated) == 1);
  world.pass_and_tick(world.limits.denial_window_ms);
  std::vector<std::string> seen;
  for (const AuditEntry& entry : world.held.entries) {
    if (entry.type != events::kObserved) continue;
    const auto fields = nlohmann::json::parse(entry.fields);
    CHECK(fields["rule"] == "soon");
    CHECK(fields["would"] == "deny: not any more");
    seen.push_back(entry.person + " " + (fields.contains("repeated") ? std::to_string(fields["repeated"].get<int>()) + " more" : fields["by"].get<std::string>()));
  }
  CHECK(seen == std::vector<std::string>{"uid:1000 guard", "uid:1004 guard", "uid:1000 1 more"});
}

TEST_CASE("each decision leaves a record", "[record]") {
  World world;
  world.use(load_policy(kFreeze));
  Ask ask = world.ask(kAlice);
  ask.command = {true, false, false, "", "/usr/bin/id", 4, {"-D"}, {"LANG"}};
  ask.urgency = Urgency::kHigh;
  world.submit(ask);
  const Request& stored = world.held.requests.begin()->second;
  CHECK(stored.command == ask.command);
  CHECK(stored.urgency == Urgency::kHigh);
  for (const AuditEntry& entry : world.held.entries) {
    if (entry.type != events::kRequestCreated) continue;
    for (const char* part : {"\"outcome\":\"approval\"", "\"rule\":\"root\"", "\"freeze\":\"false\"", "\"path\":\"/usr/bin/id\"",
                             "\"urgency\":\"high\"", "\"options\":[\"-D\"]", "\"env\":[\"LANG\"]", "\"groups_all\":["}) {
      INFO(part);
      CHECK(entry.fields.find(part) != std::string::npos);
    }
  }
}

TEST_CASE("the words of a command stand beside the decision that ends a request", "[record]") {
  World world;
  world.use(load_policy(kFreeze));
  Ask ask = world.ask(kAlice);
  ask.argv = {"sudo", "id", "-un"};
  ask.command = {true, false, false, "", "/usr/bin/id", 2, {}, {}};
  world.submit(ask);
  CHECK(set(world, world.caller(0), "freeze", true).error().empty());
  REQUIRE(world.logged(events::kRequestCancelled) == 1);
  const std::string& fields = world.held.entries.back().fields;
  CHECK(fields.find("\"decision\":{") != std::string::npos);
  CHECK(fields.find("\"argv\":[\"sudo\",\"id\",\"-un\"]") != std::string::npos);
}

TEST_CASE("a record holds the terms, and root where the target is a claim", "[record]") {
  for (const bool claim : {false, true}) {
    INFO(claim);
    World world;
    world.use(load_policy(kFreeze));
    Ask ask = world.ask(kAlice);
    ask.target_verified = !claim;
    world.submit(ask);
    const auto created = std::ranges::find(world.held.entries, events::kRequestCreated, &AuditEntry::type);
    REQUIRE(created != world.held.entries.end());
    CHECK(created->fields.find("\"terms\":{\"give_s\":") != std::string::npos);
    CHECK((created->fields.find("\"root\":{") != std::string::npos) == claim);
  }
}

}  // namespace jit::core_test
