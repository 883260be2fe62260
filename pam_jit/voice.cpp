// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/voice.h"

#include <security/pam_ext.h>

namespace jit::pam {
namespace {

void show(void* self, bool error, const char* text) {
  char* response = nullptr;
  pam_prompt(static_cast<pam_handle_t*>(self), error ? PAM_ERROR_MSG : PAM_TEXT_INFO, &response, "%s", text);
  const Bytes owned(response);
}

bool ask(void* self, const char* prompt, Bytes& answer) {
  char* response = nullptr;
  const int code = pam_prompt(static_cast<pam_handle_t*>(self), PAM_PROMPT_ECHO_ON, &response, "%s", prompt);
  answer.reset(response);
  return code == PAM_SUCCESS;
}

}  // namespace

Voice voice_of(pam_handle_t* handle) { return {handle, show, ask, nullptr}; }

}  // namespace jit::pam
