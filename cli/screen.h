// SPDX-License-Identifier: Apache-2.0
// The terminal of `jitctl watch`, by curses: pictures go out, keys come in. While it lives the terminal is in its hands, and
// as it was again when it ends.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>

#include "cli/inbox.h"

namespace jit::cli {

class Screen {
 public:
  // Are standard input and output this process's own terminal, of a kind that can be drawn on? Behind the shell's prompt ("&")
  // they are not: reading there would stop us.
  static bool usable();

  // Null where the terminal cannot be used after all. The files stay the caller's.
  static std::unique_ptr<Screen> open(FILE* out, FILE* in, const char* terminal, bool colour);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  struct Size {
    std::size_t width = 0;
    std::size_t height = 0;
  };
  Size measure();  // what it is now; curses hears of it
  void draw(const Picture& picture);
  void leave();  // the terminal as it was, for somebody else, until enter()
  void enter();  // what was typed meanwhile was not meant for us
  std::optional<Press> key();  // never waits, but for the rest of a key's own sequence

 private:
  struct Impl;
  explicit Screen(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace jit::cli
