// SPDX-License-Identifier: Apache-2.0
// Threads for calls that may hang. A thread whose call runs longer than `patience` counts as hung and is replaced, up to
// a bound; nobody waits for it, not even the destructor.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "broker/core/ports.h"

namespace jit::directory {

class Pool {
 public:
  using Steady = std::chrono::steady_clock;

  // Throws std::system_error where no thread can be made. `due` runs on the core's thread, through post, soon after each time given to wake().
  Pool(core::Post post, std::size_t threads, std::size_t most, std::chrono::milliseconds patience,
       std::function<void()> due);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Runs work on a pool thread, then what it returned on the core's thread; neither after the pool is gone, except
  // work that has begun.
  void run(std::function<std::function<void()>()> work);
  void wake(Steady::time_point when);
  std::size_t queued() const;  // work that has not begun

 private:
  struct State;
  static void serve(const std::shared_ptr<State>& state);
  static void watch(const std::shared_ptr<State>& state);
  static bool start(void (*body)(const std::shared_ptr<State>&), const std::shared_ptr<State>& state);
  static void grow(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace jit::directory
