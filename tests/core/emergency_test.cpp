// SPDX-License-Identifier: Apache-2.0
// Break-glass and the review it owes; requests with a later start; the risk card.
#include "tests/core/emergency.h"

namespace jit::core_test {

TEST_CASE("break-glass opens at once, is seen by all approvers, and owes a review", "[emergency]") {
  Emergency world;
  const Conn conn = world.submit(world.glass());
  CHECK(world.said(conn) == "allow granted");
  REQUIRE(world.held.requests.size() == 1);
  const Request request = world.held.requests.begin()->second;
  CHECK(request.kind == RequestKind::kBreakGlass);
  CHECK(request.state == RequestState::kApproved);
  CHECK(request.review_due == world.wall() + 86'400'000);
  CHECK(world.only_grant().request == request.id);
  REQUIRE(world.told_requests.size() == 1);
  for (const std::uint32_t uid : {kBob, kCarol, kDave, kErin}) CHECK(world.core->may_see(world.caller(uid), request));
  CHECK_FALSE(world.core->may_see(world.caller(kFrank), request));
  CHECK(world.core->owed_reviews(world.caller(kBob)).size() == 1);
  CHECK(world.core->owed_reviews(world.caller(kFrank)).empty());
  SECTION("not by who did it, by whichever name") {
    CHECK(world.review(world.caller(kAlice), request.id).error() == "Denied");
    Caller root = world.caller(0);
    root.loginuid = kAlice;
    CHECK(world.review(root, request.id).error() == "Denied");
    CHECK(world.review(world.caller(kFrank), request.id).error() == "NotFound");
    CHECK(world.review(world.caller(kBob), request.id, " ").error() == "BadInput");
    CHECK(world.review(world.caller(kBob), Id{}).error() == "NotFound");
  }
  SECTION("while it is overdue nothing else is asked for her") {
    world.pass(86'399'999);
    CHECK(world.said(world.submit(world.ask(kAlice))) == "pending approval-needed");
    world.pass_and_tick(1);
    const Conn refused = world.submit(world.ask(kAlice, "two"));
    CHECK(world.said(refused) == "deny review-overdue");
    CHECK(world.answer(refused).text.at(0).find("jitctl review " + request.id.text().substr(0, 8)) != std::string::npos);
    CHECK(world.create(kAlice, world.ask(kAlice, "two")).error() == "Denied");
    CHECK(world.said(world.submit(world.ask(kFrank))) == "pending approval-needed");
    CHECK(world.said(world.submit(world.ask(kAlice, "free"))) == "allow granted");  // nobody is asked
    world.restart(true);
    CHECK(world.said(world.submit(world.ask(kAlice, "two"))) == "deny review-overdue");
    CHECK(world.said(world.submit(world.glass())) == "allow granted");  // an emergency stays one
    CHECK(world.review(world.caller(kDave), request.id, "one file was restored").error().empty());
    CHECK(world.held.requests.at(request.id).reviewed_by == world.who(kDave)->person);
    CHECK(world.logged(events::kRequestReviewed) == 1);
    CHECK(world.said(world.submit(world.ask(kAlice, "two"))) == "pending approval-needed");
    CHECK(world.review(world.caller(kDave), request.id).error() == "NotFound");
  }
  SECTION("a review that cannot be written is owed still") {
    world.failing_writes = true;
    CHECK(world.review(world.caller(kBob), request.id).error() == "Unavailable");
    CHECK(world.core->owed_reviews(world.caller(kBob)).size() == 1);
  }
}

TEST_CASE("few emergencies within an hour, and each beside what waits already", "[emergency]") {
  Emergency world;
  const Conn waits = world.submit(world.ask(kAlice));
  CHECK(world.said(waits) == "pending approval-needed");
  for (std::size_t n = 0; n < world.limits.break_glass_per_hour; ++n) {
    CHECK(world.said(world.submit(world.glass())) == "allow granted");
    CHECK(world.end(world.caller(kAlice), world.only_grant().id).error().empty());
  }
  CHECK(world.said(world.submit(world.glass())) == "deny limit");
  world.restart();
  CHECK(world.said(world.submit(world.glass())) == "deny limit");
  CHECK(world.said(world.submit(world.glass(kFrank))) == "allow granted");
  world.pass(3'600'001);
  CHECK(world.said(world.submit(world.glass())) == "allow granted");
}

TEST_CASE("what was erased of the log keeps nobody from an emergency", "[emergency]") {
  Emergency world;
  for (std::size_t n = 0; n < world.limits.break_glass_per_hour; ++n) {
    world.submit(world.glass());
    CHECK(world.end(world.caller(kAlice), world.only_grant().id).error().empty());
  }
  world.restart();
  Past past;
  const Past::Done now{Deed::kRequest, "", {}, world.boot, world.now, world.wall(), 1};
  SECTION("a person") { past.erased.push_back(now); }
  SECTION("all that was before") { past.cut.push_back(now); }
  world.core->remember(std::move(past));
  CHECK(world.said(world.submit(world.glass(kFrank))) == "allow granted");
  CHECK(world.said(world.submit(world.glass())) == "deny limit");  // what is known of her counts
}

TEST_CASE("break-glass that cannot be written opens nothing", "[emergency]") {
  Emergency world;
  world.failing_writes = true;
  CHECK(world.said(world.submit(world.glass())) == "deny unavailable");
  CHECK(world.core->owed_reviews(world.caller(kBob)).empty());
}

TEST_CASE("break-glass wants its reason, and not one from the environment", "[emergency]") {
  Emergency world;
  Ask ask = world.glass();
  ask.can_ask = false;
  ask.reason = "too short";
  CHECK(world.said(world.submit(ask)).starts_with("deny"));
  ask = world.glass();
  ask.can_ask = false;
  ask.reason_from = ReasonFrom::kEnvironment;
  CHECK(world.said(world.submit(ask)).starts_with("deny"));
  CHECK(world.core->live_grants().empty());
}

TEST_CASE("a request ahead of time with a later start", "[ahead]") {
  Emergency world;
  Ask ask = world.ask(kAlice, "quick");  // claim 1m
  ask.not_before = world.now + 3'600'000;
  const auto made = world.create(kAlice, ask);
  CHECK(made.error().empty());
  CHECK(made.one().value.not_before_wall == world.wall() + 3'600'000);
  CHECK(world.vote(kBob, made.one().value.id).error().empty());
  const Grant grant = world.only_grant();
  CHECK(grant.claim_until == grant.not_before + 60'000);
  Ask use = world.ask(kAlice, "quick");
  SECTION("not before") {
    world.pass_and_tick(3'599'999);
    CHECK(world.said(world.submit(use)) == "pending approval-needed");
  }
  SECTION("from then on, also after a restart") {
    world.restart();
    world.pass_and_tick(3'600'000);
    CHECK(world.said(world.submit(use)) == "allow granted");
    CHECK(world.bound(world.bind(use)).allow);
  }
  SECTION("within the claim window") {
    world.pass_and_tick(3'660'000);
    CHECK(world.core->live_grants().empty());
  }
}

TEST_CASE("a request for later is not taken up by an attempt that comes now", "[ahead]") {
  Emergency world;
  Ask ask = world.ask(kAlice, "quick");
  ask.not_before = world.now + 60'000;
  const Id later = world.create(kAlice, ask).one().value.id;
  const Conn now = world.submit(world.ask(kAlice, "quick"));
  CHECK(world.answer(now).id != later);
  CHECK(world.vote(kBob, later).error().empty());
  CHECK(world.heard(now).decided.empty());
}

TEST_CASE("a scope may be asked for, and is never wider than the rule's", "[ahead]") {
  struct Row {
    const char* target;
    policy::Scope asked;
    const char* error;
    policy::Scope given;
  };
  const Row rows[] = {{"root", policy::Scope::kCommand, "", policy::Scope::kCommand}, {"root", policy::Scope::kSession, "", policy::Scope::kTty},
                      {"root", policy::Scope::kLogin, "BadInput", {}},              {"free", policy::Scope::kCommand, "", policy::Scope::kCommand}};
  for (const Row& row : rows) {
    Emergency world;
    Ask ask = world.ask(kAlice, row.target);
    ask.asked_scope = row.asked;
    const auto made = world.create(kAlice, ask);
    CHECK(made.error() == row.error);
    if (!made.one()) continue;
    CHECK(made.one().value.offer.scope == row.given);
    if (made.one().value.state != RequestState::kApproved) CHECK(world.vote(kBob, made.one().value.id).error().empty());
    CHECK(world.only_grant().scope == row.given);
  }
}

TEST_CASE("for later, people vote now: their keys of now count", "[ahead]") {
  constexpr BootMs kHour = 3'600'000;
  struct Row {
    const char* key;
    BootMs ahead;
    const char* error;
  };
  const Row rows[] = {{"not-after = 2023-11-15T00:00:00Z\n", 0, ""},         {"not-after = 2023-11-15T00:00:00Z\n", kHour, ""},
                      {"not-before = 2023-11-15T00:00:00Z\n", 0, "Denied"},  {"not-before = 2023-11-15T00:00:00Z\n", kHour, "Denied"}};
  for (const Row& row : rows) {
    INFO(row.key << row.ahead);
    World world;  // at 2023-11-14T23:36:40Z
    world.use(load_policy(std::string(kRules) + "[approval.key]\nneed = [{ from = \"user:bob\" }]\nvotes = \"signed\"\n[[permit]]\nid = \"key\"\n"
                                                "who = [\"set:staff\"]\ndoor = [\"sudo\"]\nas = [\"user:key\"]\napproval = \"key\"\nmax = \"1h\"\n",
                          "version = 1\n[[person]]\nname = \"bob\"\nusers = [\"bob\"]\n[[person.key]]\nid = \"k\"\nkind = \"ssh\"\n"
                          "public = \"ssh-ed25519 A\"\n" + std::string(row.key)));
    Ask ask = world.ask(kAlice, "key");
    if (row.ahead > 0) ask.not_before = world.now + row.ahead;
    CHECK(world.create(kAlice, ask).error() == row.error);
  }
}

TEST_CASE("the card of a request for later is that of its start", "[ahead]") {
  const std::pair<BootMs, bool> rows[] = {{0, false}, {12, true}, {24, false}};
  for (const auto& [hours, odd] : rows) {
    INFO(hours);
    Emergency world;
    Ask ask = world.ask(kAlice);
    Past past;
    past.uses.assign(20, {ask.subject.identity->person, 0, world.wall()});
    world.core->remember(std::move(past));
    if (hours > 0) ask.not_before = world.now + hours * 3'600'000;
    const auto made = world.create(kAlice, ask);
    REQUIRE(made.error().empty());
    const auto& signs = made.one().value.card.signs;
    CHECK((std::ranges::find(signs, "outside the usual hours") != signs.end()) == odd);
  }
}

TEST_CASE("how far ahead", "[ahead]") {
  Emergency world;
  Ask ask = world.ask(kAlice);
  ask.not_before = world.now + BootMs{91} * 86'400'000;
  CHECK(world.create(kAlice, ask).error() == "BadInput");
}

TEST_CASE("the risk card says what is unusual", "[card]") {
  Emergency world;
  Ask ask = world.ask(kAlice);
  ask.command.known = true;
  ask.command.changeable = true;
  ask.command.path = "/usr/bin/vim.basic";
  world.submit(ask);
  const Request& request = world.held.requests.at(world.only_request());
  CHECK(request.card.score == 75);
  CHECK(request.card.signs == std::vector<std::string>{"the requester can change a file that it runs or reads", "never was root here before",
                                                       "opens an editor or pager: a shell can be started in it"});
  struct Row {
    const char* path;
    std::vector<std::string> options;
    const char* sign;
  };
  const Row rows[] = {{"/bin/bash", {}, "root shell"}, {"/usr/bin/python3.11", {}, "root shell"}, {"", {"-i"}, "root shell"},
                      {"/usr/bin/less", {}, "editor or pager"}, {"/etc/hosts", {"-e"}, "editor or pager"}, {"/usr/bin/tar", {}, "write any file"},
                      {"/usr/bin/journalctl", {}, "editor or pager"}, {"/usr/bin/systemctl", {}, "editor or pager"},
                      {"/usr/bin/crontab", {}, "editor or pager"}, {"/usr/sbin/vipw", {}, "editor or pager"}, {"/usr/sbin/vigr", {}, "editor or pager"},
                      {"/usr/sbin/runuser", {}, "root shell"}, {"/usr/bin/setpriv", {}, "root shell"}, {"/usr/bin/pkexec", {}, "root shell"},
                      {"/usr/bin/expect", {}, "root shell"}, {"/usr/bin/tclsh8.6", {}, "root shell"}, {"/usr/bin/nohup", {}, "other programs"},
                      {"/usr/bin/setsid", {}, "other programs"}, {"/usr/bin/make", {}, "other programs"}, {"/usr/bin/psql", {}, "other programs"},
                      {"/usr/bin/mysql", {}, "other programs"}, {"/usr/sbin/ip", {}, "other programs"}, {"/usr/bin/curl", {}, "any file"},
                      {"/usr/bin/wget", {}, "any file"}, {"/usr/bin/cat", {}, nullptr}, {"/usr/bin/grep", {}, nullptr},
                      {"/usr/bin/id", {}, nullptr}};
  std::uint32_t uid = 3000;
  for (const Row& row : rows) {
    INFO(row.path);
    Ask one = world.ask(uid++);
    one.command.known = true;
    one.command.path = row.path;
    one.command.options = row.options;
    const Conn conn = world.submit(one);
    const auto& signs = world.held.requests.at(world.answer(conn).id).card.signs;
    const bool found = row.sign != nullptr && std::ranges::any_of(signs, [&](const std::string& sign) { return sign.find(row.sign) != std::string::npos; });
    CHECK(found == (row.sign != nullptr));
    CHECK(signs.size() == (row.sign != nullptr ? 2U : 1U));
  }
}

}  // namespace jit::core_test
