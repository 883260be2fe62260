// SPDX-License-Identifier: Apache-2.0
// From the n-th allocation on all fail, for each n: a load gives no policy, a decision denies, and nothing leaks or throws.
#include <cstdlib>
#include <new>

#include "world.h"

namespace {

long until_failure = -1;  // -1: none fails
bool failed = false;

void* take(std::size_t size) {
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
