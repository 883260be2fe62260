// SPDX-License-Identifier: Apache-2.0
// Random policies that load, by number. JIT_SEED=N makes the policy N the first of each test; JIT_POLICIES=N runs N policies
// in each test.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/policy/oracle/oracle.h"
#include "tests/policy/oracle/random.h"

namespace jit::policy::oracle {

struct Case {
  std::uint64_t seed = 0;
  Dice dice{0};  // for the requests
  Model model;
  std::shared_ptr<const Policy> policy;

  // Throws std::runtime_error with all that one needs to see it again.
  [[noreturn]] void fail(const std::string& what, const Ask* ask = nullptr) const;
};

Case make_case(std::uint64_t seed);
std::uint64_t first_seed();
unsigned policies(unsigned usual);

// With one rule more, "new", which can be honoured.
struct Longer {
  Model model;
  std::shared_ptr<const Policy> policy;
};
Longer with_new_rule(Case& from, bool permit);

// Loads what must load.
std::shared_ptr<const Policy> must_load(const Case& from, const Model& model, const Texts& texts);

}  // namespace jit::policy::oracle
