// SPDX-License-Identifier: Apache-2.0
// The conversation with the person, through the host program. PAM_SILENT is not asked: sudo sets it always, and who is
// denied must learn why.
#pragma once

#include <security/pam_modules.h>

#include "pam_jit/answer.h"
#include "pam_jit/door.h"

namespace jit::pam {

class Talk {
 public:
  enum class Reply : std::uint8_t { kText, kEmpty, kFailed };

  Talk(pam_handle_t* handle, const Manner& manner) : handle_(handle), manner_(manner) {}
  void say(const char* text);             // progress
  void say(const Detail& detail);
  void progress(const Detail& detail);    // say, at most 6 lines a wait
  void complain(const char* text);        // what went wrong
  void complain(const Detail& detail);
  // Echo on. kFailed: the conversation failed (Ctrl-C, no terminal); kEmpty: an empty line, or end of file.
  Reply ask(const char* prompt, Bytes& answer);
  // Where text is shown only with a prompt, and something was said that nobody saw yet: one more prompt.
  void end_by_prompt();
  void nobody_there() { unseen_ = false; }

 private:
  void show(int style, const char* text);
  pam_handle_t* handle_;
  const Manner& manner_;
  bool unseen_ = false;
  std::size_t progress_lines_ = 0;
};

}  // namespace jit::pam
