// SPDX-License-Identifier: Apache-2.0
// Who sees what.
#include "tests/core/world.h"

namespace jit::core_test {

TEST_CASE("who sees a request and its grant", "[look]") {
  World world;
  world.submit(world.ask(kAlice));
  const Id id = world.only_request();
  const Request request = world.held.requests.at(id);
  world.vote(kBob, id);
  struct Row {
    const char* name;
    std::uint32_t uid;
    bool auditor;
    bool sees;
  };
  for (const Row& row : {Row{"owner", kAlice, false, true}, {"approver", kBob, false, true},
                         {"another approver", kCarol, false, true}, {"admin", 0, false, true},
                         {"auditor", kMallory, true, true}, {"stranger", kMallory, false, false},
                         {"other set", kDave, false, false}, {"another requester", kFrank, false, false}}) {
    INFO(row.name);
    Caller by = world.caller(row.uid);
    by.auditor = row.auditor;
    CHECK(world.core->may_see(by, request) == row.sees);
    CHECK(world.core->may_see(by, world.only_grant()) == row.sees);
  }
}

TEST_CASE("lists are oldest first, and hold what is on disk only", "[look]") {
  World world;
  std::vector<Id> ids;
  for (int i = 0; i < 5; ++i) {
    Ask ask = world.ask(kAlice);
    ask.argv.push_back(std::to_string(i));
    ids.push_back(world.answer(world.submit(ask)).id);
    world.pass(1);
  }
  world.disk = World::Disk::kHeld;
  Ask more = world.ask(kAlice);
  more.argv.emplace_back("more");
  world.submit(more);
  const auto live = world.core->live_requests();
  REQUIRE(live.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(live[i]->id == ids[i]);
}

TEST_CASE("two that begin alike are ambiguous, and only among what one may see", "[look]") {
  World world;
  world.same_prefix = true;
  world.submit(world.ask(kAlice));
  world.submit(world.ask(kFrank));
  const std::string prefix = world.core->live_requests()[0]->id.text().substr(0, 8);
  REQUIRE(world.core->live_requests()[1]->id.text().starts_with(prefix));
  const auto cancel = [&](std::uint32_t uid) {
    Reply<Request> reply;
    world.core->cancel(world.caller(uid), prefix, reply.done());
    world.settle();
    return reply.error();
  };
  CHECK(cancel(0) == "Ambiguous");
  CHECK(cancel(kMallory) == "NotFound");
  CHECK(cancel(kAlice).empty());
  CHECK(cancel(0).empty());
}

TEST_CASE("Id", "[look]") {
  const Id id = Id::parse("00112233445566778899aabbccddeeff").value();
  CHECK(id.text() == "00112233445566778899aabbccddeeff");
  for (const char* bad : {"", "0", "00112233445566778899AABBCCDDEEFF", "00112233445566778899aabbccddeeff0",
                          "00112233445566778899aabbccddeef", "00112233445566778899aabbccddeefg", " 0112233445566778899aabbccddeeff"}) {
    CHECK_FALSE(Id::parse(bad).has_value());
  }
  CHECK(Id{}.empty());
  CHECK_FALSE(id.empty());
}

}  // namespace jit::core_test
