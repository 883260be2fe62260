// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.h"

#include "broker/bus/handlers.h"
#include "tests/core/world.h"
#include "tests/store/samples.h"

using namespace jit;
using namespace jit::bus;
using core_test::kAlice;
using core_test::kBob;
using core_test::kMallory;

namespace {

constexpr std::size_t kMany = 1100;  // more than one reply holds of what lives

core::Limits wide() {
  core::Limits limits;
  limits.pending_per_uid = limits.requests_per_hour = limits.connections_per_uid = limits.pending_per_host =
      limits.grants_per_uid = 2 * kMany;
  return limits;
}

// The core of one world, and a database with whatever the test writes into it.
struct Room {
  explicit Room(core::Limits limits = wide()) : world(limits) {}
  core_test::World world;
  const test::Folder folder;
  test::Opened store{folder / "jit.db"};
  bool there = true;  // the database
  Documents documents{*world.core, [this] { return there ? store.db.get() : nullptr; }, {"00ff", "web1"}};

  core::Id ask(const std::string& command) {
    core::Ask ask = world.ask(kAlice);
    ask.argv = {"sudo", command};
    world.pass(1);
    return world.create(kAlice, ask).one().value.id;
  }
  void use(const std::string& command) {
    core::Ask ask = world.ask(kAlice, "free");
    ask.argv = {"sudo", command};
    ask.subject.terminal.number += static_cast<std::uint32_t>(++terminals);
    world.submit(ask);
  }
  // Newer than anything that is asked here.
  void end_many(std::size_t count, std::uint32_t uid = kAlice) {
    core::Batch all;
    for (std::size_t n = 1; n <= count; ++n) {
      all.requests.push_back(test::request(n, uid));
      all.requests.back().state = core::RequestState::kDenied;
      all.requests.back().ended_wall = all.requests.back().created_wall = ended_at(n);
      all.grants.push_back(test::grant(n, uid));
      all.grants.back().state = core::GrantState::kEnded;
      all.grants.back().ended_wall = all.grants.back().created_wall = ended_at(n);
    }
    REQUIRE(store.commit(all));
  }
  static core::WallMs ended_at(std::size_t n) { return 1'900'000'000'000 + static_cast<core::WallMs>(n); }

  Json requests(std::uint32_t uid, const RequestQuery& query) {
    const std::string text = list_document(documents, "requests", documents.requests(world.caller(uid), query));
    return Json::parse(text);
  }
  Json grants(std::uint32_t uid, const GrantQuery& query) {
    return Json::parse(list_document(documents, "grants", documents.grants(world.caller(uid), query)));
  }
  int terminals = 0;
};

RequestQuery all_requests() {
  RequestQuery query;
  query.all = true;
  return query;
}
GrantQuery all_grants() {
  GrantQuery query;
  query.all = true;
  return query;
}

}  // namespace

TEST_CASE("an open request is never displaced by ended ones, however many and new", "[lists]") {
  Room room;
  const core::Id first = room.ask("first");
  const core::Id second = room.ask("second");
  room.end_many(300);
  for (const std::uint32_t uid : {kAlice, 0U}) {
    INFO(uid);
    RequestQuery query;
    query.all = uid == 0;
    const Json list = room.requests(uid, query);
    REQUIRE(list["requests"].size() == 200);
    CHECK(list["requests"][0]["id"] == second.text());
    CHECK(list["requests"][1]["id"] == first.text());
    CHECK(list["requests"][2]["id"] == test::id_of(300).text());  // the last to end
    CHECK(list["left_out"] == Json::parse(R"({"living":0,"ended":true})"));
  }
}

TEST_CASE("a living grant is never displaced by ended ones, however many and new", "[lists]") {
  Room room;
  room.use("first");
  REQUIRE(room.world.core->live_grants().size() == 1);
  room.end_many(300);
  for (const std::uint32_t uid : {kAlice, 0U}) {
    INFO(uid);
    GrantQuery query;
    query.all = uid == 0;
    const Json list = room.grants(uid, query);
    REQUIRE(list["grants"].size() == 200);
    CHECK(list["grants"][0]["id"] == room.world.core->live_grants()[0]->id.text());
    CHECK(list["left_out"]["ended"] == true);
    query.living = true;
    CHECK(room.grants(uid, query)["grants"].size() == 1);
    CHECK(room.grants(uid, query)["left_out"] == Json::parse(R"({"living":0,"ended":false})"));
  }
}

TEST_CASE("since is about the end, so what waits is always there", "[lists]") {
  Room room;
  const core::Id open = room.ask("first");
  room.end_many(10);
  RequestQuery query = all_requests();
  query.since = Room::ended_at(9);
  const Json list = room.requests(0, query);
  REQUIRE(list["requests"].size() == 3);
  CHECK(list["requests"][0]["id"] == open.text());
  CHECK(list["requests"][2]["id"] == test::id_of(9).text());
  CHECK(list["left_out"]["ended"] == false);
  // Asked long ago, ended just now.
  core::Request late = test::request(77, kAlice);
  late.state = core::RequestState::kExpired;
  late.created_wall = 1;
  late.ended_wall = Room::ended_at(50);
  REQUIRE(room.store.commit(test::batch(late)));
  CHECK(room.requests(0, query)["requests"][1]["id"] == test::id_of(77).text());
}

TEST_CASE("by state: what lives without the ended, what has ended without the living", "[lists]") {
  Room room;
  room.ask("first");
  room.use("second");
  room.end_many(3);
  RequestQuery query = all_requests();
  query.state = core::RequestState::kDetached;
  CHECK(room.requests(0, query)["requests"].size() == 1);
  query.state = core::RequestState::kPending;
  CHECK(room.requests(0, query)["requests"].empty());
  query.state = core::RequestState::kDenied;
  CHECK(room.requests(0, query)["requests"].size() == 3);
  GrantQuery grants = all_grants();
  grants.state = core::GrantState::kEnded;
  CHECK(room.grants(0, grants)["grants"].size() == 3);
  grants.state = core::GrantState::kUnclaimed;
  CHECK(room.grants(0, grants)["grants"].size() == room.world.core->live_grants().size());
}

TEST_CASE("of more than a reply holds it says how many are left out", "[lists]") {
  Room room;
  for (std::size_t n = 0; n < kMany; ++n) room.ask("c" + std::to_string(n));
  RequestQuery query;
  query.living = true;
  const Json list = room.requests(kBob, query);
  CHECK(list["requests"].size() == kListMax);
  CHECK(list["left_out"] == Json::parse(R"({"living":100,"ended":false})"));
  // With no room left, one that has ended is still said to be missing.
  room.end_many(1);
  CHECK(room.requests(0, all_requests())["left_out"] == Json::parse(R"({"living":100,"ended":true})"));
}

TEST_CASE("a list shows what its reader may see, and each once", "[lists]") {
  Room room;
  const core::Id open = room.ask("first");
  room.end_many(3);
  CHECK(room.requests(kMallory, all_requests())["requests"].empty());
  CHECK(room.requests(kBob, {})["requests"].size() == 4);  // of set:sre, so he may vote on each
  // What the database has already ended and the core not yet.
  core::Request same = test::request(1, kAlice);
  same.id = open;
  same.state = core::RequestState::kDenied;
  same.ended_wall = Room::ended_at(9);
  REQUIRE(room.store.commit(test::batch(same)));
  CHECK(room.requests(kAlice, {})["requests"].size() == 4);
  room.there = false;
  CHECK(room.requests(kAlice, {})["requests"].size() == 1);
  CHECK(room.requests(kAlice, {})["left_out"]["ended"] == true);
}

TEST_CASE("of ended ones that were not looked at only who sees such is told", "[lists]") {
  Room room;
  room.end_many(600);
  CHECK(room.requests(kMallory, {})["left_out"]["ended"] == false);
  CHECK(room.requests(kBob, {})["left_out"]["ended"] == true);
  RequestQuery query;
  query.limit = kListMax;
  CHECK(room.requests(kBob, query)["left_out"]["ended"] == true);
  CHECK(room.requests(kBob, query)["requests"].size() == 500);
}

TEST_CASE("one uid has few lists under way", "[lists]") {
  Room room;
  test::Mailbox mail;  // nobody reads it: no caller is ever made
  directory::Directory directory(mail.post());
  const auto handlers = std::make_shared<Handlers>(*room.world.core, directory, [] { return nullptr; },
                                                   Host{"00ff", "web1"}, Admin{});
  std::vector<Answer> answers;
  Call call;
  call.interface = "org.pamjit.Broker1.Requests";
  call.method = "List";
  call.sender.name = ":1.1";
  call.sender.uid = kAlice;
  call.reply = [&](Answer answer) { answers.push_back(std::move(answer)); };
  for (std::size_t n = 0; n < Handlers::kListsPerUid; ++n) handlers->call(call);
  CHECK(answers.empty());
  handlers->call(call);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].error == core::Error::kLimit);
  CHECK(answers[0].message.find("lists of yours") != std::string::npos);
  call.method = "Get";  // other calls go on
  handlers->call(call);
  call.method = "List";  // and so do other people's
  call.sender.uid = kBob;
  handlers->call(call);
  CHECK(answers.size() == 1);
}
