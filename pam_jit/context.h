// SPDX-License-Identifier: Apache-2.0
// What the module reports of an attempt. Everything about the process itself the broker derives under the pidfd.
#pragma once

#include <systemd/sd-bus.h>

#include <string_view>

#include "pam_jit/guest.h"

namespace jit::pam {

// Views into what the caller holds. A view without data is not sent.
struct Context {
  std::string_view service;  // never empty
  std::string_view phase;    // "auth", "account" or "command"
  std::string_view user;     // PAM_USER
  std::string_view ruser, rhost, tty;
  std::string_view cwd;
  std::string_view argv;  // words, each ended by a NUL
  std::string_view reason, reason_from;
  std::string_view ticket;
  std::string_view via;  // NUL-ended: the permit that was chosen
  std::string_view ssh_auth;
  std::string_view peer;  // numeric address
  bool can_ask = false;
  bool observe = false;
  bool resolves = false;  // phase "account": sudo_jit asks next
  // Phase "command": what sudo will run.
  std::string_view run;  // words, each ended by a NUL
  std::string_view run_path, run_user, run_group, recording;
  std::uint32_t run_uid = 0;
  int program = -1;  // open for reading, not owned; -1: none
  bool child = false;
  std::uint32_t budget_s = 0;
};

// What proves who asks: taken of this process.
struct Proof {
  Fd pidfd, exe, mnt_ns;
  bool take();  // false: one of them could not be had
};

// The arguments of Submit and of Bind; false where memory ran out.
bool append_submit(sd_bus_message* m, const Context& context, const Proof& proof);
bool append_bind(sd_bus_message* m, std::string_view service, std::string_view user, std::string_view ssh_auth, int pidfd);

}  // namespace jit::pam
