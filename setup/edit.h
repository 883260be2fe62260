// SPDX-License-Identifier: Apache-2.0
// The text of a service's file with our lines, and without them again. Pure: what an include holds is told by the caller.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "setup/services.h"

namespace jit::setup {

enum class Mode : std::uint8_t { kGate, kObserve };  // kObserve: `optional` and the option `observe`, which open and close nothing

struct Wanted {
  Mode mode = Mode::kGate;
  bool auth = false;  // at ssh: a line in auth, too, where people can be asked by keyboard-interactive
};

// Does what is included hold lines of this type ("auth", "account", "session")?
using Holds = std::function<bool(std::string_view included, std::string_view type)>;

struct Edited {
  std::string text;
  std::string problem;     // why nothing is edited, for people; empty: text is good
  std::uint32_t line = 0;  // 1-based, of the problem; 0: of the whole file
};

// Lines of setup's that are there are replaced, with the options that somebody gave them; lines of pam_jit.so that somebody else put
// there are a problem. A type that the file takes from the door's main service has ours from there.
Edited with_lines(const Service& service, std::string_view text, Wanted wanted, const Holds& holds);

// The file where the service has none in /etc/pam.d: ours, then all of the other one.
Edited new_file(const Service& service, std::string_view includes, Wanted wanted, const Holds& holds);

struct Left {
  std::string text;                    // without the lines that bear our mark
  std::vector<std::string> taken;      // those lines
  std::vector<std::uint32_t> by_hand;  // lines of pam_jit.so that somebody else put there: left; 1-based, in the given text
};
Left without_lines(std::string_view text);

bool is_own_line(std::string_view line);  // exactly one that setup writes, or the include of a new file
bool has_lines(std::string_view text);    // of setup's
// Does each type that wants a line have one of setup's, and is each as it should be, with its rescue line, and that of a session not
// before pam_loginuid where it belongs after it? Then place and options are the admin's.
bool has_all_lines(const Service& service, std::string_view text, Wanted wanted, const Holds& holds);

// The first line (1-based) at which two texts differ; 0: they are the same.
std::uint32_t first_difference(std::string_view a, std::string_view b);

// As diff -u shows it; empty where nothing differs.
std::string unified_diff(std::string_view old_text, std::string_view new_text, std::string_view old_name, std::string_view new_name);

}  // namespace jit::setup
