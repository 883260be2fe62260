// SPDX-License-Identifier: Apache-2.0
#include "cli/format.h"

#include "tests/catch.h"

using namespace jit::cli;

TEST_CASE("colour says what a state means, and only where it is wanted") {
  CHECK(coloured({true, true}, "denied") == "\x1b[31mdenied\x1b[0m");
  CHECK(coloured({true, true}, "alice") == "alice");
  CHECK(coloured({true, false}, "denied") == "denied");
}
