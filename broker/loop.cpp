// SPDX-License-Identifier: Apache-2.0
#include "broker/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>
#include <optional>

namespace jit::broker {

std::unique_ptr<Loop> Loop::open() {
  std::unique_ptr<Loop> loop(new Loop);
  if (sd_event_new(&loop->event_) < 0) return nullptr;
  loop->wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (loop->wake_ < 0) return nullptr;
  if (sd_event_add_io(loop->event_, &loop->wake_source_, loop->wake_, EPOLLIN, on_wake, loop.get()) < 0) return nullptr;
  // What other threads finished (a commit, a look-up) goes before new input.
  if (sd_event_source_set_priority(loop->wake_source_, SD_EVENT_PRIORITY_IMPORTANT) < 0) return nullptr;
  if (sd_event_add_time(loop->event_, &loop->timer_, CLOCK_BOOTTIME, 0, 1000, on_timer, loop.get()) < 0) return nullptr;
  if (sd_event_source_set_enabled(loop->timer_, SD_EVENT_OFF) < 0) return nullptr;
  return loop;
}

Loop::~Loop() {
  sd_event_source_disable_unref(timer_);
  sd_event_source_disable_unref(wake_source_);
  if (wake_ >= 0) ::close(wake_);
  sd_event_unref(event_);
}

core::Post Loop::post() {
  return [this](std::function<void()> work) { put(std::move(work)); };
}

void Loop::put(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
    if (waiting_.size() > 1) return;  // it has been woken already
  }
  const std::uint64_t one = 1;
  // Cannot fail but when the counter is full, and then the loop is awake.
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

void Loop::drain() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_, &count, sizeof count);
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(waiting_);
  }
  for (auto& step : work) step();
}

int Loop::on_wake(sd_event_source*, int, std::uint32_t, void* self) {
  static_cast<Loop*>(self)->drain();
  return 0;
}

int Loop::on_timer(sd_event_source*, std::uint64_t, void* self) {
  static_cast<Loop*>(self)->armed_ = 0;
  return 0;  // the turn does the work
}

int Loop::run() {
  int code = 0;
  while (sd_event_get_state(event_) != SD_EVENT_FINISHED) {
    const std::optional<core::BootMs> next = turn_ ? turn_() : std::nullopt;
    const std::uint64_t usec = !next ? 0 : *next <= 0 ? 1 : static_cast<std::uint64_t>(*next) * 1000;
    if (usec != 0 && (armed_ == 0 || usec < armed_)) {
      sd_event_source_set_time(timer_, usec);
      sd_event_source_set_enabled(timer_, SD_EVENT_ONESHOT);
      armed_ = usec;
    }
    if (sd_event_run(event_, UINT64_MAX) < 0) return 1;
  }
  sd_event_get_exit_code(event_, &code);
  return code;
}

void Loop::exit(int code) { sd_event_exit(event_, code); }

}  // namespace jit::broker
