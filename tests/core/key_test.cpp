// SPDX-License-Identifier: Apache-2.0
// At ssh a grant is for one key: that of the request where it was known, else that of the first use.
#include "tests/core/world.h"

namespace jit::core_test {

namespace {

Ask with_key(Ask ask, const std::string& key) {
  ask.ssh_key = key;
  return ask;
}

Conn bind_with_key(World& world, const Ask& ask, const std::string& key) {
  BindAsk bind = World::bind_ask(ask);
  bind.ssh_key = key;
  return world.bind_with(bind);
}

}  // namespace

TEST_CASE("the key that asked, the key that comes, and the key that is there at the session", "[key]") {
  struct Row {
    const char* name;
    const char* asked;
    const char* comes;
    const char* bound;
    const char* said;  // to the second attempt
    const char* cause; // of its Bind
    const char* kept;  // in the grant then
  };
  const Row rows[] = {
      {"known at the session only", "", "", "A", "allow granted", "granted", "A"},
      {"asked without, comes with", "", "A", "A", "allow granted", "granted", "A"},
      {"the same all along", "A", "A", "A", "allow granted", "granted", "A"},
      {"asked with, comes without", "A", "", "A", "allow granted", "granted", "A"},
      {"another one at the session", "A", "", "B", "allow granted", "other-key", "A"},
      {"none at the session", "A", "", "", "allow granted", "other-key", "A"},
      {"it changes on the way", "A", "A", "B", "allow granted", "other-key", "A"},
      {"no key anywhere", "", "", "", "allow granted", "granted", ""},
      {"another one comes: asked anew", "A", "B", "B", "deny kept", "no-hand-over", "A"},
  };
  for (const bool restart : {false, true}) {
    for (const Row& row : rows) {
      INFO(row.name << (restart ? ", after a restart" : ""));
      World world;
      CHECK(world.said(world.submit(with_key(world.login(kAlice), row.asked))) == "deny kept");
      CHECK(world.vote(kBob, world.only_request()).error().empty());
      if (restart) world.restart();
      const Ask ask = with_key(world.login(kAlice), row.comes);
      CHECK(world.said(world.submit(ask)) == row.said);
      CHECK(world.bound(bind_with_key(world, ask, row.bound)).cause == row.cause);
      CHECK(world.only_grant().ssh_key == row.kept);
      if (std::string(row.cause) != "other-key") continue;
      // Refused, not used up: who asked can still come.
      CHECK(world.only_grant().state == GrantState::kUnclaimed);
      const Ask again = world.login(kAlice);
      CHECK(world.said(world.submit(again)) == "allow granted");
      CHECK(world.bound(bind_with_key(world, again, "A")).allow);
    }
  }
}

TEST_CASE("a request that waits is taken up by its own key only", "[key]") {
  World world;
  world.submit(with_key(world.login(kAlice), "A"));
  const Id first = world.only_request();
  CHECK(world.answer(world.submit(with_key(world.login(kAlice), "A"))).id == first);
  CHECK(world.answer(world.submit(world.login(kAlice))).id == first);  // compared at Bind
  const Answer other = world.answer(world.submit(with_key(world.login(kAlice), "B")));
  CHECK(other.cause == "kept");
  CHECK(other.id != first);
}

TEST_CASE("the key is in the log, with the first use and with a refusal", "[key]") {
  World world;
  world.submit(with_key(world.login(kAlice), "A"));
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  for (const char* key : {"B", "A"}) {
    const Ask ask = world.login(kAlice);
    world.submit(ask);
    bind_with_key(world, ask, key);
  }
  CHECK(world.logged(events::kAccessDenied) == 2);  // of the request that was kept, and of the other key
  for (const AuditEntry& entry : world.held.entries) {
    if (entry.type == events::kGrantClaimed) CHECK(entry.fields.find("\"ssh_key\":\"A\"") != std::string::npos);
  }
}

TEST_CASE("elsewhere keys mean nothing", "[key]") {
  World world;
  const Ask ask = world.ask(kAlice, "free");
  world.submit(ask);
  CHECK(world.bound(bind_with_key(world, ask, "A")).allow);
}

}  // namespace jit::core_test
