// SPDX-License-Identifier: Apache-2.0
// What people see: tables on a terminal, tab-separated lines in a pipe, colour only where it is wanted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/exit.h"

namespace jit::cli {

struct Style {
  bool terminal = false;  // stdout is one
  bool colour = false;
  static Style detect();  // NO_COLOR and TERM=dumb switch colour off
};

// All output of jitctl. Not written: exit code 1 at the end, see finish().
class Output {
 public:
  explicit Output(Style style) : style_(style) {}
  const Style& style() const { return style_; }
  void line(std::string_view text);    // to stdout, at once where stdout is a pipe too
  void text(std::string_view lines);   // the same of whole lines
  void note(std::string_view text);    // for people: to stdout on a terminal, else to stderr
  void aside(std::string_view text);   // for people, where stdout is for a program: to stderr
  Exit fail(const Failure& failure);   // "jitctl: ..." to stderr
  // The first row holds the headings; they are left out in a pipe.
  void table(const std::vector<std::vector<std::string>>& rows);
  // "name:   value" lines; a name may come again.
  void facts(const std::vector<std::pair<std::string, std::string>>& facts);
  Exit finish(Exit code);  // code, or kNo where output was lost

 private:
  Style style_;
};

std::string joined(const std::vector<std::string>& words);          // escaped, "a, b"
std::string coloured(const Style& style, std::string_view state);  // by what the state means

}  // namespace jit::cli
