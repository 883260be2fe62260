// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/talk.h"

namespace jit::pam {

constexpr std::size_t kProgressMax = 6;

void Talk::show(bool error, const char* text) {
  if (manner_.silent) return;
  voice_.show(voice_.self, error, text);
  unseen_ = true;
}

void Talk::say(const char* text) { show(manner_.errors_only, text); }
void Talk::complain(const char* text) { show(true, text); }

void Talk::say(const Detail& detail) {
  for (std::size_t i = 0; i < detail.line_count; ++i) say(detail.lines[i].data());
}

void Talk::progress(const Detail& detail) {
  if (began_ && voice_.redraw != nullptr && !manner_.silent) {
    for (std::size_t i = 0; i < detail.line_count; ++i) voice_.redraw(voice_.self, detail.lines[i].data());
    return;
  }
  began_ = true;
  for (std::size_t i = 0; i < detail.line_count && progress_lines_ < kProgressMax; ++i, ++progress_lines_) {
    say(detail.lines[i].data());
  }
}

void Talk::complain(const Detail& detail) {
  for (std::size_t i = 0; i < detail.line_count; ++i) complain(detail.lines[i].data());
}

Talk::Reply Talk::ask(const char* prompt, Bytes& answer) {
  const bool answered = voice_.ask(voice_.self, prompt, answer);
  unseen_ = false;
  if (!answered) return Reply::kFailed;
  return !answer || answer.get()[0] == '\0' ? Reply::kEmpty : Reply::kText;
}

void Talk::end_by_prompt() {
  Bytes ignored;
  if (manner_.by_prompt && unseen_) ask("Press Enter. ", ignored);
}

}  // namespace jit::pam
