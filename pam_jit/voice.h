// SPDX-License-Identifier: Apache-2.0
// PAM's conversation. PAM_SILENT is not asked: sudo sets it always, and who is denied must learn why.
#pragma once

#include <security/pam_modules.h>

#include "pam_jit/talk.h"

namespace jit::pam {

Voice voice_of(pam_handle_t* handle);

}  // namespace jit::pam
