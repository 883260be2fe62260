// SPDX-License-Identifier: Apache-2.0
// The conversation with the person, through what the host program offers.
#pragma once

#include "pam_jit/answer.h"
#include "pam_jit/manner.h"

namespace jit::pam {

// Each gets self. Texts have no newline at their end.
struct Voice {
  void* self;
  void (*show)(void* self, bool error, const char* text);
  bool (*ask)(void* self, const char* prompt, Bytes& answer);  // echo on; false: the conversation failed
  void (*redraw)(void* self, const char* text);  // in the place of the one before; null: there is no such place
};

class Talk {
 public:
  enum class Reply : std::uint8_t { kText, kEmpty, kFailed };

  Talk(const Voice& voice, const Manner& manner) : voice_(voice), manner_(manner) {}
  void say(const char* text);             // progress
  void say(const Detail& detail);
  // Said, at most 6 lines a wait; where there is a place for it, what comes after the first is redrawn there.
  void progress(const Detail& detail);
  void complain(const char* text);        // what went wrong
  void complain(const Detail& detail);
  // Echo on. kFailed: the conversation failed (Ctrl-C, no terminal); kEmpty: an empty line, or end of file.
  Reply ask(const char* prompt, Bytes& answer);
  // Where text is shown only with a prompt, and something was said that nobody saw yet: one more prompt.
  void end_by_prompt();
  void nobody_there() { unseen_ = false; }

 private:
  void show(bool error, const char* text);
  Voice voice_;
  const Manner& manner_;
  bool unseen_ = false;
  bool began_ = false;
  std::size_t progress_lines_ = 0;
};

}  // namespace jit::pam
