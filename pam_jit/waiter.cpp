// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/waiter.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>

namespace jit::pam {
namespace {

constexpr std::array<int, 4> kCancel = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
constexpr std::array<int, 2> kKeys = {SIGINT, SIGQUIT};
// sudo and sshd have handlers for most of these; an interrupted wait must always mean "cancel".
constexpr std::array<int, 9> kHeld = {SIGTSTP, SIGCHLD, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGURG, SIGIO, SIGPIPE};
// ppoll counts time without suspend, the deadline with it: look at the clock again this often.
constexpr Ms kSlice = 10'000;

}  // namespace

sigset_t Waiter::ignored_keys() const {
  sigset_t out;
  sigemptyset(&out);
  for (const int s : kKeys) {
    struct sigaction now {};
    if (heeds_ignored_ && sigaction(s, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) sigaddset(&out, s);
  }
  return out;
}

void Waiter::hold() {
  if (held_ || lost_ || pthread_sigmask(SIG_SETMASK, nullptr, &found_) != 0) return;
  sigset_t outside = found_;
  for (const int s : kHeld) sigaddset(&outside, s);
  if (!host_alarm_) sigaddset(&outside, SIGALRM);
  inside_ = outside;
  // An ignored signal is dropped where it is delivered, and kept where it is blocked: signal(7).
  const sigset_t ignored = ignored_keys();
  for (const int s : kCancel) {
    sigaddset(&outside, s);
    if (sigismember(&ignored, s) != 0) {
      sigaddset(&inside_, s);
    } else {
      sigdelset(&inside_, s);
    }
  }
  if (sigisemptyset(&ignored) == 0) {
    keys_ = above_stdio(signalfd(-1, &ignored, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!keys_) return;  // a wait that no key ends is none
  }
  held_ = pthread_sigmask(SIG_SETMASK, &outside, nullptr) == 0;
}

bool Waiter::release() {
  keys_.reset();
  if (held_ && pthread_sigmask(SIG_SETMASK, &found_, nullptr) != 0) lost_ = true;
  held_ = false;
  return !lost_;
}

// One that was delivered would be gone, too.
bool Waiter::take_key() {
  signalfd_siginfo key{};
  return read(keys_.get(), &key, sizeof key) == static_cast<ssize_t>(sizeof key);
}

Wake Waiter::wait(int fd, short events, Ms until) {
  if (!held_) return Wake::kFailed;
  for (;;) {
    const Ms left = until - now_ms();
    // One look even where no time is left: what is there counts, and a signal that is pending is seen.
    const Ms slice = left < 0 ? 0 : left > kSlice ? kSlice : left;
    const timespec timeout{.tv_sec = static_cast<time_t>(slice / 1000), .tv_nsec = static_cast<long>(slice % 1000) * 1'000'000};
    std::array<pollfd, 3> watched = {{{fd, events, 0}, {peer_, POLLRDHUP, 0}, {keys_.get(), POLLIN, 0}}};
    const int n = ppoll(watched.data(), watched.size(), &timeout, &inside_);
    if (n < 0) return errno == EINTR ? Wake::kSignal : Wake::kFailed;
    if (watched[2].revents != 0 && take_key()) return Wake::kSignal;
    if (watched[1].revents != 0) return Wake::kGone;
    if (watched[0].revents != 0) return Wake::kReady;
    if (left <= 0) return Wake::kTime;
  }
}

}  // namespace jit::pam
