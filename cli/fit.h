// SPDX-License-Identifier: Apache-2.0
// Escaped text on a screen: cut and wrapped, never inside an escape, and never silently.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/documents.h"

namespace jit::cli {

// As it is where all of it is printable ASCII, as the broker's texts are; escaped where not.
std::string harmless(std::string_view text);

// At most `room` columns of an escaped text. Where something is cut, "... (N bytes) ..." stands for it, and beginning and
// end stay where there is room: blanks before a tail do not hide the tail. bytes: N; 0: counted here.
std::string cut(std::string_view text, std::size_t room, std::size_t bytes = 0);

// The same where little room is: the beginning and "...".
std::string shorten(std::string_view text, std::size_t room);

// The text in lines of `width`, whole.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

// What a person types, as it may be shown: what a terminal has no column for is escaped. Its end, where it has more than
// `room` columns. columns: how many it takes.
std::string typed_text(std::string_view utf8, std::size_t room, std::size_t& columns);

// Facts in at most `height` lines of `width` columns: side by side where they would not all fit else, none left out while there
// is any room for it.
// command_bytes: the length that is said where the fact "command" is cut.
struct Layout {
  std::vector<std::string> lines;
  bool cut = false;  // something is not shown whole
};
Layout lay_out(const Facts& facts, std::size_t width, std::size_t height, std::size_t command_bytes);

}  // namespace jit::cli
