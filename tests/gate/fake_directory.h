// SPDX-License-Identifier: Apache-2.0
// A directory with a table. alice 1000, bob 1001, daemon 1, nobody 65534, root 0, toor 0, and those that the test adds.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "broker/directory/directory.h"

namespace jit::test {

struct Users {
  static Users& get();
  void reset();

  std::mutex mutex;
  std::vector<directory::User> users;
  std::vector<std::pair<std::uint32_t, std::string>> groups;  // an empty name: no answer
  std::vector<std::string> silent;                            // names for which no answer comes until release()
  std::vector<std::function<void()>> held;
  void release();  // on the gate's loop
};

}  // namespace jit::test
