// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/waiter.h"

#include <errno.h>
#include <poll.h>

#include <array>

namespace jit::pam {
namespace {

constexpr std::array<int, 4> kCancel = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
// sudo and sshd have handlers for most of these; an interrupted wait must always mean "cancel".
constexpr std::array<int, 9> kHeld = {SIGTSTP, SIGCHLD, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGURG, SIGIO, SIGPIPE};
// ppoll counts time without suspend, the deadline with it: look at the clock again this often.
constexpr Ms kSlice = 10'000;

}  // namespace

void Waiter::hold() {
  if (held_ || lost_ || pthread_sigmask(SIG_SETMASK, nullptr, &found_) != 0) return;
  sigset_t outside = found_;
  for (const int s : kHeld) sigaddset(&outside, s);
  if (!host_alarm_) sigaddset(&outside, SIGALRM);
  inside_ = outside;
  for (const int s : kCancel) {
    sigaddset(&outside, s);
    sigdelset(&inside_, s);
  }
  held_ = pthread_sigmask(SIG_SETMASK, &outside, nullptr) == 0;
}

bool Waiter::release() {
  if (held_ && pthread_sigmask(SIG_SETMASK, &found_, nullptr) != 0) lost_ = true;
  held_ = false;
  return !lost_;
}

Wake Waiter::wait(int fd, short events, Ms until) {
  if (!held_) return Wake::kFailed;
  for (;;) {
    const Ms left = until - now_ms();
    // One look even where no time is left: what is there counts, and a signal that is pending is seen.
    const Ms slice = left < 0 ? 0 : left > kSlice ? kSlice : left;
    const timespec timeout{.tv_sec = static_cast<time_t>(slice / 1000), .tv_nsec = static_cast<long>(slice % 1000) * 1'000'000};
    std::array<pollfd, 2> watched = {{{fd, events, 0}, {peer_, POLLRDHUP, 0}}};
    const int n = ppoll(watched.data(), watched.size(), &timeout, &inside_);
    if (n < 0) return errno == EINTR ? Wake::kSignal : Wake::kFailed;
    if (watched[1].revents != 0) return Wake::kGone;
    if (watched[0].revents != 0) return Wake::kReady;
    if (left <= 0) return Wake::kTime;
  }
}

}  // namespace jit::pam
