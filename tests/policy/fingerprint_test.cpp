// SPDX-License-Identifier: Apache-2.0
// A grant covers nothing any more once its permit, or anything that the permit names, says something else.
#include "world.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

const std::string kBase = R"([set]
admins = ["user:eva", "set:inner"]
inner = ["person:bob"]
unused = ["user:zoe"]
late = ["user:yara"]
[net]
vpn = ["10.99.0.0/16", "local6"]
[approval.one]
need = [{ from = "set:admins", count = 1 }]
wait = "10m"
escalate = [{ after = "1m", add = "set:late", to = "set:admins" }, { after = "2m", notify = "pager" }]
[command]
ls = [["/bin/ls", "{-l|-a}", "x*"]]
[window]
w = { daily = ["00:00-24:00"] }
[fact.calm]
type = "bool"
initial = true
[fact.level]
type = "int"
initial = 3
fresh = "1h"
[fact.stage]
type = "string"
initial = "green"
by = ["user:monitor"]
[[permit]]
id = "p"
who = ["user:alice", "set:inner"]
door = ["sudo", "su"]
as = ["user:root"]
hosts = ["tag:db"]
from = ["net:vpn", "local"]
unless.who = ["user:mallory"]
approval = "one"
require = ["reason:5"]
give = "10m"
max = "1h"
scope = "tty"
claim = "5m"
run = ["command:ls"]
options = ["-D"]
env = ["LANG"]
during = ["window:w"]
flag = ["calm"]
when = ["risk < 60", "load < 9"]
when-any = ["level > 2", "stage == \"green\""]
unverified-ok = ["command"]
run-max = "1h"
warn-before = ["5m"]
on-expiry = "warn"
[[permit]]
id = "q"
max = "1h"
)";

std::string base() {
  std::string out = kBase;
  out.replace(out.find(", \"local6\""), 10, "");
  return out;
}

std::string with(const std::string& from, const std::string& to) {
  std::string out = base();
  const std::size_t at = out.find(from);
  REQUIRE(at != std::string::npos);
  return out.replace(at, from.size(), to);
}

std::string fingerprint(const std::string& rules, const std::string& people = kPeople) {
  const auto loaded = load({{"p.toml", "schema = 1\nsettings.covers = [\"sudo\"]\n" + rules}}, {{"people.toml", people}});
  for (const Finding& finding : loaded.findings) UNSCOPED_INFO(finding.text());
  REQUIRE(loaded.policy);
  World w;
  Request request = w.request();
  request.can_ask = true;
  request.via = "p";
  const Ran ran{"/bin/ls", {"-l", "xy"}, {"-D"}, {"LANG"}};
  request.command = ran.command();
  request.ticket = "CHG-1";
  request.recorder = request.can_notify = request.can_review = true;
  FactTable facts;
  facts.readings["risk"].value = std::int64_t{0};
  facts.readings["load"].value = 0.5;
  request.facts = &facts;
  const Decision decision = loaded.policy->decide(request);
  for (const std::string& line : decision.why) UNSCOPED_INFO(line);
  REQUIRE(decision.offer);
  return decision.offer->fingerprint;
}

}  // namespace

TEST_CASE("the fingerprint differs when anything that the permit names differs") {
  const std::string before = fingerprint(base());
  CHECK(before.size() == 64);
  const std::pair<const char*, const char*> changes[] = {
      {"max = \"1h\"", "max = \"2h\""},
      {"give = \"10m\"", "give = \"11m\""},
      {"give = \"10m\"\n", ""},
      {"claim = \"5m\"", "claim = \"6m\""},
      {"scope = \"tty\"", "scope = \"session\""},
      {"scope = \"tty\"\n", ""},
      {"reason:5", "reason:6"},
      {"reason:5", "reason"},
      {"require = [\"reason:5\"]\n", ""},
      {"who = [\"user:alice\", ", "who = [\"user:alice\", \"user:bill\", "},
      {"inner = [\"person:bob\"]", "inner = [\"person:bob\", \"user:bill\"]"},
      {"admins = [\"user:eva\"", "admins = [\"user:eva\", \"user:bill\""},
      {"door = [\"sudo\", \"su\"]", "door = [\"sudo\"]"},
      {"door = [\"sudo\", \"su\"]\n", ""},
      {"as = [\"user:root\"]", "as = [\"user:root\", \"user:postgres\"]"},
      {"as = [\"user:root\"]\n", ""},
      {"hosts = [\"tag:db\"]", "hosts = [\"tag:db\", \"tag:web\"]"},
      {"10.99.0.0/16", "10.98.0.0/15"},
      {"from = [\"net:vpn\", \"local\"]\n", ""},
      {"user:mallory", "user:trudy"},
      {"unless.who = [\"user:mallory\"]\n", ""},
      {"count = 1", "count = 2"},
      {"wait = \"10m\"", "wait = \"11m\""},
      {"wait = \"10m\"\n", ""},
      {"count = 1 }]", "count = 1 }, { from = \"group:x\" }]"},
      {"approval = \"one\"\n", ""},
      {"unverified-ok = [\"command\"]", "unverified-ok = [\"command\", \"as\"]"},
      {"unverified-ok = [\"command\"]\n", ""},
      {"\"/bin/ls\"", "\"/{bin|sbin}/ls\""},
      {"{-l|-a}", "-l"},
      {"x*", "xy"},
      {"\"x*\"]", "\"x*\", \"**\"]"},
      {"options = [\"-D\"]", "options = [\"-D\", \"-g\"]"},
      {"env = [\"LANG\"]", "env = [\"LANG*\"]"},
      {"00:00-24:00", "00:00-23:59"},
      {"during = [\"window:w\"]\n", ""},
      {"[set]", "settings.timezone = \"Europe/Prague\"\n[set]"},
      {"flag = [\"calm\"]\n", ""},
      {"risk < 60", "risk < 61"},
      {"risk < 60", "risk <= 60"},
      {"\"risk < 60\", ", ""},
      {"load < 9", "load < 9.5"},
      {"when-any = [\"level > 2\", ", "when-any = ["},
      {"initial = 3", "initial = 4"},
      {"fresh = \"1h\"", "fresh = \"2h\""},
      {"by = [\"user:monitor\"]", "by = [\"user:monitor2\"]"},
      {"initial = \"green\"", "initial = \"red\""},
      {"run-max = \"1h\"", "run-max = \"2h\""},
      {"warn-before = [\"5m\"]", "warn-before = [\"6m\"]"},
      {"on-expiry = \"warn\"", "on-expiry = \"finish\""},
      {"on-expiry = \"warn\"", "break-glass = true\non-expiry = \"warn\""},
      {"after = \"1m\"", "after = \"90s\""},
      {"late = [\"user:yara\"]", "late = [\"user:yves\"]"},
      {"notify = \"pager\"", "notify = \"mail\""},
      {"reason:5\"]", "reason:5\", \"ticket\"]"},
      {"reason:5\"]", "reason:5\", \"record\"]"},
      {"reason:5\"]", "reason:5\", \"notify:pager\"]"},
      {"reason:5\"]", "reason:5\", \"review:1d\"]"},
      {"wait = \"10m\"", "wait = \"10m\"\nmachines = true"},
      {"wait = \"10m\"", "wait = \"10m\"\nmatch = true"},
      {"wait = \"10m\"", "wait = \"10m\"\nself = \"hardware-key\""},
  };
  for (const auto& [from, to] : changes) {
    INFO(from << " -> " << to);
    CHECK(fingerprint(with(from, to)) != before);
  }
  std::string people = kPeople;
  people.replace(people.find("\"bob\"]"), 6, "\"bob\", \"bob-adm\"]");
  CHECK(fingerprint(base(), people) != before);
}

TEST_CASE("the fingerprint stays when only the writing, or something else, differs") {
  const std::string before = fingerprint(base());
  const std::pair<const char*, const char*> changes[] = {
      {"door = [\"sudo\", \"su\"]", "door = [\"su\", \"sudo\", \"su\"]"},
      {"who = [\"user:alice\", \"set:inner\"]", "who = [\"set:inner\", \"user:alice\"]"},
      {"id = \"q\"\nmax = \"1h\"", "id = \"q\"\nmax = \"9h\""},
      {"unused = [\"user:zoe\"]", "unused = [\"user:zoe\", \"user:yan\"]"},
      {"max = \"1h\"", "max = \"60m\"  # the same"},
      {"[[permit]]\nid = \"q\"", "[[guard]]\nid = \"g\"\nmax = \"5m\"\n[[permit]]\nid = \"q\""},
  };
  for (const auto& [from, to] : changes) {
    INFO(from << " -> " << to);
    CHECK(fingerprint(with(from, to)) == before);
  }
}

TEST_CASE("the hash covers every input with its name and length") {
  const std::string rules = "schema = 1\nsettings.covers = [\"sudo\"]\n";
  const std::string more = "schema = 1\n";
  const auto hash = [&](const std::vector<Source>& r, const std::vector<Source>& p, const std::vector<std::string>& tags) {
    const auto loaded = load(r, p, tags);
    REQUIRE(loaded.policy);
    return loaded.policy->hash();
  };
  const std::string people = "version = 1\n";
  const std::string base_hash = hash({{"a", rules}, {"b", more}}, {{"p", people}}, {"db"});
  CHECK(base_hash == hash({{"b", more}, {"a", rules}}, {{"p", people}}, {"db"}));
  CHECK(base_hash != hash({{"a", rules + "\n"}, {"b", more}}, {{"p", people}}, {"db"}));
  CHECK(base_hash != hash({{"c", rules}, {"b", more}}, {{"p", people}}, {"db"}));
  CHECK(base_hash != hash({{"a", rules}, {"b", more}}, {{"p", people + "#"}}, {"db"}));
  CHECK(base_hash != hash({{"a", rules}, {"b", more}}, {}, {"db"}));
  CHECK(base_hash != hash({{"a", rules}, {"b", more}}, {{"p", people}}, {}));
  CHECK(base_hash != hash({{"a", rules}, {"b", more}}, {{"p", people}}, {"db", "web"}));
  CHECK(base_hash != hash({{"a", rules}}, {{"p", people}}, {"db"}));
}
