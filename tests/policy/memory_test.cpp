// SPDX-License-Identifier: Apache-2.0
// From the n-th allocation on all fail, for each n: a load gives no policy, a decision denies, and nothing leaks or throws.
// A decision and its reasons take none once there is room for them.
#include <array>
#include <cstdlib>
#include <new>

#include "policy/evaluate.h"
#include "tests/policy/oracle/cases.h"
#include "world.h"

namespace {

long until_failure = -1;  // -1: none fails
long taken = 0;
bool failed = false;

void* take(std::size_t size) {
  ++taken;
  if (until_failure == 0) {
    failed = true;
    throw std::bad_alloc();
  }
  if (until_failure > 0) --until_failure;
  void* out = std::malloc(size > 0 ? size : 1);
  if (out == nullptr) throw std::bad_alloc();
  return out;
}

}  // namespace

void* operator new(std::size_t size) { return take(size); }
void* operator new[](std::size_t size) { return take(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return take(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete(void* at, const std::nothrow_t&) noexcept { std::free(at); }
void operator delete[](void* at, std::size_t) noexcept { std::free(at); }

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

const std::vector<Source> kRules{{"p.toml", R"(schema = 1
settings.covers = ["sudo"]
[set]
admins = ["person:alice", "user:bob", "group:wheel"]
[approval.one]
need = [{ from = "set:admins" }]
[[permit]]
id = "p"
who = ["set:admins"]
approval = "one"
require = ["reason"]
max = "1h"
)"}};
const std::vector<Source> kPersons{{"people.toml", kPeople}};

}  // namespace

TEST_CASE("a load that runs out of memory gives no policy") {
  const Policy::Input input{kRules, kPersons, {}, jit::evidence::sha256_hex};
  long count = 0;
  for (;; ++count) {
    failed = false;
    until_failure = count;
    const auto loaded = Policy::load(input);
    until_failure = -1;
    if (!failed) {
      CHECK(loaded.policy != nullptr);
      break;
    }
    if (loaded.policy != nullptr) FAIL("allocation " << count << " failed, and there is a policy");
  }
  CHECK(count > 100);
}

TEST_CASE("a decision that runs out of memory denies") {
  World w;
  const auto policy = load(kRules, kPersons).policy;
  REQUIRE(policy);
  Request request = w.request();
  request.reason = "because";
  const Offer offer = policy->decide(request).offer.value();
  for (long count = 0;; ++count) {
    failed = false;
    until_failure = count;
    const Decision decision = policy->decide(request);
    until_failure = -1;
    if (!failed) {
      CHECK(decision.outcome == Outcome::kApproval);
      CHECK(count > 5);
      break;
    }
    CHECK(decision.outcome == Outcome::kDeny);
  }
  until_failure = 0;
  const auto refused = policy->refuses_use("nothing-of-the-kind", offer.fingerprint, request);
  until_failure = -1;
  CHECK(refused == "out of memory");
}

// How seats were filled, or why they were not: each makes people be matched to seats one by one.
struct Ways {
  unsigned signed_votes = 0, hardware = 0, self = 0, roster = 0, small = 0, absent = 0, ladder = 0, short_of_people = 0;

  void count(const RuleSet& rules, const Request& request, const Evaluation& evaluation) {
    for (const Evaluation::Reason& reason : evaluation.reasons) short_of_people += reason.flaw.fault == Fault::kSeats ? 1U : 0U;
    if (evaluation.outcome == Outcome::kDeny || evaluation.best.permit == nullptr || !evaluation.best.terms.asks_people()) return;
    const Offer offer = evaluation.best.terms.render();
    signed_votes += offer.votes == Votes::kSigned ? 1U : 0U;
    hardware += offer.votes == Votes::kHardware ? 1U : 0U;
    self += offer.self ? 1U : 0U;
    absent += request.absent.empty() ? 0U : 1U;
    ladder += offer.ladder.empty() ? 0U : 1U;
    for (const Seat& seat : offer.seats) {
      const Crew& crew = rules.crews.find(seat.set)->second;
      roster += crew.rosters.empty() ? 0U : 1U;
      small += !crew.open_ended && crew.members.size() < seat.count + 2 ? 1U : 0U;
    }
  }
};

TEST_CASE("law: a decision and its reasons take no memory") {
  constexpr unsigned kPolicies = 100, kAsks = 40;
  std::array<unsigned, 4> outcomes{};
  std::array<unsigned, 6> parts{};
  Ways ways;
  const std::uint64_t first = oracle::first_seed();
  for (std::uint64_t seed = first; seed < first + oracle::policies(kPolicies); ++seed) {
    oracle::Case at = oracle::make_case(seed);
    Evaluation evaluation;
    std::vector<oracle::Ask> asks;
    for (unsigned n = 0; n < kAsks; ++n) asks.push_back(oracle::random_ask(at.model, at.dice));
    for (int round = 0; round < 2; ++round) {  // what is best and what is looked at change places
      for (const oracle::Ask& ask : asks) at.policy->evaluate(ask.request(), evaluation);
    }
    for (const oracle::Ask& ask : asks) {
      const Request request = ask.request();
      const long before = taken;
      at.policy->evaluate(request, evaluation);
      if (taken != before) at.fail(std::to_string(taken - before) + " allocations", &ask);
      ++outcomes.at(static_cast<std::size_t>(evaluation.outcome));
      const bool has[] = {!evaluation.reasons.empty(), !evaluation.near.empty(), !evaluation.choices.empty(),
                          !evaluation.hits.empty(),    !evaluation.read.empty(), evaluation.outcome != Outcome::kDeny && evaluation.best.terms.asks_people()};
      for (std::size_t part = 0; part < parts.size(); ++part) parts[part] += has[part] ? 1U : 0U;
      ways.count(at.policy->rules(), request, evaluation);
    }
  }
  // Each of them happened, many times.
  for (const unsigned count : outcomes) CHECK(count > 20);
  for (const unsigned count : parts) CHECK(count > 20);
  for (const unsigned count : {ways.signed_votes, ways.hardware, ways.self, ways.roster, ways.small, ways.absent, ways.ladder, ways.short_of_people}) {
    CHECK(count > 20);
  }
}
