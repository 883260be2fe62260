// SPDX-License-Identifier: Apache-2.0
#include "tests/outbox/room.h"

using namespace jit;
using namespace jit::outbox_test;
using core_test::kBob;

TEST_CASE("a courier is told of a request and of its end, both signed by the host") {
  Room room;
  room.write();
  REQUIRE(room.next()["entries"].empty());
  const core::Id id = room.ask();
  CHECK(room.write() == std::vector<std::string>{":1.7"});
  const Json first = room.next();
  REQUIRE(first["entries"].size() == 1);
  const Json entry = first["entries"][0];
  CHECK(entry["type"] == "request.created");
  CHECK(entry["request"] == id.text());
  CHECK(entry["sets"] == Json::array({"set:sre"}));
  CHECK(first["host"] == Json{{"id", room.key.id()}, {"name", "web1"}});
  const auto payload = room.payload(entry, evidence::kRequestType, evidence::kRequestNamespace);
  REQUIRE(payload);
  const auto request = evidence::read_request(*payload);
  REQUIRE(request);
  CHECK(request->id == id.text());
  CHECK(entry["digest"] == evidence::digest_of(evidence::kRequestType, *payload));

  REQUIRE(room.world.vote(kBob, id, false).one());
  CHECK(room.write() == std::vector<std::string>{":1.7"});
  const Json second = room.next(first["next"]);
  REQUIRE(second["entries"].size() == 1);
  CHECK(second["entries"][0]["state"] == "denied");
  const auto end = room.payload(second["entries"][0], evidence::kOutcomeType, evidence::kOutcomeNamespace);
  REQUIRE(end);
  const auto outcome = evidence::read_outcome(*end);
  REQUIRE(outcome);
  CHECK(outcome->request == id.text());
  CHECK(entry["digest"] == outcome->digest);
  CHECK(outcome->host_id == room.key.id());
  CHECK(outcome->state == "denied");
}

TEST_CASE("what was not said to be done is told again, after a restart too") {
  Room room;
  room.next();
  room.ask("one");
  room.write();
  const Json first = room.next();
  REQUIRE(first["entries"].size() == 1);
  CHECK(room.next() == first);
  room.store.commit({});
  room.store.commit({});  // the writer has been behind what it was told before
  room.outbox = room.make();
  CHECK(room.next() == first);
  REQUIRE(room.outbox->done(Courier::kRelay, first["next"]));
  room.store.commit({});
  room.store.commit({});
  CHECK(room.next()["entries"].empty());
  // Each courier comes as far as it comes.
  CHECK(room.store.db->carried("relay") == first["next"].get<std::uint64_t>());
  CHECK(room.store.db->carried("notify") == std::nullopt);
  // No entry of the log is called done before it is there.
  CHECK(room.outbox->done(Courier::kRelay, 1'000'000).error == core::Error::kBadInput);
}

TEST_CASE("who never carried begins with what is open") {
  Room room;
  const core::Id one = room.ask("one");
  const core::Id two = room.ask("two");
  room.write();
  CHECK(room.next()["entries"].empty());
  const Json open = room.open();
  REQUIRE(open["entries"].size() == 2);
  CHECK(open["next"] == "");
  const std::string later = std::max(one.text(), two.text());
  CHECK(open["entries"][1]["request"] == later);
  CHECK(room.open(std::min(one.text(), two.text()))["entries"].size() == 1);
  CHECK(room.open(later)["entries"].empty());
  CHECK(room.outbox->open(Courier::kRelay, "../x").error == core::Error::kBadInput);
}

TEST_CASE("what is written while a courier is answered is told of next") {
  Room room;
  room.next();
  const core::Id ended = room.ask("one");
  room.write();
  REQUIRE(room.world.vote(kBob, ended, false).one());  // nothing is to be said of it now
  core::Id fresh;
  room.in_entry = [&] {
    fresh = room.ask("two");
    room.write();
  };
  const Json page = room.next();
  REQUIRE_FALSE(fresh.empty());
  const Json later = room.next(page["next"]);
  std::size_t told = 0;
  for (const Json* const answer : {&page, &later}) {
    for (const Json& each : answer->at("entries")) told += each["request"] == fresh.text() ? 1 : 0;
  }
  CHECK(told == 1);
}

TEST_CASE("a courier that never carried misses nothing between its two questions") {
  Room room;
  room.ask("one");
  room.write();
  CHECK(room.open()["entries"].size() == 1);
  const core::Id between = room.ask("two");
  room.write();
  const Json told = room.next()["entries"];
  REQUIRE(told.size() == 1);
  CHECK(told[0]["request"] == between.text());
}

TEST_CASE("everybody whose signed vote could count is named, however many there are") {
  constexpr int kKeyed = 600;
  std::string people = core_test::kPeople;
  const auto add = [&](const std::string& name, const std::string& more) {
    people += "[[person]]\nname = \"" + name + "\"\nusers = [\"" + name + "\"]\n" + more;
  };
  add("keyless", "");
  for (int n = 0; n < kKeyed; ++n) {
    add("p" + std::to_string(n), "[[person.key]]\nid = \"a\"\nkind = \"ssh\"\npublic = \"ssh-ed25519 " + std::to_string(n) + "\"\n");
  }
  Room room;
  room.world.use(core_test::load_policy(core_test::kRules, people));
  room.ask();
  const auto voters = room.open()["entries"][0]["voters"].get<std::vector<std::string>>();
  CHECK(voters.size() == kKeyed);
  CHECK(voters.back() == "p599");
}

TEST_CASE("a request that has ended is not published any more, its end is") {
  Room room;
  room.next();
  const core::Id id = room.ask();
  room.write();
  REQUIRE(room.world.vote(kBob, id, false).one());
  room.write();
  const Json both = room.next();
  REQUIRE(both["entries"].size() == 1);
  CHECK(both["entries"][0]["type"] == "request.denied");
}

TEST_CASE("a courier is woken once, and only by what concerns it") {
  Room room;
  room.write();
  room.next();
  core::AuditEntry entry;
  entry.type = "fact.set";
  CHECK(room.outbox->logged(entry).empty());
  entry.type = "request.created";
  CHECK(room.outbox->logged(entry) == std::vector<std::string>{":1.7"});
  CHECK(room.outbox->logged(entry).empty());
  room.next(0, Courier::kNotify, ":1.8");
  room.next();
  CHECK(room.outbox->logged(entry).size() == 2);
  room.next();
  room.outbox->left(":1.7", room.world.wall());
  CHECK(room.outbox->logged(entry).empty());
}

TEST_CASE("a relay is told of another policy: a vote that was refused can count by now") {
  Room room;
  room.next();
  const std::string before = room.next()["policy"];
  CHECK(before == room.world.policy->hash());
  core::AuditEntry entry;
  entry.type = core::events::kPolicyLoaded;
  room.world.use(core_test::load_policy(std::string(core_test::kRules) + "# another\n"));
  CHECK(room.outbox->logged(entry) == std::vector<std::string>{":1.7"});
  CHECK(room.next()["policy"] != before);
  CHECK(room.open()["policy"] != before);
}

TEST_CASE("an answer has a bound, and the next one goes on behind it") {
  Room room;
  room.next();
  core::Batch batch;
  constexpr std::size_t kCount = 3 * Outbox::kPage;
  for (std::size_t n = 1; n <= kCount; ++n) {
    core::Request one = test::request(n);
    one.state = core::RequestState::kDenied;
    one.payload = "x";
    batch.requests.push_back(one);
    core::AuditEntry entry = test::entry();
    entry.type = core::events::kRequestDenied;
    entry.request = one.id;
    entry.wall = room.world.wall();
    batch.entries.push_back(entry);
  }
  REQUIRE(room.store.commit(batch));
  std::size_t told = 0;
  std::uint64_t after = 0;
  for (bool more = true; more;) {
    const Json page = room.next(after);
    CHECK(page["entries"].size() <= Outbox::kPage);
    told += page["entries"].size();
    after = page["next"];
    more = page["more"];
  }
  CHECK(told == kCount);
}

TEST_CASE("what is older than a day is carried to nobody") {
  Room room;
  room.next();
  room.ask();
  room.write();
  REQUIRE(room.next()["entries"].size() == 1);
  room.world.pass(Outbox::kOld + 1000);
  const Json later = room.next();
  CHECK(later["entries"].empty());
  CHECK(later["next"] == room.store.db->last_sequence());
}

TEST_CASE("what is left for a courier does not hang on a clock that is set") {
  Room room;
  room.next();
  room.next(0, Courier::kNotify, ":1.8");
  room.ask();
  room.write();
  for (const core::WallMs step : {core::WallMs{0}, 3 * Outbox::kOld, -3 * Outbox::kOld}) {
    CAPTURE(step);
    room.world.stepped = step;
    for (const Courier courier : {Courier::kRelay, Courier::kNotify}) {
      const Json entries = room.next(0, courier)["entries"];
      REQUIRE(entries.size() == 1);
      CHECK(entries[0]["left_ms"] == Json(600'000));
    }
    CHECK(room.open()["entries"][0]["left_ms"] == Json(600'000));
  }
}

TEST_CASE("of earlier boots only what is younger than a day is carried, by its date") {
  Room room;
  room.next();
  core::Batch batch;
  constexpr std::uint64_t kEach = 30;
  constexpr std::uint64_t kBoots = 3;  // an old one, yesterday's and this one, whose clock was put on meanwhile
  for (std::uint64_t n = 0; n < kBoots * kEach; ++n) {
    core::Request one = test::request(n + 1);
    one.state = core::RequestState::kDenied;
    one.payload = "x";
    batch.requests.push_back(one);
    core::AuditEntry entry = test::entry();
    entry.type = core::events::kRequestDenied;
    entry.request = one.id;
    entry.boot_id = n < kEach ? "boot-a" : n < 2 * kEach ? "boot-b" : room.world.boot;
    entry.boottime = n < 2 * kEach ? 1 : room.world.boottime();
    entry.wall = room.world.wall() - (n < kEach || n >= 2 * kEach ? 2 : 0) * Outbox::kOld;
    batch.entries.push_back(entry);
  }
  REQUIRE(room.store.commit(batch));
  const Json page = room.next();
  CHECK(page["entries"].size() == 2 * kEach);
  CHECK(page["next"] == room.store.db->last_sequence());
  CHECK_FALSE(page["more"].get<bool>());
  room.world.restart(true);  // all of it is of earlier ones
  room.outbox = room.make();
  CHECK(room.next()["entries"].size() == kEach);
}

TEST_CASE("without a database, or a key, nothing is carried and nothing is lost") {
  Room room;
  room.next();
  room.ask();
  room.write();
  room.there = false;
  CHECK(room.outbox->next(Courier::kRelay, ":1.7", 0).error == core::Error::kUnavailable);
  CHECK(room.outbox->done(Courier::kRelay, 1).error == core::Error::kUnavailable);
  room.there = true;
  room.can_sign = false;
  CHECK(room.next()["entries"].empty());
  CHECK(room.open()["entries"].empty());
  room.can_sign = true;
  CHECK(room.next()["entries"].size() == 1);
}

TEST_CASE("a notifier is woken by a grant, which a relay is not told of") {
  Room room;
  room.next(0, Courier::kNotify, ":1.8");
  room.next();
  core::AuditEntry entry;
  entry.type = "grant.ended";
  CHECK(room.outbox->logged(entry) == std::vector<std::string>{":1.8"});
}
