// SPDX-License-Identifier: Apache-2.0
// The file that sudo will run, as root sees it.
#pragma once

#include <limits.h>

#include <array>

#include "pam_jit/guest.h"

namespace jit::sudo {

struct Program {
  std::array<char, PATH_MAX> path{};  // its folder resolved, its name as it is; empty: nobody can tell
  pam::Fd file;                       // open for reading; empty: it cannot be read
};

// command: as sudo found it. folder: what a relative one starts from; empty: the folder of this process.
Program find_program(std::string_view command, std::string_view folder);

}  // namespace jit::sudo
