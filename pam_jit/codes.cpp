// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/codes.h"

#include <security/pam_modules.h>

#include <array>

namespace jit::pam {
namespace {

// Measured and read in the programs: sudo asks three times after PERM_DENIED or MAXTRIES in auth, once after ABORT; sshd
// the other way round; login and su end after PERM_DENIED. sudo goes on after SESSION_ERR in open_session, so that code
// is not used at all.
constexpr std::array<std::array<int, 3>, 5> kDenied = {{
    // auth, account, session
    {PAM_ABORT, PAM_PERM_DENIED, PAM_ABORT},              // sudo
    {PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED},  // su
    {PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED},  // login
    {PAM_MAXTRIES, PAM_PERM_DENIED, PAM_PERM_DENIED},     // sshd
    {PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED},  // any other
}};

}  // namespace

Door door_of(std::string_view service) {
  if (service == "sudo" || service == "sudo-i") return Door::kSudo;
  if (service == "su" || service == "su-l") return Door::kSu;
  if (service == "login" || service == "remote") return Door::kLogin;
  if (service == "sshd") return Door::kSsh;
  return Door::kOther;
}

const char* word_of(Door door) {
  switch (door) {
    case Door::kSudo: return "sudo";
    case Door::kSu: return "su";
    case Door::kLogin: return "login";
    case Door::kSsh: return "ssh";
    case Door::kOther: break;
  }
  return "another door";
}

const char* word_of(Phase phase) {
  switch (phase) {
    case Phase::kAuth: return "auth";
    case Phase::kAccount: return "account";
    case Phase::kCommand: return "command";
    case Phase::kSession: break;
  }
  return "session";
}

int code_for(Door door, Phase phase, Verdict verdict) {
  int code = phase == Phase::kCommand ? PAM_ABORT : kDenied[static_cast<std::size_t>(door)][static_cast<std::size_t>(phase)];
  if (verdict == Verdict::kAllow) code = PAM_SUCCESS;
  return code;
}

}  // namespace jit::pam
