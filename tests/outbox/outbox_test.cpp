// SPDX-License-Identifier: Apache-2.0
#include "broker/outbox/outbox.h"

#include "tests/catch.h"

#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "broker/core/events.h"
#include "evidence/host_key.h"
#include "evidence/outcome.h"
#include "evidence/request.h"
#include "tests/core/world.h"
#include "tests/store/samples.h"

using namespace jit;
using namespace jit::outbox;
using core_test::kAlice;
using core_test::kBob;
using Json = nlohmann::json;

namespace {

// A core, and a database that holds what the core wrote.
struct Room {
  core_test::World world;
  const test::Folder folder;
  test::Opened store{folder / "jit.db"};
  const evidence::HostKey key = evidence::HostKey::generate();
  bool there = true;
  bool can_sign = true;
  std::function<void()> in_entry;  // once, while an entry that was read is made ready
  bool answering = false;
  std::size_t copied = 0;
  std::unique_ptr<Outbox> outbox = make();

  std::unique_ptr<Outbox> make() {
    Outbox::Sealing sealing;
    sealing.envelope = [this](const core::Request& request) {
      return can_sign ? evidence::to_json(key.seal(evidence::kRequestType, request.payload, evidence::kRequestNamespace)) : std::string();
    };
    sealing.seal = [this](std::string_view type, const std::string& payload, std::string_view purpose) {
      return can_sign ? std::optional(key.seal(type, payload, purpose)) : std::nullopt;
    };
    const auto database = [this] {
      if (const auto meanwhile = std::exchange(answering, true) ? std::exchange(in_entry, nullptr) : nullptr) meanwhile();
      return there ? store.db.get() : nullptr;
    };
    auto out = std::make_unique<Outbox>(*world.core, world, world.boot, database, sealing);
    out->use_host(key.id(), "web1", {});
    return out;
  }
  // What the core wrote since is in the database now.
  std::vector<std::string> write() {
    core::Batch batch;
    for (const core::Request& request : world.told_requests) batch.requests.push_back(request);
    std::vector<core::Request> last;
    for (const core::Request& request : batch.requests) {
      std::erase_if(last, [&](const core::Request& each) { return each.id == request.id; });
      last.push_back(request);
    }
    batch.requests = last;
    std::vector<core::AuditEntry> fresh(world.told_entries.begin() + static_cast<std::ptrdiff_t>(copied), world.told_entries.end());
    copied = world.told_entries.size();
    batch.entries = fresh;
    REQUIRE(store.commit(batch));
    std::vector<std::string> woken;
    for (const core::AuditEntry& entry : fresh) {
      for (const std::string& name : outbox->logged(entry)) woken.push_back(name);
    }
    return woken;
  }
  core::Id ask(const std::string& command = "id") {
    core::Ask ask = world.ask(kAlice);
    ask.argv = {"sudo", command};
    world.pass(1);
    const auto made = world.create(kAlice, ask).one();
    REQUIRE(made);
    return made.value.id;
  }
  Json next(std::uint64_t after = 0, Courier courier = Courier::kRelay, const std::string& name = ":1.7") {
    answering = false;
    const auto out = outbox->next(courier, name, after);
    REQUIRE(out);
    return Json::parse(out.value);
  }
  Json open(const std::string& after = "") {
    const auto out = outbox->open(Courier::kRelay, after);
    REQUIRE(out);
    return Json::parse(out.value);
  }
  std::optional<std::string> payload(const Json& entry, std::string_view type, std::string_view purpose) const {
    const auto envelope = evidence::parse_envelope(entry.at("envelope").get<std::string>());
    if (!envelope || envelope->type != type || envelope->signatures.size() != 1) return std::nullopt;
    const auto& signature = envelope->signatures[0];
    const auto flaw = evidence::verify(key.public_key(), signature.kind, purpose, evidence::pae(envelope->type, envelope->payload), signature.bytes);
    return flaw == evidence::Flaw::kNone ? std::optional(envelope->payload) : std::nullopt;
  }
};

}  // namespace

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
  REQUIRE(room.outbox->reachable(Courier::kNotify, false, "no mail", 7));
  CHECK(said().empty());
  REQUIRE(room.outbox->reachable(Courier::kRelay, false, "timed out", 7));
  CHECK(said().find("cannot be reached now") != std::string::npos);
  CHECK(room.outbox->reach(Courier::kRelay).why == "timed out");
  REQUIRE(room.outbox->reachable(Courier::kRelay, true, "", 8));
  CHECK(said().find("can be asked again") != std::string::npos);
  // A relay that ends reaches nobody.
  room.outbox->left(":1.7", 9);
  CHECK_FALSE(room.outbox->reach(Courier::kRelay).reached);
  CHECK(room.outbox->reach(Courier::kRelay).why == "jit-relay does not run");
  CHECK(room.outbox->reachable(Courier::kRelay, false, std::string(500, 'x'), 7).error == core::Error::kBadInput);
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

TEST_CASE("a notifier is woken by a grant, which a relay is not told of") {
  Room room;
  room.next(0, Courier::kNotify, ":1.8");
  room.next();
  core::AuditEntry entry;
  entry.type = "grant.ended";
  CHECK(room.outbox->logged(entry) == std::vector<std::string>{":1.8"});
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
