// SPDX-License-Identifier: Apache-2.0
// The six ways in. Three decide; the other three have nothing to decide.
#include <security/pam_modules.h>

#include "pam_jit/decide.h"

using jit::pam::Phase;

#define JIT_EXPORT extern "C" __attribute__((visibility("default")))

JIT_EXPORT int pam_sm_authenticate(pam_handle_t* handle, int, int argc, const char** argv) {
  return jit::pam::ask_gate(handle, Phase::kAuth, argc, argv);
}

JIT_EXPORT int pam_sm_acct_mgmt(pam_handle_t* handle, int, int argc, const char** argv) {
  return jit::pam::ask_gate(handle, Phase::kAccount, argc, argv);
}

JIT_EXPORT int pam_sm_open_session(pam_handle_t* handle, int, int argc, const char** argv) {
  return jit::pam::open_session(handle, argc, argv);
}

// We hold no credentials. The host program calls this after auth and account have decided, and a failure here would end
// a login that was approved.
JIT_EXPORT int pam_sm_setcred(pam_handle_t*, int, int, const char**) { return PAM_SUCCESS; }

// The end of a session is seen by whoever watches its processes, not told by the host program, which may be dead.
JIT_EXPORT int pam_sm_close_session(pam_handle_t*, int, int, const char**) { return PAM_SUCCESS; }

// Not a password service: a line of ours in a password stack is a mistake, and a mistake denies.
JIT_EXPORT int pam_sm_chauthtok(pam_handle_t*, int, int, const char**) { return PAM_PERM_DENIED; }
