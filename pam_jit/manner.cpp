// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/manner.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

namespace jit::pam {
namespace {

Fd open_terminal() { return open_above_stdio("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK); }

}  // namespace

// -n and -S are how programs call sudo: they take a prompt for a wrong password and a wait for a hang. With -A a helper gives the
// answer to every question, on a terminal too: it was made for the password.
void set_sudo_manner(bool terminal, const Options& options, const SudoOptions& sudo, Manner& manner) {
  const bool waits = terminal && sudo.understood && !sudo.non_interactive && !sudo.from_stdin;
  manner.can_ask = waits && !sudo.by_helper;
  manner.budget_s = waits ? options.budget_s.value_or(kBudgetMax) : 0;
  manner.errors_only = !waits;
}

bool find_terminal(bool& has) {
  has = static_cast<bool>(open_terminal());
  return has || errno == ENXIO;  // ENXIO: a session without one
}

void drop_typed_input() {
  const Fd terminal = open_terminal();
  if (terminal && tcgetpgrp(terminal.get()) == getpgrp()) tcflush(terminal.get(), TCIFLUSH);
}

}  // namespace jit::pam
