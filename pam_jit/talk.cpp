// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/talk.h"

#include <security/pam_ext.h>

namespace jit::pam {

constexpr std::size_t kProgressMax = 6;

void Talk::show(int style, const char* text) {
  if (manner_.silent) return;
  char* response = nullptr;
  pam_prompt(handle_, style, &response, "%s", text);
  const Bytes owned(response);
  unseen_ = true;
}

void Talk::say(const char* text) { show(manner_.errors_only ? PAM_ERROR_MSG : PAM_TEXT_INFO, text); }
void Talk::complain(const char* text) { show(PAM_ERROR_MSG, text); }

void Talk::say(const Detail& detail) {
  for (std::size_t i = 0; i < detail.line_count; ++i) say(detail.lines[i].data());
}

void Talk::progress(const Detail& detail) {
  for (std::size_t i = 0; i < detail.line_count && progress_lines_ < kProgressMax; ++i, ++progress_lines_) {
    say(detail.lines[i].data());
  }
}

void Talk::complain(const Detail& detail) {
  for (std::size_t i = 0; i < detail.line_count; ++i) complain(detail.lines[i].data());
}

Talk::Reply Talk::ask(const char* prompt, Bytes& answer) {
  char* response = nullptr;
  const int code = pam_prompt(handle_, PAM_PROMPT_ECHO_ON, &response, "%s", prompt);
  answer.reset(response);
  unseen_ = false;
  if (code != PAM_SUCCESS) return Reply::kFailed;
  return response == nullptr || *response == '\0' ? Reply::kEmpty : Reply::kText;
}

void Talk::end_by_prompt() {
  Bytes ignored;
  if (manner_.by_prompt && unseen_) ask("Press Enter. ", ignored);
}

}  // namespace jit::pam
