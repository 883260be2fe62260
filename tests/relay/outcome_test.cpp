// SPDX-License-Identifier: Apache-2.0
#include "evidence/outcome.h"

#include "tests/catch.h"

#include <nlohmann/json.hpp>

using namespace jit::evidence;

namespace {

Outcome denied() {
  Outcome out;
  out.request = std::string(32, '1');
  out.digest = std::string(64, 'a');
  out.host_id = std::string(32, 'b');
  out.state = "denied";
  out.by = "bob";
  out.why = "not during the release\x1b[2J";
  out.ended_ms = 1'700'000'000'123;
  return out;
}

}  // namespace

TEST_CASE("an outcome is read as it was signed, its texts as they were typed") {
  for (const char* state : {"approved", "denied", "expired", "cancelled"}) {
    Outcome outcome = denied();
    outcome.state = state;
    const auto read = read_outcome(payload_of(outcome));
    REQUIRE(read);
    CHECK(*read == outcome);
  }
  Outcome long_one = denied();
  long_one.why = std::string(1024, '\x1b');
  CHECK(read_outcome(payload_of(long_one)) == long_one);
}

TEST_CASE("no other form of an outcome is one") {
  const std::string good = payload_of(denied());
  REQUIRE(read_outcome(good));
  for (std::size_t at = 0; at <= good.size(); ++at) CHECK_FALSE((at < good.size() && read_outcome(good.substr(0, at))));
  CHECK_FALSE(read_outcome(good + " "));
  const auto json = nlohmann::json::parse(good);
  for (const auto& [name, value] : json.items()) {
    CAPTURE(name);
    auto other = json;
    other.erase(name);
    CHECK_FALSE(read_outcome(other.dump()));
    other = json;
    other[name] = nullptr;
    CHECK_FALSE(read_outcome(other.dump()));
    other[name] = std::string(20'000, 'x');
    CHECK_FALSE(read_outcome(other.dump()));
  }
  auto other = json;
  other["auto_approved"] = true;
  CHECK_FALSE(read_outcome(other.dump()));
  for (const char* state : {"pending", "detached", "Approved", ""}) {
    other = json;
    other["state"] = state;
    CHECK_FALSE(read_outcome(other.dump()));
  }
}
