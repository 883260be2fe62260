// SPDX-License-Identifier: Apache-2.0
// The event loop of the core's thread, and the way into it from other threads.
#pragma once

#include <systemd/sd-event.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "broker/core/ports.h"

namespace jit::broker {

class Loop {
 public:
  static std::unique_ptr<Loop> open();  // null: out of descriptors or memory
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  sd_event* event() const { return event_; }
  core::Post post();  // stays valid as long as the loop
  // Called before each wait; gives the CLOCK_BOOTTIME of the next wake-up in milliseconds, or nothing. A wake-up that is not
  // needed any more may come still: moving it at every turn would cost a system call each.
  void each_turn(std::function<std::optional<core::BootMs>()> turn) { turn_ = std::move(turn); }
  int run();  // until exit(); the exit code
  void exit(int code);

 private:
  Loop() = default;
  void put(std::function<void()> work);
  void drain();
  static int on_wake(sd_event_source* source, int fd, std::uint32_t events, void* self);
  static int on_timer(sd_event_source* source, std::uint64_t usec, void* self);

  sd_event* event_ = nullptr;
  sd_event_source* wake_source_ = nullptr;
  sd_event_source* timer_ = nullptr;
  int wake_ = -1;
  std::uint64_t armed_ = 0;  // microseconds; 0: the timer is off
  std::function<std::optional<core::BootMs>()> turn_;
  std::mutex mutex_;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace jit::broker
