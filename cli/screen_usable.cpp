// SPDX-License-Identifier: Apache-2.0
// A file of its own: term.h defines "lines", "columns" and hundreds more.
#include "cli/screen.h"

#include <curses.h>
#include <term.h>
#include <unistd.h>

#include <cstdlib>

bool jit::cli::Screen::usable() {
  if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1 || tcgetpgrp(STDIN_FILENO) != getpgrp()) return false;
  const char* const name = std::getenv("TERM");
  if (name == nullptr || *name == '\0') return false;
  int found = 0;
  if (setupterm(name, STDOUT_FILENO, &found) != OK || found != 1) return false;
  const bool can_move = tigetstr("cup") != nullptr;
  del_curterm(cur_term);
  return can_move;
}
