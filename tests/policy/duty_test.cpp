// SPDX-License-Identifier: Apache-2.0
// Who is on duty, and when: rosters and windows in a policy. A roster that is stale is unknown, and fills no seat.
#include "world.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

// Issued at 1000, fresh for 600 s.
const char* kRoster = R"(issued = 1970-01-01T00:16:40Z
[[shift]]
from = 1970-01-01T00:00:00Z
to = 1970-01-01T00:20:00Z
who = ["user:bob", "group:sre"]
[[shift]]
from = 1970-01-01T00:20:00Z
to = 1970-01-01T00:25:00Z
who = ["person:alice"]
)";

std::shared_ptr<const Policy> rostered(const std::string& text, const std::string& roster = kRoster, const std::string& calendar = "") {
  const std::vector<Source> rules{{"p.toml", "schema = 1\nsettings.covers = [\"sudo\"]\nset.duty = { roster = \"r.toml\", fresh = \"10m\" }\n"
                                             "set.wide = [\"set:duty\", \"user:eva\"]\n" + text}};
  const std::vector<Source> people{{"people.toml", kPeople}}, rosters{{"r.toml", roster}}, calendars{{"c.ics", calendar}};
  Policy::Input input{rules, people, {}, jit::evidence::sha256_hex};
  input.rosters = rosters;
  input.calendars = calendars;
  const auto loaded = Policy::load(input);
  for (const Finding& finding : loaded.findings) UNSCOPED_INFO(finding.text());
  REQUIRE(loaded.policy);
  return loaded.policy;
}


}  // namespace

TEST_CASE("members of a roster come and go") {
  World w;
  const auto policy = rostered("");
  struct Case {
    const char* set;
    std::int64_t now;
    std::vector<std::string> persons;
    bool open, alice, bob, carl, eva;
  };
  const Case cases[] = {
      {"set:duty", 1000, {"bob"}, true, false, true, true, false},
      {"set:duty", 1199, {"bob"}, true, false, true, true, false},
      {"set:duty", 1200, {"alice"}, false, true, false, false, false},
      {"set:duty", 1500, {}, false, false, false, false, false},  // fresh, and nobody is on duty
      {"set:duty", 1601, {}, false, false, false, false, false},  // stale
      {"set:wide", 1200, {"eva", "alice"}, false, true, false, false, true},
      {"set:wide", 1601, {"eva"}, false, false, false, false, true},
  };
  for (const Case& c : cases) {
    INFO(c.set << " " << c.now);
    const auto members = policy->members(c.set, c.now);
    CHECK(members.persons == c.persons);
    CHECK(members.open_ended == c.open);
    CHECK(policy->may_fill(c.set, w.alice, c.now) == c.alice);
    CHECK(policy->may_fill(c.set, w.bob, c.now) == c.bob);
    CHECK(policy->may_fill(c.set, w.carl, c.now) == c.carl);
    CHECK(policy->may_fill(c.set, w.eva, c.now) == c.eva);
  }
}

TEST_CASE("a stale roster is unknown: it opens nothing, and closes") {
  World w;
  struct Case {
    std::int64_t now;
    bool permit, guard, permit_unless, guard_unless;  // is alice allowed
  };
  const Case cases[] = {{1100, false, true, true, false}, {1300, true, false, false, true}, {1601, false, false, false, false}};
  const std::string any = permit("");
  for (const Case& c : cases) {
    Request request = w.request();
    request.now = c.now;
    const auto allowed = [&](const std::string& rules) { return rostered(rules)->decide(request).outcome == Outcome::kAllow; };
    CHECK(allowed(permit("who = [\"set:duty\"]")) == c.permit);
    CHECK(allowed(any + "[[guard]]\nid = \"g\"\ndeny = \"no\"\nwho = [\"set:duty\"]\n") == c.guard);
    CHECK(allowed(permit("unless.who = [\"set:duty\"]")) == c.permit_unless);
    CHECK(allowed(any + "[[guard]]\nid = \"g\"\ndeny = \"no\"\nunless.who = [\"set:duty\"]\n") == c.guard_unless);
  }
  Request request = w.request();
  request.now = 1700;
  CHECK(all(rostered(permit("who = [\"set:duty\"]"))->decide(request).why).find(
            "whether it is for alice cannot be told: who is on duty in set:duty is unknown: the roster r.toml was issued 11m40s ago, fresh for 10m") !=
        std::string::npos);
}

TEST_CASE("seats of a roster") {
  World w;
  const auto policy = rostered("[approval.a]\nneed = [{ from = \"set:duty\" }]\n[approval.w]\nneed = [{ from = \"set:wide\" }]\n" + permit("approval = \"a\"") +
                               "[[permit]]\nid = \"q\"\nmax = \"1h\"\nas = [\"user:postgres\"]\napproval = \"w\"\n");
  const auto at = [&](std::int64_t now, const Identity& who, const Identity& target) {
    Request request = w.request();
    request.now = now;
    request.subject = &who;
    request.target = &target;
    request.via = &target == &w.root ? "p" : "q";
    return policy->decide(request);
  };
  CHECK(at(1100, w.alice, w.root).outcome == Outcome::kApproval);
  CHECK(at(1300, w.bob, w.root).outcome == Outcome::kApproval);
  CHECK(at(1300, w.alice, w.root).outcome == Outcome::kDeny);  // she is the only one on duty
  CHECK(at(1550, w.bob, w.root).outcome == Outcome::kDeny);    // nobody is
  CHECK(all(at(1700, w.bob, w.root).why).find("the roster r.toml was issued") != std::string::npos);
  CHECK(at(1700, w.bob, w.postgres).outcome == Outcome::kApproval);  // eva is in it by name
  CHECK(at(1700, w.eva, w.postgres).outcome == Outcome::kDeny);
}

TEST_CASE("the hash covers rosters and calendars, the fingerprint what the rules say of them") {
  World w;
  const std::string calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;VALUE=DATE:19700102\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
  std::string other = calendar;
  other.replace(other.find("19700102"), 8, "19700103");
  const std::string rules = "calendar.c = \"c.ics\"\nwindow.w = { daily = [\"00:00-24:00\"], except = [\"calendar:c\"] }\n" +
                            permit("who = [\"set:wide\"]\nduring = [\"window:w\"]");
  Request request = w.request();
  request.now = 1300;
  const auto a = rostered(rules, kRoster, calendar), b = rostered(rules, std::string(kRoster) + "\n", calendar), c = rostered(rules, kRoster, other);
  const auto print = [&](const std::shared_ptr<const Policy>& policy) { return policy->decide(request).offer.value().fingerprint; };
  CHECK((a->hash() != b->hash() && a->hash() != c->hash()));
  CHECK(print(a) == print(b));  // who is on duty is asked at each use
  CHECK(print(a) != print(c));
  const std::string before = print(a);
  CHECK_FALSE(a->refuses_use("p", before, request));
  request.now = 86'400 + 1300;  // a day that the calendar takes out
  CHECK(a->refuses_use("p", before, request).value().find("it is not the time of window:w") != std::string::npos);
}

TEST_CASE("windows are judged by the time of the request, in the zone of the policy") {
  World w;
  const auto policy = policy_of("settings.timezone = \"Europe/Prague\"\n[window]\nnight = { daily = [\"22:00-06:00\"] }\n" +
                                permit("during = [\"window:night\"]"));
  const std::pair<std::int64_t, bool> cases[] = {
      {1'795'636'800, false},  // 2026-11-25 21:00 in Prague
      {1'795'640'400, true},   // 22:00
      {1'795'669'199, true},   // 05:59:59
      {1'795'669'200, false},  // 06:00
  };
  for (const auto& [now, open] : cases) {
    Request request = w.request();
    request.now = now;
    CHECK((policy->decide(request).outcome == Outcome::kAllow) == open);
  }
}
