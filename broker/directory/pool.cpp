// SPDX-License-Identifier: Apache-2.0
#include "broker/directory/pool.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace jit::directory {

struct Pool::State {
  mutable std::mutex mutex;
  std::condition_variable work_ready, timer_changed;
  core::Post post;  // empty: the pool is gone
  std::function<void()> due;
  std::size_t threads = 0, most = 0;  // wanted that do not hang; all together
  std::chrono::milliseconds patience{};
  std::deque<std::function<std::function<void()>()>> queue;
  std::list<Steady::time_point> running;  // when each call began; oldest first
  std::size_t alive = 0, starting = 0, idle = 0;
  std::deque<Steady::time_point> alarms;  // ascending

  std::size_t hung(Steady::time_point now) const {
    return static_cast<std::size_t>(
        std::count_if(running.begin(), running.end(), [&](Steady::time_point t) { return t + patience <= now; }));
  }
};

Pool::Pool(core::Post post, std::size_t threads, std::size_t most, std::chrono::milliseconds patience,
           std::function<void()> due)
    : state_(std::make_shared<State>()) {
  state_->post = std::move(post);
  state_->due = std::move(due);
  state_->threads = std::max<std::size_t>(threads, 1);
  state_->most = std::max(most, state_->threads);
  state_->patience = patience;
  // One that serves from the start: where none can be had later, look-ups are slow and not refused.
  state_->alive = state_->starting = 1;
  if (!start(&Pool::watch, state_) || !start(&Pool::serve, state_)) {
    throw std::system_error(EAGAIN, std::generic_category(), "no thread for the directory");
  }
}

Pool::~Pool() {
  const std::lock_guard lock(state_->mutex);
  state_->post = nullptr;
  state_->due = nullptr;
  state_->queue.clear();
  state_->work_ready.notify_all();
  state_->timer_changed.notify_all();
}

void Pool::run(std::function<std::function<void()>()> work) {
  const std::lock_guard lock(state_->mutex);
  state_->queue.push_back(std::move(work));
  grow(state_);
  state_->work_ready.notify_one();
  if (state_->queue.size() > state_->idle) state_->timer_changed.notify_one();
}

void Pool::wake(Steady::time_point when) {
  const std::lock_guard lock(state_->mutex);
  auto& alarms = state_->alarms;
  alarms.insert(std::upper_bound(alarms.begin(), alarms.end(), when), when);
  if (alarms.front() == when) state_->timer_changed.notify_one();
}

std::size_t Pool::queued() const {
  const std::lock_guard lock(state_->mutex);
  return state_->queue.size();
}

// The threads take no signal: those belong to the event loop of the main thread.
bool Pool::start(void (*body)(const std::shared_ptr<State>&), const std::shared_ptr<State>& state) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    std::thread([body, state] { body(state); }).detach();
  } catch (const std::system_error&) {
    started = false;  // no thread now: the look-ups wait for another one, or time out
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

// With the lock held.
void Pool::grow(const std::shared_ptr<State>& state) {
  const std::size_t hung = state->hung(Steady::now());
  while (state->queue.size() > state->idle + state->starting && state->alive - hung < state->threads &&
         state->alive < state->most) {
    if (!start(&Pool::serve, state)) return;
    ++state->alive;
    ++state->starting;
  }
}

void Pool::serve(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  --state->starting;
  for (;;) {
    ++state->idle;
    state->work_ready.wait(lock, [&] { return !state->post || !state->queue.empty(); });
    --state->idle;
    if (!state->post) break;
    auto work = std::move(state->queue.front());
    state->queue.pop_front();
    const auto mark = state->running.insert(state->running.end(), Steady::now());
    // The watch may have looked while this thread was starting, when nothing ran that could ever count as hung.
    if (!state->queue.empty()) state->timer_changed.notify_one();
    lock.unlock();
    auto answer = work();
    work = nullptr;
    lock.lock();
    state->running.erase(mark);
    // Under the lock, so that nothing is posted once the destructor has run.
    if (state->post) state->post(std::move(answer));
    // One that hung came back: the pool shrinks to its size again.
    if (state->alive > state->threads && state->alive - state->hung(Steady::now()) > state->threads) break;
  }
  --state->alive;
}

void Pool::watch(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (state->post) {
    const auto now = Steady::now();
    if (!state->alarms.empty() && state->alarms.front() <= now) {
      while (!state->alarms.empty() && state->alarms.front() <= now) state->alarms.pop_front();
      state->post(state->due);
    }
    grow(state);
    std::optional<Steady::time_point> next;
    if (!state->alarms.empty()) next = state->alarms.front();
    // Work waits and every thread is busy: look again when the next call counts as hung.
    if (state->queue.size() > state->idle && state->alive < state->most) {
      for (const auto began : state->running) {
        if (began + state->patience <= now) continue;
        next = std::min(next.value_or(began + state->patience), began + state->patience);
        break;
      }
    }
    if (next) {
      state->timer_changed.wait_until(lock, *next);
    } else {
      state->timer_changed.wait(lock);
    }
  }
}

}  // namespace jit::directory
