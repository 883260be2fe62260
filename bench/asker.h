// SPDX-License-Identifier: Apache-2.0
// What the programs here share: becoming who asks, the clock, and ending with a reason.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace jit::bench {

using Ns = std::int64_t;  // CLOCK_MONOTONIC, nanoseconds

Ns now_ns();

// Ends the program: a measurement that did not measure what it says is worse than none.
[[noreturn, gnu::format(printf, 1, 2)]] void fail(const char* format, ...);

// A user by name, as the account files say.
struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};
User user_of(const char* name);

// As in a program with the setuid bit of root: the real user is this one, the effective one root.
void become_asker(const User& user);
// Wholly this user.
void become(const User& user);

// [1,2,3]
std::string list_of(const std::vector<Ns>& values);

// A number argument, or the end.
std::size_t number(const char* text);

}  // namespace jit::bench
