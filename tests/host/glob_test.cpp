// SPDX-License-Identifier: Apache-2.0
#include "host/glob.h"

#include "tests/catch.h"
#include <string>

using jit::host::covers;

TEST_CASE("one pattern covers another where it matches each name that the other does") {
  struct {
    std::string wide, narrow;
    bool yes;
  } const table[] = {
      {"*tty[0-9]*", "/dev/tty[0-9]*", true},
      {"tty[0-9]*", "/dev/tty[0-9]*", false},
      {"/dev/tty[0-9]*", "/dev/tty[0-9]*", true},
      {"/dev/tty[0-9]", "/dev/tty[0-9]*", false},
      {"/dev/tty[1-6]", "/dev/tty[0-9]", false},
      {"/dev/tty[1-6]", "/dev/tty[2-5]", true},
      {"/dev/tty[!a-z]*", "/dev/tty[0-9]*", true},
      {"/dev/tty[^0]*", "/dev/tty[0-9]*", false},
      {"*tty[0-9]*", "/dev/ttyS0", false},
      {"*ttyS?", "/dev/ttyS0", true},
      {"*", "/dev/anything", true},
      {"**", "*", true},
      {"?*", "*", false},
      {"*a*b*", "*ab*", true},
      {"*ab*", "*a*b*", false},
      {"[a-b]*", "a*", true},
      {"a\\*", "a*", false},
      {"a*", "a\\*", true},
      {"[]x]", "]", true},
      {"[x", "[x", true},
      {"[x", "x", false},
      {"", "", true},
      {"", "a", false},
      {"a", "", false},
  };
  for (const auto& row : table) {
    INFO(row.wide << " over " << row.narrow);
    CHECK(covers(row.wide, row.narrow) == row.yes);
  }
}

TEST_CASE("what is not read here is not told") {
  for (const std::string& odd : {std::string("[[:digit:]]"), std::string("[[.a.]]"), std::string("[\\]]"), std::string("a\\"), std::string(61, 'a')}) {
    INFO(odd);
    CHECK(covers(odd, "a") == std::nullopt);
    CHECK(covers("a", odd) == std::nullopt);
  }
  std::string much;  // its sets of places grow without end
  for (int i = 0; i < 25; ++i) much += "?";
  CHECK(covers("*a" + much, "*a" + much) == std::nullopt);
}
