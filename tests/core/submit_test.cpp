// SPDX-License-Identifier: Apache-2.0
// One attempt at a door and its answer.
#include "tests/core/world.h"

namespace jit::core_test {

namespace {

struct Case {
  const char* name;
  std::function<void(Ask&)> change;
  const char* said;
  std::size_t requests;  // open afterwards
  std::size_t grants;    // living afterwards
};

}  // namespace

TEST_CASE("each attempt at a door has its answer", "[submit]") {
  const auto who = [](std::uint32_t uid) { return [uid](Ask& ask) { ask = World().ask(uid); }; };
  const auto to = [](const char* target) { return [target](Ask& ask) { ask = World().ask(kAlice, target); }; };
  const Case cases[] = {
      {"asked, and waits", [](Ask&) {}, "pending approval-needed", 1, 0},
      {"allowed outright", to("free"), "allow granted", 0, 1},
      {"no rule", to("nothing"), "deny policy", 0, 0},
      {"no rule for him", who(kMallory), "deny policy", 0, 0},
      {"a door that is not covered", [](Ask& ask) { ask.door = policy::Door::kLogin; }, "deny not-covered", 0, 0},
      {"root at a door that is not covered",
       [](Ask& ask) {
         ask.real_uid = 0;
         ask.door = policy::Door::kPolkit;
       },
       "deny not-covered", 0, 0},
      {"already root at sudo", [](Ask& ask) { ask.real_uid = 0; }, "allow already-root", 0, 0},
      {"already root at su",
       [](Ask& ask) {
         ask.real_uid = 0;
         ask.door = policy::Door::kSu;
       },
       "allow already-root", 0, 0},
      {"sshd is root, who logs in is not",
       [](Ask& ask) { ask = World().login(kAlice); }, "deny kept", 1, 0},
      {"subject is (uid_t)-1",
       [](Ask& ask) { ask.subject.identity = std::make_shared<const policy::Identity>(); }, "deny unknown-user", 0, 0},
      {"target is (uid_t)-1", [](Ask& ask) { ask.target = std::make_shared<const policy::Identity>(); },
       "deny unknown-user", 0, 0},
      {"root cannot become (uid_t)-1",
       [](Ask& ask) {
         ask.real_uid = 0;
         ask.target = std::make_shared<const policy::Identity>();
       },
       "deny unknown-user", 0, 0},
      {"a reason is missing and can be asked", to("why"), "needs needs-text", 0, 0},
      {"a reason is missing and cannot be asked",
       [](Ask& ask) {
         ask = World().ask(kAlice, "why");
         ask.can_ask = false;
       },
       "deny needs-text", 0, 0},
      {"a reason was given",
       [](Ask& ask) {
         ask = World().ask(kAlice, "why");
         ask.reason = "the printer";
       },
       "pending approval-needed", 1, 0},
      {"nobody waits", [](Ask& ask) { ask.budget_s = 0; }, "deny approval-needed", 0, 0},
      {"nobody waits, and it is kept",
       [](Ask& ask) {
         ask.budget_s = 0;
         ask.keep = true;
       },
       "deny kept", 1, 0},
      {"large uid", who(4294967294U), "pending approval-needed", 1, 0},
      {"uid past INT_MAX", who(2147483648U), "pending approval-needed", 1, 0},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    World world;
    Ask ask = world.ask(kAlice);
    c.change(ask);
    const Conn conn = world.submit(ask);
    CHECK(world.said(conn) == c.said);
    CHECK(world.core->live_requests().size() == c.requests);
    CHECK(world.core->live_grants().size() == c.grants);
    CHECK(world.heard(conn).decided.empty());
    CHECK(world.core->waiting() == (world.answer(conn).verdict == Verdict::kPending ? 1U : 0U));
    if (world.answer(conn).verdict == Verdict::kDeny) CHECK_FALSE(world.answer(conn).text.empty());
  }
}

TEST_CASE("without a policy everything is denied, root included", "[submit]") {
  World world;
  world.core->use_policy(nullptr);
  world.policy = nullptr;
  Ask root = world.ask(kAlice);
  root.real_uid = 0;
  for (const Ask& ask : {world.ask(kAlice), world.ask(kAlice, "free"), world.login(kAlice), root}) {
    CHECK(world.said(world.submit(ask)) == "deny no-policy");
  }
  CHECK(world.create(kAlice, world.ask(kAlice)).error() == "Unavailable");
}

TEST_CASE("what is asked names the seats, the id and a secret", "[submit]") {
  World world;
  const Answer told = world.answer(world.submit(world.ask(kAlice)));
  CHECK(told.id == world.only_request());
  CHECK(told.secret.size() == 32);
  CHECK(told.deadline_s == 600);
  REQUIRE(told.text.size() == 1);
  CHECK(told.text[0].find("1 of set:sre") != std::string::npos);
  CHECK(told.text[0].find(told.id.text().substr(0, 8)) != std::string::npos);
  const Request& stored = world.held.requests.at(told.id);
  CHECK(stored.secret_hash.find(told.secret) == std::string::npos);
  CHECK(stored.state == RequestState::kPending);
  CHECK(stored.deadline == stored.created + 600'000);
}

TEST_CASE("what the requester typed is escaped where it comes back", "[submit]") {
  World world;
  Ask ask = world.ask(kAlice);
  ask.budget_s = 0;
  ask.argv = {"sudo", "\x1b[2J\nroot:0\xff"};
  for (const std::string& line : world.answer(world.submit(ask)).text) {
    for (const char c : line) CHECK((c >= 32 && c < 127));
  }
}

TEST_CASE("root's look-up may be missing at the attempt", "[submit]") {
  World world;
  Ask ask = world.ask(kAlice);
  ask.root = nullptr;
  CHECK(world.said(world.submit(ask)) == "pending approval-needed");
  ask = world.ask(kAlice, "two");
  ask.root = nullptr;
  CHECK(world.create(kAlice, ask).error().empty());
}

TEST_CASE("a request made ahead of time", "[submit]") {
  World world;
  struct Row {
    const char* name;
    const char* target;
    std::uint32_t subject;
    const char* reason;
    const char* error;
  };
  const Row rows[] = {
      {"asked", "root", kAlice, "", ""},
      {"allowed outright", "free", kAlice, "", ""},
      {"no rule", "nothing", kAlice, "", "Denied"},
      {"for somebody else", "root", kFrank, "", "BadInput"},
      {"without its reason", "why", kAlice, "", "BadInput"},
      {"with its reason", "why", kAlice, "the printer", ""},
      {"twice", "root", kAlice, "", "Limit"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    Ask ask = world.ask(kAlice, row.target);
    ask.subject.identity = world.who(row.subject);
    ask.reason = row.reason;
    const auto reply = world.create(kAlice, ask);
    CHECK(reply.error() == row.error);
    if (reply.one()) CHECK(world.held.requests.at(reply.one().value.id).state == reply.one().value.state);
  }
  CHECK(world.core->live_requests().size() == 2);
  CHECK(world.core->live_grants().size() == 1);
  const Grant& grant = world.only_grant();
  CHECK(world.held.requests.at(grant.request).state == RequestState::kApproved);
  CHECK(world.held.requests.at(grant.request).digest == grant.request_digest);
}

}  // namespace jit::core_test
