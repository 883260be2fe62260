// SPDX-License-Identifier: Apache-2.0
// sudo's conversation. On a terminal what is said of a wait stands in one line, redrawn.
#pragma once

#include "sudo_jit/sudo.h"

#include "pam_jit/talk.h"

namespace jit::sudo {

class Conversation {
 public:
  explicit Conversation(sudo_conv_t conversation) : conversation_(conversation) {}
  pam::Voice voice(bool terminal, std::size_t columns);
  void end_line();  // of what was redrawn

 private:
  static void show(void* self, bool error, const char* text);
  static bool ask(void* self, const char* prompt, pam::Bytes& answer);
  static void redraw(void* self, const char* text);
  bool send(int type, const char* text, sudo_conv_reply& reply) const;
  sudo_conv_t conversation_;
  std::size_t columns_ = 80;
  std::size_t drawn_ = 0;  // characters that stand in the line
};

}  // namespace jit::sudo
