// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.h"

#include "tests/store/samples.h"

using namespace jit;
using namespace jit::test;

namespace {

std::vector<core::Id> ids(const std::vector<core::Request>& found) {
  std::vector<core::Id> all;
  for (const auto& one : found) all.push_back(one.id);
  return all;
}
std::vector<core::Id> ids(const std::vector<core::Grant>& found) {
  std::vector<core::Id> all;
  for (const auto& one : found) all.push_back(one.id);
  return all;
}
std::vector<core::Id> of(std::initializer_list<std::uint64_t> numbers) {
  std::vector<core::Id> all;
  for (const std::uint64_t number : numbers) all.push_back(id_of(number));
  return all;
}

}  // namespace

TEST_CASE("a proof is whole or says that it is not", "[log]") {
  const Folder folder;
  Opened store(folder / "jit.db");
  const auto more = [&](std::size_t count) {
    core::Batch batch;
    for (std::size_t i = 0; i < count; ++i) {
      batch.entries.push_back(entry());
      batch.entries.back().request = id_of(1);
    }
    REQUIRE(store.commit(batch));
    REQUIRE(store.seal());
  };
  more(500);
  more(500);
  CHECK(store.db->proof(id_of(1))->whole);
  CHECK(store.db->proof(id_of(1))->entries.size() == 1000);
  more(1);
  CHECK_FALSE(store.db->proof(id_of(1))->whole);
  CHECK(store.db->proof(id_of(1))->entries.empty());
}

TEST_CASE("who asked within the last hour: by this boot's clock, or by the wall clock") {
  const Folder folder;
  Opened store(folder / "jit.db");
  core::Request old = request(1, 11), new_here = request(2, 12), new_by_wall = request(3, 13);
  old.boot_id = new_here.boot_id = "b1";
  new_by_wall.boot_id = "b0";
  old.created = 100, old.created_wall = 1000;
  new_here.created = 101, new_here.created_wall = 10;  // the wall clock was set meanwhile
  new_by_wall.created = 1, new_by_wall.created_wall = 1001;
  new_by_wall.subject.loginuid = 77;
  for (const auto& one : {old, new_here, new_by_wall}) REQUIRE(store.commit(batch(one)));
  const auto found = store.db->asked_since("b1", 100, 1000);
  REQUIRE(found.size() == 2);
  CHECK(found[0].uid == 12);
  CHECK(found[1].uid == 13);
  CHECK(found[1].loginuid == 77);
  CHECK(found[1].created_wall == 1001);
  CHECK(found[1].boot_id == "b0");
}

TEST_CASE("a second write of a request or grant changes its state, never its terms") {
  const Folder folder;
  Opened store(folder / "jit.db");
  const core::Request asked = request(1);
  const core::Grant given = grant(2);
  core::Batch all = batch(asked);
  all.grants.push_back(given);
  REQUIRE(store.commit(all));

  core::Request later = asked;
  later.state = core::RequestState::kApproved;
  later.ended_by = "bob";
  later.ended_why = "ok";
  later.ended_wall = 12;
  later.grant = given.id;
  core::Grant used = given;
  used.state = core::GrantState::kActive;
  used.starts = 3;
  used.expires = 4;
  used.starts_wall = 5;
  used.expires_wall = 6;
  used.terminal = {1025, {77, 18446744073709551615ULL}};
  used.audit_session = 4294967294U;
  used.connection = {9, 10};
  used.uses = 4294967295U;
  core::Batch update = batch(later);
  update.requests[0].reason = "another reason";
  update.grants.push_back(used);
  update.grants[0].max_s = 1;
  REQUIRE(store.commit(update));
  CHECK(text(*store.db->request(asked.id)) == text(later));
  CHECK(text(*store.db->grant(given.id)) == text(used));

  used.state = core::GrantState::kEnded;
  used.end = core::GrantEnd::kVoid;
  used.ended_by = "carol";
  used.ended_why = "boot";
  used.ended_wall = 99;
  REQUIRE(store.commit(batch(used)));
  CHECK(text(*store.db->grant(given.id)) == text(used));
}

TEST_CASE("load_live gives what is not over, oldest first, with its votes") {
  const Folder folder;
  using S = core::RequestState;
  using G = core::GrantState;
  core::Batch all;
  const std::pair<std::uint64_t, S> states[] = {{9, S::kPending}, {2, S::kDetached}, {3, S::kApproved},
                                                {4, S::kDenied},  {5, S::kExpired},  {6, S::kCancelled}};
  for (const auto& [number, state] : states) {
    all.requests.push_back(request(number));
    all.requests.back().state = state;
    all.votes.push_back(vote(all.requests.back(), "bob", false));
    all.votes.push_back(vote(all.requests.back(), "bob", true));
  }
  const std::pair<std::uint64_t, G> grants[] = {{8, G::kUnclaimed}, {7, G::kEnded}, {1, G::kActive}};
  for (const auto& [number, state] : grants) {
    all.grants.push_back(grant(number));
    all.grants.back().state = state;
  }
  // Approved ones stay for a living grant: the request that it came of, and one that moved its end.
  all.requests.push_back(request(11));
  all.requests.back().extends = {};
  all.requests.back().offer.break_glass = false;
  all.requests.back().kind = core::RequestKind::kAhead;
  all.requests.push_back(request(12));
  all.requests.back().extends = id_of(1);
  for (std::size_t at : {6U, 7U}) {
    all.requests[at].state = S::kApproved;
    all.votes.push_back(vote(all.requests[at], "carol", true));
  }
  all.grants[2].request = id_of(11);
  all.grants[1].request = id_of(3);  // ended
  {
    Opened store(folder / "jit.db");
    REQUIRE(store.commit(all));
  }
  Opened store(folder / "jit.db");
  const core::State live = store.db->load_live();
  CHECK(texts(live.requests) == texts(std::vector{all.requests[0], all.requests[1], all.requests[6], all.requests[7]}));
  std::vector<core::Vote> votes(all.votes.begin(), all.votes.begin() + 4);
  votes.insert(votes.end(), all.votes.end() - 2, all.votes.end());
  CHECK(texts(live.votes) == texts(votes));
  CHECK(texts(live.grants) == texts(std::vector{all.grants[0], all.grants[2]}));
  CHECK(store.db->last_error().empty());
}

TEST_CASE("filters of requests and grants: the newest, oldest of them first") {
  const Folder folder;
  Opened store(folder / "jit.db");
  core::Batch all;
  for (std::uint64_t number = 1; number <= 6; ++number) {
    all.requests.push_back(request(number, number % 2 == 0 ? 4294967294U : 1000));
    all.grants.push_back(grant(number, number % 2 == 0 ? 4294967294U : 1000));
  }
  all.requests[0].state = core::RequestState::kDenied;
  all.requests[3].state = core::RequestState::kDetached;
  all.grants[1].state = core::GrantState::kEnded;
  all.grants[2].state = core::GrantState::kActive;
  REQUIRE(store.commit(all));
  const core::WallMs fourth = all.requests[3].created_wall;
  using S = core::RequestState;
  struct {
    store::RequestFilter filter;
    std::vector<core::Id> expect;
  } requests[] = {
      {{}, of({1, 2, 3, 4, 5, 6})},
      {{{}, 0, {}, 2}, of({5, 6})},
      {{{}, 0, {}, 0}, {}},
      {{S::kDenied, 0, {}, 200}, of({1})},
      {{S::kPending, 0, {}, 2}, of({5, 6})},
      {{S::kDetached, 0, {}, 200}, of({4})},
      {{S::kApproved, 0, {}, 200}, {}},
      {{{}, fourth, {}, 200}, of({4, 5, 6})},
      {{{}, 0, 4294967294U, 200}, of({2, 4, 6})},
      {{S::kPending, fourth, 4294967294U, 200}, of({6})},
      {{{}, 0, 7, 200}, {}},
  };
  for (const auto& row : requests) CHECK(ids(store.db->requests(row.filter)) == row.expect);
  struct {
    store::GrantFilter filter;
    std::vector<core::Id> expect;
  } grants[] = {
      {{}, of({1, 2, 3, 4, 5, 6})},          {{true, 0, {}, 200}, of({1, 3, 4, 5, 6})},
      {{true, 0, {}, 3}, of({4, 5, 6})},     {{false, fourth, {}, 200}, of({4, 5, 6})},
      {{true, 0, 4294967294U, 9}, of({4, 6})},
  };
  for (const auto& row : grants) CHECK(ids(store.db->grants(row.filter)) == row.expect);
}

TEST_CASE("of what has ended, the last to end, however long ago it was asked") {
  const Folder folder;
  Opened store(folder / "jit.db");
  core::Batch all;
  for (std::uint64_t number = 1; number <= 5; ++number) {
    all.requests.push_back(request(number, number % 2 == 0 ? 7 : 1000));
    all.requests.back().state = core::RequestState::kDenied;
    all.requests.back().ended_wall = static_cast<core::WallMs>(100 - number);
    all.grants.push_back(grant(number, number % 2 == 0 ? 7 : 1000));
    all.grants.back().state = core::GrantState::kEnded;
    all.grants.back().ended_wall = static_cast<core::WallMs>(100 - number);
  }
  all.requests[2].state = core::RequestState::kDetached;
  all.grants[2].state = core::GrantState::kActive;
  REQUIRE(store.commit(all));
  CHECK(ids(store.db->requests({{}, 0, {}, 2, true})) == of({2, 1}));
  CHECK(ids(store.db->requests({{}, 96, {}, 200, true})) == of({4, 2, 1}));
  CHECK(ids(store.db->requests({core::RequestState::kDenied, 98, {}, 200, true})) == of({2, 1}));
  CHECK(ids(store.db->requests({core::RequestState::kExpired, 0, {}, 200, true})).empty());
  CHECK(ids(store.db->requests({{}, 0, 7, 200, true})) == of({2, 4}));
  CHECK(ids(store.db->grants({false, 0, {}, 2, true})) == of({2, 1}));
  CHECK(ids(store.db->grants({false, 96, {}, 200, true})) == of({4, 2, 1}));
  CHECK(ids(store.db->grants({false, 97, 7, 200, true})) == of({2}));
}

TEST_CASE("ids by their first hex digits") {
  const Folder folder;
  Opened store(folder / "jit.db");
  core::Batch all;
  for (const std::uint64_t number : {0x0123456789abcdefULL, 0x0124000000000000ULL, 0xfff0000000000000ULL}) {
    all.requests.push_back(request(number));
    all.grants.push_back(grant(number));
  }
  REQUIRE(store.commit(all));
  const core::Id a = all.requests[0].id;
  const core::Id b = all.requests[1].id;
  const core::Id c = all.requests[2].id;
  struct {
    std::string prefix;
    std::vector<core::Id> expect;
  } table[] = {
      {"", {a, b, c}},  {"0", {a, b}},   {"012", {a, b}}, {"0123", {a}}, {"01234567", {a}}, {"0124", {b}},
      {"f", {c}},       {"ffff", {}},    {"A", {}},       {"0x", {}},    {"01%", {}},       {"0123456789abcdef", {a}},
      {"0123456789abcdef0000000000000001", {a}},          {"0123456789abcdef00000000000000010", {}},
  };
  for (const auto& row : table) {
    INFO(row.prefix);
    CHECK(store.db->request_ids(row.prefix, 10) == row.expect);
    CHECK(store.db->grant_ids(row.prefix, 10) == row.expect);
  }
  CHECK(store.db->request_ids("0", 1) == std::vector{a});
}

TEST_CASE("entries: order, pages, filters") {
  const Folder folder;
  Opened store(folder / "jit.db");
  CHECK(store.db->last_sequence() == 0);
  for (int i = 0; i < 10; ++i) {
    core::Batch both = batch(entry(i % 2 == 0 ? "request.created" : "grant.used", i < 5 ? "alice" : "bob"));
    both.entries[0].wall += i;
    both.entries[0].request = id_of(static_cast<std::uint64_t>(i % 3 + 1));
    REQUIRE(store.commit(both));
  }
  CHECK(store.db->last_sequence() == 10);
  using List = std::vector<std::uint64_t>;
  const auto sequences = [&](const store::AuditFilter& filter) {
    List found;
    for (const auto& one : store.db->entries(filter)) found.push_back(one.sequence);
    return found;
  };
  struct {
    store::AuditFilter filter;
    List expect;
  } table[] = {
      {{}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
      {{0, 0, {}, "", "", false, 3}, {1, 2, 3}},
      {{3, 0, {}, "", "", false, 3}, {4, 5, 6}},
      {{10, 0, {}, "", "", false, 3}, {}},
      {{0, 0, {}, "", "", true, 3}, {8, 9, 10}},
      {{9, 0, {}, "", "", true, 3}, {10}},
      {{0, 1'790'000'000'007, {}, "", "", false, 9}, {8, 9, 10}},
      {{0, 0, id_of(1), "", "", false, 9}, {1, 4, 7, 10}},
      {{0, 0, {}, "bob", "", false, 9}, {6, 7, 8, 9, 10}},
      {{0, 0, {}, "", "grant.used", true, 2}, {8, 10}},
      {{2, 1'790'000'000'003, id_of(1), "bob", "request.created", false, 9}, {7}},
      {{0, 0, {}, "' OR 1 --", "", false, 9}, {}},
  };
  for (const auto& row : table) CHECK(sequences(row.filter) == row.expect);
}
