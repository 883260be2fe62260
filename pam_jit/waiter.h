// SPDX-License-Identifier: Apache-2.0
// Waiting as a guest: which signals may end a wait, and whether the person is still there.
#pragma once

#include <signal.h>

#include "pam_jit/guest.h"

namespace jit::pam {

enum class Wake : std::uint8_t { kReady, kTime, kSignal, kGone, kFailed };

// While it holds, the signals that cancel (INT, QUIT, TERM, HUP) are delivered only inside wait(), so that none slips
// in between two waits, and those that mean nothing to us (TSTP, CHLD, WINCH, ...) are held back; the mask that was found
// is put back at the end, when what is pending reaches the host's own handlers. sudo blocks INT and QUIT while it
// authenticates: there they come through in wait() all the same, or Ctrl-C would be dead.
class Waiter {
 public:
  // peer: a socket of the host program whose other end is the person (sshd), or -1; not owned.
  // host_alarm: the host limits us by SIGALRM (sshd, login), which must reach it at once.
  // heeds_ignored: the host ignores what the keys of its terminal send (util-linux's login): they end a wait all the same.
  Waiter(int peer, bool host_alarm, bool heeds_ignored) : peer_(peer), host_alarm_(host_alarm), heeds_ignored_(heeds_ignored) { hold(); }
  ~Waiter() { release(); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // Around a prompt the host reads the terminal with its own signal handling: give the mask back, then take it again.
  bool release();  // false: the mask could not be put back
  void hold();
  bool holds() const { return held_; }

  // Until fd (or -1) has one of events, the deadline has passed, a cancelling signal came, or the person left.
  Wake wait(int fd, short events, Ms until);

 private:
  sigset_t ignored_keys() const;
  bool take_key();

  sigset_t found_{};
  sigset_t inside_{};
  int peer_;
  bool host_alarm_;
  bool heeds_ignored_;
  Fd keys_;            // a signalfd, while it holds
  bool held_ = false;
  bool lost_ = false;  // the mask that was found is not back
};

}  // namespace jit::pam
