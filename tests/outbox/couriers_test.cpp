// SPDX-License-Identifier: Apache-2.0
#include "tests/outbox/room.h"

using namespace jit;
using namespace jit::outbox_test;

TEST_CASE("who waits is told that nobody elsewhere can be asked, and when that is over") {
  Room room;
  const core::Conn conn = room.world.submit(room.world.ask(kAlice));
  const auto said = [&] {
    std::string out;
    for (const auto& text : room.world.heard(conn).progress) {
      for (const std::string& line : text) out += line + "\n";
    }
    return out;
  };
  room.next();
  REQUIRE(room.say(Courier::kNotify, false, "no mail", ":1.8"));
  CHECK(said().empty());
  REQUIRE(room.say(Courier::kRelay, false, "timed out"));
  CHECK(said().find("cannot be reached now") != std::string::npos);
  CHECK(room.outbox->reach(Courier::kRelay).why == "timed out");
  REQUIRE(room.say(Courier::kRelay, true));
  CHECK(said().find("can be asked again") != std::string::npos);
  // A relay that ends reaches nobody.
  room.outbox->left(":1.7", 9);
  CHECK_FALSE(room.outbox->reach(Courier::kRelay).reached);
  CHECK(room.outbox->reach(Courier::kRelay).why == "jit-relay does not run");
  CHECK(room.say(Courier::kRelay, false, std::string(500, 'x')).error == core::Error::kBadInput);
}

TEST_CASE("of a relay that was taken away for good nobody is told for ever") {
  constexpr core::BootMs kHour = 3'600'000;
  Room room;
  room.next();
  const auto first_words = [&] {
    std::string out;
    const core::Conn conn = room.world.submit(room.world.ask(kAlice));
    for (const std::string& line : room.world.heard(conn).answers.back().text) out += line + "\n";
    return out;
  };
  // One that runs goes on trying, however long it takes.
  REQUIRE(room.say(Courier::kRelay, false, "timed out"));
  room.world.pass_and_tick(2 * kHour);
  CHECK(first_words().find("cannot be reached now") != std::string::npos);
  room.outbox->left(":1.7", 9);
  room.world.pass_and_tick(kHour - 1);
  CHECK(first_words().find("cannot be reached now") != std::string::npos);
  room.world.pass(1);
  const core::Conn conn = room.world.submit(room.world.ask(kAlice));
  CHECK(first_words().find("cannot be reached") == std::string::npos);
  // Who was not told that nobody can be asked is not told that somebody can be again.
  REQUIRE(room.say(Courier::kRelay, true));
  CHECK(room.world.heard(conn).progress.empty());
}

TEST_CASE("what a connection says of itself counts for nothing once it has gone") {
  Room room;
  const core::WallMs now = room.world.wall();
  // Its call is handled when the directory has answered, and it has left meanwhile; the second time with the whole bus.
  for (const bool with_the_bus : {false, true}) {
    CAPTURE(with_the_bus);
    for (const char* const name : {":1.8", ":1.9"}) room.outbox->expect(name);
    for (const char* const name : {":1.8", ":1.9"}) with_the_bus ? room.outbox->lost(now) : room.outbox->left(name, now);
    CHECK(room.outbox->next(Courier::kNotify, ":1.8", 0).error == core::Error::kUnavailable);
    CHECK(room.outbox->reachable(Courier::kRelay, ":1.9", true, "", now).error == core::Error::kUnavailable);
    CHECK_FALSE(room.outbox->notifies(now));
    CHECK_FALSE(room.outbox->reach(Courier::kRelay).known);
    core::AuditEntry entry;
    entry.type = core::events::kRequestCreated;
    CHECK(room.outbox->logged(entry).empty());
  }
  // One that said no more than that it reaches somebody has left, too.
  REQUIRE(room.say(Courier::kRelay, true, "", ":1.10"));
  room.outbox->left(":1.10", now);
  CHECK_FALSE(room.outbox->reach(Courier::kRelay).reached);
}

TEST_CASE("messages count as sent where a notifier was, until what it left is too old") {
  Room room;
  CHECK_FALSE(room.outbox->notifies(room.world.wall()));
  room.next(0, Courier::kNotify, ":1.8");
  CHECK(room.outbox->notifies(room.world.wall()));
  // It is away: what is queued now it carries when it is back.
  const core::WallMs gone = room.world.wall();
  room.outbox->left(":1.8", gone);
  CHECK(room.outbox->notifies(gone + Outbox::kOld - 1));
  CHECK_FALSE(room.outbox->notifies(gone + Outbox::kOld));
  room.store.commit({});
  room.store.commit({});
  // A broker that starts knows from the database when it was here last.
  room.outbox = room.make();
  CHECK(room.outbox->notifies(gone + Outbox::kOld - 1));
  CHECK_FALSE(room.outbox->notifies(gone + Outbox::kOld));
  room.outbox = room.make();
  CHECK_FALSE(room.outbox->notifies(gone + 3 * Outbox::kOld));
  CHECK_FALSE(room.outbox->notifies(gone - Outbox::kOld));  // by a clock that was put back
  // One that was here all the time, when the host lost its power.
  room.next(0, Courier::kNotify, ":1.9");
  CHECK(room.outbox->notifies(gone + 3 * Outbox::kOld));
  room.store.commit({});
  room.store.commit({});
  room.outbox = room.make();
  CHECK(room.outbox->notifies(gone + 4 * Outbox::kOld - 1));
  // A relay is no notifier.
  Room other;
  other.next();
  CHECK_FALSE(other.outbox->notifies(other.world.wall()));
}

TEST_CASE("only a channel that the rule names, and only once, has word of an emergency access") {
  Room room;
  room.world.use(core_test::load_policy(std::string(core_test::kRules) +
                                        "[[permit]]\nid = \"glass\"\nwho = [\"set:staff\"]\ndoor = [\"sudo\"]\nas = [\"user:root\"]\n"
                                        "require = [\"reason:20\", \"review:1d\", \"notify:alarm\"]\nbreak-glass = true\nmax = \"10m\"\n"));
  room.world.core->use_notifier([] { return true; });
  room.write();
  room.next(0, Courier::kNotify);
  room.ask();
  core::Ask ask = room.world.ask(kAlice);
  ask.via = "glass";
  ask.reason = "the pager rings and nobody answers";
  ask.reason_from = core::ReasonFrom::kPrompt;
  const core::Conn conn = room.world.submit(ask);
  CHECK(room.world.said(conn) == "pending telling");
  room.write();
  const Json entries = room.next(0, Courier::kNotify)["entries"];
  const auto sequence_of = [&](const char* event) {
    for (const Json& each : entries) {
      if (each["event"] == event) return each["seq"].get<std::uint64_t>();
    }
    return std::uint64_t{0};
  };
  const auto told = [&](Courier courier, std::uint64_t sequence, const char* channel) {
    const auto said = room.outbox->acknowledged(courier, sequence, channel);
    room.world.settle();
    room.write();
    return said.error;
  };
  const std::uint64_t glass = sequence_of("break-glass");
  REQUIRE(glass != 0);
  CHECK(told(Courier::kRelay, glass, "alarm") == core::Error::kBadInput);
  CHECK(told(Courier::kNotify, 1000, "alarm") == core::Error::kBadInput);
  CHECK(told(Courier::kNotify, sequence_of("request"), "alarm") == core::Error::kNone);
  CHECK(told(Courier::kNotify, glass, "log") == core::Error::kNone);
  CHECK(told(Courier::kNotify, glass, "\x1b[31malarm") == core::Error::kNone);
  CHECK(room.world.heard(conn).decided.empty());
  CHECK(room.world.logged(core::events::kNotifyAcknowledged) == 0);
  CHECK(told(Courier::kNotify, glass, "alarm") == core::Error::kNone);
  CHECK(room.world.decided(conn).verdict == core::Verdict::kAllow);
  CHECK(told(Courier::kNotify, glass, "alarm") == core::Error::kNone);
  CHECK(room.world.logged(core::events::kNotifyAcknowledged) == 1);
  room.there = false;
  CHECK(room.outbox->acknowledged(Courier::kNotify, glass, "alarm").error == core::Error::kUnavailable);
}
