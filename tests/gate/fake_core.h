// SPDX-License-Identifier: Apache-2.0
// A core that only notes what it is told. Its thread is the gate's loop; tests look in with a lock.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "broker/core/core.h"

namespace jit::test {

struct Told {
  std::string what;  // "submit", "resume", "detach", "withdraw", "hangup", "bind"
  core::Conn conn = 0;
  core::Ask ask;
  core::BindAsk bind;
  std::string id, secret;
};

class Notes {
 public:
  static Notes& get();
  void reset();
  void add(Told told);
  void keep_nothing();
  std::vector<Told> all();
  int count(const std::string& what);
  // Waits for the n-th of its kind, for 20 s at most.
  Told wait(const std::string& what, int n = 1);

  // Run on the gate's loop for each.
  void on_each(std::function<void(const Told&)> react);

 private:
  std::function<void(const Told&)> react_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Told> told_;
  bool keep_ = true;
};

core::Core make_core();

}  // namespace jit::test
