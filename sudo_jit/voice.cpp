// SPDX-License-Identifier: Apache-2.0
#include "sudo_jit/voice.h"

#include <stdio.h>
#include <string.h>

#include <algorithm>

namespace jit::sudo {

bool Conversation::send(int type, const char* text, sudo_conv_reply& reply) const {
  sudo_conv_message message{};
  message.msg_type = type;
  message.msg = text;
  return conversation_ != nullptr && conversation_(1, &message, &reply, nullptr) == 0;
}

void Conversation::end_line() {
  if (drawn_ == 0) return;
  drawn_ = 0;
  sudo_conv_reply reply{};
  send(SUDO_CONV_INFO_MSG | SUDO_CONV_PREFER_TTY, "\n", reply);
}

// The terminal rather than what the command's output was redirected to.
void Conversation::show(void* self, bool error, const char* text) {
  auto& own = *static_cast<Conversation*>(self);
  own.end_line();
  std::array<char, pam::Detail::kLineMax + 2> line{};
  snprintf(line.data(), line.size(), "%.*s\n", static_cast<int>(pam::Detail::kLineMax), text);
  sudo_conv_reply reply{};
  own.send((error ? SUDO_CONV_ERROR_MSG : SUDO_CONV_INFO_MSG) | SUDO_CONV_PREFER_TTY, line.data(), reply);
}

bool Conversation::ask(void* self, const char* prompt, pam::Bytes& answer) {
  auto& own = *static_cast<Conversation*>(self);
  own.end_line();
  sudo_conv_reply reply{};
  const bool answered = own.send(SUDO_CONV_PROMPT_ECHO_ON, prompt, reply);
  answer.reset(reply.reply);
  return answered && reply.reply != nullptr;
}

// Never as wide as the terminal: a line that wraps cannot be redrawn.
void Conversation::redraw(void* self, const char* text) {
  auto& own = *static_cast<Conversation*>(self);
  std::array<char, 512> line;
  const std::size_t width = std::min(own.columns_ > 1 ? own.columns_ - 1 : 1, line.size() - 2);
  const std::size_t size = std::min(strlen(text), width);
  line[0] = '\r';
  std::copy(text, text + size, line.begin() + 1);
  const std::size_t all = std::max(size, std::min(own.drawn_, width));
  std::fill(line.begin() + 1 + static_cast<std::ptrdiff_t>(size), line.begin() + 1 + static_cast<std::ptrdiff_t>(all), ' ');
  line[all + 1] = '\0';
  sudo_conv_reply reply{};
  own.send(SUDO_CONV_INFO_MSG | SUDO_CONV_PREFER_TTY, line.data(), reply);
  own.drawn_ = std::max<std::size_t>(size, 1);
}

pam::Voice Conversation::voice(bool terminal, std::size_t columns) {
  columns_ = columns;
  return {this, show, ask, terminal ? redraw : nullptr};
}

}  // namespace jit::sudo
