// SPDX-License-Identifier: Apache-2.0
// The tests' naive evaluator beside the real one: the same policy as its plain model.
#pragma once

#include <cstddef>

#include "tests/policy/oracle/model.h"

namespace jit::bench {

// What usual_policy(rules) says.
policy::oracle::Model usual_model(std::size_t rules);

}  // namespace jit::bench
